"""What exposures measured as numbers give: their levels, how the outcome changes over them, and whether in a line."""

from crampstudy.estimates.kinds.registry import Kind, register

EXPOSURE_LEVEL = register(
    Kind(
        name="level of an exposure",
        meaning="Mean or standard deviation of a number over the participants, of a nightly one of their means.",
        table="dose_response",
        sentence="{term}, {scale}: {value}",
    )
)
LOW_LEVEL = register(
    Kind(
        name="low level",
        meaning="Share of participants whose level is below the limit in `level`: of deficiency where one is declared, "
        "else of the reference range.",
        table="dose_response",
        sentence="{term} below {level}: {value}",
    )
)
DOSE_RESPONSE = register(
    Kind(
        name="dose-response",
        meaning="Ratio or difference at the value in `level` of an exposure against that in `reference`, on a natural "
        "cubic spline.",
        table="dose_response",
        figure="dose_response",
        sentence="{term}, {level}: {scale} {value}",
        tabled=False,
    )
)
SHAPE = register(
    Kind(
        name="dose-response, shape",
        meaning="Joint Wald test that the spline of an exposure is a straight line on the scale of the link.",
        table="dose_response",
        sentence="{term}, test that the dose-response is a line: {value}",
    )
)
