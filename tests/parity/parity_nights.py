"""Models of nights held against R."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from functools import cache

import numpy as np
import polars as pl
from parity_cells import HERE, ROBUST, Array, Cell, arrays, diary, differences, drawn, exposure, reference, solved

from crampstudy import fit, open_cohort, wording
from crampstudy.cohort import Cohort
from crampstudy.models.inference.automatic import of_clusters
from crampstudy.models.inference.covariance import Covariance
from crampstudy.models.nights.data import Data, Outcome
from crampstudy.models.nights.random_effects import mixed
from crampstudy.models.nights.random_effects.mixed_fit import MixedFit

_SANDWICH_NODES = 51


def cells() -> Iterator[Cell]:
    """Yield every comparison of a model of nights."""
    for source in (
        _counts,
        _logistic,
        _bias_reduced,
        _joint,
        _curves,
        _weighted,
        _odds_with_offset,
        _zeros,
        _marginal,
        _mixed,
        _mixed_sandwich,
    ):
        yield from source()


_COUNTS = {
    "nights": (("age", "female", "diabetes", "alcohol_units"), False),
    "hours_in_bed": (("age", "female", "diabetes", "alcohol_units"), True),
    "potassium": (("age", "female", "serum_potassium_mmol_l", "both"), False),
}


def _counts() -> Iterator[Cell]:
    for setting, (terms, offset) in _COUNTS.items():
        data = arrays(diary(), terms, "cramps", offset)
        for model in ("poisson", "negative-binomial"):
            r = reference("count")[setting][model]
            for kind in ROBUST:
                ours = solved(model, data, "cramps", kind)
                found = differences(ours, list(r["coefficients"].values()), list(r["se"][kind].values()))
                peer = _with_sandwich(_GLM[model], kind)
                yield Cell(model, "cramps", kind, "none", exposure(offset), f"diary, {setting}", peer, *found)


def _logistic() -> Iterator[Cell]:
    for setting in ("alcohol", "potassium"):
        r = reference("logistic")[setting]
        data = arrays(diary(), r["terms"], "cramp_night", False)
        for kind in ROBUST:
            ours = solved("logistic", data, "cramp_night", kind)
            found = differences(ours, r["coefficients"], np.sqrt(np.diag(r["covariance"][kind])))
            peer = _with_sandwich("stats::glm", kind)
            yield Cell("logistic", "cramp_night", kind, "none", "none", f"diary, {setting}", peer, *found)


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
                model, outcome, "cluster-small", "none", exposure(offset), f"{r['set']}, {setting}", peer, *found
            )


_HELD: dict[Covariance, str] = {
    "cluster-joint": "MASS::glm.nb, written out with numDeriv",
    "cluster": "MASS::negative.binomial, sandwich::vcovCL",
    "cluster-small": "MASS::negative.binomial, clubSandwich::vcovCR, CR2",
}


def _joint() -> Iterator[Cell]:
    # As joint.R has it: a few participants with a huge count once a month; such a count on every 150th night.
    often = (pl.col("participant") % 8 == 0) & ((date(2020, 1, 1) + pl.duration(days=pl.col("night"))).dt.day() == 7)
    huge = diary().with_columns(cramps=pl.when(often).then(200).otherwise("cramps"))
    complete = diary().drop_nulls(["age", "female", "alcohol_units"]).sort("participant", "night").head(600)
    row = pl.int_range(pl.len())
    four = complete.with_columns(cramps=pl.when(row % 150 == 75).then(200).otherwise("cramps"))
    for name, nights in (("plain", diary()), ("huge", huge), ("four", four)):
        r, data = reference("joint")[name], arrays(nights, ("age", "female", "alcohol_units"), "cramps", False)
        for kind, peer in _HELD.items():
            ours = solved("negative-binomial", data, "cramps", kind)
            found = differences(ours, r["coefficients"], r["se"][kind])
            yield Cell("negative-binomial", "cramps", kind, "none", "none", f"diary, {name}", peer, *found)


_CURVE = "ns(age_years, df=3, ref=60, at=[40, 50, 70])"
_STATED = "ns(age_years, knots=[45, 55, 65], ref=60, at=[40, 50, 70])"
_CURVES = {
    "poisson": ("poisson", _CURVE, True),
    "negative-binomial": ("negative-binomial", _CURVE, True),
    "logistic": ("logistic", _CURVE, False),
    "stated": ("poisson", _STATED, False),
}


@cache
def _cohort() -> Cohort:
    return open_cohort(HERE / "diary")


def _curves() -> Iterator[Cell]:
    for setting, (model, curve, offset) in _CURVES.items():
        r = reference("splines")[setting]
        terms = f"{curve} + sex" + (" + offset(log(hours_in_bed))" if offset else "")
        # R fits only nights with the hours.
        rows = fit(_cohort(), model=model, terms=terms, where="hours_in_bed > 0", covariance="cluster").estimates
        rows = rows[~rows["term"].map(wording.is_declared)]
        shown = rows[rows["scale"].isin(["rate_ratio", "odds_ratio"])]
        ours = np.log(shown["estimate"].to_numpy(float)), shown["std_error"].to_numpy(float)
        found = differences(ours, [*r["ratios"], r["sex"]], [*r["errors"], r["sex_se"]])
        peer = f"{_GLM[model]}, splines::ns, sandwich::vcovCL"
        outcome = rows["outcome"].iloc[0]
        yield Cell(model, outcome, "cluster", "none", exposure(offset), f"diary, {setting}", peer, *found)


_GLM = {"poisson": "stats::glm", "negative-binomial": "MASS::glm.nb", "logistic": "stats::glm"}
_ZEROS = {
    "zero-inflated-negative-binomial": ("inflated", "glmmTMB"),
    "hurdle-negative-binomial": ("hurdle", "glmmTMB, truncated"),
}
_TERMS = ("age", "female", "alcohol_units")


def _weighted_nights(outcome: Outcome, offset: bool) -> Data:
    # The rows are those complete on the hours too, as in the script.
    used = diary().drop_nulls("hours")
    return replace(arrays(used, _TERMS, outcome, offset), weights=used["times"].to_numpy().astype(np.float64))


def _weighted() -> Iterator[Cell]:
    for model, settings in reference("weights")["weighted"].items():
        outcome: Outcome = "cramp_night" if model == "logistic" else "cramps"
        for setting, r in settings.items():
            offset = setting == "hours"
            data = _zero_rows("weighted", offset) if model in _ZEROS else _weighted_nights(outcome, offset)
            for kind in ROBUST:
                errors = r["se"][kind] if model in _ZEROS else np.sqrt(np.diag(r["covariance"][kind]))
                found = differences(solved(model, data, outcome, kind), r["coefficients"], errors)
                peer = _zero_peer(model, kind) if model in _ZEROS else _with_sandwich(_GLM[model], kind)
                yield Cell(model, outcome, kind, "case", exposure(offset), "diary", peer, *found)


def _odds_with_offset() -> Iterator[Cell]:
    data = replace(_weighted_nights("cramp_night", True), weights=None)
    for model, r in reference("weights")["offset"].items():
        for kind in ROBUST:
            if model == "logistic":
                errors, peer = np.sqrt(np.diag(r["covariance"][kind])), _with_sandwich(_GLM[model], kind)
            else:
                errors, peer = _of_geepack(r, kind, int(data.groups.max()) + 1)
            found = differences(solved(model, data, "cramp_night", kind), r["coefficients"], errors)
            yield Cell(model, "cramp_night", kind, "none", exposure(True), "diary", peer, *found)


def _with_sandwich(peer: str, kind: str) -> str:
    return peer if kind == "model" else f"{peer}, sandwich::vcovCL"


_ZERO_TERMS: dict[str, tuple[str, ...]] = {
    "plain": (),
    "zero_terms": ("x", "w"),
    "hours": ("x",),
    "weighted": ("x",),
}


def _zero_rows(setting: str, offset: bool) -> Data:
    rows = pl.read_csv(HERE / "zeros-data.csv")
    one, row = np.ones(rows.height), np.arange(rows.height)
    return Data(
        matrix=np.column_stack([one, rows["x"], rows["w"]]),
        outcome=rows["cramps"].to_numpy().astype(np.float64),
        offset=np.log(rows["hours"].to_numpy()) if offset else np.zeros(rows.height),
        groups=rows["person"].to_numpy().astype(np.intp),
        nights=row,
        weights=1.0 + row % 3 if setting == "weighted" else None,
        zero=np.column_stack([one, *(rows[name] for name in _ZERO_TERMS[setting])]),
    )


def _zeros() -> Iterator[Cell]:
    for model, (law, _) in _ZEROS.items():
        for setting, r in reference("zeros")["fits"][law].items():
            offset = setting == "hours"
            data = _zero_rows(setting, offset)
            for kind in ROBUST:
                ours, se = solved(model, data, "cramps", kind), r["se"][kind]
                found = differences(ours, np.append(r["coefficients"], r["zero"]), np.append(se["counts"], se["zero"]))
                peer = _zero_peer(model, kind)
                yield Cell(model, "cramps", kind, "none", exposure(offset), f"zeros, {setting}", peer, *found)


def _zero_peer(model: str, kind: str) -> str:
    peer = _ZEROS[model][1]
    return peer if kind == "model" else f"{peer}; scores by numDeriv"


def _of_geepack(r: dict[str, list[float]], kind: str, clusters: int) -> tuple[Array, str]:
    """Return geepack's standard errors of a kind, and where they come from."""
    if kind == "model":
        return np.array(r["model_se"]), "geepack::geeglm"
    if kind == "cluster-hc0":
        return np.array(r["se"]), "geepack::geeglm"
    return np.array(r["se"]) * np.sqrt(clusters / (clusters - 1)), "geepack::geeglm, times sqrt(G/(G-1))"


