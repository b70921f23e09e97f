"""How a report was made, in plain words."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from crampstudy import tables, wording
from crampstudy.analyses.others import Others
from crampstudy.analyses.settings import Settings
from crampstudy.cohort import Cohort
from crampstudy.descriptive.flow import ACCEPTED, LOGGED, MEETING, NIGHTS
from crampstudy.estimates import kinds
from crampstudy.estimates.facts import NOT_ASKED, of_rows
from crampstudy.nights import denominator
from crampstudy.treatments.designs import randomised
from crampstudy.treatments.question import arm

_STANDARDS = {"who": "the world standard population of the WHO", "esp2013": "the European standard population of 2013"}
KINDS = {
    "diary": "a diary of nights; the unit of the models is the night that a participant logged, and intervals "
    "allow for nights of one participant being alike",
    "survey": "a survey with a recalled number of cramps in 30 days; estimates are weighted, and intervals follow "
    "from its strata and sampling units",
}
"""What a cohort of each kind is, and what its models and intervals rest on."""

_ARRANGED = {"parallel": "parallel arms", "crossover": "crossover", "n-of-1": "n-of-1"}

UNOBSERVED = "A night without a count is unobserved, never a night without cramps"
UNCOUNTED = "Any other night without a count is unobserved"
"""Where nights without a row were taken to be without a cramp."""
UNANSWERED = "Who gave no recalled number is left out of what is about it, and the weights are not changed for it"
WHOLE = "A model is of those with a value of all of its terms; nothing is imputed."


def design(cohort: Cohort, settings: Settings) -> str:
    """Return what kind of study it is, and what was set for all of its sections."""
    kind = KINDS[cohort.kind]
    bands = wording.listed(map(str, settings.age_bands))
    aged = cohort.has("age_years")
    standard = _STANDARDS.get(settings.standard, "") if aged else ""
    if tried := trial(cohort):
        kind = f"{tried}, with {kind}"
    return " ".join(
        [
            f"The study is {kind}.",
            f"{f'Age bands begin at {bands} years; i' if aged else 'I'}ntervals are at {100 * settings.ci_level:g}%.",
            f"Age-standardised figures are of {standard}." if standard else "No figure is age-standardised.",
            f"What a model is adjusted for is left out from its end until there are {settings.per_coefficient} "
            "participants to every coefficient; where a model has more all the same, the note of its table says so.",
        ]
    )


def trial(cohort: Cohort) -> str:
    """Return what trial a cohort is, in words, empty where lots decided on nothing."""
    found = randomised(cohort)
    if not found:
        return ""
    agents = wording.listed(wording.agent(design.agent) for design in found)
    return f"a randomised trial ({_ARRANGED[str(found[0].kind)]}) of {agents} against {arm(found[0].against)}"


def consort(cohort: Cohort) -> str:
    """Return that another checklist is that of a trial; empty of what was observed."""
    if not trial(cohort):
        return ""
    return (
        "STROBE is for what the diary observed. What lots decided is to be reported by CONSORT, the checklist of "
        "randomised trials, of whose items the run knows the arms, the flow and the effects (section Emerging "
        "treatments)."
    )


def gaps(cohort: Cohort, steps: pd.DataFrame, rows: pd.DataFrame) -> str:
    """Return how what is missing was handled, and how much of it there is."""
    counts = {(row["outcome"], row["level"]): int(row["estimate"]) for row in wording.records(steps)}
    if cohort.kind == "diary":
        taken = counts.get((NIGHTS, MEETING), counts[NIGHTS, ACCEPTED])
        missing = f"{wording.counted(taken - counts[NIGHTS, LOGGED], 'nights')} of {taken:,} have no count"
        zeros = cohort.attrition.unlogged
        first = wording.sentences([f"{UNOBSERVED}; {missing}"] if zeros is None else [zeros, f"{UNCOUNTED}; {missing}"])
        said = [wording.sentences(denominator(cohort).remarks)]
    else:
        first = f"{UNANSWERED}."
        said = []
    rows = rows[rows["analysis"].fillna("").ne(kinds.CLAIM_PART.name)]
    failed = rows[rows["status"].isin(["not_estimable", "not_converged"])]
    outside = int(of_rows(failed, NOT_ASKED).ne("").sum())
    are = "is" if outside == 1 else "are"
    apart = f", {outside:,} {are} of an age that the condition leaves out" if outside else ""
    lacking = rows[(rows["status"] == "not_measured") & rows["analysis"].fillna("").ne(kinds.CLAIM.name)]
    untreated = lacking.loc[tables.untaken_of(lacking), "term"].dropna().nunique()
    unmeasured = len(tables.unmeasured_names(rows))
    was = "was" if unmeasured == 1 else "were"
    asked = f"{wording.counted(unmeasured, 'variables')} that a section asks for {was} not measured"
    measured = asked if unmeasured else "every variable that a section asks for was measured"
    lost = len(tables.set_aside_names(rows))
    measured += f", and of {wording.counted(lost, 'others')} every value was set aside in cleaning" if lost else ""
    could_not = f"{len(failed) - outside:,} could not be estimated{apart}, and {measured}"
    last = f"Of {wording.counted(len(rows), 'rows')} {could_not}. {_CLAIMS}"
    nobody = f"Nobody took {untreated} of the treatments that a section asks for." if untreated else ""
    return " ".join(filter(None, [first, *said, WHOLE, last, nobody]))


_CLAIMS = "Rows of the claims, which draw on these, are not counted."


def checked(others: Others) -> str:
    """Return what another implementation says of the main models."""
    if "second-opinion" not in others:
        return "The main models were not refitted by another implementation in this report."
    said = others["second-opinion"].values.get("second_opinion", "")
    return f"{wording.capital(said).removesuffix('.')}." if said else ""


def cite(cohorts: Sequence[Cohort], version: str) -> str:
    """Return how the software and the data of one cohort or several are to be cited; parts of one have one entry."""
    software = (
        "Software: The crampstudy developers. crampstudy: reproducible studies of nocturnal leg cramps, version "
        f"{version}."
    )
    if len(cohorts) == 1:
        return f"{software}\n\nData: {_data(cohorts[0])}\n\nSHA-256 of the data: {_digest(cohorts[0])}"
    of_data: dict[str, list[Cohort]] = {}
    for cohort in cohorts:
        of_data.setdefault(_data(cohort), []).append(cohort)
    entries = []
    for data, own in of_data.items():
        entries.append(f"Data of {wording.listed(cohort.name for cohort in own)}: {data}")
        entries += [f"SHA-256 of {cohort.name}: {_digest(cohort)}." for cohort in own]
    return "\n\n".join([software, *entries])


def _digest(cohort: Cohort) -> str:
    return cohort.credits.digest or cohort.digest


def _data(cohort: Cohort) -> str:
    credits = cohort.credits
    data = ". ".join(
        filter(
            None,
            [
                wording.listed(credits.authors) if credits.authors else "",
                f"{credits.title or cohort.heading} [data set]",
                "; ".join(credits.sources),
                f"Licence: {'; '.join(credits.licences)}" if credits.licences else "",
            ],
        )
    )
    unnamed = (
        "" if credits.authors else " Who made the data is not stated: name them in datapackage.json or the mapping."
    )
    return f"{data}.{unnamed}"
