"""What activity gives beside the ratios of exposures of person-time."""

from crampstudy.estimates.kinds.registry import Kind, register

THIRDS = register(
    Kind(
        name="active thirds",
        meaning="Ratio of the third of the participants in `level` to that in `reference`, by mean active minutes.",
        table="factors",
        sentence="{level}: {scale} {value}",
        by_level=True,
    )
)
JOINT = register(
    Kind(
        name="joint programme",
        meaning="Rate of cramps by the g-formula if everybody drank, ate and stretched as advised on every night, if "
        "nobody did, or the ratio of the two.",
        table="joint_programme",
        sentence="Joint programme, {level}: {value}",
    )
)
