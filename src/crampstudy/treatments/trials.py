"""The effect of a treatment that lots decided on, by its design, and as published trials state theirs."""

from __future__ import annotations

from crampstudy.cohort import Cohort
from crampstudy.errors import AnalysisError
from crampstudy.estimates.verdicts import DIFFERENCE
from crampstudy.treatments.combinations import PLACEBO
from crampstudy.treatments.crossover import crossover
from crampstudy.treatments.designs import MIXED, TreatmentDesign, designs, why_no_design
from crampstudy.treatments.n_of_1 import n_of_1
from crampstudy.treatments.parallel import parallel
from crampstudy.treatments.question import Row, TreatmentQuestion, of_both
from crampstudy.wording import agent, listed, term

_ANSWERS = {"parallel": parallel, "crossover": crossover, "n-of-1": n_of_1}


def trial_effect(cohort: Cohort, design: TreatmentDesign, asked: TreatmentQuestion | None = None) -> list[Row]:
    """Return the rows of a treatment by the analysis of its design.

    Raises:
        AnalysisError: lots did not decide on the treatment, or no design fits.
    """
    answer = _ANSWERS.get(design.kind or "")
    if answer is None:
        raise AnalysisError(design.reason or f"{term(design.agent)} was taken by choice, which is no trial")
    asked = asked or TreatmentQuestion()
    return of_both(answer(cohort, design, asked), asked.margins)


def own_contrast(cohort: Cohort, asked: TreatmentQuestion | None = None) -> Row:
    """Return the difference that a cohort's trial of one treatment against placebo found, in cramps a week.

    Raises:
        AnalysisError: the cohort is no such trial, or it has no estimate.
    """
    trials = [design for design in designs(cohort) if design.arms.height]
    if not trials:
        raise AnalysisError(why_no_design(cohort) or "the cohort has no randomised treatment")
    if trials[0].agent == MIXED:
        raise AnalysisError("it randomised what is noted as another agent, of which no trial is known")
    if trials[0].kind is None:
        raise AnalysisError(trials[0].reason)
    if len(trials) > 1 or trials[0].against != PLACEBO:
        agents = dict.fromkeys(name for each in trials for name in (each.agent, each.against) if name)
        named = listed("nothing" if name == "none" else agent(name) for name in agents)
        raise AnalysisError(f"it randomised {named}, and the contrast is of one treatment against placebo")
    rows = trial_effect(cohort, trials[0], asked)
    found = next((row for row in rows if row["scale"] == DIFFERENCE), rows[0])
    if found["status"] != "converged":
        raise AnalysisError(str(found["note"]))
    return found
