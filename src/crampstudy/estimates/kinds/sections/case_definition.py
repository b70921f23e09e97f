"""What counts as a nocturnal leg cramp: the published criteria, what looks alike, and the rate by either."""

from crampstudy.estimates.kinds.registry import Kind, register

CRITERION = register(
    Kind(
        name="case criterion",
        meaning="Share of the cramps logged one by one that meet the criterion in `level`, of those of which it was "
        "noted (`all that are measured`: of those of which all of these were); or of people the share who report what "
        "`level` says and that looks alike.",
        table="case_criteria",
        sentence="{level}: {value}",
    )
)
CASE_RATE = register(
    Kind(
        name="rate by case definition",
        meaning="Incidence rate of the cramps, or of the people, in `level`.",
        table="case_rates",
        sentence="Incidence rate, {level}: {value}",
    )
)
