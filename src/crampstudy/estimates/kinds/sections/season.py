"""What the time of the year does to cramps: the cycle, the months, and the season of an examination."""

from datetime import date

from crampstudy.estimates.kinds.registry import Kind, register

MONTH_NAMES = tuple(date(2023, month, 1).strftime("%B") for month in range(1, 13))
"""The levels of the rates by month."""

SEASON = register(
    Kind(
        name="annual cycle",
        meaning="Of a cosine and a sine of the day of the year in a model of the nights what `level` says: joint test, "
        "amplitude, peak, the ratio of peak to trough, midwinter against midsummer.",
        table="season",
        sentence="Annual cycle, {level}: {value}",
    )
)
MONTHS = register(
    Kind(
        name="rate by month",
        meaning="Incidence rate of the nights of the calendar month in `level`, all years together.",
        table="months",
        figure="season",
        sentence="Incidence rate in {level}: {value}",
    )
)
CYCLE = register(
    Kind(
        name="annual cycle, by day",
        meaning="Incidence rate on the day of the year in `level`, on the fitted cycle, all else as it is on average.",
        table="months",
        figure="season",
        sentence="Incidence rate on day {level} of the year: {value}",
        tabled=False,
    )
)
EXAMINED = register(
    Kind(
        name="season of the examination",
        meaning="As a regression, of the half-year in which a participant of a survey was examined.",
        table="factors",
        figure="ratios",
        sentence="{comparison}: {scale} {estimate}",
        of_fit=True,
    )
)
