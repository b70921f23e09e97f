"""Whose data a cohort is: who made it, where it comes from, and under which licence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from crampstudy import names
from crampstudy.readable import OneLine


@dataclass(frozen=True, slots=True, repr=False)
class Credits(OneLine):
    """Names of the ``authors``, the ``sources`` and the ``licences`` of a cohort, as readers are shown them.

    ``title`` is that of the data where the cohort is called otherwise: by a name that a reader gave, or as a part of
    them. ``digest`` is that of the data where the cohort is of those alone who meet a condition.
    """

    authors: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()
    title: str = field(default="", kw_only=True)
    digest: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        for name in ("authors", "sources", "licences"):
            shown = dict.fromkeys(filter(None, map(names.title, getattr(self, name))))
            object.__setattr__(self, name, tuple(shown))

    def titled(self, title: str | None) -> Credits:
        """Return the credits of a cohort that is no longer called by the ``title`` of its data."""
        return replace(self, title=self.title or title or "")

    def _facts(self) -> Iterator[str]:
        if self.title:
            yield self.title
        yield from (*self.authors, *self.sources, *self.licences)
