"""Cohorts compared, and habits together: numbers that are no model's coefficients, ours and R's; and all scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike
from parity_cells import COEFFICIENTS, ERRORS, HERE, below, reference

from crampstudy.age_bands import AgeBands
from crampstudy.cohort import Cohort
from crampstudy.contrasts.cohorts import between
from crampstudy.contrasts.cohorts.factors import compare_factors
from crampstudy.contrasts.cohorts.few_events import standardised_interval
from crampstudy.contrasts.cohorts.further.pool import pool_cohorts
from crampstudy.contrasts.cohorts.marginal import MarginalMeans, marginal_means
from crampstudy.contrasts.cohorts.measures import GroupMeasures, measures
from crampstudy.contrasts.multiplicity import adjusted
from crampstudy.contrasts.nights.joint_programme import Standardised, standardise
from crampstudy.estimates import kinds
from crampstudy.models.nights import count
from crampstudy.models.surveys.domain_means import domain_means
from crampstudy.models.surveys.sampling import SamplingDesign

BANDS = AgeBands((20, 60))
Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Numbers of ours and of R by ``script``, made with ``peer``, and the largest relative differences."""

    what: str
    script: str
    peer: str
    numbers: float
    errors: float | None = None

    @property
    def agrees(self) -> bool:
        return self.numbers <= COEFFICIENTS and (self.errors is None or self.errors <= ERRORS)


def comparisons() -> Iterator[Comparison]:
    """Yield every comparison."""
    yield from _compared()
    yield from _averages()
    yield from _surveys()
    yield from _programme()


def table() -> str:
    """Return the comparisons in Markdown, a line each."""
    lines = ["| what | script | R | numbers | standard errors |", "|---|---|---|---:|---:|"]
    for each in comparisons():
        errors = "–" if each.errors is None else below(each.errors)
        lines.append(f"| {each.what} | `{each.script}` | {each.peer} | {below(each.numbers)} | {errors} |")
    return "\n".join(lines)


