"""Whose data a cohort is: who made it, where it comes from, and under which licence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

from crampstudy import names
from crampstudy.readable import OneLine


@dataclass(frozen=True, slots=True, repr=False)
class Credits(OneLine):
    """Names of the ``authors``, the ``sources`` and the ``licences`` of a cohort, as readers are shown them."""

    authors: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field in fields(self):
            shown = dict.fromkeys(filter(None, map(names.title, getattr(self, field.name))))
            object.__setattr__(self, field.name, tuple(shown))

    def _facts(self) -> Iterator[str]:
        yield from (*self.authors, *self.sources, *self.licences)
