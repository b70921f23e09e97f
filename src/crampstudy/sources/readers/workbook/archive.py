"""A workbook as a file: whether it is one that can be read, and what to say where it is not."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from crampstudy.errors import SourceError
from crampstudy.sources.readers import sheetxml

SUFFIXES = (".xlsx", ".xlsm")
_OTHERS = (".xls", ".xlsb", ".ods", ".numbers", ".fods")
_OLE = b"\xd0\xcf\x11\xe0"
# Whichever XML library reads, what it raises is a SyntaxError; an unknown compression is not implemented.
_BROKEN = (
    *(BadZipFile, InvalidFileException, SyntaxError, zlib.error, LZMAError, struct.error),
    *(OSError, EOFError, LookupError, ValueError, TypeError, AttributeError, StopIteration, ArithmeticError),
    *(RuntimeError, AssertionError),
)
_PROLOGUE = 1 << 10
_EXPANDS, _HARMLESS = 100, 1 << 24


@dataclass(frozen=True, slots=True)
class Book:
    """An open workbook; ``parts`` has the file of each sheet in the archive, and whether the sheet is hidden."""

    path: Path
    workbook: openpyxl.Workbook
    archive: ZipFile
    parts: dict[str, tuple[str, bool]]


@contextmanager
def opened(path: Path) -> Iterator[Book]:
    """Open a workbook, and close it again.

    Raises:
        SourceError: it is missing, encrypted, broken, in another format, without a worksheet or far larger unpacked.
    """
    suffix = path.suffix.lower()
    if suffix in _OTHERS:
        raise SourceError(f"{path}: workbooks are read as .xlsx or .xlsm, not {suffix}; save it as .xlsx")
    if not path.is_file():
        raise SourceError(f"there is no workbook {path}; give a file that ends in {' or '.join(SUFFIXES)}")
    with path.open("rb") as file:
        head = file.read(4)
    if head == _OLE:
        raise SourceError(
            f"{path} is encrypted with a password, or an old .xls with another ending; "
            "remove the password, or save it as .xlsx"
        )
    with reading(path):
        archive = ZipFile(path)
    with archive:
        with reading(path):
            _check_size(path, archive)
            parts = sheetxml.sheet_parts(archive)
            workbook = openpyxl.load_workbook(path, read_only=True, data_only=True)
        if not parts:
            raise SourceError(f"{path} has no worksheet; add one with a header and rows")
        try:
            yield Book(path, workbook, archive, parts)
        finally:
            workbook.close()


def _check_size(path: Path, archive: ZipFile) -> None:
    """Refuse a workbook that is small in the file and would be huge in memory."""
    for part in archive.infolist():
        if part.file_size > max(_HARMLESS, _EXPANDS * part.compress_size):
            raise SourceError(
                f"{path} holds {part.filename}, which unpacks to more than {_EXPANDS} times its size, as no sheet of "
                "data does; copy the cells that are needed into a new workbook, or save the sheet as CSV (UTF-8)"
            )
        with archive.open(part) as file:
            if b"<!DOCTYPE" in file.read(_PROLOGUE):
                raise SourceError(f"{path} holds {part.filename} with a document type, which no workbook has")


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what the library raises on a broken workbook into an error that names it."""
    try:
        # Extensions that openpyxl does not know (validation lists, slicers) have no values.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            yield
    except _BROKEN as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise SourceError(f"{path} cannot be read as a workbook ({reason}); open it and save it as .xlsx") from error
