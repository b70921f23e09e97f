"""Do people form groups by what their cramps are like, or do they differ by degrees?"""

from __future__ import annotations

from crampstudy import tables
from crampstudy.analyses.analysis import Analysis, CohortAnswer
from crampstudy.analyses.findings import Drawing, Findings, ReportTable
from crampstudy.analyses.sentences.phenotypes import answer, limits, profiles
from crampstudy.analyses.settings import Settings
from crampstudy.cohort import Cohort
from crampstudy.estimates import kinds
from crampstudy.phenotypes import groups

FIGURE, PROFILES, TRIED = "fig-phenotypes", "tbl-phenotypes", "tbl-phenotypes-tried"
_TRIED_NOTE = (
    f"A number of groups is clear if the criterion of Schwarz (BIC) is at least {groups.GAIN:g} below that of one "
    f"group, no group has fewer than {groups.SMALLEST} people, the density between any two falls to a tenth of the "
    "lower peak, and groups of resampled participants agree with them (adjusted Rand index of at least "
    f"{groups.AGAIN:g} on average). Of several the one with the lowest criterion is taken."
)
_PROFILES_NOTE = (
    "Means over the people of a group, of the length the geometric one, what chance does within each person taken out; "
    "intervals are of resampled participants."
)


def of_diary(cohort: Cohort, settings: Settings) -> Findings:
    """Return whether there are clear groups of people, and what each is like."""
    from crampstudy.phenotypes.rows import phenotype_rows

    rows = phenotype_rows(cohort, settings.ci_level)
    said = {"answer": answer(rows), "profiles": profiles(rows), "limits": limits()}
    shown = {TRIED: ReportTable(tables.groups_tried(rows), "Numbers of groups that were tried.", _TRIED_NOTE)}
    if kinds.GROUP_SHARE.rows(rows).empty:
        return Findings(rows, shown, values=said, absent=(FIGURE, PROFILES))
    shown[PROFILES] = ReportTable(tables.group_profiles(rows), "What the groups are like.", _PROFILES_NOTE)
    caption = (
        "What the groups are like. The colour is the distance from the mean of all in standard deviations between "
        "people, the number the mean of the group."
    )
    return Findings(rows, shown, {FIGURE: Drawing("group_profiles", rows, caption, said["profiles"])}, said)


ANALYSIS = Analysis(
    "phenotypes",
    "Do people form groups by what their cramps are like, or do they differ by degrees?",
    answers={"diary": CohortAnswer(of_diary, (FIGURE, PROFILES, TRIED), {"diary": ("cramps",)})},
    values=("answer", "profiles", "limits"),
    on_request=True,
)
