"""Conditions and drugs: their adjusted ratios, and how these differ with age."""

from crampstudy.estimates.kinds.registry import Kind, register

_RATIO = "{comparison}: {scale} {estimate}"
CONDITION = register(
    Kind(
        name="condition, adjusted by the causal graph",
        meaning="As a regression, of a condition or a drug with a sufficient set of the causal graph, which the note "
        "tells; `n_exposed` have it.",
        table="conditions",
        figure="ratios_by_age",
        sentence=_RATIO,
        label="all ages",
        of_fit=True,
    )
)
CONDITION_AT_50 = register(
    Kind(
        name="condition at 50 years",
        meaning="The ratio of a condition or a drug at 50 years, of a model in which it differs with age.",
        table="conditions",
        figure="ratios_by_age",
        sentence="{comparison}, at 50 years: {scale} {estimate}",
        label="at 50 years",
    )
)
CONDITION_AT_75 = register(
    Kind(
        name="condition at 75 years",
        meaning="The ratio of a condition or a drug at 75 years, of a model in which it differs with age.",
        table="conditions",
        figure="ratios_by_age",
        sentence="{comparison}, at 75 years: {scale} {estimate}",
        label="at 75 years",
    )
)
CONDITION_BY_AGE = register(
    Kind(
        name="condition, 75 against 50 years",
        meaning="The ratio of a condition or a drug at 75 years by that at 50 years: 1 where it is the same.",
        table="conditions",
        sentence="{comparison}, at 75 against 50 years: ratio of {scale}s {estimate}",
        label="75 against 50 years",
    )
)
