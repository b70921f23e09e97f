"""What people recall of how often they have cramps, against what they then logged."""

from crampstudy.estimates.kinds.registry import Kind, register

RECALL = register(
    Kind(
        name="recall against log",
        meaning="Agreement of the recalled number of cramps in 30 nights with the logged one, a value a person: mean "
        "difference of square roots and limits of agreement (Bland-Altman), share in the same class, weighted kappa.",
        table="recall",
        sentence="Recall against log, {level}: {value}",
    )
)
RECALL_CELLS = register(
    Kind(
        name="recall against log, people",
        meaning="Share of the people whose mean of, and difference between, the square roots of both numbers round to "
        "those in `level`, in steps of a quarter.",
        table="recall",
        figure="recall",
        sentence="Mean and difference of square roots {level}: {value} of the people",
        tabled=False,
    )
)
