"""Loading a library without a part of it that takes long and that it does without."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from types import ModuleType


@contextlib.contextmanager
def without(module: str) -> Iterator[None]:
    """Make whoever imports ``module`` while the block lasts go without, unless it is loaded already.

    What is imported in the block does without it, as where it is not installed; afterwards it is there for everyone.
    """
    modules: dict[str, ModuleType | None] = sys.modules  # type: ignore[assignment]
    loaded = modules.setdefault(module, None)
    try:
        yield
    finally:
        if loaded is None:
            del modules[module]
