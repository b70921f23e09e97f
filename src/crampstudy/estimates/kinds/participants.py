"""Who is in a cohort, and how completely they were observed."""

from crampstudy.estimates.kinds.registry import Kind, register

CHARACTERISTICS = register(
    Kind(
        name="characteristics",
        meaning="Mean, standard deviation, quartiles where it is skewed, or share at a level of a variable that "
        "describes the participants.",
        table="table_one",
        sentence="{variable}, {scale}, {who}: {value}",
    )
)
COMPLETENESS = register(
    Kind(
        name="completeness",
        meaning="Share of what was expected of an age group that was observed; the median of the longest gaps.",
        table="completeness",
        sentence="Observed, {who}: {value}",
    )
)
MEASURED = register(
    Kind(
        name="measured",
        meaning="Share of participants who have a value of the variable in `term`.",
        table="measured",
        figure="measured",
        sentence="With a value of {term}: {value}",
    )
)
