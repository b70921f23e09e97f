"""Drinking, eating and stretching as advised, all three together against none of them: the g-formula."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray

from crampstudy import estimates, wording
from crampstudy.arrays import Array, Flags
from crampstudy.causal import Adjustment, CausalNode, adjustment_set, measured_in, study
from crampstudy.causal.graph import descendants, source
from crampstudy.codebook.exposures import Exposure
from crampstudy.codebook.intakes import reference_intakes
from crampstudy.cohort import Cohort, subpopulation
from crampstudy.contrasts import person_time
from crampstudy.contrasts.adjusted import covariates_of, joint_names, no_room_for, single_terms
from crampstudy.contrasts.nights.windows import few_ever
from crampstudy.estimates import adjustment, kinds
from crampstudy.estimates.verdicts import FEWEST_EXPOSED, MARGINS
from crampstudy.models.common.distributions import POISSON
from crampstudy.models.common.estimability import counted_apart, dependent, separated
from crampstudy.models.common.separation import Apart
from crampstudy.models.covariates import settle, told
from crampstudy.models.inference import small_sample
from crampstudy.models.inference.automatic import bias_reduces
from crampstudy.models.inference.covariance import p_value, quantile
from crampstudy.models.nights import count
from crampstudy.models.optimise import products
from crampstudy.models.terms import design_matrix, formula
from crampstudy.nights import NIGHTS_PER_WEEK, Diary, check_part_of_nights, denominator, person_nights

PROGRAMME = "joint_programme"
MINERALS = ("dietary_magnesium_mg", "dietary_potassium_mg", "dietary_calcium_mg")
ENOUGH_MINERALS = 2
NIGHTS_STRETCHED, OF_NIGHTS = 5, 7
_DRINKS, _STRETCHES, _EATS = "fluid_guideline", "stretches_often", "eats_enough"
_ADVICE = (_DRINKS, _STRETCHES, _EATS)
_NODES = ("fluid_ml", "stretch_calf_min", *MINERALS)
_OUTCOME = "cramps"
_SIDES = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, -1.0]])
"""All, none, and the ratio of the two, on the log scale."""
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Standardised:
    """Mean counts of a night under all of the programme and under none, with the scores of both by participant.

    ``influence`` (G x 2) are the participants' contributions to the errors of both, of stacked estimating equations;
    ``by_model`` (G x 2) those that come by the coefficients, by which both have the derivatives ``slopes`` (2 x p).
    """

    all: float
    none: float
    influence: Array
    by_model: Array
    slopes: Array

    def covariance(self) -> Array:
        """Return the covariance (2 x 2) of the logarithms of both means, times G / (G - 1)."""
        return self._between(self.influence)

    def errors(self, nights: small_sample.Nights) -> tuple[Array, Array]:
        """Return standard errors and degrees of freedom of the logarithms of both means and of their ratio (3 each).

        Where participants are few, the errors are those of the stacked equations times as much as CR2 adds to the part
        that comes by the coefficients, and the degrees of freedom Satterthwaite's of that part.
        """
        found, people = _diagonal(self.covariance()), len(self.influence)
        if not bias_reduces("auto", people):
            return np.sqrt(found), np.full(len(_SIDES), people - 1.0)
        small = small_sample.bias_reduced(nights)
        slopes = _SIDES @ (self.slopes / np.array([[self.all], [self.none]]))
        plain = _diagonal(self._between(self.by_model))
        reduced = np.einsum("kp,pq,kq->k", slopes, small.covariance, slopes)
        return np.sqrt(found * np.maximum(reduced / plain, 1)), small.moments.df(slopes)

    def _between(self, influence: Array) -> Array:
        people = len(influence)
        relative = influence / np.array([self.all, self.none])
        made: Array = people / (people - 1) * relative.T @ relative
        return made


def _diagonal(covariance: Array) -> Array:
    made: Array = np.einsum("ki,ij,kj->k", _SIDES, covariance, _SIDES)
    return made


def joint_programme(cohort: Cohort, *, where: str | None = None, ci_level: float = 0.95, **more: Any) -> pd.DataFrame:
    """Return the rates of cramps were all advice followed on every night, and none, and the ratio of the two.

    Who follows it drinks at least 1,893 mL on the day, has stretched on 5 of the last 7 nights, and eats on average at
    least the reference intake of two of magnesium, potassium and calcium for age and sex. A Poisson model has the three
    with all of their products and what the causal graph asks for of each of them, but for what another of them moves;
    its means are averaged over all person-nights fitted. The interval is of stacked estimating equations with
    participants as clusters, G / (G - 1), and t of a degree of freedom less than participants; up to
    :data:`~crampstudy.models.inference.automatic.MOST_BIAS_REDUCED` of them with what CR2 adds and Satterthwaite's
    degrees of freedom.

    Args:
        cohort: a diary.
        where: condition that names a part of the cohort.
        ci_level: confidence level.
        more: ``participants_per_coefficient`` as of :func:`crampstudy.fit`.

    Returns:
        Tidy estimates: ``level`` all of it, none of it, and all against none.

    Source: Robins 1986 (g-formula); Stefanski and Boos 2002 (stacked estimating equations); Bell and McCaffrey 2002
    (CR2).
    """
    cells = {
        "cohort": cohort.name,
        "population": where or "all participants",
        "outcome": _OUTCOME,
        "analysis": kinds.JOINT.name,
        "model": "poisson",
        "term": PROGRAMME,
        "ci_level": ci_level,
        "estimand": "g-formula, averaged over the person-nights observed",
    }
    ratio = cells | {"level": "all against none", "scale": "rate_ratio", "unit": "all three against none"}
    measured = measured_in(cohort)
    if missing := _unmeasured(measured):
        said = (
            f"drinking, eating and stretching as advised, taken together, need {wording.listed(map(_printed, missing))}"
        )
        facts = {"needs": " and ".join(missing)}
        return estimates.frame([estimates.row(status="not_measured", **ratio | {"note": said, "facts": facts})])
    if reason := denominator(cohort).why_not:
        return estimates.frame([estimates.row(status="not_estimable", **ratio | {"note": reason})])
    covariates, lacking = _adjustment(cohort, measured)
    nights = _nights(cohort, covariates, where)
    inside = subpopulation.select(nights, where).inside.to_numpy()
    asked = partial(_Nights.of, nights, covariates, inside, more.get("participants_per_coefficient"))
    model, left_out = settle(covariates, asked)
    design, used = model.design, nights.filter(pl.Series(model.design.rows))
    ratio |= {"n_participants": used["participant_id"].n_unique(), "n_nights": used.height}
    held = [term for term in single_terms(covariates) if term in design.terms()]
    ratio |= {"n_events": int(used["cramps"].sum()), "adjusted_for": "; ".join(held) or None}
    if reason := _obstacle(design, used) or model.reason:
        return estimates.frame([estimates.row(status="not_estimable", **ratio | {"note": reason})])
    counts = used["cramps"].to_numpy().astype(np.float64)
    fitted = count.poisson(design.matrix, counts, np.zeros(len(counts)))
    if fitted.problem:
        return estimates.frame([estimates.row(status="not_converged", **ratio | {"note": fitted.problem})])
    people = (used["participant_id"].rank("dense") - 1).to_numpy().astype(np.intp)
    sides = (_set(design, used, follows) for follows in (True, False))
    found = standardise(design.matrix, counts, fitted.coefficients, people, sides)
    errors, df = found.errors(
        small_sample.Nights(design.matrix, counts, np.zeros(len(counts)), people, fitted.coefficients, POISSON)
    )
    crowded = [term for term in design.surplus if ":" not in term]
    why = adjustment.NOT_MEASURED if lacking else adjustment.SUFFICIENT
    why = adjustment.TOO_FEW if crowded else adjustment.NOT_TAKEN_IN if left_out else why
    ratio |= adjustment.cells(why, joint_names([*crowded, *left_out]) or [node.name for node in lacking])
    note = estimates.note(_said(lacking, crowded, left_out), *told(left_out), _products(design))
    return estimates.frame(_rows(found, errors, df, ratio | {"note": note}))


@dataclass(frozen=True, slots=True)
class _Nights:
    """The ``design`` of the nights, and the ``reason`` why some term leaves none of them an estimate."""

    design: design_matrix.Design
    reason: Apart | None

    @property
    def apart(self) -> Mapping[str, str]:
        return self.reason.by if self.reason else {}

    @classmethod
    def of(
        cls,
        nights: pl.DataFrame,
        covariates: Sequence[str],
        inside: Flags,
        per_coefficient: int | None,
        out: Mapping[str, str],
    ) -> _Nights:
        """Return the nights ``inside`` with the three kinds of advice and the covariates that are not ``out``.

        Args:
            nights: all of them.
            covariates: what the three are adjusted for.
            inside: which nights (n) are asked about.
            per_coefficient: how many participants each coefficient needs.
            out: covariates that are left out.
        """
        terms = " + ".join(["*".join(_ADVICE), *(each for each in covariates if each not in out)])
        design = design_matrix.build(nights, terms, candidate=inside, per_coefficient=per_coefficient)
        counts = nights["cramps"].filter(pl.Series(design.rows)).to_numpy()
        if not counts.any() or dependent(design.standardised().matrix):
            return cls(design, None)
        found = separated(design.standardised(), counts)
        once = np.ones(len(counts), dtype=np.int64)
        return cls(design, counted_apart(found, design, counts, once) if found else None)


def standardise(
    matrix: Array, counts: Array, coefficients: Array, people: NDArray[np.intp], sides: Iterable[Array]
) -> Standardised:
    """Return the means that a log-linear model has with its rows as they are on either of two ``sides``.

    Args:
        matrix: the design (n x p) that was fitted.
        counts: the outcome (n).
        coefficients: those of the model (p).
        people: the number of each row's participant (n), from 0 on.
        sides: the design (n x p) under all of a programme, and under none, of which one at a time is held.
    """
    size, group = len(counts), int(people.max()) + 1
    fitted = np.exp(matrix @ coefficients)
    bread = np.linalg.inv(products.weighted(matrix, fitted))
    means, slopes, averaged, by_model = [], [], np.zeros((group, 2)), np.zeros((group, 2))
    for k, side in enumerate(sides):
        at = np.exp(side @ coefficients)
        means.append(float(at.mean()))
        slopes.append((at @ side) / size)
        np.add.at(averaged[:, k], people, (at - means[k]) / size)
        np.add.at(by_model[:, k], people, (counts - fitted) * (matrix @ (bread @ slopes[k])))
    return Standardised(means[0], means[1], averaged + by_model, by_model, np.array(slopes))


def _rows(found: Standardised, errors: Array, degrees: Array, cells: Row) -> list[Row]:
    people = len(found.influence)
    values = {"all of it": found.all, "none of it": found.none, "all against none": found.all / found.none}
    made = []
    for (level, value), error, df in zip(values.items(), map(float, errors), map(float, degrees), strict=True):
        q = quantile(cells["ci_level"], df)
        own = cells | {"level": level, "std_error": error, "df": df, "n_groups": people}
        factor = 1.0
        if level != "all against none":
            factor, own = NIGHTS_PER_WEEK, own | {"scale": "rate", "unit": "cramps per person-week"}
        else:
            own["p_value"] = p_value(math.log(value) / error, df)
        limits = [factor * value * math.exp(side * q * error) for side in (0, -1, 1)]
        own |= dict(zip(("estimate", "ci_low", "ci_high"), limits, strict=True))
        made.append(estimates.row(status="converged", **own))
    return [*made[:2], person_time.judged(made[2], MARGINS)]


def _unmeasured(measured: frozenset[str]) -> list[str]:
    lacking = [name for name in (_DRINKS, "stretching_night") if name not in measured]
    eaten = [name for name in MINERALS if name in measured]
    lacking += [name for name in MINERALS if name not in eaten] if len(eaten) < ENOUGH_MINERALS else []
    return lacking + [name for name in ("age_years", "sex") if name not in measured]


def _printed(name: str) -> str:
    return wording.small(wording.label(name))


def _nights(cohort: Cohort, covariates: Sequence[str], where: str | None) -> pl.DataFrame:
    """Return the observed nights with the three kinds of advice, each followed or not.

    Beside these there is what ``covariates`` and the condition ``where`` need.
    """
    check_part_of_nights(cohort, where)
    diary = Diary.of(cohort)
    own = [name for name in MINERALS if name in diary.schema]
    means = diary.nights.group_by("participant_id").agg(pl.col(name).mean() for name in own).collect()
    who = diary.participants.join(means, on="participant_id", how="left")
    enough = pl.sum_horizontal(_reached(name).cast(pl.Int64) for name in own)
    known = pl.any_horizontal(pl.col(name).is_not_null() for name in own) & pl.col("age_years").is_not_null()
    people = who.select(pl.all().exclude(own), pl.when(known).then(enough >= ENOUGH_MINERALS).alias(_EATS))
    stretched = Exposure("stretching_night", steps=(("days_last", OF_NIGHTS),))
    terms = formula.parse(" + ".join(["1", *covariates]))
    needed = {*_ADVICE, *formula.columns_in(terms), *(subpopulation.names(where) if where else ())}
    others = formula.exposures_in(terms)
    nights = person_nights(Diary(diary.name, people, diary.nights), names=needed, exposures=(stretched, *others))
    return nights.with_columns((pl.col(str(stretched)) >= NIGHTS_STRETCHED).alias(_STRETCHES))


def _reached(name: str) -> pl.Expr:
    """Return whether a mean is at least the reference intake at the age and sex of the person."""
    reached = pl.lit(None, pl.Boolean)
    for intake in reference_intakes():
        if intake.name == name:
            own = (pl.col("sex") == intake.sex) & (pl.col("age_years") >= intake.from_age)
            reached = pl.when(own).then(pl.col(name) >= intake.amount).otherwise(reached)
    return reached


def _adjustment(cohort: Cohort, measured: frozenset[str]) -> tuple[list[str], list[CausalNode]]:
    """Return what the three are to be adjusted for together as terms, and what was not measured of it."""
    graph = study()
    nodes = {graph.node(name).name for name in _NODES}
    after = frozenset().union(*(descendants(graph.pairs(), node) for node in nodes))
    sets: list[Adjustment] = [adjustment_set(name, _OUTCOME, measured, graph) for name in _NODES if name in measured]
    terms: dict[str, None] = {}
    for found in sets:
        moved = {c for c, node in zip(found.columns, found.nodes, strict=True) if node.name in after | nodes}
        every = covariates_of(cohort, found, graph, (*_NODES, *moved))
        terms |= dict.fromkeys(term for term in every if source(term) != _OUTCOME)
    missing = dict.fromkeys(node for found in sets for node in found.missing)
    return formula.jointly([*terms]), [*missing]


def _said(missing: Sequence[CausalNode], crowded: Sequence[str], left_out: Collection[str]) -> str:
    """Return how far the three are adjusted for what the graph asks for of them."""
    were = "was" if len(missing) == 1 else "were"
    names = [wording.small(node.meaning) for node in missing]
    lacking = f", and not for {wording.listed(names)}, which {were} not measured" if names else ""
    asked = f"{study().name} asks for of fluid, stretching and diet{lacking}"
    if not (crowded or left_out):
        return f"adjusted for what {asked}"
    return f"adjusted for fewer than {asked}{f': {no_room_for(crowded)}' if crowded else ''}"


def _products(design: design_matrix.Design) -> str:
    lost = any(":" in term for term in design.surplus)
    return "too few participants for all products of the three kinds of advice" if lost else ""


def _set(design: design_matrix.Design, used: pl.DataFrame, follows: bool) -> Array:
    """Return the design with all of the advice followed on every night, or none."""
    frame = used.with_columns(pl.lit(follows).alias(name) for name in _ADVICE).select(design.variables)
    return design.encode(frame.to_pandas())


def _obstacle(design: design_matrix.Design, used: pl.DataFrame) -> str | None:
    """Return why all of the programme cannot be set against none of it, ``None`` where it can."""
    follows: Mapping[str, pl.Expr] = {
        "all three": pl.all_horizontal(_ADVICE),
        "none of the three": ~pl.any_horizontal(_ADVICE),
    }
    for what, nights in follows.items():
        people = used.filter(nights)["participant_id"].n_unique() if used.height else 0
        if people < FEWEST_EXPOSED:
            return few_ever(people, f"followed {what}")
    lost = [name for name in _ADVICE if name not in design.terms()]
    return f"too few participants for a model of {wording.listed(map(_printed, lost))}" if lost else None
