"""What published trials say of each treatment of the article, and where the cohort's own contrast stands among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crampstudy import evidence, tables, wording
from crampstudy.analyses.analysis import Analysis, CohortAnswer
from crampstudy.analyses.findings import Drawing, Findings, ReportTable, attempt, joined, together
from crampstudy.analyses.settings import Settings
from crampstudy.cohort import Cohort
from crampstudy.estimates.facts import fact
from crampstudy.estimates.kinds import evidence as kinds
from crampstudy.evidence.random_effects import ERRORS, PREDICTIONS
from crampstudy.evidence.rows import SynthesisOptions
from crampstudy.tables.evidence import intervals, single_trials
from crampstudy.treatments.question import TreatmentQuestion
from crampstudy.treatments.trials import own_contrast

AGENTS = (
    *("magnesium", "vitamin_k2", "quinine", "stretching", "tens", "botulinum_toxin", "potassium", "calcium"),
    *("b_vitamins", "vitamin_d"),
)
"""The treatments of the article, and two that it leaves out."""
IDIOPATHIC = "idiopathic"
"""The cohort's own trial stands beside those in people without another illness that causes cramps."""
_POOL = ("magnesium", IDIOPATHIC)
"""The pool that is told in full."""
_OF_PUBLISHED = (kinds.TRIAL.name, kinds.PUBLISHED_POOL.name)
_TRIALS, _COHORT = ("fig-trials", "tbl-treatments", "tbl-pool", "tbl-certainty"), ("tbl-cohort-trial",)


def of_diary(cohort: Cohort, settings: Settings) -> Findings:
    """Return what trials say, and of a randomised cohort its contrast as one more study."""
    options = SynthesisOptions(ci_level=settings.ci_level)
    rows = _rows(options)
    own = attempt(_COHORT, lambda: _of_cohort(cohort, rows, settings, options))
    why = own.could_not.get(_COHORT[0])
    said = f"This cohort has no contrast of its own to set beside them: {why}." if why else _beside(own.estimates, rows)
    # The cohort's own line belongs into the figure of the trials.
    return joined(_of_trials(rows, own.estimates, said), own)


def of_survey(cohort: Cohort, settings: Settings) -> Findings:
    """Return what trials say; a survey treats nobody."""
    said = "This cohort is a survey and has no treatment to set beside them."
    return _of_trials(_rows(SynthesisOptions(ci_level=settings.ci_level)), together([]), said)


def _rows(options: SynthesisOptions) -> pd.DataFrame:
    return together(evidence.synthesise(agent, options=options).estimates for agent in AGENTS)


def _of_trials(rows: pd.DataFrame, own: pd.DataFrame, beside: str) -> Findings:
    # What was published without a number is told by the tables and is no estimate that could not be made here.
    shown = rows[~rows["analysis"].isin(_OF_PUBLISHED) | rows["estimate"].notna()]
    pool = rows[rows["term"].eq(_POOL[0]) & rows["population"].eq(_POOL[1])]
    drawn = pd.concat([_drawn(shown), kinds.COHORT_TRIAL.rows(own)], ignore_index=True)
    return Findings(
        shown,
        tables={
            "tbl-treatments": ReportTable(
                tables.agents(rows),
                "What trials say of each treatment, in whom, and how surely.",
                "Trials: those found whose figures were verified. Difference: cramps a week, treatment less "
                "comparator, pooled or of the only trial with such a number. Published pool: the latest. Grades are "
                f"those of the review named; none is ours. {_made(single_trials(rows))}{_sources(rows)}",
            ),
            "tbl-pool": ReportTable(
                _compact(pool),
                "The pooled trials of magnesium in idiopathic cramps: each interval, and what they rest on.",
                "Differences are in cramps a week. REML, Paule-Mandel, DerSimonian-Laird: how the variance between "
                f"trials, τ², was estimated. {tables.notes(pool[pool['verdict'].notna()].assign(note=None))}",
            ),
            "tbl-certainty": ReportTable(
                tables.grade_inputs(pool),
                "What a judgement of certainty needs of this pool.",
                "Inputs alone: certainty is graded by people and is not computed.",
            ),
        },
        figures={
            "fig-trials": Drawing(
                "forest",
                drawn,
                caption="Trials in cramps a week, treatment less comparator. Squares: trials, as large as their "
                "weight. Open diamonds: published pools, which are never pooled again. Filled diamond: the pool, by "
                "REML with the Hartung-Knapp interval; the bar below it is the prediction interval of the next trial. "
                "Shaded: less than one cramp a week.",
                alt=_alt(pool),
                note=f"n: participants. Bias: risk of bias as judged in the data package. {_made(drawn)}".strip(),
            )
        },
        values={
            "answer": _answer(rows, beside),
            "magnesium": " ".join(tables.against_article("magnesium", rows[rows["term"].eq("magnesium")])),
            "nothing": _nothing(rows),
            "pool_words": _pool_words(pool),
            "beside": beside,
            "limits": _limits(pool),
        },
    )


