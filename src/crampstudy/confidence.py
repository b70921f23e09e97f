"""What a confidence level may be."""

from __future__ import annotations

from crampstudy.errors import UsageError


def check_level(ci_level: float) -> None:
    """Check that a confidence level is one.

    Raises:
        UsageError: it does not lie between 0 and 1.
    """
    if not 0 < ci_level < 1:
        error = UsageError(f"a confidence level lies between 0 and 1, such as 0.95; got {ci_level:g}")
        error.correction = f"{ci_level:g}", "0.95"
        raise error
