"""Damage to files as bytes: what disks, transfers and other programs do."""

from __future__ import annotations

from collections.abc import Callable

from numpy.random import Generator

_STRANGE = (
    b"\0",
    b"\x1a",
    b"\xff",
    b"\xfe",
    b"\x80",
    b"\xc3",
    b'"',
    b",",
    b";",
    b"\r",
    b"\n",
    b"\t",
    b"\xef\xbb\xbf",
    b"|",
)


def place(rng: Generator, length: int) -> int:
    return int(rng.integers(0, max(1, length)))


def flip(content: bytes, rng: Generator) -> bytes:
    made = bytearray(content)
    for _ in range(int(rng.integers(1, 4)) if made else 0):
        made[place(rng, len(made))] ^= 1 << int(rng.integers(0, 8))
    return bytes(made)


def overwrite(content: bytes, rng: Generator) -> bytes:
    at, size = place(rng, len(content)), int(rng.integers(1, 9))
    return content[:at] + rng.bytes(size) + content[at + size :]


def insert(content: bytes, rng: Generator) -> bytes:
    at = place(rng, len(content))
    return content[:at] + _STRANGE[place(rng, len(_STRANGE))] * int(rng.integers(1, 3)) + content[at:]


def cut(content: bytes, rng: Generator) -> bytes:
    return content[: place(rng, len(content))]


def remove(content: bytes, rng: Generator) -> bytes:
    at = place(rng, len(content))
    return content[:at] + content[at + int(rng.integers(1, 40)) :]


def double(content: bytes, rng: Generator) -> bytes:
    at, size = place(rng, len(content)), int(rng.integers(1, 200))
    return content[: at + size] + content[at : at + size] + content[at + size :]


def end(content: bytes, rng: Generator) -> bytes:
    """The last bytes alone, where Parquet, zip and gzip keep what they know of themselves."""
    at = max(0, len(content) - int(rng.integers(1, 80)))
    made = bytearray(content)
    if made:
        made[at] = int(rng.integers(0, 256))
    return bytes(made)


def empty(content: bytes, rng: Generator) -> bytes:
    return (b"", b"\n", b" ", b"\xef\xbb\xbf", b"\0" * 16)[place(rng, 5)]


def junk(content: bytes, rng: Generator) -> bytes:
    return content + rng.bytes(int(rng.integers(1, 60)))


Damage = Callable[[bytes, Generator], bytes]
DAMAGE: tuple[Damage, ...] = (*(flip, overwrite) * 3, insert, cut, remove, double, end, end, empty, junk)


def damaged(content: bytes, rng: Generator) -> tuple[bytes, str]:
    """The content with one kind of damage, and its name."""
    damage = DAMAGE[place(rng, len(DAMAGE))]
    return damage(content, rng), damage.__name__