def _drawn(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of populations with a number, and of treatments that have none in any, which the figure says."""
    numbers = rows[rows["estimate"].notna()]
    known = set(zip(numbers["term"], numbers["population"], strict=True))
    told = [(t, p) in known for t, p in zip(rows["term"], rows["population"], strict=True)]
    return rows[pd.Series(told, index=rows.index) | ~rows["term"].isin(numbers["term"])]


def _of_cohort(cohort: Cohort, rows: pd.DataFrame, settings: Settings, options: SynthesisOptions) -> Findings:
    contrast = own_contrast(cohort, TreatmentQuestion(ci_level=settings.ci_level))
    own = evidence.beside_cohort(contrast, IDIOPATHIC, label=cohort.heading, options=options)
    before = rows[rows["term"].eq(contrast["term"]) & rows["population"].eq(IDIOPATHIC)]
    moved = tables.moved(before, own[own["cohort"].ne(options.name)])
    label = "The pool before and after this cohort is one more of its trials."
    note = (
        "The cohort's people are taken as having idiopathic cramps. It is not part of any other number of this section."
    )
    return Findings(own, {"tbl-cohort-trial": ReportTable(moved, label, note)})


def _compact(pool: pd.DataFrame) -> pd.DataFrame:
    """Return the pool in full by REML, by the other estimators its first interval, and without each trial."""
    pooled = kinds.POOLED.rows(pool)
    left = pooled[~pooled["model"].str.endswith("REML") & pooled["level"].ne(ERRORS[0])]
    few = pool.drop(left.index)
    apart = tables.sensitivity(kinds.WITHOUT.rows(pool))
    return pd.concat([pd.DataFrame(tables.pooled(few)), pd.DataFrame(apart)])


def _primary(rows: pd.DataFrame) -> pd.DataFrame:
    pooled = kinds.POOLED.rows(rows)
    return pooled[pooled["level"].eq(ERRORS[0]) & pooled["estimate"].notna() & pooled["model"].str.endswith("REML")]


def _answer(rows: pd.DataFrame, beside: str) -> str:
    """Return what trials say: what could be pooled, and what single trials and published pools found."""
    words = {"inconclusive": "too uncertain to tell", "lower": "fewer cramps", "higher": "more cramps"}
    said = [
        f"Pooled, {wording.count_of(row, 'n_groups')} trials of {wording.term(row['term'])} in "
        f"{tables.in_whom(row['population'])} find {wording.estimate(row)} cramps a week against {row['reference']}: "
        f"{words.get(str(row['verdict']), row['verdict'])}."
        for row in wording.records(_primary(rows))
    ]
    others = rows[~rows["term"].isin(_primary(rows)["term"])]
    fewer = [
        f"{of} of {wording.listed(names)}"
        for kind, of in ((kinds.TRIAL, "one trial"), (kinds.PUBLISHED_POOL, "published pools"))
        if (names := _fewer(kind.rows(others)))
    ]
    said += [f"Fewer cramps were found by {wording.listed(fewer)}."] if fewer else []
    return " ".join([*said, beside.partition("; ")[0].removesuffix(".") + "."])


def _nothing(rows: pd.DataFrame) -> str:
    """Return of which treatments no trial and no published pool has a number of cramps."""
    numbers = set(rows.loc[rows["analysis"].isin(_OF_PUBLISHED) & rows["estimate"].notna(), "term"])
    nothing = [wording.term(agent) for agent in AGENTS if agent not in numbers]
    return f"Of {wording.listed(nothing)} none has a number of cramps that can be compared." if nothing else ""


def _fewer(rows: pd.DataFrame) -> list[str]:
    return [wording.term(str(name)) for name in dict.fromkeys(rows.loc[rows["verdict"].eq("lower"), "term"])]


def _pool_words(pool: pd.DataFrame) -> str:
    """Return what the full pool rests on, in sentences."""
    (row,) = wording.records(_primary(pool))
    i2 = _one(kinds.HETEROGENEITY.rows(pool), "I2")
    following, beyond = _one(kinds.PREDICTION.rows(pool), PREDICTIONS[0]), wording.records(kinds.BEYOND.rows(pool))[0]
    most = max(wording.records(kinds.WITHOUT.rows(pool)), key=lambda each: abs(each["estimate"] - row["estimate"]))
    presumed = [r["level"] for r in wording.records(kinds.TRIAL.rows(pool)) if fact(r, "unit")]
    rests = {str(most["level"]).removeprefix("without "), *presumed}
    without = [_one(kinds.WITHOUT.rows(pool), f"without {name}") for name in sorted(rests)]
    parts = [
        f"The pool has {wording.count_of(row, 'n_participants')} participants; {_share(i2)}% of the "
        f"variance between its trials is not by chance (I², {_share(i2, 'ci_low')} to {_share(i2, 'ci_high')}%).",
        f"The next trial is expected between {_n(following, 'ci_low')} and {_n(following, 'ci_high')}, and to find "
        f"{beyond['level']} with a probability of {_share(beyond)}%.",
        *(f"{wording.capital(each['level'])} it is {wording.estimate(each)}." for each in without),
        *(f"The unit of {name} is presumed." for name in presumed),
    ]
    return " ".join(parts)


def _one(rows: pd.DataFrame, level: str) -> dict[str, Any]:
    return wording.records(rows[rows["level"].eq(level)])[0]


def _beside(own: pd.DataFrame, rows: pd.DataFrame) -> str:
    """Return where the cohort stands, in sentences."""
    contrast = wording.records(kinds.COHORT_TRIAL.rows(own))[0]
    place = wording.records(kinds.PLACE.rows(own))[0]
    text = (
        f"This cohort's own contrast, {wording.term(contrast['term'])} against {contrast['reference']}, is "
        f"{wording.estimate(contrast)} cramps a week"
    )
    if place["status"] != "converged":
        return f"{text}; {place['note']}."
    before = _primary(rows[rows["term"].eq(contrast["term"]) & rows["population"].eq(contrast["population"])])
    after = _primary(own)
    moved = f"with it the pool would go from {_pool_of(before)} to {_pool_of(after)}"
    share = f"{_share(place)}% of trials of its size would lie below it"
    return f"{text}, {fact(place, 'said')}; {share}, and {moved}."


def _pool_of(rows: pd.DataFrame) -> str:
    return wording.estimate(wording.records(rows)[0])


def _made(rows: pd.DataFrame) -> str:
    """Return which intervals of trials among rows are not the published ones, with a space behind, or nothing."""
    said = wording.sentences(intervals(rows))
    return f"{said} " if said else ""


def _sources(rows: pd.DataFrame) -> str:
    """Return the citations of the rows with a number, each once."""
    named = set(rows.loc[rows["analysis"].isin(_OF_PUBLISHED) & rows["estimate"].notna(), "level"])
    cited = dict.fromkeys(each.source for each in evidence.studies() if each.study in named)
    return f"Sources: {'; '.join(cited)}."


def _alt(pool: pd.DataFrame) -> str:
    (row,) = wording.records(_primary(pool))
    return (
        f"Forest plot of trials by treatment; the pool of {int(row['n_groups'])} magnesium trials is "
        f"{wording.estimate(row)} cramps a week."
    )


def _limits(pool: pd.DataFrame) -> str:
    days = [
        each.days for each in evidence.studies() if each.study in set(kinds.WEIGHT.rows(pool)["level"]) and each.days
    ]
    return (
        "Most trials were read in their abstracts, and the standard errors of some follow from P values. The pooled "
        f"ones lasted {min(days)} to {max(days)} days and say nothing of longer use. Published pools have trials in "
        "common with each other and with ours, and are shown beside. A pool of so few trials rests on each of them, "
        "and a trial that was never published is missing from all."
    )


def _n(row: Mapping[str, Any], column: str) -> str:
    return wording.marked(row, wording.number(row[column]))


def _share(row: Mapping[str, Any], column: str = "estimate") -> str:
    return wording.marked(row, f"{100 * row[column]:.0f}")


ANALYSIS = Analysis(
    "systematic-reviews",
    "What do published trials say of treatments, and where does this cohort stand among them?",
    answers={"diary": CohortAnswer(of_diary, (*_TRIALS, *_COHORT)), "survey": CohortAnswer(of_survey, _TRIALS)},
    values=("answer", "nothing", "magnesium", "pool_words", "beside", "limits"),
)
