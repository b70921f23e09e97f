"""Exposures of person-time in a formula: which functions may stand around a column, and what their arguments are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from crampstudy.codebook.exposures import LONGEST, OF_PERSON, SHIFTS, USAGE, WINDOWS, Exposure
from crampstudy.models.terms.calls import Refused
from crampstudy.models.terms.columns import quoted

Token = tuple[str, str]
"""The kind of a part of a formula, ``name``, ``column``, ``number`` or ``sign`` among others, and its text."""
_OPEN, _CLOSE, _COMMA, _EQUALS = (("sign", sign) for sign in "(),=")


def begins(tokens: Sequence[Token], at: int) -> bool:
    """Say whether the call of a function of person-time begins at a place."""
    return tokens[at][0] == "name" and tokens[at][1] in USAGE and tokens[at + 1 : at + 2] == [_OPEN]


def read(tokens: Sequence[Token], at: int) -> tuple[Exposure, int]:
    """Return the exposure whose call begins at a place, and the place after it.

    Raises:
        Refused: it is none, as the end of a sentence.
    """
    function = tokens[at][1]
    inside, at = _inside(function, tokens, at + 2)
    given, at = _arguments(function, tokens, at)
    if function in OF_PERSON:
        return _part(function, inside, given), at
    return _around(function, inside, given), at


def _inside(function: str, tokens: Sequence[Token], at: int) -> tuple[Exposure, int]:
    if at < len(tokens) and tokens[at][0] in ("name", "column"):
        if begins(tokens, at):
            return read(tokens, at)
        return Exposure(quoted(tokens[at][1])), at + 1
    raise _refused(function)


def _arguments(function: str, tokens: Sequence[Token], at: int) -> tuple[list[tuple[str, str]], int]:
    """Return the arguments after the first, names (empty without one) and texts, and the place after the call."""
    given: list[tuple[str, str]] = []
    while tokens[at : at + 1] == [_COMMA]:
        end = next((i for i in range(at + 1, len(tokens)) if tokens[i] in (_COMMA, _CLOSE, _OPEN)), len(tokens))
        parts = list(tokens[at + 1 : end])
        named = len(parts) > 1 and parts[1] == _EQUALS
        name = parts[0][1] if named else ""
        given.append((name, "".join(text for _, text in parts[2 * named :])))
        at = end
    if tokens[at : at + 1] != [_CLOSE]:
        raise _refused(function)
    return given, at + 1


def _part(function: str, inside: Exposure, given: Sequence[tuple[str, str]]) -> Exposure:
    if inside.steps:
        raise Refused(
            f"{function}() takes the name of one column: the mean is the same at every lag, so write the deviation of "
            f"other nights as lag(within({inside.name}), 1), and the mean as between({inside.name})"
        )
    if inside.part or any(argument[0] != "leave_out" for argument in given) or len(given) > 1:
        raise _refused(function)
    if given and given[0][1] not in ("True", "False"):
        raise Refused(f"leave_out={given[0][1]} is neither True nor False; write {function}({inside.name})")
    part = OF_PERSON[OF_PERSON.index(function)]
    return replace(inside, part=part, leave_out=bool(given) and given[0][1] == "True")


def _around(function: str, inside: Exposure, given: Sequence[tuple[str, str]]) -> Exposure:
    if inside.part == "between":
        raise Refused(
            f"between({inside.name}) is the mean of all nights of a participant and has no other nights; it stands "
            f"without {function}()"
        )
    if function in WINDOWS and inside.window:
        raise Refused(f"{function}() takes no {inside.window[0]}(); write {_of(function, inside)}")
    if function in ("days_last", "load_ratio") and inside.part:
        raise Refused(f"{function}() is of a column itself and not of deviations; write {_of(function, inside)}")
    nights = None if function == "load_ratio" else _nights(function, given)
    if function == "load_ratio" and given:
        raise _refused(function)
    return replace(inside, steps=((function, nights), *inside.steps))


def _nights(function: str, given: Sequence[tuple[str, str]]) -> int:
    word, least = ("k", 0) if function in SHIFTS else ("n", 1)
    if len(given) != 1 or given[0][0] not in ("", word):
        raise _refused(function)
    text = given[0][1]
    if not (text.isascii() and text.isdigit() and least <= int(text) <= LONGEST):
        raise Refused(
            f"{word}={text} in {function}() is no whole number of nights from {least} to {LONGEST}; write "
            f"{USAGE[function]}"
        )
    return int(text)


def _of(function: str, inside: Exposure) -> str:
    return USAGE[function].replace("(x", f"({inside.name}")


def _refused(function: str) -> Refused:
    if function in OF_PERSON:
        return Refused(
            f"{function}() takes the name of one column of the diary, such as {function}(exercise_min), and no more "
            f"but leave_out=True; arithmetic stands around it, as in I({function}(exercise_min) / 30)"
        )
    return Refused(
        f"{function}() takes one column of the diary, or its within(), and how many nights; write {USAGE[function]}, "
        f"arithmetic around it as in I({USAGE[function]} / 30)"
    )
