"""How severe single cramps are, when they come, and what goes with their end."""

from crampstudy.estimates.kinds.registry import Kind, register

FEATURE = register(
    Kind(
        name="feature of cramps",
        meaning="Of the cramps of a group the share with what `level` says of the variable in `term`, or the median, "
        "90th centile or mean of it, participants as clusters.",
        table="cramp_features",
        sentence="{variable}, {who}: {value}",
    )
)
ONSET = register(
    Kind(
        name="onset by hour",
        meaning="Share of the cramps that begin in the hour of the clock in `level`, participants as clusters.",
        table="onset",
        figure="onset",
        sentence="Onset from {level}: {value}",
        tabled=False,
    )
)
MEAN_ONSET = register(
    Kind(
        name="mean onset",
        meaning="Hour of the clock around which cramps begin, the direction of the mean of all onsets on the circle of "
        "24 hours; limits may pass midnight, as hours below 0 or above 24.",
        table="onset",
        sentence="Mean onset: {value}",
    )
)
REMEDY = register(
    Kind(
        name="remedy within persons",
        meaning="Cramps with the remedy in `level` against those without any, of the same participants: hazard ratio "
        "of relief, difference of the fall of pain, or prevalence ratio of soreness afterwards.",
        table="remedies",
        sentence="{outcome}, {comparison}: {scale} {value}",
    )
)
REMEDY_AT_EQUAL_PAIN = register(
    Kind(
        name="remedy within persons, at equal pain",
        meaning="As a remedy within persons, adjusted for the worst pain of the cramp.",
        table="remedies",
        sentence="{outcome}, {comparison}, at equal pain: {scale} {value}",
        label="at equal pain",
    )
)
