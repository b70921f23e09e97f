"""What rows of treatments call their levels and covariates: for those who make them and those who print them."""

from __future__ import annotations

from crampstudy import codebook, wording

RUN_IN, AFTER, OBSERVED = "run-in", "after", "observed"
OF_SELECTION, OF_FLARE, EXPECTED, REMAINS = "expected of selection", "expected of a flare", "expected", "remains"
HALF_LIFE = "half-life of a flare"
ALL = "all"
RANDOMISED = "randomised participants"
"""Everybody of a trial, as a population."""
BOTH_SIDES = "nights before and after time zero"
"""What a participant who can be compared has."""
TREATED, UNTREATED = GROUPS = "treated", "untreated"
"""The groups of an open use."""
MEDIAN_BEFORE, MEDIAN_AFTER = "median difference before weighting", "median difference after weighting"
"""Of the standardised mean differences of everything measured, without their signs."""
RUN_IN_RATE = "run_in_log_rate"
"""The logarithm of the rate before time zero, a covariate."""
MEAN_BEFORE = "between("
"""What the mean of a nightly column before time zero begins with."""


def _before(name: str, label: str, unit: str | None, type_: codebook.VariableType) -> codebook.Variable:
    return codebook.Variable(
        table="participants",
        name=name,
        label=label,
        unit=unit,
        type=type_,
        minimum=0,
        maximum=None,
        levels=(),
        domain="run-in",
        component=None,
        severity=None,
        required=False,
        source=None,
        description=f"{label}, before time zero.",
    )


RUN_IN_CRAMPS, RUN_IN_NIGHTS = "run_in_cramps_per_week", "run_in_nights"
OF_RUN_IN = {
    RUN_IN_CRAMPS: _before(RUN_IN_CRAMPS, "Cramps a week in the run-in", None, "number"),
    RUN_IN_NIGHTS: _before(RUN_IN_NIGHTS, "Nights logged in the run-in", None, "integer"),
}
"""What was counted of the participants of a trial before time zero, beside the codebook's variables."""


def covariate(column: str) -> str:
    """Return a covariate as printed: ``Fluid intake before time zero`` of the mean of what was logged before it."""
    if column == RUN_IN_RATE:
        return "Rate before time zero"
    name = column.removeprefix(MEAN_BEFORE).removesuffix(")") if column.startswith(MEAN_BEFORE) else ""
    return f"{wording.term(name)} before time zero" if name else wording.term(column)
