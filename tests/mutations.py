"""Damage to a file as transport, editors and programs do it, the same for the same seed."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable

Mutation = Callable[[random.Random, bytes], bytes]
_STRAY = (
    b'"',
    b",",
    b";",
    b"\n",
    b"\r",
    b"\t",
    b"{",
    b"]",
    b": ",
    b"\xff",
    b"\xe9",
    b"1e999",
    b"NaN",
    b"=",
    b"&",
    b"*",
)
_ENCODINGS = ("utf-16", "utf-16-le", "cp1252", "utf-8-sig", "utf-32")
_PARTS = 0.6
"""Share of mutations of an archive that damage one of its parts rather than the whole."""


def mutate(seed: str, content: bytes, *, archive: bool = False) -> bytes:
    """Return ``content`` after one to three mutations; of an ``archive`` mostly within one of its parts."""
    rng = random.Random(seed)
    if archive and rng.random() < _PARTS:
        return _within(rng, content)
    return _several(rng, content)


def _several(rng: random.Random, content: bytes) -> bytes:
    for mutation in rng.choices(MUTATIONS, k=rng.choice((1, 1, 1, 2, 3))):
        content = mutation(rng, content)
    return content


def _within(rng: random.Random, content: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        hit = rng.choice(old.namelist())
        for name in old.namelist():
            new.writestr(name, _several(rng, old.read(name)) if name == hit else old.read(name))
    return made.getvalue()


def _cut_off(rng: random.Random, content: bytes) -> bytes:
    return content[: rng.randrange(len(content) + 1)]


def _over(rng: random.Random, content: bytes) -> bytes:
    at = rng.randrange(len(content) + 1)
    new = rng.choice((rng.randbytes(1), b"\0" * 8, b"\xff" * 8))
    return content[:at] + new + content[at + len(new) :]


def _into(rng: random.Random, content: bytes) -> bytes:
    at = rng.randrange(len(content) + 1)
    return content[:at] + rng.choice((*_STRAY, b"\0")) + content[at:]


def _out_or_twice(rng: random.Random, content: bytes) -> bytes:
    at = rng.randrange(len(content) + 1)
    end = at + rng.randrange(200)
    return content[:end] + content[at:] if rng.random() < 0.5 else content[:at] + content[end:]


def _lines(rng: random.Random, content: bytes) -> bytes:
    lines = content.split(b"\n")
    at = rng.randrange(len(lines))
    match rng.randrange(4):
        case 0:
            del lines[at]
        case 1:
            lines.insert(at, lines[0])
        case 2:
            cells = lines[0].split(b",")
            rng.shuffle(cells)
            lines[0] = b",".join(cells)
        case _:
            lines[at] = b",".join(lines[at].split(b",")[1:])
    return b"\n".join(lines)


def _encoded(rng: random.Random, content: bytes) -> bytes:
    return content.decode("utf-8", "ignore").encode(rng.choice(_ENCODINGS), "ignore")


MUTATIONS: tuple[Mutation, ...] = (_cut_off, _over, _over, _into, _out_or_twice, _lines, _encoded)
