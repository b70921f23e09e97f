"""Models of participants, of cramps and of the gaps between them held against R."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import polars as pl
from numpy.typing import NDArray
from parity_cells import HERE, ROBUST, Array, Cell, differences, reference

from crampstudy.models.classes.ordinal import OrdinalFit, ordinal
from crampstudy.models.inference.covariance import Covariance, covariance
from crampstudy.models.surveys import interval_counts, linearised, survey_ordinal
from crampstudy.models.surveys.sampling import SamplingDesign
from crampstudy.models.times.cox import cox

_DOMAINS = (
    ("psu", "two_or_more", "sample, a domain", pl.lit(value=True)),
    ("psu_lonely", "lonely", "sample, a domain and a lonely PSU", pl.lit(value=True)),
    # As the scripts have it: half of the strata have one PSU in the domain.
    (
        "psu",
        "scattered",
        "sample, a domain with lonely PSUs",
        ~(pl.col("stratum").is_in([1, 4, 6]) & (pl.col("psu") == 2)),
    ),
)
"""The column of PSUs, what R's results are called, what is said of the data, and what narrows the domain."""

_OPTION = "adjust.domain.lonely"


def cells() -> Iterator[Cell]:
    """Yield every comparison of a model of a survey, of ordered classes or of times."""
    for source in (_surveys, _survey_classes, _recalled_counts, _classes, _free_classes, _relief, _gaps):
        yield from source()


def _surveys() -> Iterator[Cell]:
    table = pl.read_csv(HERE / "survey-data.csv")
    member = pl.col("domain") == 1
    matrix = np.column_stack([np.ones(table.height), (table["age"] - 50) / 10, table["sex"], table["score"]])
    models: tuple[tuple[str, str, str, linearised.Link], ...] = (
        ("survey-logistic", "logistic", "mild", "logit"),
        ("survey-poisson", "poisson", "count", "log"),
    )
    offsets = {"none": np.zeros(table.height), "log age": np.log(table["age"].to_numpy() / 50)}
    for psu, key, data, domain in _DOMAINS:
        inside = table.select(member & domain).to_series().to_numpy()
        design = SamplingDesign.of(table["stratum"].to_numpy(), table[psu].to_numpy(), table["weight"].to_numpy())
        for (model, name, outcome, link), (said, offset) in product(models, offsets.items()):
            values = table[outcome].to_numpy().astype(np.float64)
            names = ("1", "age", "sex", "score")
            fitted = linearised.regression(values, matrix, names, inside, design, link, offset)
            r = reference("survey")[key][name if said == "none" else f"{name}_offset"]
            found = differences((fitted.coefficients, fitted.std_error), r["coef"], np.sqrt(np.diag(r["vcov"])))
            family, answers = ("quasibinomial", "0 or 1") if link == "logit" else ("quasipoisson", "count")
            yield Cell(model, answers, "design", "sampling", said, data, f"survey::svyglm, {family}; {_OPTION}", *found)


_LEVELS = ("0", "1", "2", "3", "4")
_COVARIATES = ("age", "female", "score")


def _answers() -> pl.DataFrame:
    return pl.read_csv(HERE / "ordinal-data.csv")


def _codes(column: pl.Series) -> NDArray[np.intp]:
    return column.rank("dense").to_numpy().astype(np.intp) - 1


def _survey_classes() -> Iterator[Cell]:
    rows = _answers()
    matrix = rows.select(_COVARIATES).to_numpy().astype(np.float64)
    classes = rows["class"].to_numpy().astype(np.float64)
    for psu, key, data, domain in _DOMAINS:
        inside = rows.select((pl.col("domain") == 1) & domain).to_series().to_numpy()
        design = SamplingDesign.of(rows["stratum"], rows[psu], rows["weight"])
        fitted = survey_ordinal.regression(classes, matrix, _COVARIATES, inside, design, _LEVELS)
        r = reference("ordinal")["svyolr"][key]
        ours = fitted.coefficients, np.sqrt(np.diag(fitted.covariance))
        found = differences(ours, r["coefficients"] + r["thresholds"], np.sqrt(np.diag(r["covariance"])))
        yield Cell("survey-ordinal", "class", "design", "sampling", "none", data, f"survey::svyolr; {_OPTION}", *found)


def _recalled_counts() -> Iterator[Cell]:
    whole = pl.read_csv(HERE / "intervals-data.csv")
    member = (pl.col("domain") == 1) & (pl.col("weight") > 0)
    for r in reference("intervals")["fits"]:
        rows = whole if r["weighted"] else whole.filter(member)
        left = ~(pl.col("stratum").is_in([1, 4, 6, 7]) & (pl.col("psu") == 2)) if r["domain"] == "scattered" else True
        design = (
            SamplingDesign.of(rows["stratum"], rows["psu"], rows["weight"])
            if r["weighted"]
            else interval_counts.independent(rows.height)
        )
        answers = interval_counts.IntervalAnswers(
            rows["low"].to_numpy(),
            rows["high"].cast(pl.Float64).fill_null(float("nan")).to_numpy(),
            rows["nights"].to_numpy(),
            30 if r["law"] == "nights" else None,
        )
        fitted = interval_counts.fit(
            answers,
            np.column_stack([np.ones(rows.height), (rows["age"] - 60) / 10, rows["female"]]),
            ("intercept", "age", "female"),
            rows.select(member & left).to_series().to_numpy(),
            design,
            near_nightly=r["mixed"],
        )
        ours = fitted.parameters, np.sqrt(np.diag(fitted.joint))
        found = differences(ours, r["at"], r["se"])
        weights = "sampling" if r["weighted"] else "none"
        data = f"classes of {r['law']}, {'with' if r['mixed'] else 'without'} near-nightly persons, {r['domain']}"
        peer = "likelihood written out, numDeriv" + (f"; survey::svytotal; {_OPTION}" if r["weighted"] else "")
        yield Cell("interval-count", "recalled_count", "design", weights, "none", data, peer, *found)


