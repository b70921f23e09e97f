"""What is run for a document, and with which values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crampstudy.report import params
from crampstudy.report.outline import Outline


@dataclass(frozen=True, slots=True)
class DocumentPlan:
    """What is run with which values: ``declared`` are all parameters, ``values`` those that were set.

    ``outline_file`` is the file that the outline came from, if there is one. A report that is not whole has ``only``
    these sections. ``printed`` are values that readers are shown in the place of those that notebooks are given.
    """

    outline: Outline
    outline_file: Path | None
    values: Mapping[str, Any]
    declared: Sequence[params.Parameter]
    only: tuple[str, ...] = ()
    printed: Mapping[str, Any] = field(default_factory=dict)
