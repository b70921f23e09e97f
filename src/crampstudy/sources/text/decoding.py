"""The bytes of a text file as UTF-8, in pieces of whole rows: compression, encoding and line ends are settled here."""

from __future__ import annotations

import codecs
import gzip
import lzma
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa

from crampstudy.errors import SourceError

COMPRESSED = (".gz", ".xz", ".zst")
"""Endings of compressed text files."""

_BLOCK = 1 << 23
LONGEST_ROW = 1 << 20
"""Bytes of a row at most: what is longer is no row of a table."""
_EXPANDS, _HARMLESS = 250, 1 << 24
_NEWLINE = ord("\n")
_PACKED = {".gz": b"\x1f\x8b", ".xz": b"\xfd7zXZ\x00", ".zst": b"\x28\xb5\x2f\xfd"}
_UTF8_BOM = b"\xef\xbb\xbf"
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# What a file is by its first bytes, for a message when it is not text.
_MAGIC = {
    b"PAR1": "a Parquet file",
    b"PK\x03\x04": "a spreadsheet or zip archive",
    b"\xd0\xcf\x11\xe0": "an old or locked workbook",
    b"%PDF": "a PDF",
    b"HEADER RECORD": "a SAS transport file",
    b"$FL": "an SPSS file",
    b"<stata_dta>": "a Stata file",
    b"BZh": "a bzip2 file",
    _PACKED[".gz"]: "a gzip file",
    _PACKED[".xz"]: "an xz file",
    _PACKED[".zst"]: "a zstd file",
}


class NotUtf8(Exception):
    """A byte sequence is not UTF-8, and the file says nothing of its encoding."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole rows as UTF-8; ``line`` is that of the first one, as an editor counts."""

    body: bytes
    line: int


def looks_like(head: bytes) -> str | None:
    """Return what a file is by its first bytes, ``None`` where they are not those of a known binary format."""
    return next((what for magic, what in _MAGIC.items() if head.startswith(magic)), None)


def pieces(path: Path, encoding: str = "utf-8") -> Iterator[Piece]:
    """Yield the text of ``path`` in pieces that end where a row ends, without a byte-order mark.

    A quotation mark that is not closed makes the rest of the file one piece, as long as a row may be. ``encoding`` is
    what a file without a byte-order mark is taken to be in.

    Raises:
        NotUtf8: a piece is not UTF-8, as ``encoding`` says.
        SourceError: the file is not text, its compression is not what its name says, it is cut off, a row is longer
            than any row is, or it unpacks to what no table is.
    """
    line, rest, old_mac = 1, b"", False
    for number, block in enumerate(_decoded(path, encoding)):
        if number == 0:
            # The last byte may be half of a line end.
            old_mac = b"\r" in block[:-1] and b"\n" not in block
        rest += block.replace(b"\r", b"\n") if old_mac else block
        end = _row_end(rest)
        if end:
            yield _checked(path, rest[:end], line)
            # As bytes.count does, three times as fast and without holding the interpreter.
            line += int(np.count_nonzero(np.frombuffer(rest, np.uint8, end) == _NEWLINE))
            rest = rest[end:]
        if len(rest) > LONGEST_ROW:
            raise _endless(path, rest, line)
    if rest:
        yield _checked(path, rest, line)


def _endless(path: Path, rest: bytes, line: int) -> SourceError:
    if b'"' in rest.partition(b"\n")[0]:
        what = "a quotation mark is not closed or not doubled, and no row ends in the next"
        return SourceError(f"{path}, line {line}: {what} {LONGEST_ROW:,} bytes; close it and save the file again")
    return SourceError(
        f"{path}, line {line}: the row is longer than {LONGEST_ROW:,} bytes, so this is no table in rows; "
        "save it as CSV, with a line for each row"
    )


def _row_end(text: bytes) -> int:
    """Return where the last whole row ends, 0 if none does: at a line break with all quotes before it closed."""
    end = text.rfind(b"\n") + 1
    quotes = text.count(b'"', 0, end)
    while end and quotes % 2:
        before = text.rfind(b"\n", 0, text.rfind(b'"', 0, end)) + 1
        quotes -= text.count(b'"', before, end)
        end = before
    return end


def _checked(path: Path, body: bytes, line: int) -> Piece:
    if b"\0" in body:
        at = line + body.count(b"\n", 0, body.index(b"\0"))
        raise SourceError(f"{path}, line {at}: the file holds zero bytes, so it is not text; save it as CSV (UTF-8)")
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError:
            raise NotUtf8 from None
    return Piece(body, line)