def scripts() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return each committed R script by name: what it does, as its first lines say, and which files here hold it."""
    files = (*sorted(HERE.glob("*.py")), *sorted(HERE.parent.glob("*_page.py")), *sorted(HERE.parent.glob("test_*.py")))
    texts = {path.name: path.read_text(encoding="utf-8") for path in files}
    found = {}
    for path in sorted(HERE.glob("*.R")):
        asks = re.compile(rf"""["/]{path.stem}\.json["']|reference\(f?["']{path.stem}["']|_json\(["']{path.stem}["']""")
        named = re.compile(rf"""f"\{{name\}}\.json".*["']{path.stem}["']""")
        held = tuple(name for name, text in texts.items() if asks.search(text) or named.search(text))
        found[path.name] = _first_sentence(path), held
    return found


def script_table() -> str:
    """Return the scripts in Markdown, a line each."""
    lines = ["| script | what | held by |", "|---|---|---|"]
    for name, (what, held) in scripts().items():
        lines.append(f"| `{name}` | {what} | {', '.join(f'`{each}`' for each in held)} |")
    return "\n".join(lines)


def _first_sentence(path: Path) -> str:
    comments = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        comments.append(line.lstrip("# "))
    return re.split(r"(?<=\.)\s", " ".join(comments), maxsplit=1)[0].replace("|", "\\|")


def sites() -> list[Cohort]:
    """Return the two sites of the people of compared.R: of each night at most four cramps."""
    made = []
    for name in ("here", "there"):
        own = [person for person in reference("compared")["people"] if person["site"] == name]
        who = [f"p{i}" for i in range(len(own))]
        nights = [
            (who[i], date(2024, 1, 1) + timedelta(days=k), int(person["cramps"] > k))
            for i, person in enumerate(own)
            for k in range(person["nights"])
        ]
        people = pl.DataFrame(
            {
                "participant_id": who,
                "age_years": [30.0 if person["band"] == "young" else 70.0 for person in own],
                "sex": ["female"] * len(own),
                "diabetes": [bool(person["exposed"]) for person in own],
            }
        )
        diary = pl.DataFrame(nights, schema=["participant_id", "date", "cramps"], orient="row")
        made.append(Cohort(name, "diary", {"participants": people, "diary": diary}))
    return made


def standardised_sites() -> Rows:
    """Return ratio and difference of the sites' rates, 0.7 of the young and 0.3 of the old."""
    found = [measures(each, "age_band", BANDS) for each in reversed(sites())]
    one, other = (between.standardised(each, np.array([0.7, 0.3]), each.cohort) for each in found)
    cells = {"analysis": kinds.BETWEEN_STANDARDISED.name, "scale": "rate", "unit": "u", "ci_level": 0.95}
    return between.rows_of(one, other, cells)


def _compared() -> Iterator[Comparison]:
    r, down, p = reference("compared"), reference("compare")["down"], reference("compare")
    exact = standardised_interval(down["count"], down["pop"], down["std"], "gamma")
    asked = [down["rate"], down["gamma_low"], down["gamma_high"]]
    said = "directly standardised rate of few events, with its gamma interval"
    yield _comparison(said, "compare.R", "epitools::ageadjust.direct", (1e5 * np.array(exact), asked))
    found = adjusted(p["p"])
    yield _comparison(
        "p-values by Holm, and by Benjamini and Hochberg",
        "compare.R",
        "stats::p.adjust",
        ([*found.holm, *found.fdr], [*p["holm"], *p["fdr"]]),
    )
    ratio, difference = standardised_sites()
    asked = r["standardised"]
    yield _comparison(
        "standardised rates of two diaries: ratio and difference",
        "compared.R",
        "written out",
        ([ratio["estimate"], difference["estimate"]], [asked["ratio"], asked["difference"]]),
        ([ratio["std_error"], difference["std_error"]], [asked["log_se"], asked["se"]]),
    )
    rows = compare_factors(sites(), ["diabetes"], bands=AgeBands((20,)))
    (parting,) = kinds.FACTOR_BETWEEN.rows(rows).to_dict("records")
    yield _comparison(
        "ratio of an exposure's ratios in two diaries",
        "compared.R",
        "stats::glm, clubSandwich::vcovCR, CR2",
        ([parting["estimate"]], [r["factor"]["ratio_of_ratios"]]),
        ([parting["std_error"]], [r["factor"]["se"]]),
    )
    pool = pool_cohorts(sites(), bands=BANDS).set_index(["scale", "level"]).loc["rate"]
    pool = pool.loc[["20+", *(["60+", "20-59"] if r["bands"]["label"][0] == "old" else ["20-59", "60+"])]]
    yield _comparison(
        "rates over two sites, each a stratum",
        "compared.R",
        "survey::svymean, svyby",
        (pool["estimate"], [r["pooled"]["rate"], *r["bands"]["rate"]]),
        (pool["std_error"] * pool["estimate"], [r["pooled"]["se"], *r["bands"]["se"]]),
    )


def warpbreaks(tensions: str, wools: str, weights: list[float] | None = None) -> MarginalMeans:
    """Return the means over ``wools`` at each of the ``tensions`` of a saturated Poisson model of ``warpbreaks``."""
    sums = {("A", "L"): 401, ("A", "M"): 216, ("A", "H"): 221, ("B", "L"): 254, ("B", "M"): 259, ("B", "H"): 169}
    coefficients, variance = np.log([total / 9 for total in sums.values()]), np.diag([1 / x for x in sums.values()])
    settings = tuple(
        np.array([[float(cell == (wool, tension)) for cell in sums] for wool in wools]) for tension in tensions
    )
    return marginal_means(settings, coefficients, variance, "log", None if weights is None else np.array(weights))


def _averages() -> Iterator[Comparison]:
    r, wanted = reference("compared")["emmeans"], reference("compare")["warpbreaks"]
    means = warpbreaks("".join(r["tension"]), "AB", [27.0, 27.0])
    yield _comparison(
        "averages of predictions over a second factor",
        "compared.R",
        "emmeans",
        (means.estimate, r["mean"]),
        (np.sqrt(np.diag(means.covariance)), r["se"]),
    )
    each = warpbreaks("HL", "A" * 27 + "B" * 27)
    ratio, difference = each.log_ratio(0, 1), each.difference(0, 1)
    yield _comparison(
        "ratio and difference of averages of predictions",
        "compare.R",
        "stats::glm, delta method written out",
        ([np.exp(ratio[0]), difference[0]], [wanted["ratio"], wanted["difference"]]),
        ([ratio[1], difference[1]], [wanted["log_se"], wanted["se"]]),
    )


def two_surveys() -> list[GroupMeasures]:
    """Return the two halves of survey-data.csv as surveys of their own, by age band from 20 years on."""
    data = pl.read_csv(HERE / "survey-data.csv")
    labels = ("20-39", "40-59", "60+", "20+")
    made = []
    for name, strata in (("first", (1, 4)), ("second", (5, 8))):
        own = data.filter(pl.col("stratum").is_between(*strata))
        lows = ((20, 39), (40, 59), (60, 999), (20, 999))
        members = np.column_stack([own["age"].is_between(*each).to_numpy() for each in lows])
        found = domain_means(own["mild"], members, SamplingDesign.of(own["stratum"], own["psu"], own["weight"]))
        events = (members & (own["mild"].to_numpy() == 1)[:, None]).sum(axis=0)
        made.append(
            GroupMeasures(
                *(name, labels, found.estimate, found.covariance, found.df.astype(float), found.n, None, events),
                why_not=("",) * 4,
                standard=(0, 1, 2),
                outcome="any_cramp",
                scale="prevalence",
                unit="proportion",
            )
        )
    return made


def _surveys() -> Iterator[Comparison]:
    r, found = reference("two_surveys"), two_surveys()
    shares = np.array(r["shares"])
    cells = {"analysis": kinds.BETWEEN_STANDARDISED.name, "scale": "prevalence", "unit": "u", "ci_level": 0.95}
    one, other = (between.standardised(each, shares, each.cohort) for each in reversed(found))
    ratio, difference = between.rows_of(one, other, cells)
    yield _comparison(
        "standardised prevalences of two surveys: each, ratio and difference",
        "two_surveys.R",
        "survey::svyby, svycontrast",
        (
            [other.estimate, one.estimate, ratio["estimate"], difference["estimate"]],
            [r["first"]["standard"], r["second"]["standard"], r["ratio"], r["difference"]],
        ),
        (
            [other.variance**0.5, one.variance**0.5, ratio["std_error"], difference["std_error"]],
            [r["first"]["se"], r["second"]["se"], r["log_se"], r["se"]],
        ),
    )
    within = []
    for each in found:
        old, young = (between.side(each, label) for label in ("60+", "20-39"))
        within.append(between.rows_of(old, young, cells, covariance=float(each.covariance[2, 0]), df=1.0)[1])
    yield _comparison(
        "difference of two bands of one survey, with their joint covariance",
        "two_surveys.R",
        "survey::svyby(covmat = TRUE), svycontrast",
        ([row["estimate"] for row in within], [r[name]["difference"] for name in ("first", "second")]),
        ([row["std_error"] for row in within], [r[name]["difference_se"] for name in ("first", "second")]),
    )


def programme() -> tuple[Standardised, int]:
    """Return the mean rates under all of three habits and none of them, and of how many nights."""
    people = pl.read_csv(HERE / "diary" / "participants.csv", schema_overrides={"participant_id": pl.String})
    nights = pl.read_csv(HERE / "diary" / "diary.csv", schema_overrides={"participant_id": pl.String})
    rows = nights.filter(pl.col("entry_made") & pl.col("cramps").is_not_null()).join(people, on="participant_id")
    rows = rows.select(
        "participant_id",
        "cramps",
        (pl.col("age_years") - 60) / 10,
        pl.col("hours_in_bed") >= 8,
        pl.col("alcohol_units") == 0,
        pl.col("serum_potassium_mmol_l") >= 4.2,
    ).drop_nulls()

    def matrix(habits: np.ndarray) -> np.ndarray:
        a, b, c = habits.T
        return np.column_stack([np.ones(len(rows)), a, b, c, rows["age_years"], a * b, a * c, b * c, a * b * c])

    own = rows.select(rows.columns[3:]).to_numpy().astype(float)
    x, counts = matrix(own), rows["cramps"].to_numpy().astype(float)
    fitted = count.poisson(x, counts, np.zeros(len(counts)))
    who = rows["participant_id"].rank("dense").to_numpy().astype(int) - 1
    settings = [matrix(np.full_like(own, value)) for value in (1.0, 0.0)]
    return standardise(x, counts, fitted.coefficients, who, settings), len(rows)


def _programme() -> Iterator[Comparison]:
    r, (found, _) = reference("programme"), programme()
    variance = found.covariance()
    error = np.sqrt(variance[0, 0] + variance[1, 1] - 2 * variance[0, 1])
    yield _comparison(
        "three habits together against none of them, by the g-formula",
        "programme.R",
        "stats::glm, stacked equations by numDeriv",
        ([found.all, found.none], [r["all"], r["none"]]),
        ([*np.sqrt(np.diag(variance)), error], [*np.sqrt(np.diag(r["covariance"])), r["log_ratio_error"]]),
    )


def _comparison(
    what: str,
    script: str,
    peer: str,
    numbers: tuple[ArrayLike, ArrayLike],
    errors: tuple[ArrayLike, ArrayLike] | None = None,
) -> Comparison:
    return Comparison(what, script, peer, _apart(*numbers), None if errors is None else _apart(*errors))


def _apart(ours: ArrayLike, theirs: ArrayLike) -> float:
    """Return the largest difference, relative to R's."""
    one, other = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    return float(np.max(np.abs(one - other) / np.abs(other)))
