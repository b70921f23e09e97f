"""What a name that is not known may have been meant for: everyday words, other spellings, then what looks alike."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterable, Mapping
from difflib import SequenceMatcher
from functools import cache
from importlib.resources import files
from typing import TypeVar

from crampstudy.errors import CrampstudyError

_E = TypeVar("_E", bound=CrampstudyError)
_PLAIN = re.compile(r"[\w.-]+")
_MOST = 3
_LEAST_LIKE, _LEAST_LIKE_EVERYDAY, _NEARLY = 0.65, 0.8, 0.03


def unknown(
    kind: type[_E], said: str, name: object, known: Iterable[str], then: str = "", *, closed: bool = False
) -> _E:
    """Return an error that says of a ``name`` that it is none of the ``known`` ones, and which may have been meant.

    Args:
        kind: the kind of the error.
        said: what is wrong and where, without a full stop.
        name: the name as it was written.
        known: the names that there are.
        then: what follows, such as which names are allowed.
        closed: whether the names are few and told, so that where none is like it one goes on with the first of them.
    """
    known = [*known]
    meant = closest(name, known)
    error = kind("; ".join(filter(None, (said, " ".join(filter(None, (_asked(meant), then)))))))
    if len(meant) == 1 or (closed and known):
        error.correction = str(name), (*meant, *map(str, known))[0]
    return error


def few(others: Iterable[str]) -> tuple[str, ...]:
    """Return what else may have been meant, nothing where that is much: of few choices none is more likely."""
    found = tuple(others)
    return found if len(found) < _MOST else ()


def hint(name: object, known: Iterable[str]) -> str:
    """Return ``; did you mean bmi_kg_m2?``, or an empty text where no ``known`` name is like ``name``."""
    asked = _asked(closest(name, known))
    return f"; {asked}" if asked else ""


def closest(name: object, known: Iterable[str]) -> tuple[str, ...]:
    """Return the known names that a wrong one may stand for, the likeliest kind of likeness alone, at most three.

    The same words in another case or with other marks between them come first, then what an everyday word means, then
    names of more words, then what is spelt alike.
    """
    names = [each for each in dict.fromkeys(map(str, known)) if each != str(name)]
    word, by_word = _word(str(name)), {_word(each): each for each in reversed(names)}
    if word in by_word:
        return (by_word[word],)
    if meant := _meant(word, names):
        return meant
    parts = set(word.split("_"))
    longer = [each for each in names if word and parts < set(_word(each).split("_"))]
    if 0 < len(longer) <= _MOST:
        return tuple(longer)
    alike = _alike(word, {each: (named,) for each, named in by_word.items()}, _LEAST_LIKE)
    # Everyday words are many, and one that is not much like the name is chance.
    alike = alike or _alike(word, {k: meant for k in _synonyms() if (meant := _meant(k, names))}, _LEAST_LIKE_EVERYDAY)
    return tuple(dict.fromkeys(alike))[:_MOST]


def _alike(word: str, names: Mapping[str, tuple[str, ...]], at_least: float) -> list[str]:
    """Return what is meant by the words that are spelt like ``word``, those nearly as like as the likeliest one."""
    likeness = {each: SequenceMatcher(None, word, each).ratio() for each in names}
    least = max(at_least, max(likeness.values(), default=0.0) - _NEARLY)
    return [
        name
        for each in sorted(names, key=lambda each: -likeness[each])
        if likeness[each] >= least
        for name in names[each]
    ]


def _meant(word: str, known: Collection[str]) -> tuple[str, ...]:
    found = ([each for each in meant if each in known] for meant in _synonyms().get(word, ()))
    return tuple(next(filter(None, found), ()))


def _asked(meant: tuple[str, ...]) -> str:
    *others, last = [each if _PLAIN.fullmatch(each) else repr(each) for each in meant] or [""]
    return f"did you mean {' or '.join(filter(None, (', '.join(others), last)))}?" if meant else ""


def _word(name: str) -> str:
    return "_".join(re.findall(r"[^\W_]+", name.casefold()))


@cache
def _synonyms() -> Mapping[str, tuple[tuple[str, ...], ...]]:
    """Return what everyday words mean, from what is meant first on; of several at once any may be meant."""
    text = files("crampstudy.suggestions").joinpath("synonyms.csv").read_text(encoding="utf-8")
    found: dict[str, tuple[tuple[str, ...], ...]] = {}
    for row in csv.DictReader(text.splitlines()):
        found[row["written"]] = (*found.get(row["written"], ()), tuple(row["meant"].split("|")))
    return found
