"""What people and programs write into a cell when they have no value for it."""

from __future__ import annotations

import re
import unicodedata

MARKS = frozenset(
    (
        *("NA", "N/A", "n/a", "na", "n.a.", "N.A.", "<NA>", "#N/A", "#NA", "#NV", "k.A.", "k. A."),
        *("NULL", "Null", "null", "NaN", "nan", "NAN", "-NaN", "-nan", ".", "-", "–", "—"),
    )
)
"""Marks of R, SAS, Stata, Excel (English and German), databases and pandas. ``none`` is none of them: it may be 0."""

_PHRASES = (
    *("no answer", "no response", "no reply", "no data", "no information", "no entry", "nonresponse", "non response"),
    *("not answered", "not applicable", "not available", "not ascertained", "not asked", "not assessed", "not known"),
    *("not recorded", "not reported", "not stated", "not sure", "not specified", "unknown", "unsure", "unanswered"),
    *("dont know", "do not know", "doesnt know", "does not know", "didnt know", "cannot say", "cant say"),
    *("refused", "refusal", "refuse", "refuses", "declined", "decline", "prefer not", "prefers not", "missing"),
    *("skipped", "skip", "illegible", "n a", "na"),
    *("keine angabe", "keine angaben", "keine antwort", "k a", "ka", "weiss nicht", "unbekannt", "nicht beantwortet"),
    *(
        "nicht zutreffend",
        "trifft nicht zu",
        "entfallt",
        "fehlend",
        "fehlt",
        "fehlender",
        "verweigert",
        "nicht erhoben",
    ),
    *(
        "ne sait pas",
        "sans reponse",
        "pas de reponse",
        "non reponse",
        "refus",
        "sans objet",
        "non applicable",
        "inconnu",
    ),
    *("no sabe", "no contesta", "no responde", "sin respuesta", "no aplica", "ns nc", "desconocido"),
    *("non sa", "non so", "non risponde", "nessuna risposta", "nao sabe", "nao respondeu", "sem resposta"),
    *("weet niet", "geen antwoord", "onbekend", "niet van toepassing", "vet ikke", "ved ikke", "vet inte", "vet ej"),
    *("intet svar", "ikke svar", "inget svar", "ubesvaret", "ubesvart"),
)
_FILLERS = (
    *("a", "an", "and", "answer", "answered", "answers", "blank", "by", "code", "coded", "data", "disclose", "given"),
    *("has", "in", "is", "of", "or", "participant", "question", "reason", "respondent", "say", "system", "the", "this"),
    *("to", "user", "value", "values", "was", "angabe", "antwort", "der", "die", "frage", "oder", "und", "wert", "zu"),
    *("nc", "nr", "dk", "nsp", "ne", "a", "la", "pas", "ou", "et", "o", "y"),
)


def _words(phrases: tuple[str, ...]) -> str:
    return rf"\b(?:{'|'.join(sorted(phrases, key=len, reverse=True))})\b"


_PHRASE, _FILLER = re.compile(_words(_PHRASES)), re.compile(_words(_FILLERS))


def reads_as_missing(label: str) -> bool:
    """Return whether a label says that there is no value, such as "No answer" or "weiß nicht", and nothing else."""
    apart = unicodedata.normalize("NFKD", re.sub("['’´`]", "", label.casefold()))
    letters = "".join(mark for mark in apart if not unicodedata.combining(mark))
    words = " ".join(re.sub(r"[\W\d_]+", " ", letters).split())
    rest, found = _PHRASE.subn(" ", words)
    return found > 0 and not _FILLER.sub(" ", rest).strip()


def is_mark(cell: str) -> bool:
    """Return whether a cell where something else than text belongs means that there is no value."""
    return cell in MARKS or reads_as_missing(cell)
