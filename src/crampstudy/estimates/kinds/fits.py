"""What the fits of models give."""

from crampstudy.estimates.kinds.registry import Kind, register

_TERM = "{comparison}: {scale} {estimate}"
REGRESSION = register(
    Kind(
        name="regression",
        meaning="Ratio or difference of a term of a model, or another parameter of it; `scale` says which.",
        table="factors",
        figure="ratios",
        sentence=_TERM,
        of_fit=True,
    )
)
MUSCLE = register(
    Kind(
        name="muscle",
        meaning="As a regression, of muscle, joints or sitting with a sufficient set of the causal graph, which the "
        "note tells.",
        table="factors",
        figure="ratios",
        sentence=_TERM,
        of_fit=True,
    )
)
ADJUSTED = register(
    Kind(
        name="factors, adjusted for age and sex",
        meaning="As a regression, of one factor; what it is adjusted for stands in `adjusted_for`.",
        table="adjusted_factors",
        figure="ratios",
        sentence=_TERM,
        label="adjusted for age and sex",
        of_fit=True,
    )
)
GRAPH_ADJUSTED = register(
    Kind(
        name="exposure, adjusted by the causal graph",
        meaning="As a regression, of one exposure with a sufficient set of the causal graph, which the note tells.",
        table="factors",
        figure="ratios",
        sentence=_TERM,
        of_fit=True,
    )
)
MUTUAL = register(
    Kind(
        name="factors, mutually adjusted",
        meaning="As a regression, of all factors in one model.",
        table="adjusted_factors",
        figure="ratios",
        sentence=_TERM,
        label="mutually adjusted",
        of_fit=True,
    )
)
BOOTSTRAP = register(
    Kind(
        name="participant bootstrap",
        meaning="As a regression, of a fit that could not be resampled since it has no estimate.",
        table="bootstrap",
        sentence=_TERM,
        of_fit=True,
    )
)
BOOTSTRAP_PERCENTILE = register(
    Kind(
        name="participant bootstrap, percentile",
        meaning="As a regression, with the percentile interval of resampled participants.",
        table="bootstrap",
        sentence=_TERM,
        label="Percentile",
    )
)
BOOTSTRAP_CORRECTED = register(
    Kind(
        name="participant bootstrap, bias-corrected",
        meaning="As a regression, with the bias-corrected interval of resampled participants.",
        table="bootstrap",
        sentence=_TERM,
        label="Bias-corrected",
    )
)