def _marginal() -> Iterator[Cell]:
    for r in reference("gee")["fits"]:
        outcome: Outcome = "cramps" if r["family"] == "poisson" else "cramp_night"
        if r["set"] == "diary":
            data = arrays(diary(), ("age", "female", "alcohol_units"), outcome, r["exposure"])
        else:
            data = arrays(drawn(r["set"]), ("age", "alcohol"), outcome, r["exposure"])
        for kind in ROBUST:
            ours = solved(f"gee-{r['structure']}", data, outcome, kind)
            errors, peer = _of_geepack(r, kind, int(data.groups.max()) + 1)
            found = differences(ours, r["coefficients"], errors)
            offset = exposure(r["exposure"])
            yield Cell(f"gee-{r['structure']}", outcome, kind, "none", offset, r["set"], peer, *found)


_FIXED = ("age", "female", "weekend", "alcohol_units")
_MIXED: dict[str, tuple[str, Outcome, bool, Callable[..., MixedFit]]] = {
    "poisson": ("mixed-poisson", "cramps", False, mixed.poisson),
    "poisson_hours": ("mixed-poisson", "cramps", True, mixed.poisson),
    "logistic": ("mixed-logistic", "cramp_night", False, mixed.logistic),
    "logistic_hours": ("mixed-logistic", "cramp_night", True, mixed.logistic),
    "negative_binomial": ("mixed-negative-binomial", "cramps", False, mixed.negative_binomial),
    "negative_binomial_hours": ("mixed-negative-binomial", "cramps", True, mixed.negative_binomial),
}


