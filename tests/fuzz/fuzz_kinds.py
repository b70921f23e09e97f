"""A kind of source: how the valid study is written in it, how it is spoilt, and what it then plainly says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fuzz_plain import Plain
from fuzz_study import Row, Tables, study, written
from fuzz_text import Sheet
from numpy.random import Generator

Spoil = Callable[[Path, Generator], str]


@dataclass(frozen=True)
class Kind:
    """``write`` puts the valid study into a folder and returns its source, ``spoil`` damages it and says how.

    ``plain`` reads what is then there without the package, and raises ``Unclear`` where it cannot.
    """

    name: str
    write: Callable[[Path], str]
    spoil: Spoil
    plain: Callable[[Path], Plain]
    truth: Callable[[], Tables] = study
    bare: bool = False


def sheet(rows: list[Row]) -> Sheet:
    """Rows of the study as a sheet of texts, with the header."""
    return Sheet([list(rows[0]), *([written(value) for value in row.values()] for row in rows)])


def chosen(rng: Generator, options: tuple[str, ...], weights: tuple[float, ...]) -> str:
    return options[int(rng.choice(len(options), p=[weight / sum(weights) for weight in weights]))]
