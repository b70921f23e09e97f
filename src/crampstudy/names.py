"""A name as people read it, and as a file system takes it: a title is for display, a slug for paths."""

from __future__ import annotations

import hashlib
import re
import unicodedata

_LONGEST_BYTES = 80
"""Of a slug; far below what any file system takes, so that a temporary name or ``.old-1`` fits as well."""

# Letters and marks that show nothing: fillers, joiners and selectors of variants.
_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]")
# What Windows keeps for devices, whatever the ending.
_RESERVED = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9¹²³])(?![^. ])", re.IGNORECASE)
# Joiners are spelling in Persian and Hindi, and hold an emoji of several together.
_JOINERS = "\u200c\u200d"


def title(text: str) -> str:
    """Return a text for display: no control or direction character, nothing unseen, single spaces; ``""`` if no more.

    A character that turns the direction of writing could make a title read as another one, and a control character
    could write to a terminal.
    """
    plain = _UNSEEN.sub("", unicodedata.normalize("NFC", text))
    kept = (" " if _is_space(c) else c for c in plain if c in _JOINERS or _is_space(c) or not _is_control(c))
    shown = " ".join("".join(kept).split())
    return shown if shown.strip(_JOINERS) else ""


def slug(text: str, otherwise: str = "cohort") -> str:
    """Return a text as one part of a path on any system: never empty, hidden, an option, a device or another folder.

    Letters and digits of every script, inner spaces, ``_``, ``-`` and ``.`` stay as they are. Where anything had to
    be changed, eight digits of a digest of the whole text follow, so that two names never become one;
    ``otherwise`` stands for a text of which nothing stays.
    """
    composed = unicodedata.normalize("NFC", text)
    marked = _UNSEEN.sub("/", "".join(c if _is_plain(c) else "/" for c in composed)).replace("..", "/")
    safe = re.sub("[/ .-]*/[/ .-]*", "-", marked).strip(" .-")
    if _RESERVED.match(safe):
        safe = f"_{safe}"
    if safe and safe == composed and len(safe.encode()) <= _LONGEST_BYTES:
        return safe
    digest = hashlib.sha256(composed.encode(errors="surrogatepass")).hexdigest()[:8]
    room = _LONGEST_BYTES - len(digest) - 1
    short = safe.encode()[:room].decode(errors="ignore").rstrip(" .-")
    return f"{short or otherwise}-{digest}"


def _is_space(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) in ("Zl", "Zp")


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs")


def _is_plain(character: str) -> bool:
    return character in " _-." or character.isalnum() or unicodedata.category(character) in ("Mn", "Mc")
