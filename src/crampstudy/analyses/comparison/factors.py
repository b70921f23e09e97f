"""Which factors go with cramps in one cohort otherwise than in another."""

from __future__ import annotations

from collections.abc import Sequence

from crampstudy import tables, wording
from crampstudy.analyses.comparison.sentences import factors as said
from crampstudy.analyses.comparison.settings import ComparisonSettings
from crampstudy.analyses.findings import Findings, ReportTable, together
from crampstudy.cohort import Cohort
from crampstudy.contrasts.cohorts.factors import compare_factors, declared_factors
from crampstudy.estimates import kinds, verdicts
from crampstudy.estimates.sentences import outcomes
from crampstudy.models.terms import formula

FACTORS = "tbl-factors"
MAIN = (
    *("age_years", "serum_magnesium_mmol_l", "vitamin_d_nmol_l", "hba1c_mmol_mol", "grip_strength_kg"),
    *("alcohol_units", "fluid_ml", "sleep_quality_0_10"),
)
"""The variables whose declared contrasts are compared unless all are asked for; of nightly ones within participants."""


def factors(cohorts: Sequence[Cohort], settings: ComparisonSettings, whose: str = "") -> Findings:
    """Return the adjusted ratio of each factor in each cohort of one kind, and how many times that of the reference.

    Args:
        cohorts: two or more of one kind, the reference first.
        settings: of the comparison; ``factors`` says which.
        whose: whose ratios they are, after a comma.
    """
    every = declared_factors(cohorts) if settings.factors != "none" else []
    chosen = [each for each in every if settings.factors == "all" or _is_main(each)]
    if not chosen:
        return Findings(together([]), values={"factors": said.without(settings.factors, len(every))})
    rows = compare_factors(cohorts, chosen, bands=settings.bands, where=settings.where, ci_level=settings.ci_level)
    # Why a factor has no ratio in a cohort is the reason why the two have none, with the name of the cohort.
    between = kinds.FACTOR_BETWEEN.rows(rows)
    remarks = [
        said.NOTE,
        *said.of_fewer(rows),
        *said.of_centiles(rows),
        *said.of_lines(rows),
        *said.of_the_night_before(between),
        *said.of_few(rows),
        verdicts.remark(rows),
        tables.reasons(between),
    ]
    of = outcomes(rows)
    ratios = f": ratios of {of}" if of else ""
    shown = ReportTable(
        tables.factors_between(rows),
        f"Factors in each cohort at their declared contrasts{ratios}{whose}.",
        wording.sentences(filter(None, remarks)),
    )
    return Findings(rows, {FACTORS: shown}, values={"factors": said.apart(rows, len(chosen), len(every))})


def _is_main(factor: str) -> bool:
    return not factor.startswith("between(") and set(formula.columns_in(formula.parse(factor))) <= {*MAIN}
