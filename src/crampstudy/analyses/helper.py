"""A second process that makes some of the steps of an analysis, in a report with a core to spare."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from crampstudy.analyses.settings import Settings
from crampstudy.cohort import Cohort
from crampstudy.compute import shared, stored
from crampstudy.sources import handed_on


def helped(name: str, cohort: Cohort, settings: Settings | None) -> AbstractContextManager[None]:
    """Share the steps of an analysis that is run in the block, if this process may have a helper."""
    return shared.offered(partial(_asked, name, cohort, settings), "crampstudy.analyses.registry:help_with")


def taken(folder: Path) -> tuple[str, Cohort, Settings | None] | None:
    """Take part in the analysis that is shared in a folder, and return what is asked of which cohort, and how.

    ``None`` where the cohort is not there any more.
    """
    name, source, settings = stored.decode(shared.taken(folder), (Settings,))
    cohort = handed_on.cohort_of(source)
    return None if cohort is None else (name, cohort, settings)


def _asked(name: str, cohort: Cohort, settings: Settings | None) -> bytes | None:
    source = handed_on.source_of(cohort)
    try:
        return None if source is None else stored.encode((name, source, settings), (Settings,))
    except stored.NotData:
        # With a causal graph or a plan of claims of one's own.
        return None
