"""What a condition compares columns with: a level that nobody can have would choose nobody without a word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import polars as pl

from crampstudy import codebook, suggestions
from crampstudy.cohort.subpopulation.grammar import EQUAL, SIGNS
from crampstudy.cohort.subpopulation.tokens import Token, no_name
from crampstudy.errors import UsageError

_PLAIN = re.compile(r"[A-Za-z_]\w*")
_MARKED = r"'(?:[^']|'')*'|\"[^\"]*\"|`[^`]*`|\[[^\]]*\]"
_SHOWN = 12


def quoted(name: str) -> str:
    """Return the name of a column as it stands in a condition: in double quotes if it has spaces or other signs."""
    return name if _PLAIN.fullmatch(name) else f'"{name}"'


def check_marks(frame: pl.DataFrame, where: str) -> None:
    """Check that no column of ``frame`` whose name needs quotes stands in a condition without them.

    Raises:
        UsageError: one does.
    """
    odd = sorted(
        (name for name in frame.columns if not _PLAIN.fullmatch(name) and '"' not in name), key=len, reverse=True
    )
    if not odd:
        return
    patterns = {name: r"\s+".join(map(re.escape, name.split())) for name in odd}
    names = "|".join(rf"(?<!\w){pattern}(?!\w)" for pattern in patterns.values())
    found = re.compile(rf"(?P<odd>{names})|{_MARKED}", re.IGNORECASE)
    named = next((each for each in found.finditer(where) if each["odd"]), None)
    if named is None:
        return
    name = next(name for name, each in patterns.items() if re.fullmatch(each, named["odd"], re.IGNORECASE))
    rule = f"a name with spaces or other signs stands in double quotes: {quoted(name)}"
    error = UsageError(f"where {where!r}: {name} is a column, and {rule}")
    error.correction = instead(where, named.start(), named.end(), quoted(name))
    raise error


def check_names(tokens: Sequence[Token], frame: pl.DataFrame, where: str) -> None:
    """Check that the names in a condition are columns of ``frame``.

    Raises:
        UsageError: one is none.
    """
    for place, token in enumerate(tokens):
        name = token.text
        if token.kind != "name" or (name in frame.columns and not token.spaced):
            continue
        sign = tokens[place - 1].text.upper() if place > 1 else ""
        compared = tokens[place - 2].text if sign in (*EQUAL, "IS") else ""
        if name in (known := levels(compared, frame) or ()):
            said = f"{name!r} is a level of {compared}, and a text stands in quotes: {quoted(compared)} = '{name}'"
            # A name may stand in marks of its own, which are not to stay around the text.
            written = next((each for each in (f'"{name}"', f"`{name}`", f"[{name}]") if each in where), name)
            meant = f"'{name}'" if sign in EQUAL else None
            raise corrected(f"{said}, in where {where!r}; {compared} has {listed(known)}", written, meant)
        if frame.schema.get(compared) == pl.Boolean and (word := suggestions.closest(name, ("true", "false"))):
            said = f"{compared} is yes or no; write {quoted(compared)} = TRUE or = FALSE, in where {where!r}"
            raise corrected(said, name, word[0].upper() if sign in EQUAL else None)
        check_marks(frame, where)
        candidates = codebook.candidates(name, frame.columns)
        alike = suggestions.closest(name, candidates)
        # Where one was meant a hundred others would hide it.
        there = "" if alike else f"there are {', '.join(frame.columns)}"
        if token.spaced:
            asked = suggestions.hint(name, candidates) or f"; {there}"
            error = UsageError(f"{no_name(where, name)}, and no column is called so{asked}")
            if alike:
                error.correction = instead(where, token.start, token.end, quoted(alike[0]))
            raise error
        said = f"{name!r} names no column, in where {where!r}"
        error = suggestions.unknown(UsageError, said, name, candidates, there)
        if len(alike) == 1 and (marked := quoted(alike[0])) != alike[0]:
            error.correction = instead(where, token.start, token.end, marked)
        raise error


def check_levels(tokens: Sequence[Token], frame: pl.DataFrame, where: str) -> None:
    """Check that columns of ``frame`` that have levels are compared with levels that there are.

    Raises:
        UsageError: one is not.
    """
    for name, sign, text in _compared_texts(tokens):
        value, known = text[1:-1].replace("''", "'"), levels(name, frame)
        if known and sign in (*EQUAL, "IN") and value not in known:
            said = f"{name} has no level {value!r}, in where {where!r}"
            raise suggestions.unknown(UsageError, said, value, known, f"{name} has {listed(known)}")


def corrected(said: str, written: str, meant: str | None) -> UsageError:
    """Return an error that says of what is ``written`` what was meant, where that is known."""
    error = UsageError(said)
    error.correction = (written, meant) if meant else None
    return error


def instead(where: str, start: int, end: int, meant: str) -> tuple[str, str]:
    """Return the correction of a condition in which other characters stand in the place of some."""
    return f"where={where}", f"where={where[:start]}{meant}{where[end:]}"


def _compared_texts(tokens: Sequence[Token]) -> Iterator[tuple[str, str, str]]:
    """Yield column, sign and text of each comparison of a column with a text, either of them first."""
    for place, token in enumerate(tokens):
        if token.kind != "name":
            continue
        before, after = tokens[max(place - 2, 0) : place], tokens[place + 1 : place + 3]
        for pair in (after, before[::-1]):
            if len(pair) == 2 and pair[0].text in SIGNS and pair[1].kind in ("text", "date"):
                yield token.text, pair[0].text, pair[1].text
        rest = [each for each in tokens[place + 1 :] if each.word != "NOT"]
        if [each.word for each in rest[:2]] == ["IN", "("]:
            end = next((i for i, each in enumerate(rest) if each.word == ")"), len(rest))
            yield from ((token.text, "IN", each.text) for each in rest[2:end] if each.kind in ("text", "date"))


def levels(name: str, frame: pl.DataFrame) -> list[str] | None:
    """Return the levels that a column may have: those of the codebook and of the rows; ``None`` if it has none."""
    dtype = frame.schema.get(name)
    if dtype not in (pl.String, pl.Enum, pl.Categorical):
        return None
    known = codebook.find(name)
    declared = dtype.categories.to_list() if isinstance(dtype, pl.Enum) else known.levels if known else ()
    present = frame[name].cast(pl.String).drop_nulls().unique().sort().to_list()
    return list(dict.fromkeys([*declared, *present]))


def listed(known: Sequence[str]) -> str:
    """Return the first levels of a column in print."""
    return ", ".join(known[:_SHOWN]) + (", …" if len(known) > _SHOWN else "")
