"""Treatments that people took by their own choice: rates, effects by weights, balance, and how far groups overlap."""

from crampstudy.estimates.kinds.registry import Kind, register

_TABLE, _SENTENCE = "open_use", "{term}, begun against not: {scale} {value}"
_EFFECT = "Cramps from time zero on of those who began the treatment in `term` against those who did not"

OPEN_USE_RATE = register(
    Kind(
        name="open use, rate",
        meaning="Cramps a week of those who took the treatment in `term`, or of the others, before or after time zero "
        "(`level`), as they are.",
        table="open_use_rates",
        sentence="{term}, {level}: {value}",
    )
)
OPEN_USE_CRUDE = register(
    Kind(
        name="open use, unweighted", meaning=f"{_EFFECT}, as they are.", label="crude", table=_TABLE, sentence=_SENTENCE
    )
)
OPEN_USE = register(
    Kind(
        name="open use, weighted",
        meaning=f"{_EFFECT}, in the whole cohort by stabilised inverse-probability weights of age, sex and the rate "
        "before time zero.",
        label="weighted",
        table=_TABLE,
        sentence=_SENTENCE,
    )
)
OPEN_USE_GRAPH = register(
    Kind(
        name="open use, weighted for the causal graph",
        meaning=f"{_EFFECT}, weighted as well for what else the causal graph asks for and was measured.",
        label="weighted, also for the graph",
        table=_TABLE,
        sentence=_SENTENCE,
    )
)
OPEN_USE_TRUNCATED = register(
    Kind(
        name="open use, weights truncated",
        meaning=f"{_EFFECT}, weighted, no weight beyond the 1st and 99th centile.",
        label="weights truncated",
        table=_TABLE,
        sentence=_SENTENCE,
    )
)
BALANCE_BEFORE = register(
    Kind(
        name="balance before weighting",
        meaning="Standardised mean difference of the variable in `term` (of `level`, if it has levels) between "
        "those who took the treatment in `outcome` and the others; its denominator is the unweighted pooled SD of "
        "both.",
        table="balance",
        figure="balance",
        sentence="{variable}, before weighting: {value}",
        label="before",
    )
)
BALANCE_AFTER = register(
    Kind(
        name="balance after weighting",
        meaning="As before weighting, of the weighted means, with the same denominator.",
        table="balance",
        figure="balance",
        sentence="{variable}, after weighting: {value}",
        label="after",
    )
)
OVERLAP = register(
    Kind(
        name="overlap",
        meaning="Of the weights of the treatment in `term` what `level` says: extremes, effective numbers, and how "
        "many participants have a chance of treatment that nobody of the other group has.",
        table="overlap",
        sentence="{term}, {level}: {value}",
    )
)
PROPENSITY = register(
    Kind(
        name="propensity",
        meaning="Share of the group in `population` whose chance of taking the treatment in `term` is in `level`.",
        table="overlap",
        figure="overlap",
        sentence="{who}, chance of {term} {level}: {value}",
        tabled=False,
    )
)
PROPENSITY_WEIGHTED = register(
    Kind(
        name="propensity, weighted",
        meaning="As the propensity, weighted: alike in both groups where the weights do their work.",
        table="overlap",
        figure="overlap",
        sentence="{who}, chance of {term} {level}, weighted: {value}",
        tabled=False,
    )
)
REGRESSION_TO_THE_MEAN = register(
    Kind(
        name="regression to the mean",
        meaning="Rates of the run-in and after it, their ratio, the ratio to be expected without any treatment (by "
        "selection on the run-in, by the end of a flare, by both), and what remains, by `level`.",
        table="regression_to_the_mean",
        figure="regression_to_the_mean",
        sentence="Regression to the mean, {level}: {value}",
    )
)
