"""What cramps and sleep have to do with one another: the scores of a night with cramps, and cramps after poor sleep."""

from crampstudy.estimates.kinds.registry import Kind, register

_SCORES = "{outcome} on a cramp night, {level} participants: {scale} {value}"
CRAMP_NIGHT = register(
    Kind(
        name="scores of a cramp night",
        meaning="Difference of a score of the night, or of the day after it, between nights with and without cramps of "
        "the same participant (`level` within), or between participants by their share of such nights (between).",
        table="cramp_night",
        sentence=_SCORES,
        label="within participants",
        by_level=True,
    )
)
CRAMP_NIGHT_MODEL_BASED = register(
    Kind(
        name="scores of a cramp night, model-based",
        meaning="As the scores of a cramp night, with the standard error that takes the model at its word.",
        table="cramp_night",
        sentence=_SCORES,
        label="model-based",
        by_level=True,
    )
)
CRAMP_NIGHT_ADJUSTED = register(
    Kind(
        name="scores of a cramp night, adjusted",
        meaning="As the scores of a cramp night, adjusted for what the causal graph asks for and the cohort has.",
        table="cramp_night",
        sentence=_SCORES,
        label="adjusted",
        by_level=True,
    )
)
LAG_ADJUSTED = register(
    Kind(
        name="distributed lag, adjusted",
        meaning="As a distributed lag, adjusted for what the causal graph asks for and the cohort has, but for the "
        "cramps of the night before.",
        table="factors",
        sentence="{term}, {level}, {label}: {scale} {value}",
        label="adjusted",
        by_level=True,
    )
)
BOTH_DIRECTIONS = register(
    Kind(
        name="sleep and cramps, both directions",
        meaning="By how many standard deviations within participants a score was worse on a cramp night than on "
        "others, or sleep so many nights before a cramp (`level` lag 1, …); lead 1 is the negative control.",
        table="both_directions",
        figure="both_directions",
        sentence="{outcome}, {term}, {level}: {estimate} standard deviations worse",
        by_level=True,
    )
)
SLEEP_AND_MOOD = register(
    Kind(
        name="usual sleep and depression",
        meaning="As a regression, of usual sleep or of depression in a survey, each adjusted as the causal graph asks.",
        table="usual_sleep",
        figure="usual_sleep",
        sentence="{comparison}: {scale} {estimate}",
        of_fit=True,
    )
)
