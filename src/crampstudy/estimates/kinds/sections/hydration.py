"""What fluid gives beside the ratios of exposures of person-time: guidelines met, and ratios by another variable."""

from crampstudy.estimates.kinds.registry import Kind, register

ADHERENCE = register(
    Kind(
        name="adherence to a guideline",
        meaning="Share of nights, or in a survey of people, on which the guideline in `term` was met; `reference` says "
        "what it asks for.",
        table="adherence",
        sentence="{term}: {value}",
    )
)
MODIFIED = register(
    Kind(
        name="ratio by another variable",
        meaning="Ratio of a nightly exposure within participants at the value of another variable in `level`, or of "
        "two such ratios, one value against the other.",
        table="modified",
        figure="modified",
        sentence="{term}, {level}: {scale} {value}",
        by_level=True,
    )
)
NIGHTLY_COUNT = register(
    Kind(
        name="another count of a night",
        meaning="Rate ratio of another count than that of cramps, in `outcome`, by a nightly exposure within "
        "participants.",
        table="factors",
        sentence="{outcome}, {comparison}: {scale} {estimate}",
        by_level=True,
    )
)
