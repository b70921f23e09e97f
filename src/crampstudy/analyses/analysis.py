"""What an analysis is: a question, how each kind of cohort answers it, and the parts that its section shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from crampstudy.analyses.findings import Findings
from crampstudy.cohort import Cohort, Kind


@dataclass(frozen=True, slots=True)
class CohortAnswer:
    """How one kind of cohort answers a question.

    Args:
        function: a pure function of a cohort and settings; of an analysis that draws on others also of their results.
        parts: labels of the tables (``tbl-…``) and figures (``fig-…``) that it gives, in the section's order.
        needs: the tables without which there is no answer, and the columns of each that must have a value.
        question: what it asks of this kind of cohort, where that is not what the analysis asks of any.
    """

    function: Callable[..., Findings]
    parts: tuple[str, ...]
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    question: str | None = None

    def lacking(self, cohort: Cohort) -> str | None:
        """Return what of its needs a cohort does not have, ``None`` where it has them all; an empty column is none."""
        for table, columns in self.needs.items():
            if table not in cohort.tables or cohort.tables[table].is_empty():
                return f"the cohort has no {table}"
            held = cohort.tables[table]
            empty = [name for name in columns if name not in held.columns or held[name].null_count() == held.height]
            if empty:
                return f"no row of the cohort's {table} has a value of {', '.join(empty)}"
        return None


@dataclass(frozen=True, slots=True)
class Analysis:
    """A question of the article.

    Args:
        name: that of its section's notebook.
        question: one sentence.
        answers: how each kind of cohort that it serves answers it.
        values: names of the texts in its section's prose, the same of every kind of cohort.
        follows_graph: whether its ratios are adjusted by the causal graph of the settings.
        draws_on_others: whether it says what the others found, and so comes after them.
        drawn_on: the others that it draws on; by default all that are not on request.
        on_request: whether it takes so long that it is run only where it is asked for by name.
    """

    name: str
    question: str
    answers: Mapping[Kind, CohortAnswer]
    values: tuple[str, ...] = ()
    follows_graph: bool = False
    draws_on_others: bool = False
    drawn_on: frozenset[str] | None = None
    on_request: bool = False

    def asks(self, kind: Kind) -> str:
        """Return the question as it is asked of a kind of cohort."""
        answer = self.answers.get(kind)
        return (answer and answer.question) or self.question

    @property
    def parts(self) -> tuple[str, ...]:
        """The labels of all its parts; a kind of cohort may have fewer."""
        return tuple(dict.fromkeys(label for answer in self.answers.values() for label in answer.parts))
