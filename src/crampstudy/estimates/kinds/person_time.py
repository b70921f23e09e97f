"""What exposures of person-time give: within and between participants, over several nights, and how sure a mean is."""

from crampstudy.estimates.kinds.registry import Kind, register

_LEVEL = "{term}, {level}: {scale} {value}"
RELIABILITY = register(
    Kind(
        name="reliability of the person mean",
        meaning="Share of the variance of the participants' means of a nightly exposure by which they differ for good.",
        table="factors",
        sentence="{term}, reliability of the person mean: {estimate}",
        beside=True,
    )
)
WITHIN_BETWEEN = register(
    Kind(
        name="within and between participants",
        meaning="Ratio or difference of a nightly exposure: of a night against the participant's mean (`level` "
        "within), or of that mean (between).",
        table="factors",
        figure="within_between",
        sentence=_LEVEL,
        by_level=True,
    )
)
CORRECTED = register(
    Kind(
        name="between participants, corrected",
        meaning="As between participants, by regression calibration for the reliability of the person means.",
        table="factors",
        sentence=_LEVEL,
        label="corrected",
        beside=True,
        by_level=True,
    )
)
DISTRIBUTED_LAG = register(
    Kind(
        name="distributed lag",
        meaning="Ratio or difference of a nightly exposure so many nights before (`level` lag 0, lag 1, …), of all of "
        "these nights together (cumulative), or of a later night (lead 1), the negative control.",
        table="factors",
        figure="lag_curves",
        sentence=_LEVEL,
        by_level=True,
    )
)
WINDOW = register(
    Kind(
        name="exposure of the last nights",
        meaning="Ratio of a nightly exposure over several nights within participants, as `level` says: how many of the "
        "last nights, acute over chronic load, or minutes of the last week.",
        table="factors",
        sentence=_LEVEL,
        by_level=True,
    )
)
