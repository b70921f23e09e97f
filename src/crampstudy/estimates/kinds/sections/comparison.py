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
