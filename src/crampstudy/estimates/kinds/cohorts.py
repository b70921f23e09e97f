"""What a comparison of cohorts gives beside the groups: factors, other standards, other kinds of cohort, few events."""

from crampstudy.estimates.kinds.registry import Kind, register

FACTOR_IN_COHORT = register(
    Kind(
        name="factor in a cohort",
        meaning="Ratio at the declared contrast of an exposure in a cohort, adjusted for what the causal graph asks "
        "for among the columns that all cohorts compared have.",
        table="factors_between",
        sentence="{level}: {scale} {value}",
    )
)
FACTOR_BETWEEN = register(
    Kind(
        name="factor between cohorts",
        meaning="Ratio of the ratio of an exposure in a cohort to that in the cohort in `reference`, at the same "
        "contrast (`level`) and with the same adjustment.",
        table="factors_between",
        sentence="{level}: ratio of ratios {value}",
    )
)
STANDARDISED_OTHERWISE = register(
    Kind(
        name="between cohorts, standardised otherwise",
        meaning="As between cohorts, standardised, with another standard population, other age bands or fewer "
        "participants, as `level` says; the first row is as it was asked.",
        table="standardised_otherwise",
        sentence="{level}: {scale} {value}",
    )
)
BETWEEN_KINDS = register(
    Kind(
        name="between kinds of cohort",
        meaning="Share of people by cramps in 30 nights (`level`) that a diary implies at the ages and sexes of a "
        "survey's people, or counts in windows of 30 nights, against the share that recalled so many: each of them, "
        "their ratio and their difference. A log is not recall.",
        table="between_kinds",
        figure="common_measure",
        sentence="{level}: {scale} {value}",
    )
)
POOLED = register(
    Kind(
        name="pooled over cohorts",
        meaning="Rate or prevalence in a group (`level`), or a ratio of two groups, over cohorts that are taken as "
        "sites of one study: each site is a stratum.",
        table="pooled_cohorts",
        sentence="{level}: {value}",
    )
)
FEW_EVENTS = register(
    Kind(
        name="between cohorts, few events",
        meaning="Rate of a cohort (`cohort`) at the ages of a standard population with an interval of few events, "
        "which takes cramps as independent; the interval is named in `model`.",
        table="few_events",
        sentence="Age-standardised, as of few events: {value}",
    )
)
BETWEEN_BOOTSTRAP = register(
    Kind(
        name="between cohorts, standardised, bootstrap",
        meaning="As between cohorts, standardised, with the percentile interval of participants drawn with replacement "
        "in each cohort.",
        table="standardised_otherwise",
        sentence="Age-standardised, bootstrap: {scale} {value}",
    )
)
E_VALUE = register(
    Kind(
        name="e-value",
        meaning="How strong unmeasured confounding would have to be, as a ratio with both, to explain the ratio of "
        "the same `term` and `level` whose kind stands in `estimand`; `ci_low` is that of the limit nearer to 1.",
        table="beside_ratios",
        sentence="{level}: E-value {estimate}",
    )
)
FALSE_DISCOVERY = register(
    Kind(
        name="p-value by Benjamini-Hochberg",
        meaning="The p-value of the ratio of the same `term` and `level` whose kind stands in `estimand`, adjusted by "
        "Benjamini and Hochberg over the family that `note` names; `q_value` of the ratio itself is Holm's.",
        table="beside_ratios",
        sentence="{level}: {estimate} by Benjamini-Hochberg",
    )
)
