"""An exposure adjusted for what the causal graph asks for, among the columns that the cohort measured."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from crampstudy import codebook, estimates
from crampstudy.causal import Adjustment, CausalGraph, adjustment_set, measured_in, study
from crampstudy.causal.graph import together
from crampstudy.codebook import exposures
from crampstudy.cohort import Cohort
from crampstudy.cohort.remembered import remembered
from crampstudy.contrasts.age_term import SPLINE, age_term
from crampstudy.estimates import adjustment, kinds
from crampstudy.estimates.adjustment import NO_EFFECT, NOT_MEASURED, NOT_TAKEN_IN, SUFFICIENT, TOO_FEW, Enough
from crampstudy.estimates.facts import with_facts
from crampstudy.models.coefficients.result import Fit
from crampstudy.models.fit import fit
from crampstudy.models.terms import formula
from crampstudy.models.terms.columns import quoted
from crampstudy.models.validation import default_outcome
from crampstudy.nights import people
from crampstudy.nights.calendar import CALENDAR
from crampstudy.wording import CONTRAST, listed, with_none


@dataclass(frozen=True, slots=True)
class Sufficiency:
    """How far an exposure is adjusted for what the causal graph asks for: a ``sentence``, and ``cells`` of rows."""

    sentence: str
    cells: Mapping[str, str | None]

    @classmethod
    def of(cls, found: Adjustment, crowded: Sequence[str] = (), untold: Sequence[str] = ()) -> Sufficiency:
        """Return that of an adjustment of which a model left terms out.

        Args:
            found: what the graph asks for.
            crowded: the terms that there was no room for.
            untold: those that have no value on the rows of the model, do not differ, or set the outcome apart.
        """
        if not (crowded or untold):
            why: Enough = NO_EFFECT if found.backwards else NOT_MEASURED if found.missing else SUFFICIENT
            return cls(found.sentence, adjustment.cells(why, [node.name for node in found.missing]))
        why_not = [no_room_for(crowded)] if crowded else []
        why_not += [f"{listed(joint_names(untold))} could not be taken in as well"] if untold else []
        said = f"adjusted for fewer than {found.graph} asks for: {', and '.join(why_not)}"
        return cls(said, adjustment.cells(TOO_FEW if crowded else NOT_TAKEN_IN, joint_names([*crowded, *untold])))

    def on(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return a row that says this in its note and its cells; what has no estimate is adjusted for nothing."""
        if pd.isna(row["estimate"]):
            return {**row, **adjustment.NONE}
        said = "" if pd.isna(row["note"]) else row["note"]
        return {**row, **self.cells, "note": estimates.note(self.sentence, said)}


