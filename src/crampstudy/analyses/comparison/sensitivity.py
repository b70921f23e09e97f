"""How much the standardised comparison rests on the standard, on the bands, and on who logged little."""

from __future__ import annotations

from collections.abc import Sequence

from crampstudy import tables, wording
from crampstudy.age_bands.standards import cited
from crampstudy.analyses.comparison.settings import ComparisonSettings
from crampstudy.analyses.findings import Findings, ReportTable, together
from crampstudy.cohort import Cohort
from crampstudy.contrasts.cohorts.asked import standard_of
from crampstudy.contrasts.cohorts.sensitivity import compare_sensitivity, sensitivity_sentences

SENSITIVITY = "tbl-sensitivity"


def sensitivity(cohorts: Sequence[Cohort], settings: ComparisonSettings, whose: str = "") -> Findings:
    """Return the standardised ratios of cohorts of one kind in one way after the other, the reference first.

    Args:
        cohorts: two or more of one kind.
        settings: of the comparison.
        whose: whose ratios they are, after a comma.
    """
    if settings.by != "age_band" or settings.standard == "none":
        said = "Nothing is standardised here, so that there are no other ways to standardise."
        return Findings(together([]), values={"sensitivity": said})
    rows = compare_sensitivity(
        cohorts,
        bands=settings.bands,
        standard=standard_of(settings.standard, cohorts, settings.bands, settings.where),
        where=settings.where,
        ci_level=settings.ci_level,
    )
    # A survey has no nights to log.
    ways = ["with other standards", "other bands"]
    ways = [", ".join(ways), "those who logged most nights"] if cohorts[0].kind == "diary" else ways
    caption = f"The standardised ratio and difference {wording.listed(ways)}{whose}."
    tried = dict.fromkeys(str(each).removeprefix("at the ages of the ") for each in rows["estimand"])
    works = [cited(each) for each in tried if cited(each) != each]
    note = f"Published standards: {wording.listed(works)}. " if works else ""
    shown = ReportTable(tables.standardised_otherwise(rows), caption, f"{note}{tables.notes(rows)}".strip() or None)
    return Findings(rows, {SENSITIVITY: shown}, values={"sensitivity": " ".join(sensitivity_sentences(rows))})