def _decoded(path: Path, encoding: str) -> Iterator[bytes]:
    decoder: codecs.IncrementalDecoder | None = None
    kind, line, tail = encoding, 1, 0
    for number, block in enumerate(_blocks(path)):
        if number == 0:
            if block.startswith(_UTF16):
                kind = "utf-16"
            elif block.startswith(_UTF8_BOM):
                kind, block = "utf-8", block.removeprefix(_UTF8_BOM)
            # A file that begins as UTF-8 and did not turn out so is read once more to find where.
            decoder = None if kind == encoding == "utf-8" else codecs.getincrementaldecoder(kind)()
        if decoder is None:
            yield block
            continue
        if kind == "cp1252" and not block.decode("utf-8", "ignore").isascii():
            raise _mixed(path, block, line)
        try:
            text = decoder.decode(block)
        except UnicodeDecodeError as error:
            raise _undecodable(path, block, error.start, kind, line, tail) from None
        line += text.count("\n")
        tail = len(text) - text.rfind("\n") - 1 if "\n" in text else tail + len(text)
        yield text.encode("utf-8", "replace")
    if decoder is not None:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            raise SourceError(f"{path} is cut off in the middle of a character; fetch or save it again") from None


def _mixed(path: Path, block: bytes, line: int) -> SourceError:
    at = next(i for i, row in enumerate(block.split(b"\n")) if not row.decode("utf-8", "ignore").isascii())
    return SourceError(
        f"{path}: line {line + at} is UTF-8 and another line is not; the file was put together from two encodings: "
        "save it again as CSV (UTF-8)"
    )


def _undecodable(path: Path, block: bytes, at: int, kind: str, line: int, tail: int) -> SourceError:
    if kind == "utf-16":
        return SourceError(f"{path} begins as UTF-16 and cannot be read as such; save it as CSV (UTF-8)")
    start = block.rfind(b"\n", 0, at) + 1
    line += block.count(b"\n", 0, at)
    column = at - start + 1 + (tail if not start else 0)
    if kind == "utf-8":
        return SourceError(
            f"{path}, line {line}, character {column}: the file begins as UTF-8 and the byte 0x{block[at]:02x} is not; "
            "it was cut or put together from two encodings: save it again as CSV (UTF-8)"
        )
    return SourceError(
        f"{path}, line {line}, character {column}: not UTF-8 text, and the byte 0x{block[at]:02x} has no meaning in "
        "Windows-1252 either; save the file as CSV (UTF-8)"
    )


def _blocks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}; check the file and its permissions") from None
    if not head:
        raise SourceError(f"{path} is empty; it needs a header and rows")
    suffix = path.suffix.lower()
    looks = looks_like(head)
    if suffix in _PACKED:
        if not head.startswith(_PACKED[suffix]):
            what = looks or "something else"
            raise SourceError(f"{path} is not what its name says: it looks like {what}; give it the right ending")
    elif looks:
        packed = next((ending for ending, magic in _PACKED.items() if head.startswith(magic)), None)
        what_next = f"give its name the ending {packed}" if packed else "save it as CSV (UTF-8)"
        raise SourceError(f"{path} is not delimited text: it looks like {looks}; {what_next}")
    try:
        size, most = 0, max(_HARMLESS, _EXPANDS * path.stat().st_size)
        with _unpacked(path, suffix) as stream:
            first = True
            while block := stream.read(_BLOCK):
                size += len(block)
                if suffix in _PACKED and size > most:
                    raise SourceError(
                        f"{path} unpacks to more than {_EXPANDS} times its size, which no table does; if it is one, "
                        "unpack it first and give the text file"
                    )
                if first and suffix in _PACKED and (inside := looks_like(block[:16])):
                    raise SourceError(f"{path} holds {inside}, not text; unpack it and save it as CSV (UTF-8)")
                first = False
                yield bytes(block)
            if first:
                raise SourceError(f"{path} is empty; it needs a header and rows")
    except (EOFError, OSError, lzma.LZMAError, zlib.error) as error:
        raise SourceError(f"{path} cannot be read: {error}; fetch or pack it again") from None


def _unpacked(path: Path, suffix: str) -> IO[bytes] | Any:
    if suffix == ".gz":
        return gzip.open(path)
    if suffix == ".xz":
        return lzma.open(path)
    if suffix == ".zst":
        return pa.input_stream(str(path), compression="zstd")
    return path.open("rb")
