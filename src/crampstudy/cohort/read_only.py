"""A mapping of tables that nobody can change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar, cast

import polars as pl

K = TypeVar("K", bound=str)
V = TypeVar("V")


class ReadOnly(Mapping[K, V]):
    """A mapping that nobody can change; a frame comes out as a copy (which shares its data until it is changed)."""

    __slots__ = ("_held",)

    def __init__(self, held: Mapping[K, V]) -> None:
        self._held = {name: _copy(value) for name, value in held.items()}

    def __getitem__(self, name: K) -> V:
        return _copy(self._held[name])

    def __iter__(self) -> Iterator[K]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)

    def __repr__(self) -> str:
        return f"ReadOnly({self._held!r})"


def _copy(value: V) -> V:
    return cast(V, value.clone()) if isinstance(value, pl.DataFrame) else value
