"""What comparisons of cohorts give."""

from crampstudy.estimates.kinds.registry import Kind, register

BETWEEN_COHORTS = register(
    Kind(
        name="between cohorts",
        meaning="Ratio or difference of the rate or prevalence in a group (`level`) of a cohort against that of the "
        "cohort in `reference`.",
        table="between_cohorts",
        figure="between_cohorts",
        sentence="{level}: {scale} {value}",
    )
)
BETWEEN_BANDS = register(
    Kind(
        name="between age bands",
        meaning="Crude ratio of the rate or prevalence in an age band (`level`) against that in the band in "
        "`reference`.",
        table="between_bands",
        sentence="{level}: {scale} {value}",
    )
)
BETWEEN_STANDARDISED = register(
    Kind(
        name="between cohorts, standardised",
        meaning="As between cohorts, over all age bands at the ages of a standard population.",
        table="between_cohorts",
        figure="compared_groups",
        sentence="Age-standardised: {scale} {value}",
    )
)
BETWEEN_ADJUSTED = register(
    Kind(
        name="between cohorts, adjusted",
        meaning="As between cohorts, averaged over the participants of all cohorts by one model adjusted for what "
        "stands in `adjusted_for` (g-computation).",
        table="between_cohorts",
        sentence="Adjusted: {scale} {value}",
    )
)
COHORT_INTERACTION = register(
    Kind(
        name="cohort by group",
        meaning="Joint Wald test that the groups differ alike in all cohorts, alone or adjusted (`adjusted_for`).",
        table="cohort_interaction",
        sentence="Cohort by group: {estimate}",
    )
)
COHORT_TREND = register(
    Kind(
        name="trend with age by cohort",
        meaning="Ratio per 10 years of age in a cohort (`level`), from one model of all cohorts.",
        table="cohort_interaction",
        sentence="{level}: {scale} {value} per 10 years",
    )
)
