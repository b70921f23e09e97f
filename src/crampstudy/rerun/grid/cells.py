"""The file that says which reports a grid has, and the reports that follow from it.

::

    cohorts:
      trial: data/trial
      survey: nhanes:data/nhanes
    age_bands: ["20,40,60", "20,60"]
    parameters:
      ci_level: [0.9, 0.95]
    sections: [frequency, age-and-muscle]
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from crampstudy import names, plain_yaml
from crampstudy.errors import UsageError
from crampstudy.report import outline as outlines
from crampstudy.report import params

_KEYS = ("cohorts", "age_bands", "parameters", "sections")


@dataclass(frozen=True, slots=True)
class ReportCell:
    """One report of a grid: the ``name`` of its folder, its source, and what is set of its parameters."""

    name: str
    cohort: str
    source: str
    settings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReportGrid:
    """The reports of a grid, in order, and the sections that each has; none named, and each is whole."""

    cells: tuple[ReportCell, ...]
    sections: tuple[str, ...]


def read(path: Path) -> ReportGrid:
    """Read the file of a grid, and check what can be checked before anything is run.

    Raises:
        UsageError: the file cannot be read, or an entry of it is unknown or missing.
        ParameterError: a parameter is unknown or has an impossible value.
    """
    try:
        content = plain_yaml.load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        raise UsageError(f"{path} cannot be read as the YAML file of a grid: {problem}") from None
    if not isinstance(content, dict) or (unknown := [key for key in content if key not in _KEYS]):
        named = "" if not isinstance(content, dict) else f", and not {', '.join(map(str, unknown))}"
        raise UsageError(f"{path}: a grid has the keys {', '.join(_KEYS)}{named}")
    cohorts = content.get("cohorts")
    if not isinstance(cohorts, dict) or not cohorts or not all(isinstance(each, str) for each in cohorts.values()):
        raise UsageError(f"{path}, cohorts: name each cohort and its source, such as  trial: data/trial")
    asked = {"age_bands": content["age_bands"]} if "age_bands" in content else {}
    told = content.get("parameters") or {}
    if not isinstance(told, dict) or "age_bands" in told:
        raise UsageError(f"{path}, parameters: name each and its values, such as  ci_level: [0.9, 0.95]")
    values = {name: _values(path, name, each) for name, each in {**asked, **told}.items()}
    sections = tuple(_values(path, "sections", content["sections"])) if "sections" in content else ()
    notebooks = outlines.read(outlines.find()).only(sections).notebooks
    for name, each in values.items():
        for value in each:
            params.check(notebooks, [f"{name}={value}"])
    cells = tuple(_cells(cohorts, values))
    if twice := [cell.name for cell in cells if sum(each.name == cell.name for each in cells) > 1]:
        raise UsageError(f"{path}: two reports would have the folder {twice[0]}; give each value once")
    return ReportGrid(cells, sections)


def _cells(cohorts: Mapping[str, str], values: Mapping[str, Sequence[str]]) -> Iterator[ReportCell]:
    several = [name for name, each in values.items() if len(each) > 1]
    for cohort, source in cohorts.items():
        for chosen in itertools.product(*values.values()):
            given = dict(zip(values, chosen, strict=True))
            # What all reports share tells none of them from another.
            named = "_".join([cohort, *(f"{name}-{given[name].replace(',', '-')}" for name in several)])
            settings = tuple(f"{name}={value}" for name, value in given.items())
            yield ReportCell(names.slug(named), cohort, source, settings)


def _values(path: Path, name: str, told: Any) -> list[str]:
    """Return the values of a parameter as texts: each of a list, itself a list or not, or the only one."""
    listed = told if isinstance(told, list) else [told]
    if not listed or not all(isinstance(each, str | list) and each for each in listed):
        raise UsageError(f"{path}, {name}: give one value or a list of values, and none that is empty")
    return [",".join(map(str, each)) if isinstance(each, list) else each for each in listed]