def for_nothing(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return an adjusted row with the fact that it is adjusted for nothing, where it has an estimate."""
    return {**row} if pd.isna(row["estimate"]) else with_facts(row, {"adjusted": "for nothing"})


@dataclass(frozen=True, slots=True)
class AdjustedFit:
    """A ``fit`` of the terms of an exposure beside what it is adjusted for; ``held`` is how far the graph asks that.

    ``terms`` are those of the exposure as the fit shows them.
    """

    fit: Fit
    terms: tuple[str, ...]
    held: Sufficiency

    @property
    def said(self) -> str:
        """What the graph says of what it is adjusted for."""
        return self.held.sentence

    @property
    def estimates(self) -> pd.DataFrame:
        """The rows of the exposure alone, with what they are adjusted for in their notes."""
        rows = self.fit.estimates
        of_contrasts = [f"{CONTRAST}{term}" for term in (*self.terms, *self._variables())]
        own = rows[rows["term"].isin([*self.terms, *of_contrasts]) & ~kinds.is_split(rows)]
        # What has no estimate is adjusted for nothing, and its note says why.
        made = [self.held.on(row) for row in with_none(own)]
        return estimates.frame(made).set_axis(own.index)

    def _variables(self) -> set[str]:
        return {name for term in self.terms for name in formula.names_in(formula.parse(term))}


def adjusted_fit(
    cohort: Cohort,
    exposure: str,
    *,
    model: str,
    outcome: str | None = None,
    terms: Sequence[str] = (),
    besides: Sequence[str] = (),
    measured: Collection[str] | None = None,
    graph: CausalGraph | None = None,
    analysis: str = kinds.GRAPH_ADJUSTED.name,
    **more: Any,
) -> AdjustedFit:
    """Fit an exposure with a minimal sufficient set of the causal graph beside it.

    Age enters as a natural cubic spline; of an exposure of persons what differs from night to night enters as the
    person's mean. Where a model of few participants has to leave terms out, these are what it is adjusted for, and the
    note says that the set is no longer sufficient.

    Args:
        cohort: a diary or a survey.
        exposure: a column that the graph knows, or a term of one such as ``within(fluid_ml)``.
        model: a model by its name.
        outcome: one of the model's outcomes; the first of them by default.
        terms: the terms of the exposure, such as a spline; the exposure as it stands by default.
        besides: further terms that the model has whatever the graph says.
        measured: the columns that it may be adjusted for; all of the cohort's by default.
        graph: by default that of the study.
        analysis: the kind of the rows.
        more: other arguments of :func:`crampstudy.fit`, such as ``where`` or ``participants_per_coefficient``.

    Raises:
        UsageError: the graph does not know the exposure or the outcome; else as :func:`crampstudy.fit`.
    """
    known = graph or study()
    named = default_outcome(model, outcome)
    able = measured_in(cohort, exposure) if measured is None else measured
    found = differing(cohort, adjustment_set(exposure, named, able, known))
    asked = tuple(terms) or (exposure,)
    held = {name for term in (*asked, *besides) for name in formula.names_in(formula.parse(term))}
    age = age_term(cohort, more.get("where"))
    every = [age if each == SPLINE else each for each in covariates_of(cohort, found, known, held)]
    covariates = [each for each in every if each not in besides]
    fitted = fit(
        cohort,
        model=model,
        outcome=outcome,
        terms=" + ".join([*asked, *besides, *covariates]),
        adjusted_for=[*besides, *covariates],
        analysis=analysis,
        **more,
    )
    shown = tuple(formula.as_shown(term, fitted.estimates["term"].tolist()) for term in asked)
    return AdjustedFit(fitted, shown, held_of(found, fitted, covariates))


def differing(cohort: Cohort, found: Adjustment) -> Adjustment:
    """Return an adjustment without what does not differ in a cohort: sex among women confounds nothing."""
    differ = [i for i, column in enumerate(found.columns) if varies(cohort, column)]
    return replace(found, nodes=tuple(found.nodes[i] for i in differ), columns=tuple(found.columns[i] for i in differ))


def covariates_of(cohort: Cohort, found: Adjustment, graph: CausalGraph, held: Collection[str] = ()) -> list[str]:
    """Return what an exposure is adjusted for as terms, but for columns that the model has or that do not differ."""
    of_persons = graph.node(found.exposure).of == "person" or found.exposure.startswith("between(")
    terms = (
        term
        for column in found.columns
        if column not in held and varies(cohort, column)
        for term in (_of_persons(cohort, column, found.outcome) if of_persons else (_as_term(cohort, column),))
    )
    return list(dict.fromkeys(terms))


def _as_term(cohort: Cohort, column: str) -> str:
    """Return a column that is adjusted for as a term: age as a spline."""
    return age_term(cohort) if column == "age_years" else column


def _of_persons(cohort: Cohort, column: str, outcome: str) -> Iterator[str]:
    """Yield the terms of a column beside an exposure of persons: what differs from night to night as a mean.

    The mean over earlier nights is that over all of them. Earlier nights of the outcome, or of what it can move, stay
    what they are: their mean has the outcome in it.
    """
    if cohort.kind == "survey":
        yield _as_term(cohort, column)
        return
    nightly = {*cohort.tables["diary"].columns, *CALENDAR}
    for term in column.split(" + "):
        shifted = exposures.find(term)
        name = shifted.variable if shifted else term
        after = name == outcome or (shifted is not None and codebook.can_move(outcome, name))
        yield f"between({quoted(name)})" if name in nightly and not after else _as_term(cohort, term)


@remembered
def varies(cohort: Cohort, column: str) -> bool:
    """Return whether a column that is adjusted for differs at all; terms of several nights do."""
    who = people(cohort)
    frame = who if column in who.columns else cohort.tables.get("diary")
    if frame is None or column not in frame.columns or exposures.find(column):
        return True
    return frame[column].drop_nulls().n_unique() > 1


def held_of(found: Adjustment, fitted: Fit, covariates: Sequence[str]) -> Sufficiency:
    """Return how far an adjustment was made, of which a model may have left terms out.

    There were too few participants for them, or they set the outcome apart.
    """
    crowded, apart = ([t for t in single_terms(covariates) if t in lost] for lost in (fitted.surplus, fitted.left_out))
    return Sufficiency.of(found, crowded, apart)


def single_terms(terms: Sequence[str]) -> list[str]:
    """Return the terms of a formula one by one, as its rows name them."""
    return [str(term) for each in terms for term in formula.parse(each) if str(term) != "1"]


def no_room_for(terms: Sequence[str]) -> str:
    """Return that a model of few participants had no room for terms."""
    return f"too few participants to take {listed(joint_names(terms))} in as well"


def joint_names(terms: Sequence[str]) -> list[str]:
    """Return terms by name: columns that show one thing together are one."""
    joint = {
        one: node.name for node in study().nodes for each in node.measured_by if " + " in each for one in together(each)
    }
    return list(dict.fromkeys(joint.get(exposures.unsplit(term), term) for term in terms))
