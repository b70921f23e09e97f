"""The STROBE checklist of observational studies, filled from a run; ``strobe.csv`` lists its items and their rules."""

from __future__ import annotations

import csv
import datetime
from collections.abc import Mapping
from importlib.resources import files

import pandas as pd

from crampstudy import wording
from crampstudy.analyses.findings import together
from crampstudy.analyses.others import Others
from crampstudy.analyses.sentences.methods import trial
from crampstudy.analyses.settings import Settings
from crampstudy.cohort import Cohort
from crampstudy.estimates import compares, kinds
from crampstudy.nights import members

_MADE = ("converged", "boundary")


def checklist(cohort: Cohort, settings: Settings, others: Others) -> list[tuple[str, str, str, bool]]:
    """Return the items: number, topic, what the report says of it or whose gap it is, and whether it is reported."""
    rows = together(section.estimates for section in others.values())
    facts = {**_facts(cohort, settings, rows), **_compared(others), "outcomes": _outcomes(others)}
    holds = _holds(cohort, others, rows) | {"outcomes": facts["outcomes"] != ""}
    text = files("crampstudy.analyses.overview").joinpath("strobe.csv").read_text(encoding="utf-8")
    in_part = (*_IN_PART, *(["observed"] if trial(cohort) else []))
    made = []
    for item in csv.DictReader(text.splitlines()):
        done = holds[item["rule"]]
        parts = [item["said"].format(**facts)] if done else []
        # What is reported in part may leave a rest to the authors.
        parts += [item["otherwise"]] if item["otherwise"] and (not done or item["rule"] in in_part) else []
        made.append((item["item"], item["topic"], wording.capital("; ".join(parts)), done))
    return made


_OF_OUTCOMES = {"frequency": "Frequency", "age-and-muscle": "Age and muscle"}
_IN_PART = ("dated", "counted")
"""Rules of items that are reported in part; of a trial that by which a study is observed as well."""


def _holds(cohort: Cohort, others: Others, rows: pd.DataFrame) -> dict[str, bool]:
    """Return which of the rules hold in this run."""
    return {
        "always": True,
        "never": False,
        "observed": True,
        "titled": cohort.title is not None,
        "dated": True,
        "counted": True,
        "credited": bool(cohort.credits.sources),
        "adjusted": bool(len(_adjusted(rows))),
        "described": bool(len(kinds.CHARACTERISTICS.rows(rows))),
        "second": "second-opinion" in others,
        "survey": cohort.design is not None,
    }


def _facts(cohort: Cohort, settings: Settings, rows: pd.DataFrame) -> Mapping[str, str]:
    people = wording.counted(members(cohort).height, "participants")
    diary = cohort.kind == "diary"
    tried, aged = trial(cohort), cohort.has("age_years")
    by_arm = len(kinds.CHARACTERISTICS_BY_ARM.rows(rows))
    observed = "cohort with nightly diaries" if diary else "cross-sectional survey with a sampling design"
    first, last = cohort.frame("diary")["date"].min(), wording.day(cohort.date_of_data)
    since = f"nights from {wording.day(first)} to {last}" if isinstance(first, datetime.date) else f"data to {last}"
    without = int((~rows["status"].isin(_MADE)).sum())
    unmeasured = int(rows["status"].eq("not_measured").sum())
    of_those = f", {unmeasured:,} of them as something was not measured" if unmeasured else ""
    said = "says" if without == 1 else "say"
    adjusted = _adjusted(rows)
    return {
        "design": f"{tried}, with nightly diaries" if tried else observed,
        "dates": since,
        "participants": f"{people}{settings.whose}",
        "sources": "; ".join(cohort.credits.sources),
        "adjusted": "what each exposure was adjusted for by the causal graph of the study stands in the appendix",
        "bands": f"age in bands from {wording.listed(map(str, settings.age_bands))} years"
        if aged
        else "nobody has an age; numbers are compared at contrasts that are declared beforehand",
        "described": f"the table of characteristics{' by age' if aged else ''} in the section Cohort"
        f"{', and by arm in that on treatments' if by_arm else ''}, with the number of missing values",
        "methods": f"the section Methods; {wording.counted(without, 'rows')} {said} why there is no number{of_those}",
        "results": f"{wording.counted(len(adjusted), 'ratios and differences')} with intervals, crude and adjusted",
    }


def _outcomes(others: Others) -> str:
    """Return which sections tell how many cramps there were, as text; empty where none of them has an estimate."""
    told = [
        title
        for name, title in _OF_OUTCOMES.items()
        if name in others and others[name].estimates["status"].isin(_MADE).any()
    ]
    return f"the section{'s' * (len(told) > 1)} {', and '.join(told)}" if told else ""


def _compared(others: Others) -> Mapping[str, str]:
    """Return what of further analyses the appendix has: no second opinion where no model could be compared."""
    opinion = others.get("second-opinion")
    made = opinion is not None and len(opinion.estimates)
    second = ", and the second opinion of another implementation"
    none = "; none of the models could be compared with another implementation"
    return {"second": f"the appendix has the sensitivity analyses{second if made else none}"}


def _adjusted(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the ratios and differences that were adjusted for anything."""
    made = rows["adjusted_for"].notna() & rows["estimate"].notna()
    return rows[made & compares(rows)]