def _ordered(rows: pl.DataFrame, times: Array | None, free: tuple[int, ...] = ()) -> OrdinalFit:
    matrix = rows.select(_COVARIATES).to_numpy().astype(np.float64)
    codes = rows["class"].to_numpy().astype(np.float64)
    return ordinal(matrix, codes, times, levels=_LEVELS, names=_COVARIATES, free=free)


def _errors(fitted: OrdinalFit, rows: pl.DataFrame, kind: Covariance) -> Array:
    variance = covariance(fitted.information, fitted.scores, _codes(rows["participant"]), kind)
    return np.sqrt(np.diag(variance))


def _classes() -> Iterator[Cell]:
    rows = _answers()
    for key, weights in (("none", "none"), ("times", "case")):
        fitted = _ordered(rows, None if key == "none" else rows["times"].to_numpy().astype(np.float64))
        r = reference("ordinal")["polr"][key]
        for kind in ROBUST:
            ours = fitted.parameters, _errors(fitted, rows, kind)
            found = differences(ours, r["coefficients"] + r["thresholds"], np.sqrt(np.diag(r["covariance"][kind])))
            peer = "MASS::polr" if kind == "model" else "MASS::polr, sandwich::estfun"
            yield Cell("ordinal", "class", kind, weights, "none", "answers", peer, *found)


def _free_classes() -> Iterator[Cell]:
    rows, r = _answers(), reference("free")
    fitted = _ordered(rows, None, (_COVARIATES.index("score"),))
    for kind in ROBUST:
        found = differences((fitted.parameters, _errors(fitted, rows, kind)), r["parameters"], r["se"][kind])
        peer = "ordinal::clm, nominal" + ("" if kind == "model" else "; scores by numDeriv")
        yield Cell("ordinal", "class", kind, "none", "none", "answers", peer, *found)


def _relief() -> Iterator[Cell]:
    rows = pl.read_csv(HERE / "events-data.csv").with_columns(
        stretch=(pl.col("remedy") == "stretch").cast(pl.Float64),
        heat=(pl.col("remedy") == "heat").cast(pl.Float64),
        age=(pl.col("age_years") - 60) / 10,
        pain=pl.col("pain_0_10").cast(pl.Float64),
    )
    for setting in ("plain", "strata", "entry", "both"):
        start = rows["entry_s"].to_numpy().astype(np.float64) if setting in ("entry", "both") else None
        strata = rows["late"].to_numpy().astype(np.intp) if setting in ("strata", "both") else None
        yield from _hazards("relief", setting, rows.rename({"stop_s": "time"}), start, strata)


def _gaps() -> Iterator[Cell]:
    gaps = reference("events")["gaps"]
    people = pl.read_csv(HERE / "diary" / "participants.csv").with_columns(
        age=(pl.col("age_years") - 60) / 10, female=(pl.col("sex") == "female").cast(pl.Float64)
    )
    rows = pl.DataFrame({name: gaps[name] for name in ("participant_id", "gap", "time", "event")}).join(
        people, on="participant_id", how="left", maintain_order="left"
    )
    yield from _hazards("gap", "pwp", rows, None, rows["gap"].to_numpy().astype(np.intp))
    yield from _hazards("gap", "unstratified", rows, None, None)


def _hazards(
    outcome: str, setting: str, rows: pl.DataFrame, start: Array | None, strata: NDArray[np.intp] | None
) -> Iterator[Cell]:
    """Yield the comparisons of a Cox regression of ``time`` and ``event``."""
    r, groups = reference("events")[setting], _codes(rows["participant_id"])
    time, event = rows["time"].to_numpy().astype(np.float64), rows["event"].to_numpy() == 1
    fitted = cox(rows.select(r["terms"]).to_numpy(), time, event, start, strata)
    clusters = int(groups.max()) + 1
    for kind in ROBUST:
        theirs = np.array(r["covariance"]["model" if kind == "model" else "cluster-hc0"])
        peer = "survival::coxph"
        if kind == "cluster":
            theirs, peer = theirs * clusters / (clusters - 1), f"{peer}, times sqrt(G/(G-1))"
        ours = fitted.coefficients, np.sqrt(np.diag(covariance(fitted.information, fitted.scores, groups, kind)))
        found = differences(ours, r["coefficients"], np.sqrt(np.diag(theirs)))
        yield Cell("cox", outcome, kind, "none", "none", setting, peer, *found)
