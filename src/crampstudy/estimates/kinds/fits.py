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


def _age(beside: str, also: str = "") -> Kind:
    return register(
        Kind(
            name=f"age, {beside}",
            meaning="As a regression, of age as a spline and sex, among those of whom all that was measured of muscle, "
            f"joints and sitting is known{also}.",
            table="age_ratios",
            figure="age_ratios",
            sentence="{comparison}, {beside}: {scale} {estimate}",
            label=beside,
            of_fit=True,
        )
    )


AGE_ALONE = _age("beside sex alone")
AGE_BESIDE_MUSCLE = _age("beside muscle", "; lean mass and grip strength stand beside")
AGE_BESIDE_JOINTS = _age("beside joints", "; flexibility, joint pain and arthritis stand beside")
AGE_BESIDE_SITTING = _age("beside sitting", "; sitting stands beside")
AGE_BESIDE_ALL = _age("beside all that was measured", "; all of these stand beside")
COEFFICIENT = register(
    Kind(
        name="coefficient",
        meaning="Coefficient of a model on the scale of its link, with its standard error without a correction for few "
        "participants.",
        table="coefficients",
        of_tables=True,
        sentence="{comparison}: coefficient {estimate}",
    )
)
COEFFICIENT_BY_STATSMODELS = register(
    Kind(
        name="coefficient by statsmodels",
        meaning="The same coefficient and standard error where statsmodels fitted the model.",
        table="coefficients",
        of_tables=True,
        sentence="{comparison}: coefficient by statsmodels {estimate}",
    )
)
COEFFICIENT_GAP = register(
    Kind(
        name="gap between coefficients",
        meaning="How far those two coefficients, or as `scale` says their standard errors, are apart, in standard "
        "errors of this study.",
        table="coefficients",
        of_tables=True,
        sentence="{comparison}: {scale} {estimate}",
    )
)
