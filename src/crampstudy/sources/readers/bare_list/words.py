"""Words of spreadsheets in several languages: headings, answers of yes or no, the sexes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

YES = frozenset(
    {"yes", "y", "ja", "j", "oui", "o", "si", "s", "sim", "true", "wahr", "vrai", "verdadero", "vero", "waar"}
)
NO = frozenset({"no", "n", "nein", "non", "nee", "nao", "nej", "nei", "false", "falsch", "faux", "falso", "onwaar"})
_BOXES = {"checked": "true", "unchecked": "false"}
TICKS = frozenset({"x", "xx", "✓", "✔", "☑", "✗", "✘", "*", "+", "•"})
"""Marks that say yes, and whose absence may be a no or no answer."""

_FEMALE: tuple[str, ...] = (
    "female",
    "f",
    "w",
    "weiblich",
    "frau",
    "woman",
    "women",
    "femme",
    "feminin",
    "mujer",
    "femenino",
    "femenina",
)
_FEMALE += (
    "donna",
    "femmina",
    "femminile",
    "vrouw",
    "vrouwelijk",
    "v",
    "mulher",
    "feminino",
    "kvinna",
    "kvinde",
    "kvinne",
)
_MALE: tuple[str, ...] = (
    "male",
    "mannlich",
    "mann",
    "man",
    "men",
    "homme",
    "masculin",
    "hombre",
    "masculino",
    "uomo",
    "maschio",
)
_MALE += ("maschile", "mannelijk", "homem")
_SEX: Mapping[str, str] = {**dict.fromkeys(_FEMALE, "female"), **dict.fromkeys(_MALE, "male")}
_YOUR = r"((what is )?your|(was|wie|welches) ist (ihr|dein)|ihr|dein)"
_THEN = (
    r" (at|bei|zum|a l|al) (\w+ )?(inclusion|enrolment|enrollment|baseline|entry|start|recruitment|einschluss|aufnahme|"
    r"studienbeginn|beginn|studieneinschluss|reclutamento|momento)"
)
"""When a study asked for an age: as people came into it."""
_HEADINGS: Mapping[str, str] = {
    "age_years": rf"(({_YOUR} )?(age|alter)|edad|eta|leeftijd|idade|alder|how old are you|wie alt (sind sie|bist du))"
    rf"( now| today| heute| jetzt|{_THEN})?( in)?( full| completed| vollendeten| vollen)?"
    r"( years| yrs| jahren| jahre| anni| anos| ans| annees| jaar)?",
    "sex": rf"({_YOUR} )?(biological |biologisches )?(sex|gender|geschlecht)( laut ausweis| at birth| bei geburt"
    r"| assigned at birth| bei der geburt| a la naissance)?"
    r"|geschl|sexe( a la naissance)?|sexo|sesso|genere|genero|genre|geslacht|kon|kjonn"
    r"|are you (male or female|female or male|a man or a woman|a woman or a man)"
    r"|sind sie (mannlich oder weiblich|weiblich oder mannlich|ein mann oder eine frau|eine frau oder ein mann)"
    r"|(welches geschlecht|which (sex|gender)) (haben sie|hast du|are you)",
}
"""Headings, and questions of forms in English and German, as :func:`words` has them."""


_OF_FORM = re.compile(r"redcap .*|.* complete|complete( \d+)?|(repeat|event)( instrument| instance| name)?")
_MEASURED = re.compile(
    r"\b(pain|\w*schmerz\w*|douleurs?|dolor|dolore|dor|pijn|smerte?|severity|intensit\w+|intensid\w+|duration|\w*dauer|"
    r"duree|duracion|durata|duracao|duur|minutes|minuten|seconds|sekunden|\w*starke|schwere)\b"
)
_COUNTED = re.compile(
    r"(number|no|nr|n|anzahl|nombre|numero|aantal|antal|count|how (many|often)|wie (viele|oft)|combien)\b"
)


def plain(text: str) -> str:
    """Return a text in small letters, without accents and outer spaces."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(mark for mark in apart if not unicodedata.combining(mark)).strip()


@lru_cache(maxsize=4096)
def words(text: str) -> str:
    """Return the words of a heading as :func:`plain` has them, with single spaces between."""
    return " ".join(re.sub(r"[\W_]+", " ", plain(text)).split())


def heading_of(heading: str) -> str | None:
    """Return the variable of participants that a heading names in some language, ``None`` where it names none."""
    return next((name for name, form in _HEADINGS.items() if re.fullmatch(form, words(heading))), None)


def of_form(heading: str) -> bool:
    """Return whether a heading is of a column in which REDCap says which form a row is of, and whether it is done."""
    return _OF_FORM.fullmatch(words(heading)) is not None


def measured(heading: str) -> bool:
    """Return whether a heading names what is measured of cramps, such as their pain or how long they lasted."""
    said = words(heading)
    return _MEASURED.search(said) is not None and not _COUNTED.match(said)


def truth(answer: str) -> str | None:
    """Return ``true`` for a word that says yes, ``false`` for one that says no, ``None`` for any other."""
    word = plain(answer).rstrip(".!")
    if word in _BOXES:
        return _BOXES[word]
    return "true" if word in YES else "false" if word in NO else None


def sexes(answers: list[str]) -> Mapping[str, str] | None:
    """Return which sex each of all answers of a column means, ``None`` where one of them is open.

    An m is a man beside f, w, v or k, and a woman (mujer) beside h (hombre); alone it leaves that open.
    """
    said = {answer: words(answer) for answer in answers}
    letters = {word for word in said.values() if len(word) == 1}
    known = dict(_SEX)
    if letters & {"f", "w", "v"}:
        known |= {"m": "male", "h": "male"}
    elif letters & {"k"}:
        known |= {"m": "male", "k": "female"}
    elif letters == {"h", "m"}:
        known |= {"h": "male", "m": "female"}
    if not said or any(word not in known for word in said.values()):
        return None
    return {answer: known[word] for answer, word in said.items()}