def _mixed_fit(name: str, nodes: int) -> MixedFit:
    _, outcome, offset, model = _MIXED[name]
    # The rows are those complete on the exposure too, as in the scripts.
    data = arrays(diary().drop_nulls(["hours", "diabetes"]), _FIXED, outcome, offset)
    return model(data.matrix, data.outcome, data.offset, data.groups, nodes=nodes)


def _variance(fitted: MixedFit, kind: Covariance) -> Array:
    p = len(fitted.coefficients)
    return of_clusters(fitted.scores, fitted.information, None, p, kind).variance


def _mixed() -> Iterator[Cell]:
    for package, nodes, peer in (("lme4", 9, "lme4::glmer, 9 nodes"), ("glmmTMB", 1, "glmmTMB, 1 node (Laplace)")):
        for name, (model, outcome, offset, _) in _MIXED.items():
            if name not in reference("mixed")[package]:
                continue
            r, fitted = reference("mixed")[package][name], _mixed_fit(name, nodes)
            ours = fitted.coefficients, np.sqrt(np.diag(_variance(fitted, "model")))
            found = differences(ours, r["coefficients"], r["se"])
            yield Cell(model, outcome, "model", "none", exposure(offset), "diary", peer, *found)


def _mixed_sandwich() -> Iterator[Cell]:
    for name, (model, outcome, offset, _) in _MIXED.items():
        r, fitted = reference("mixed_sandwich")[name], _mixed_fit(name, _SANDWICH_NODES)
        for kind in ROBUST:
            ours = fitted.coefficients, np.sqrt(np.diag(_variance(fitted, kind)))
            found = differences(ours, r["coefficients"], r["se"][kind])
            peer = f"written out with numDeriv, 61 nodes (ours {_SANDWICH_NODES})"
            yield Cell(model, outcome, kind, "none", exposure(offset), "diary", peer, *found)
