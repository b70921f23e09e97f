"""How far this package is from R, model by model: `make parity` renews the table of docs/parity.md.

R's numbers are in the JSON files here, each beside the script that wrote it; R is not needed. Ours are computed anew.
A difference is that of a number relative to R's, a coefficient near 0 relative to its standard error instead.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crampstudy.models import MODELS, mixed, survey
from crampstudy.models.covariance import Covariance
from crampstudy.models.engines import ENGINES, Data, Outcome

HERE = Path(__file__).resolve().parent
BEGIN, END = "<!-- parity: begin -->", "<!-- parity: end -->"
COEFFICIENTS, ERRORS = 1e-6, 1e-4
"""The largest relative differences allowed."""
_SANDWICH_NODES = 51

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cell:
    """One comparison: what was fitted, with which function of R, and the largest relative differences."""

    model: str
    outcome: str
    covariance: str
    weights: str
    offset: str
    data: str
    peer: str
    coefficients: float
    errors: float

    @property
    def agrees(self) -> bool:
        return self.coefficients <= COEFFICIENTS and self.errors <= ERRORS


@cache
def reference(name: str) -> Any:
    """Return what R found."""
    return json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))


@cache
def diary() -> pl.DataFrame:
    """Return the observed nights of the small diary with every covariate as a number."""
    people = pl.read_csv(HERE / "diary" / "participants.csv")
    nights = pl.read_csv(HERE / "diary" / "diary.csv", try_parse_dates=True)
    age = (pl.col("age_years") - 60) / 10
    female = (pl.col("sex") == "female").cast(pl.Float64)
    return (
        nights.filter(pl.col("entry_made") & pl.col("cramps").is_not_null())
        .join(people, on="participant_id")
        .select(
            "cramps",
            "alcohol_units",
            "serum_potassium_mmol_l",
            participant=pl.col("participant_id").rank("dense"),
            night=(pl.col("date") - date(2020, 1, 1)).dt.total_days(),
            hours="hours_in_bed",
            age=age,
            female=female,
            both=age * female,
            diabetes=pl.col("diabetes").cast(pl.Float64),
            weekend=(pl.col("date").dt.weekday() >= 6).cast(pl.Float64),
        )
    )


@cache
def drawn(name: str) -> pl.DataFrame:
    """Return one of the diaries that exercise serial dependence, lasting differences and few participants."""
    return pl.read_csv(HERE / "gee-data.csv").filter(pl.col("set") == name)


def arrays(nights: pl.DataFrame, terms: Sequence[str], outcome: Outcome, offset: bool) -> Data:
    """Return the arrays of a model on the nights that are complete on its terms."""
    used = nights.drop_nulls([*terms, *(["hours"] if offset else [])])
    cramps = used["cramps"].to_numpy().astype(np.float64)
    return Data(
        matrix=np.column_stack([np.ones(used.height), *(used[term].to_numpy() for term in terms)]),
        outcome=cramps if outcome == "cramps" else np.sign(cramps),
        offset=np.log(used["hours"].to_numpy()) if offset else np.zeros(used.height),
        groups=used["participant"].rank("dense").to_numpy().astype(np.intp) - 1,
        nights=used["night"].to_numpy().astype(np.int64),
    )


def solved(model: str, data: Data, outcome: Outcome, kind: Covariance) -> tuple[Array, Array]:
    """Return our coefficients and their standard errors."""
    found = ENGINES[model].solve(data, outcome, kind, None)
    return found.coefficients, np.sqrt(np.diag(found.variance))


def differences(
    ours: tuple[Array, Array], coefficients: Sequence[float], errors: Sequence[float]
) -> tuple[float, float]:
    """Return the largest relative differences of coefficients and of standard errors."""
    b, se = np.asarray(coefficients, dtype=float), np.asarray(errors, dtype=float)
    scale = np.maximum(np.abs(b), se)
    return float(np.max(np.abs(ours[0] - b) / scale)), float(np.max(np.abs(ours[1] / se - 1)))


def cells() -> Iterator[Cell]:
    """Yield every comparison."""
    for source in (_counts, _logistic, _bias_reduced, _marginal, _mixed, _mixed_sandwich, _surveys):
        yield from source()


_ROBUST: tuple[Covariance, ...] = ("cluster", "cluster-hc0", "model")
_COUNTS = {
    "nights": (("age", "female", "diabetes", "alcohol_units"), False),
    "hours_in_bed": (("age", "female", "diabetes", "alcohol_units"), True),
    "potassium": (("age", "female", "serum_potassium_mmol_l", "both"), False),
}


def _counts() -> Iterator[Cell]:
    peers = {"poisson": "stats::glm", "negative-binomial": "MASS::glm.nb"}
    for setting, (terms, offset) in _COUNTS.items():
        data = arrays(diary(), terms, "cramps", offset)
        for model, peer in peers.items():
            r = reference("count")[setting][model]
            for kind in _ROBUST:
                ours = solved(model, data, "cramps", kind)
                found = differences(ours, list(r["coefficients"].values()), list(r["se"][kind].values()))
                used = peer if kind == "model" else f"{peer}, sandwich::vcovCL"
                yield Cell(model, "cramps", kind, "none", _exposure(offset), f"diary, {setting}", used, *found)


def _logistic() -> Iterator[Cell]:
    for setting in ("alcohol", "potassium"):
        r = reference("logistic")[setting]
        data = arrays(diary(), r["terms"], "cramp_night", False)
        for kind in _ROBUST:
            ours = solved("logistic", data, "cramp_night", kind)
            found = differences(ours, r["coefficients"], np.sqrt(np.diag(r["covariance"][kind])))
            used = "stats::glm" if kind == "model" else "stats::glm, sandwich::vcovCL"
            yield Cell("logistic", "cramp_night", kind, "none", "none", f"diary, {setting}", used, *found)


def _bias_reduced() -> Iterator[Cell]:
    models: tuple[tuple[str, Outcome], ...] = (
        ("poisson", "cramps"),
        ("negative-binomial", "cramps"),
        ("logistic", "cramp_night"),
    )
    for setting, r in reference("small").items():
        if setting == "versions":
            continue
        for model, outcome in models:
            offset = outcome == "cramps"
            data = arrays(drawn(r["set"]), r["terms"], outcome, offset)
            ours = solved(model, data, outcome, "cluster-small")
            found = differences(ours, r[model]["coefficients"], np.sqrt(np.diag(r[model]["covariance"])))
            peer = "clubSandwich::vcovCR, CR2"
            yield Cell(
                model, outcome, "cluster-small", "none", _exposure(offset), f"{r['set']}, {setting}", peer, *found
            )


def _marginal() -> Iterator[Cell]:
    for r in reference("gee")["fits"]:
        outcome: Outcome = "cramps" if r["family"] == "poisson" else "cramp_night"
        if r["set"] == "diary":
            data = arrays(diary(), ("age", "female", "alcohol_units"), outcome, r["exposure"])
        else:
            data = arrays(drawn(r["set"]), ("age", "alcohol"), outcome, r["exposure"])
        offset = r["exposure"]
        clusters = data.groups.max() + 1
        factor = np.sqrt(clusters / (clusters - 1))
        for kind, errors in (
            ("cluster", np.array(r["se"]) * factor),
            ("cluster-hc0", r["se"]),
            ("model", r["model_se"]),
        ):
            ours = solved(f"gee-{r['structure']}", data, outcome, kind)  # type: ignore[arg-type]
            peer = "geepack::geeglm" + (", times sqrt(G/(G-1))" if kind == "cluster" else "")
            found = differences(ours, r["coefficients"], errors)
            yield Cell(f"gee-{r['structure']}", outcome, kind, "none", _exposure(offset), r["set"], peer, *found)


_FIXED = ("age", "female", "weekend", "alcohol_units")
_MIXED: dict[str, tuple[str, Outcome, bool, Callable[..., mixed.MixedFit]]] = {
    "poisson": ("mixed-poisson", "cramps", False, mixed.poisson),
    "poisson_hours": ("mixed-poisson", "cramps", True, mixed.poisson),
    "logistic": ("mixed-poisson", "cramp_night", False, mixed.logistic),
    "negative_binomial": ("mixed-negative-binomial", "cramps", False, mixed.negative_binomial),
    "negative_binomial_hours": ("mixed-negative-binomial", "cramps", True, mixed.negative_binomial),
}


def _mixed_fit(name: str, nodes: int) -> mixed.MixedFit:
    _, outcome, offset, model = _MIXED[name]
    # The rows are those complete on the exposure too, as in the scripts.
    data = arrays(diary().drop_nulls(["hours", "diabetes"]), _FIXED, outcome, offset)
    if outcome == "cramp_night":
        return model(data.matrix, data.outcome, data.groups, nodes=nodes)
    return model(data.matrix, data.outcome, data.offset, data.groups, nodes=nodes)


def _mixed() -> Iterator[Cell]:
    for package, nodes, peer in (("lme4", 9, "lme4::glmer, 9 nodes"), ("glmmTMB", 1, "glmmTMB, 1 node (Laplace)")):
        for name, (model, outcome, offset, _) in _MIXED.items():
            if name not in reference("mixed")[package]:
                continue
            r, fitted = reference("mixed")[package][name], _mixed_fit(name, nodes)
            ours = fitted.coefficients, np.sqrt(np.diag(fitted.covariance("model")))
            found = differences(ours, r["coefficients"], r["se"])
            yield Cell(model, outcome, "model", "none", _exposure(offset), "diary", peer, *found)


def _mixed_sandwich() -> Iterator[Cell]:
    for name, (model, outcome, offset, _) in _MIXED.items():
        r, fitted = reference("mixed_sandwich")[name], _mixed_fit(name, _SANDWICH_NODES)
        for kind in _ROBUST:
            ours = fitted.coefficients, np.sqrt(np.diag(fitted.covariance(kind)))
            found = differences(ours, r["coefficients"], r["se"][kind])
            peer = f"written out with numDeriv, 61 nodes (ours {_SANDWICH_NODES})"
            yield Cell(model, outcome, kind, "none", _exposure(offset), "diary", peer, *found)


def _surveys() -> Iterator[Cell]:
    table = pl.read_csv(HERE / "survey-data.csv")
    matrix = np.column_stack([np.ones(table.height), (table["age"] - 50) / 10, table["sex"], table["score"]])
    inside = (table["domain"] == 1).to_numpy()
    models: tuple[tuple[str, str, str, survey.Link], ...] = (
        ("survey-logistic", "logistic", "mild", "logit"),
        ("survey-poisson", "poisson", "count", "log"),
    )
    for psu, key, data in (
        ("psu", "two_or_more", "sample, a domain"),
        ("psu_lonely", "lonely", "sample, a domain and a lonely PSU"),
    ):
        design = survey.Design.of(table["stratum"].to_numpy(), table[psu].to_numpy(), table["weight"].to_numpy())
        for model, name, outcome, link in models:
            values = table[outcome].to_numpy().astype(np.float64)
            fitted = survey.regression(values, matrix, ("1", "age", "sex", "score"), inside, design, link)
            r = reference("survey")[key][name]
            found = differences((fitted.coefficients, fitted.std_error), r["coef"], np.sqrt(np.diag(r["vcov"])))
            family = "quasibinomial" if link == "logit" else "quasipoisson"
            peer = f"survey::svyglm, {family}"
            yield Cell(
                model, "0 or 1" if link == "logit" else "count", "design", "sampling", "none", data, peer, *found
            )


def _exposure(offset: bool) -> str:
    return "log hours in bed" if offset else "none"


def table(found: Sequence[Cell]) -> str:
    """Return the matrix in Markdown: a line per model, outcome, covariance, weights, offset and peer."""
    lines = [
        "| model | outcome | covariance | weights | offset | R | data sets | coefficients | standard errors |",
        "|---|---|---|---|---|---|---:|---:|---:|",
    ]
    groups: dict[tuple[str, ...], list[Cell]] = {}
    for c in found:
        groups.setdefault((c.model, c.outcome, c.covariance, c.weights, c.offset, c.peer), []).append(c)
    order = list(MODELS)
    for names, own in sorted(groups.items(), key=lambda group: (order.index(group[0][0]), group[0][1] != "cramps")):
        largest = (max(c.coefficients for c in own), max(c.errors for c in own))
        shown = " | ".join(below(value) for value in largest)
        lines.append(f"| {' | '.join(names)} | {len(own)} | {shown} |")
    return "\n".join(lines)


def below(value: float) -> str:
    """Return a difference as the power of ten that it is below: its digits are those of a machine's rounding."""
    return f"< 1e{max(int(np.floor(np.log10(value))) + 1, -9):+03d}" if value else "0"


def main() -> int:
    parser = argparse.ArgumentParser(prog="make parity", description=__doc__)
    parser.add_argument("--write", type=Path, metavar="FILE", help="renew the table in this file (default: print it)")
    parser.add_argument("--each", action="store_true", help="print every comparison on a line of its own instead")
    asked = parser.parse_args()
    found = list(cells())
    if asked.each:
        for c in found:
            sys.stdout.write(
                f"{c.coefficients:.1e} {c.errors:.1e} {c.model} {c.outcome} {c.covariance} {c.data} {c.peer}\n"
            )
    elif asked.write:
        page = asked.write.read_text(encoding="utf-8")
        before, after = page.split(BEGIN)[0], page.split(END)[1]
        asked.write.write_text(f"{before}{BEGIN}\n{table(found)}\n{END}{after}", encoding="utf-8")
    else:
        sys.stdout.write(f"{table(found)}\n")
    return int(not all(c.agrees for c in found))


if __name__ == "__main__":
    sys.exit(main())
