"""Linear models held against R: least squares, REML, marginal models of numbers, and a survey."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import polars as pl
from parity_cells import HERE, ROBUST, Array, Cell, arrays, diary, differences, drawn, exposure, reference, solved

from crampstudy.models.nights.data import Data
from crampstudy.models.surveys import survey_linear
from crampstudy.models.surveys.sampling import SamplingDesign

NUMBER = "a number"


def cells() -> Iterator[Cell]:
    """Yield every comparison of a linear model."""
    for source in (_least_squares, _bias_reduced, _restricted, _marginal, _surveys):
        yield from source()


def nights(offset: bool = False) -> Data:
    """Return the nights of linear.R, whose number is made of hours, cramps and a difference between people."""
    used = diary().drop_nulls("hours").sort("participant", "night")
    data = arrays(used, ("age", "female", "alcohol_units"), "cramps", offset)
    return replace(data, outcome=_hours(used, 0.3) + np.sin(used["participant"].to_numpy().astype(float)))


def few(*terms: str) -> Data:
    """Return the diaries of 12 people, with another number."""
    used = drawn("few").sort("participant", "night")
    return replace(arrays(used, ("age", "alcohol", *terms), "cramps", False), outcome=_hours(used, 0.4))


def sloping() -> Data:
    """Return nights of people who differ in a slope, the last column."""
    rows = pl.read_csv(HERE / "mixed-slopes.csv")
    people = rows["person"].to_numpy()
    y = rows["y"].to_numpy() + rows["x"].to_numpy() * np.cos(people)
    matrix = np.column_stack([np.ones(rows.height), rows["age"], rows["x"]])
    groups = rows["person"].rank("dense").to_numpy().astype(np.intp) - 1
    return Data(matrix, y, np.zeros(rows.height), groups, np.arange(rows.height))


def _hours(used: pl.DataFrame, cramps: float) -> Array:
    found: Array = used["hours"].to_numpy() + cramps * used["cramps"].to_numpy()
    return found


def _least_squares() -> Iterator[Cell]:
    times = diary().drop_nulls("hours").sort("participant", "night")["times"].to_numpy().astype(np.float64)
    for weights, key in (("none", "ols"), ("case", "weighted")):
        for setting, r in reference("linear")[key].items():
            offset = setting == "hours"
            data = replace(nights(offset), weights=times if weights == "case" else None)
            for kind in ROBUST:
                found = differences(solved("linear", data, NUMBER, kind), r["coefficients"], r["se"][kind])
                peer = "stats::lm" if kind == "model" else "stats::lm, sandwich::vcovCL"
                yield Cell("linear", NUMBER, kind, weights, exposure(offset), "diary", peer, *found)


def _bias_reduced() -> Iterator[Cell]:
    sets = {"diary": nights(), "hours": nights(offset=True), "few": few(), "alone": few("only")}
    for setting, data in sets.items():
        r = reference("linear")["small"][setting]
        found = differences(solved("linear", data, NUMBER, "cluster-small"), r["coefficients"], r["se"])
        offset = exposure(setting == "hours")
        yield Cell("linear", NUMBER, "cluster-small", "none", offset, setting, "clubSandwich::vcovCR, CR2", *found)


RESTRICTED = {"none": nights, "hours": lambda: nights(offset=True), "few": few, "slope": sloping}


def _restricted() -> Iterator[Cell]:
    for setting, make in RESTRICTED.items():
        r, data = reference("linear")["reml"][setting], make()
        clusters = int(data.groups.max()) + 1
        slope = 2 if setting == "slope" else None
        peers = {
            "model": ("lme4::lmer", r["se"]["model"]),
            "cluster-hc0": ("lme4::lmer, clubSandwich::vcovCR, CR0", r["se"]["cluster-hc0"]),
            "cluster": (
                "lme4::lmer, clubSandwich::vcovCR, CR0, times sqrt(G/(G-1))",
                np.array(r["se"]["cluster-hc0"]) * np.sqrt(clusters / (clusters - 1)),
            ),
        }
        for kind in ROBUST:
            peer, errors = peers[kind]
            found = differences(solved("mixed-linear", data, NUMBER, kind, slope), r["coefficients"], errors)
            offset = exposure(setting == "hours")
            yield Cell("mixed-linear", NUMBER, kind, "none", offset, setting, peer, *found)


def _marginal() -> Iterator[Cell]:
    sets = {"diary": nights(), "few": few(), "hours": nights(offset=True)}
    for structure, settings in reference("linear")["gee"].items():
        for setting, r in settings.items():
            data = sets[setting]
            clusters = int(data.groups.max()) + 1
            if setting != "few":
                data = replace(data, matrix=data.matrix[:, [0, 1, 3]])
            peers = {
                "model": ("geepack::geeglm", np.array(r["model_se"])),
                "cluster-hc0": ("geepack::geeglm", np.array(r["se"])),
                "cluster": (
                    "geepack::geeglm, times sqrt(G/(G-1))",
                    np.array(r["se"]) * np.sqrt(clusters / (clusters - 1)),
                ),
            }
            for kind in ROBUST:
                peer, errors = peers[kind]
                model, offset = f"gee-{structure}", exposure(setting == "hours")
                found = differences(solved(model, data, NUMBER, kind), r["coefficients"], errors)
                yield Cell(model, NUMBER, kind, "none", offset, setting, peer, *found)


def _surveys() -> Iterator[Cell]:
    table = pl.read_csv(HERE / "survey-data.csv")
    matrix = np.column_stack([np.ones(table.height), (table["age"] - 50) / 10, table["sex"], table["mild"]])
    inside, names = (table["domain"] == 1).to_numpy(), ("1", "age", "sex", "mild")
    offsets = {"none": np.zeros(table.height), "log age": np.log(table["age"].to_numpy() / 50)}
    for psu, settings in reference("linear")["survey"].items():
        design = SamplingDesign.of(table["stratum"].to_numpy(), table[psu].to_numpy(), table["weight"].to_numpy())
        for said, r in settings.items():
            values = table["score"].to_numpy()
            fitted = survey_linear.regression(values, matrix, names, inside, design, offsets[said])
            ours = fitted.coefficients, fitted.std_error
            found = differences(ours, r["coefficients"], np.sqrt(np.diag(r["vcov"])))
            data = "sample, a domain" + (" and a lonely PSU" if psu == "psu_lonely" else "")
            yield Cell("survey-linear", NUMBER, "design", "sampling", said, data, "survey::svyglm, gaussian", *found)
