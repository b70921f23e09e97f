"""Parts of an analysis that do not depend on one another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from crampstudy.analyses.findings import Findings, attempt
from crampstudy.analyses.kept import FORM
from crampstudy.compute import shared


def attempts(*parts: tuple[Sequence[str], Callable[[], Findings]]) -> list[Findings]:
    """Return what parts found, each as :func:`attempt` does; a report with a core to spare makes two at a time.

    Args:
        parts: the labels of each, and a function of nothing that makes it.
    """
    return shared.each([partial(attempt, labels, part) for labels, part in parts], FORM)
