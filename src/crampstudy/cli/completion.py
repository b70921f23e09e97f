"""What a shell may complete: names that stand in options, told without importing what they are names of."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import typer

# Held to the registries by a test: importing these would take longer than anybody waits for a completion.
MODELS = (
    *("poisson", "negative-binomial", "logistic", "linear"),
    *("mixed-poisson", "mixed-negative-binomial", "mixed-logistic", "mixed-linear"),
    *("zero-inflated-negative-binomial", "hurdle-negative-binomial", "gee-exchangeable", "gee-ar1", "ordinal", "cox"),
    *("survey-logistic", "survey-poisson", "survey-ordinal", "survey-linear", "interval-count"),
)
ANALYSES = (
    "summary",
    "cohort",
    "frequency",
    "age-and-muscle",
    "sleep",
    "nutrition",
    "systematic-reviews",
    "treatments",
    "hydration",
    "activity",
    "conditions",
    "season",
    "severity",
    "claims",
    "prediction",
    "phenotypes",
    "methods",
    "second-opinion",
    "definitions",
)


def models(incomplete: str) -> list[str]:
    """Return the models that begin so."""
    return _beginning(MODELS, incomplete)


AGENTS = (
    *(
        "magnesium",
        "vitamin_k2",
        "quinine",
        "stretching",
        "tens",
        "botulinum_toxin",
        "potassium",
        "calcium",
        "b_vitamins",
    ),
    *(
        "vitamin_d",
        "stopping_quinine",
        "electrical_stimulation",
        "naftidrofuryl",
        "taurine",
        "baclofen",
        "pickle_juice",
    ),
    *("mexiletine", "vitamin_e"),
)


def agents(incomplete: str) -> list[str]:
    """Return the treatments of the evidence that begin so."""
    return _beginning(AGENTS, incomplete)


def analyses(incomplete: str) -> list[str]:
    """Return the analyses that begin so."""
    return _beginning(ANALYSES, incomplete)


def sections(incomplete: str) -> list[str]:
    """Return the sections of a report that the last name of a list may be, with the names before it."""
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in _beginning(ANALYSES, last) if name not in before.split(",")]


def standards(incomplete: str) -> list[str]:
    """Return the standard populations that begin so."""
    return _beginning(("who", "esp2013", "none"), incomplete)


def presets(incomplete: str) -> list[str]:
    """Return the presets that begin so."""
    folder = files("crampstudy").joinpath("simulate", "scenario")
    names = (path.name.removesuffix(".yaml") for path in folder.iterdir() if path.name.endswith(".yaml"))
    return _beginning(sorted(names), incomplete)


def case_definitions(incomplete: str) -> list[str]:
    """Return the published case definitions that begin so."""
    text = files("crampstudy").joinpath("codebook", "cases", "criteria.csv").read_text(encoding="utf-8")
    return _beginning([row["definition"] for row in csv.DictReader(text.splitlines())], incomplete)


def groupings(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return what groups may be formed by: age bands, and the levels of the source's participants.

    Where the source is no data package in CSV, or not there yet, those that the codebook has.
    """
    types = {row["name"]: row["type"] for row in _codebook() if row["table"] == "participants"}
    # Words before an option that has no value yet are not parsed.
    given = [each for value in ctx.params.values() for each in (value if isinstance(value, list | tuple) else [value])]
    words = [*ctx.args, *(value for value in given if isinstance(value, str))]
    there = next(filter(None, map(_header, words)), [*types])
    return _beginning(["age_band", *(n for n in there if types.get(n, "level") in ("level", "boolean"))], incomplete)


def _codebook() -> list[dict[str, str]]:
    text = files("crampstudy").joinpath("codebook", "variables.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _header(source: str) -> list[str]:
    try:
        with (Path(source) / "participants.csv").open(encoding="utf-8-sig", newline="") as file:
            return next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError):
        return []


def _beginning(names: Sequence[str], incomplete: str) -> list[str]:
    return [name for name in dict.fromkeys(names) if name.startswith(incomplete)]
