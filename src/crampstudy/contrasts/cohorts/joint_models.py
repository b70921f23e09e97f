"""What one model of all cohorts says: whether groups differ alike, the trend with age, a ratio at the same people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crampstudy import estimates, wording
from crampstudy.cohort import Cohort
from crampstudy.cohort.pooling import pooled
from crampstudy.contrasts.cohorts.adjusted import adjusted, adjusted_cells
from crampstudy.contrasts.cohorts.asked import ComparisonRequest
from crampstudy.contrasts.cohorts.comparable import Comparable, comparable
from crampstudy.contrasts.cohorts.interaction import interaction, interaction_cells, trend, trend_cells
from crampstudy.contrasts.cohorts.measures import EDGES, FEWEST, GroupMeasures
from crampstudy.descriptive.rates import ALL
from crampstudy.estimates.groups import part_of
from crampstudy.models.terms import formula

Row = dict[str, Any]


def joint_models(
    cohorts: Sequence[Cohort], found: Sequence[GroupMeasures], outcome: str | None, asked: ComparisonRequest
) -> list[Row]:
    """Return the test of cohort by group, alone and adjusted for sex, what is asked to be adjusted, and the trend.

    The test, and what is adjusted, are of the groups that are large enough in all cohorts; a note names them. A cohort
    that a model cannot hold is left out of it, and why is said.

    Args:
        cohorts: two or more of one kind, the reference first.
        found: the measures of each.
        outcome: of surveys, what models call it.
        asked: the comparison.
    """
    joint = _Joint(tuple(cohorts), pooled(cohorts), tuple(found), outcome, asked)
    made = joint.tests(())
    if asked.by != "sex" and _both_sexes(cohorts):
        made += joint.tests(("sex",))
    if asked.adjust:
        made += joint.adjusted()
    if asked.by == "age_band" and joint.together.has("age_years"):
        made += joint.trends()
    population = part_of(asked.whole if joint.by_age else ALL, asked.where)
    return [estimates.row(**{k: v for k, v in row.items() if k != "key"} | {"population": population}) for row in made]


@dataclass(frozen=True, slots=True)
class _Joint:
    """The models of cohorts of one kind, the reference first: ``together`` they are pooled, ``found`` their numbers."""

    cohorts: tuple[Cohort, ...]
    together: Cohort
    found: tuple[GroupMeasures, ...]
    outcome: str | None
    asked: ComparisonRequest

    @property
    def by_age(self) -> bool:
        """Whether the youngest are left out: a diary's groups by sex and the like are of all ages."""
        aged = self.together.has("age_years")
        return aged and (self.asked.by == "age_band" or self.together.kind == "survey")

    @property
    def _youngest(self) -> int | None:
        return self.asked.bands.limits[0] if self.by_age else None

    @property
    def _cells(self) -> Row:
        """What a row says that no model is behind."""
        survey = self.together.kind == "survey"
        return {
            "cohort": self.together.name,
            "outcome": self.found[0].outcome,
            "model": "survey-logistic" if survey else "poisson",
            "ci_level": self.asked.ci_level,
        }

    def tests(self, beside: tuple[str, ...]) -> list[Row]:
        """Return the test of cohort by group, adjusted for what is ``beside``."""
        by = self.asked.by
        can = comparable(
            self.together, self.found, (by, *beside), self.asked, youngest=self._youngest, overlapping=beside
        )
        part = self._part(can)
        if part.why_not:
            cells = self._cells | interaction_cells(by, beside) | {"note": part.why_not}
            return [estimates.row(status="not_estimable", **cells)]
        held, fewest = self._held(can), part.fewest
        made = interaction(held, by, outcome=self.outcome, beside=beside, fewest=fewest, **self._more(part.condition))
        left_out = [f"left out, {why}" for why in can.why_not.values()]
        return [self._noted(row, *part.remarks, *left_out) for row in made]

    def adjusted(self) -> list[Row]:
        """Return ratio and difference of each cohort at the same people, adjusted for what is asked."""
        asked = self.asked
        beside = sorted(formula.columns_in(formula.parse(asked.adjust)))
        columns = dict.fromkeys((asked.by, *beside))
        can = comparable(self.together, self.found, tuple(columns), asked, youngest=self._youngest, overlapping=beside)
        part = self._part(can)
        made: list[Row] = []
        if not part.why_not and self.cohorts[0].name in can.names:
            over = asked.average_over
            more: dict[str, Any] = {"beside": asked.adjust, "over": over, "margins": asked.margins}
            more |= self._more(part.condition)
            rows = adjusted(self._held(can), can.names, asked.by, outcome=self.outcome, **more)
            if can.why_not:
                own = adjusted_cells(asked.by, asked.adjust, can.names[0], over, can.names)
                rows = [row | {"estimand": own["estimand"]} for row in rows]
            made += [self._noted(row, *part.remarks, *self._constant(can, beside)) for row in rows]
        of_reference = can.why_not.get(self.cohorts[0].name)
        for name in (cohort.name for cohort in self.cohorts[1:]):
            if why := can.why_not.get(name) or of_reference or part.why_not:
                cells = self._cells | adjusted_cells(asked.by, asked.adjust, self.cohorts[0].name)
                cells |= {"cohort": name, "note": why}
                scales = (f"{self.found[0].scale}_ratio", "difference")
                made += [estimates.row(status="not_estimable", **cells | {"scale": scale}) for scale in scales]
        order = {cohort.name: place for place, cohort in enumerate(self.cohorts)}
        return sorted(made, key=lambda row: order[row["cohort"]])

    def trends(self) -> list[Row]:
        """Return the ratio per 10 years of age in each cohort whose people are of several ages."""
        can = comparable(self.together, self.found, ("age_years",), self.asked, youngest=self._youngest)
        flat = [name for name in can.names if can.ages(name) < 2]
        why_not = dict(can.why_not) | {name: f"all participants are of one age ({name})" for name in flat}
        able = [cohort for cohort in self.cohorts if cohort.name not in why_not]
        made: dict[str, Row] = {}
        if able:
            held = able[0] if len(able) == 1 else self._pool(able)
            names = [cohort.name for cohort in able]
            for row in trend(held, names, outcome=self.outcome, **self._more(None)):
                made[row["level"]] = row | {"cohort": self.together.name}
        scale = "odds_ratio" if self.together.kind == "survey" else "rate_ratio"
        for name, why in why_not.items():
            cells = self._cells | trend_cells(name) | {"scale": scale, "note": why}
            made[name] = estimates.row(status="not_estimable", **cells)
        return [made[cohort.name] for cohort in self.cohorts]

    def _part(self, can: Comparable) -> _Part:
        """Return the part that a model is of: the groups in which every cohort has enough participants."""
        if len(can.names) < 2:
            return _Part(why_not=estimates.note(*dict.fromkeys(can.why_not.values())) or "")
        counts = can.counts(self.asked.by)
        single = dict.fromkeys(label for each in self.found for label in each.labels[:-1])
        present = {label: counts[label] for label in single if label in counts}
        shared = [label for label, numbers in present.items() if min(numbers) >= FEWEST]
        if not shared:
            return _Part(why_not=f"no group has at least {FEWEST} participants in every cohort")
        if edge := self._edge(can.names, shared):
            return _Part(why_not=edge)
        fewest = min(min(present[label]) for label in shared)
        if len(shared) == len(present):
            return _Part(fewest=fewest)
        said = f"of the groups with at least {FEWEST} participants in every cohort: "
        condition = f"{self.asked.by} IN ({', '.join(map(_written, shared))})"
        return _Part(condition, fewest, (said + wording.listed(map(wording.level, shared)),))

    def _edge(self, names: Sequence[str], groups: Sequence[str]) -> str:
        """Return in which group of which cohort nobody has cramps, or everybody, so that no ratio to others exists."""
        for label in groups:
            for each in (each for each in self.found if each.cohort in names):
                why = each.why_not[each.labels.index(label)]
                if why in EDGES:
                    return f"{why} in the group {wording.level(label)} ({each.cohort})"
        return ""

    def _held(self, can: Comparable) -> Cohort:
        return self._pool([cohort for cohort in self.cohorts if cohort.name in can.names])

    def _pool(self, cohorts: Sequence[Cohort]) -> Cohort:
        return self.together if len(cohorts) == len(self.cohorts) else pooled(cohorts)

    def _more(self, condition: str | None) -> dict[str, Any]:
        youngest = [] if self._youngest is None else [f"age_years >= {self._youngest}"]
        where = _all_of(self.asked.where, *youngest, condition)
        return {"bands": self.asked.bands, "ci_level": self.asked.ci_level, "where": where}

    def _noted(self, row: Row, *said: str) -> Row:
        return row | {"cohort": self._cohort(row), "note": estimates.note(row["note"] or "", *said)}

    def _cohort(self, row: Row) -> str:
        """Return whose row it is: of a test of some of the cohorts it is all the same."""
        of_one = any(cohort.name == row["cohort"] for cohort in self.cohorts)
        return str(row["cohort"]) if of_one else self.together.name

    @staticmethod
    def _constant(can: Comparable, columns: Sequence[str]) -> list[str]:
        """Return what is the same for everybody in some of the cohorts, so that it is learnt from the others."""
        made = []
        for column, names in can.constant(columns).items():
            label, others = wording.small(wording.label(column)), [name for name in can.names if name not in names]
            if others:
                alone = f"so that its coefficient rests on {wording.listed(others)} alone"
                made.append(f"{label} does not vary in {wording.listed(names)}, {alone}")
            else:
                made.append(f"{label} does not vary in any cohort")
        return made


@dataclass(frozen=True, slots=True)
class _Part:
    """The part of all cohorts that a model is of, by its ``condition``, or ``why_not``; ``remarks`` name its groups.

    ``fewest`` are the participants of its smallest group in any cohort.
    """

    condition: str | None = None
    fewest: int = 0
    remarks: tuple[str, ...] = ()
    why_not: str = ""


def _both_sexes(cohorts: Sequence[Cohort]) -> bool:
    return any(
        cohort.has("sex") and cohort.frame("participants")["sex"].drop_nulls().n_unique() > 1 for cohort in cohorts
    )


def _written(label: str) -> str:
    quoted = label.replace("'", "''")
    return label.upper() if label in ("true", "false") else f"'{quoted}'"


def _all_of(*conditions: str | None) -> str | None:
    return " AND ".join(f"({part})" for part in filter(None, conditions)) or None
