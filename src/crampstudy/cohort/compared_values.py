"""What a condition compares columns with: a level that nobody can have would choose nobody without a word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from crampstudy import codebook, suggestions
from crampstudy.errors import UsageError

Tokens = Sequence[tuple[str, str]]
_EQUAL = ("=", "==", "!=", "<>")
_SIGNS = (*_EQUAL, "<", "<=", ">", ">=")
_SHOWN = 12


def check_names(tokens: Tokens, frame: pl.DataFrame, where: str) -> None:
    """Check that the names in a condition are columns of ``frame``.

    Raises:
        UsageError: one is none.
    """
    for place, (kind, name) in enumerate(tokens):
        if kind != "name" or name in frame.columns:
            continue
        sign = tokens[place - 1][1].upper() if place > 1 else ""
        compared = tokens[place - 2][1] if sign in (*_EQUAL, "IS") else ""
        if name in (levels := _levels(compared, frame) or ()):
            said = f"{name!r} is a level of {compared}, and a text stands in quotes: {compared} = '{name}'"
            # A name may stand in marks of its own, which are not to stay around the text.
            written = next((each for each in (f'"{name}"', f"`{name}`", f"[{name}]") if each in where), name)
            meant = f"'{name}'" if sign in _EQUAL else None
            raise _corrected(f"{said}, in where {where!r}; {compared} has {_listed(levels)}", written, meant)
        said, known = f"{name!r} names no column, in where {where!r}", codebook.candidates(name, frame.columns)
        # Where one was meant a hundred others would hide it.
        there = "" if suggestions.closest(name, known) else f"there are {', '.join(frame.columns)}"
        raise suggestions.unknown(UsageError, said, name, known, there)


def check_values(tokens: Tokens, frame: pl.DataFrame, where: str) -> None:
    """Check that columns of ``frame`` are compared with what they can be: numbers, yes or no, or levels that there are.

    Raises:
        UsageError: one is not.
    """
    for name, sign, kind, text in _compared(tokens):
        dtype, end = frame[name].dtype, f"in where {where!r}"
        if dtype == pl.Boolean and (kind in ("text", "date") or (kind == "number" and text not in ("0", "1"))):
            meant = suggestions.closest(text.strip("'"), ("true", "false"))
            said = f"{name} is yes or no, and {text} is neither; write {name} = TRUE or = FALSE, {end}"
            raise _corrected(said, text, meant[0].upper() if meant else None)
        if dtype.is_numeric() and kind in ("text", "date"):
            raise UsageError(f"{name} is a number, and {text} is a text; write a number such as {name} > 1, {end}")
        if dtype.is_temporal() and kind in ("text", "number"):
            raise UsageError(f"{name} is a date, and {text} is none; write it as '2024-01-31', {end}")
        levels = _levels(name, frame)
        if levels is None:
            continue
        if kind == "number":
            written = f"{name} = '{levels[0]}'" if levels else f"{name} IS NULL"
            raise UsageError(f"{name} is a text, and {text} is a number; write such as {written}, {end}")
        value = text[1:-1].replace("''", "'")
        if levels and sign in (*_EQUAL, "IN") and value not in levels:
            raise suggestions.unknown(
                UsageError, f"{name} has no level {value!r}, {end}", value, levels, f"{name} has {_listed(levels)}"
            )


def _corrected(said: str, written: str, meant: str | None) -> UsageError:
    error = UsageError(said)
    error.correction = (written, meant) if meant else None
    return error


def _compared(tokens: Tokens) -> Iterator[tuple[str, str, str, str]]:
    """Yield column, sign, kind and text of each comparison of a column with a constant, either of them first."""
    for place, (kind, name) in enumerate(tokens):
        if kind != "name":
            continue
        before, after = tokens[max(place - 2, 0) : place], tokens[place + 1 : place + 3]
        if len(after) == 2 and after[0][1] in _SIGNS:
            yield name, after[0][1], *after[1]
        if len(before) == 2 and before[1][1] in _SIGNS:
            yield name, before[1][1], *before[0]
        rest = [token for token in tokens[place + 1 :] if token[1].upper() != "NOT"]
        if [text.upper() for _, text in rest[:2]] == ["IN", "("]:
            end = next((i for i, (_, text) in enumerate(rest) if text == ")"), len(rest))
            yield from ((name, "IN", *token) for token in rest[2:end] if token[0] != "sign")


def _levels(name: str, frame: pl.DataFrame) -> list[str] | None:
    """Return the levels that a column may have: those of the codebook and of the rows; ``None`` if it has none."""
    dtype = frame.schema.get(name)
    if dtype not in (pl.String, pl.Enum, pl.Categorical):
        return None
    known = codebook.find(name)
    declared = dtype.categories.to_list() if isinstance(dtype, pl.Enum) else known.levels if known else ()
    present = frame[name].cast(pl.String).drop_nulls().unique().sort().to_list()
    return list(dict.fromkeys([*declared, *present]))


def _listed(levels: Sequence[str]) -> str:
    return ", ".join(levels[:_SHOWN]) + (", …" if len(levels) > _SHOWN else "")
