"""Who the cohorts are, how completely they were observed, and what was set aside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from crampstudy import tables, wording
from crampstudy.analyses.comparison import part
from crampstudy.analyses.comparison.sentences import people as said
from crampstudy.analyses.comparison.settings import ComparisonSettings
from crampstudy.analyses.counted import SET_ASIDE, counted
from crampstudy.analyses.findings import Findings, ReportTable, together
from crampstudy.cohort import Cohort, subpopulation
from crampstudy.cohort.subpopulation import in_words
from crampstudy.contrasts.cohorts.characteristics import standardised_differences
from crampstudy.contrasts.cohorts.naming import lettered
from crampstudy.descriptive.characteristics import characteristics_of_cohorts, completeness
from crampstudy.nights import denominator, expected_of, people
from crampstudy.tables.sections.compared import completeness_of_cohorts, set_aside, who_they_are

_EVERY_AGE = "over all ages"
CHARACTERISTICS, COMPLETENESS, CLEANING = "tbl-characteristics", "tbl-completeness", "tbl-cleaning"


def who_the_cohorts_are(cohorts: Sequence[Cohort], settings: ComparisonSettings) -> Findings:
    """Return characteristics side by side, completeness, and what was set aside of each cohort.

    Args:
        cohorts: of any kinds, the reference first.
        settings: of the comparison; a condition on nights leaves all participants in.
    """
    youngest, names = settings.bands.limits[0], [cohort.name for cohort in cohorts]
    where = None if part.on_nights(cohorts, settings) else settings.where
    described = characteristics_of_cohorts(cohorts, youngest=youngest, where=where)
    differences = standardised_differences(described, names)
    inside = [each for each in part.of_part(cohorts, replace(settings, where=where)) if each is not None]
    complete = together(completeness(cohort, settings.bands) for cohort in inside)
    unaged = [cohort.name for cohort in cohorts if not people(cohort)["age_years"].count()]
    nightly = settings.where if where is None else None
    oldest = max(youngest, in_words.least_age(where)) if where and not unaged else youngest
    whom = "of whatever age" if len(unaged) == len(cohorts) else f"of {oldest:g} years and older"
    whom += f", of {wording.listed(unaged)} of whatever age" if 0 < len(unaged) < len(cohorts) else ""
    # What the first band says of all is not said again.
    of_part = in_words.whom(where, youngest=None if unaged else oldest) if where else ""
    whom += f", {of_part}" if of_part else ""
    # Files are read whole, whomever the other numbers are of.
    of_files = ", of all in the files, whether or not they meet the condition" if settings.where else ""
    cleaned, cleaning = counted(
        ReportTable(
            set_aside(cohorts),
            f"Rows read, accepted and rejected, and cells blanked, by cohort and table{of_files}.",
            wording.sentences(said.told_once(cohorts, [cohort.attrition.notices for cohort in cohorts]), names) or None,
        ),
        None,
        "rows and cells of a file",
        SET_ASIDE,
    )
    shown = {
        CHARACTERISTICS: ReportTable(
            who_they_are(described, differences, names),
            f"Participants {whom}: mean (SD), median (IQR) or n (%), and how far each cohort is from {names[0]}.",
            f"{tables.what_cells_say(described)}{said.denominators(cohorts, nightly)}",
        ),
        COMPLETENESS: ReportTable(
            completeness_of_cohorts(complete),
            f"Completeness of each cohort{_of_whom(cohorts, where, youngest)}.",
            _expected(inside) + (" All nights count, whether or not they meet the condition." if nightly else ""),
        ),
        CLEANING: cleaning,
    }
    met = [part.left_out(cohort, replace(settings, where=where)) for cohort in cohorts]
    of_each = [part.account(cohort, settings).sentence() for cohort in cohorts]
    accounts = [
        f"{cohort.name}: {'; '.join(filter(None, said))}"
        for cohort, said in zip(cohorts, zip(met, of_each, strict=True), strict=True)
    ]
    values = {"people": said.apart(differences), "accounts": wording.sentences(accounts, names)}
    return Findings(together([described, differences, complete, cleaned]), shown, values=values)


def who_is_who(cohorts: Sequence[Cohort]) -> str:
    """Return what readers are shown of cohorts whose names are letters, nothing where they have names of their own."""
    return wording.sentences(filter(None, [lettered(cohorts)]), [cohort.name for cohort in cohorts])


def _of_whom(cohorts: Sequence[Cohort], where: str | None, youngest: int) -> str:
    """Return of whom the completeness of each cohort is: of those who meet a condition, and of which ages."""
    among = f", among those {in_words.whom(where)}" if where else ""
    ages = _of_which_ages(cohorts, youngest)
    # Of a condition on age itself they are not of all.
    told = ages == _EVERY_AGE and where is not None and "age_years" in subpopulation.names(where)
    return among if told else f"{among}, {ages}"


def _of_which_ages(cohorts: Sequence[Cohort], youngest: int) -> str:
    """Return of whom the completeness of each cohort is: of a survey from the first limit of age on."""
    ages: dict[str, list[str]] = {}
    for cohort in cohorts:
        aged = cohort.kind == "survey" and cohort.has("age_years")
        ages.setdefault(f"of {youngest} years and older" if aged else _EVERY_AGE, []).append(cohort.name)
    if len(ages) == 1:
        return next(iter(ages))
    return "; ".join(f"{wording.listed(names)} {whom}" for whom, names in ages.items())


def _expected(cohorts: Sequence[Cohort]) -> str:
    expected: dict[str, list[str]] = {}
    for cohort in (each for each in cohorts if each.kind == "diary"):
        expected.setdefault(expected_of(cohort), []).append(cohort.name)
    said = [*expected] if len(expected) < 2 else [f"in {wording.listed(of)} {each}" for each, of in expected.items()]
    if any(cohort.kind == "survey" for cohort in cohorts):
        said.append("Answered: gave a recalled frequency class")
    remarks = [
        f"{cohort.name}: {each}" for cohort in cohorts if cohort.kind == "diary" for each in denominator(cohort).remarks
    ]
    return wording.sentences([*said, *remarks])
