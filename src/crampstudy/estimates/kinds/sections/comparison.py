"""What the comparison of cohorts gives beside its contrasts."""

from crampstudy.estimates.kinds.registry import Kind, register

STANDARDISED_DIFFERENCE = register(
    Kind(
        name="standardised difference",
        meaning="Difference between a cohort and that in `reference` of a mean, or of the share at a level, divided by "
        "the root of the mean of both variances.",
        table="standardised_differences",
        sentence="{variable}: {value}",
    )
)
DIFFERENCE_BETWEEN_BANDS = register(
    Kind(
        name="standardised difference by age",
        meaning="Largest difference between two age bands, `population` less `reference`, of a mean or of the share at "
        "a level, divided by the root of the mean of both variances.",
        table="table_one",
        sentence="{variable}: {value}",
    )
)
