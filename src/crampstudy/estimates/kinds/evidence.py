"""What published trials say: each by itself, pooled, and of the next one."""

from crampstudy.estimates.kinds.registry import Kind, register

_NAMED = "{term}, {who}, {level}: {value}"
TRIAL = register(
    Kind(
        name="published trial",
        meaning="Difference in cramps a week that a trial found, treatment less comparator (`reference`), after its "
        "conversion, which `note` shows; `level` names it.",
        table="trials",
        figure="forest",
        sentence=_NAMED,
    )
)
COHORT_TRIAL = register(
    Kind(
        name="the cohort as one more trial",
        meaning="Difference in cramps a week that a treatment made in the cohort, drawn apart from the trials.",
        table="trials",
        figure="forest",
        sentence=_NAMED,
    )
)
PLACE = register(
    Kind(
        name="place among the trials",
        meaning="Share of trials as large as the cohort whose difference would be below that of the cohort, if it were "
        "one of them; `note` says whether it lies in the prediction interval.",
        table="pooled",
        sentence=_NAMED,
    )
)
PUBLISHED_POOL = register(
    Kind(
        name="published pool",
        meaning="Difference in cramps a week of a published meta-analysis, shown beside and never pooled again.",
        table="trials",
        figure="forest",
        sentence=_NAMED,
    )
)
WEIGHT = register(
    Kind(
        name="weight in the pool",
        meaning="Share of a trial (`level`) in the pooled difference by REML.",
        table="trials",
        figure="forest",
        sentence=_NAMED,
    )
)
POOLED = register(
    Kind(
        name="pooled difference",
        meaning="Mean difference in cramps a week over trials; `model` says how their spread was estimated, `level` "
        "and `estimand` how the interval is made.",
        table="pooled",
        figure="forest",
        sentence=_NAMED,
    )
)
PREDICTION = register(
    Kind(
        name="next trial",
        meaning="Interval of the true difference of the next trial, by the definition in `level` and `estimand`.",
        table="pooled",
        figure="forest",
        sentence=_NAMED,
    )
)
BEYOND = register(
    Kind(
        name="next trial beyond a threshold",
        meaning="Probability that the true difference of the next trial is as large as `level` says.",
        table="pooled",
        sentence=_NAMED,
    )
)
HETEROGENEITY = register(
    Kind(
        name="heterogeneity",
        meaning="How much true differences vary between trials: tau2 (Q-profile interval), I2, or the test of Q.",
        table="pooled",
        sentence="{term}, {who}, {level}: {estimate}",
    )
)
ASYMMETRY = register(
    Kind(
        name="small-study effects",
        meaning="Regression of the differences on their standard errors (Egger), of ten trials and more.",
        table="pooled",
        sentence=_NAMED,
    )
)
HIGH_RISK = register(
    Kind(
        name="weight at high risk of bias",
        meaning="Share of the pool that is of trials judged to be at high risk of bias.",
        table="pooled",
        sentence=_NAMED,
    )
)
WITHOUT = register(
    Kind(
        name="pooled without one trial",
        meaning="The pooled difference without the trial in `level`.",
        table="sensitivity",
        sentence=_NAMED,
    )
)
CUMULATIVE = register(
    Kind(
        name="pooled up to a year",
        meaning="The pooled difference of the trials up to that in `level`, by year.",
        table="sensitivity",
        sentence=_NAMED,
    )
)
SUBGROUP = register(
    Kind(
        name="pooled by subgroup",
        meaning="Mean difference of the trials of a subgroup (`level`), or the test that all are equal.",
        table="sensitivity",
        sentence=_NAMED,
    )
)
MODERATOR = register(
    Kind(
        name="regression of trials",
        meaning="How the difference of trials changes with a number that they differ in, or the share of tau2 that "
        "goes with it.",
        table="sensitivity",
        sentence=_NAMED,
    )
)
