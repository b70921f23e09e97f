"""Cohorts that were read and cleaned once, handed on to the kernels of a report as data.

Each notebook opens its cohort by itself, so that it runs alone as well; in a report all would read and clean the same
files. They lie in files of data, of which nothing is ever executed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from weakref import WeakKeyDictionary

import polars as pl

from crampstudy.cohort import Attrition, Cohort, Credits, RuleCount, SurveyDesign, TableCount
from crampstudy.compute import stored

VARIABLE = "CRAMPSTUDY_COHORTS_OF_REPORT"
"""Of the environment of a report's kernels: the folder of the cohorts that they are handed."""
_FACTS = "facts"
_SOURCES: WeakKeyDictionary[Cohort, str] = WeakKeyDictionary()
_KINDS = (Attrition, Credits, RuleCount, TableCount)


def hand_on(cohorts: Mapping[str, Cohort], folder: Path) -> None:
    """Write cohorts, by the sources that notebooks open them by, into a new folder.

    What cannot be written is read from its source by whoever asks for it: that costs time, and nothing else.
    """
    for source, cohort in cohorts.items():
        place = folder / _name(source)
        with contextlib.suppress(OSError, pl.exceptions.PolarsError, stored.NotData):
            place.mkdir(mode=0o700, parents=True)
            for name, table in cohort.tables.items():
                table.write_ipc(place / f"{name}.arrow")
            # Last, for without it there is no cohort.
            (place / _FACTS).write_bytes(_packed(cohort))


def cohort_of(source: object) -> Cohort | None:
    """Return the cohort of a source that this process was handed, ``None`` where it was handed none."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        return None
    place = Path(folder) / _name(str(source))
    try:
        facts, design = stored.decode((place / _FACTS).read_bytes(), _KINDS)
        tables = {path.stem: pl.read_ipc(path) for path in sorted(place.glob("*.arrow"))}
    except (OSError, pl.exceptions.PolarsError, stored.NotData):
        return None
    cohort = Cohort(**facts, tables=tables, design=SurveyDesign(**design) if design else None)
    _SOURCES[cohort] = str(source)
    return cohort


def source_of(cohort: Cohort) -> str | None:
    """Return the source of a cohort that this process was handed, ``None`` of any other one, also of a changed one."""
    return _SOURCES.get(cohort)


def _packed(cohort: Cohort) -> bytes:
    facts = {each.name: getattr(cohort, each.name) for each in fields(cohort) if each.name not in ("tables", "design")}
    design = cohort.design
    sampled = {each.name: getattr(design, each.name) for each in fields(design)} if design else None
    if design and sampled:
        sampled["weights"] = dict(design.weights)
    return stored.encode((facts, sampled), _KINDS)


def _name(source: str) -> str:
    return hashlib.sha256(source.encode(errors="surrogateescape")).hexdigest()
