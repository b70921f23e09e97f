"""The publisher's NHANES files, downloaded once: resumable, checked, with their digests on record."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TextIO
from urllib.parse import urljoin, urlsplit

import pooch

from crampstudy.atomic_write import guarded, whole_file
from crampstudy.errors import SourceError, UsageError
from crampstudy.sources import web_address
from crampstudy.sources.readers.nhanes import codes as nc

PUBLISHER = "https://wwwn.cdc.gov/Nchs/Data/Nhanes/Public"
RECORD = "digests.json"
_MAGIC = b"HEADER RECORD*******LIB"
_RECORD_LENGTH = 80  # a transport file is a whole number of such records
_CHUNK = 1 << 14  # what is lost at most when a connection breaks
_ATTEMPTS = 3
_TOO_MANY = 429

Progress = Callable[[str, int, int | None], None]
"""Called with the name of a file, the bytes that are there, and how many there will be where the server says so.

The two numbers are equal once per file, when it is whole and checked.
"""


@dataclass(frozen=True, slots=True)
class Fetched:
    """One file: its digest (SHA-256, hexadecimal), its size in bytes, and whether this call downloaded it."""

    path: Path
    sha256: str
    size: int
    downloaded: bool


def tables(cycle: str) -> tuple[str, ...]:
    """Return the names of the tables that a cycle's cohort is made of, without the letter of the cycle."""
    return tuple(dict.fromkeys([*(f.table for f in nc.FIELDS if cycle in f.cycles), *nc.EXTRA]))


def nhanes(
    folder: Path,
    cycles: Sequence[str] | None = None,
    *,
    base_url: str = PUBLISHER,
    refresh: bool = False,
    progress: Progress = lambda name, size, total: None,
    wait_s: float = 1.0,
    redirects_to: Collection[str] = (),
) -> tuple[Fetched, ...]:
    """Download the transport files of ``cycles`` (all that are known without it) into ``folder``.

    A file takes its name only when it is whole and checked. A download that was cut off goes on where it stopped if
    the server can, else from the start; a connection that breaks is tried three times, ``wait_s`` seconds apart and
    more. A file whose digest is on record is not downloaded again. With ``refresh`` all are, and the record is renewed.
    A redirect is followed on the same host, and to the hosts in ``redirects_to``. No message or record has the user,
    the password or the values of the query of an address.

    Raises:
        UsageError: a cycle is unknown, or the address is not http(s).
        OutputError: the folder cannot be written.
        SourceError: the server cannot be reached, lacks a file, redirects elsewhere or sends something else than a
            transport file; a file differs from its record, or stands there without one.
    """
    _check_address(base_url)
    chosen = _cycles(cycles)
    with guarded(folder):
        folder.mkdir(parents=True, exist_ok=True)
    record = _read_record(folder)
    made: list[Fetched] = []
    for cycle in chosen:
        for table in tables(cycle):
            path = folder / f"{table}_{cycle}.xpt"
            url = web_address.beneath(base_url, f"{nc.CYCLES[cycle].years[:4]}/DataFiles/{path.name}")
            known = None if refresh else record.get(path.name)
            if path.exists() and not refresh:
                made.append(_kept(path, known))
                progress(path.name, made[-1].size, made[-1].size)
                continue
            try:
                part = _download(url, path, progress, wait_s, redirects_to)
            except _NotThere:
                raise SourceError(
                    f"{web_address.shown(url)} is not there: no table {table} of cycle {cycle} at this address"
                ) from None
            digest, size = str(pooch.file_hash(str(part))), part.stat().st_size
            if known and digest != known["sha256"]:
                part.unlink()
                raise SourceError(
                    f"{web_address.shown(url)} is not the file that {folder / RECORD} records "
                    f"(SHA-256 {digest[:12]} now, {known['sha256'][:12]} then): the publisher has changed it; "
                    "--refresh takes the new one"
                )
            # On record before it has its name: a file without a record is somebody else's.
            record[path.name] = {"sha256": digest, "size_bytes": size, "address": web_address.shown(url)}
            whole_file(folder / RECORD, (json.dumps({"files": record}, indent=1, sort_keys=True) + "\n").encode())
            with guarded(path):
                part.replace(path)
            made.append(Fetched(path, digest, size, downloaded=True))
            progress(path.name, size, size)
    return tuple(made)


def lines_to(stream: TextIO) -> Progress:
    """Return a progress that writes a line per file, and in a terminal counts the file that is under way."""

    def say(name: str, size: int, total: int | None) -> None:
        done = total is not None and size >= total
        if done or stream.isatty():
            of = f" of {total / 1e6:.1f}" if total is not None and not done else ""
            # The line that counts is written over.
            stream.write(f"{name:<16}{size / 1e6:8.1f}{of} MB{'      ' if done else ''}" + ("\n" if done else "\r"))
            stream.flush()

    return say


def _check_address(base_url: str) -> None:
    try:
        parts = urlsplit(base_url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        what = (
            f"{web_address.shown(base_url)!r}" if "@" not in base_url and "?" not in base_url else "the address given"
        )
        raise UsageError(f"{what} is no address of files; give one that begins with https:// or http://")


def _cycles(asked: Sequence[str] | None) -> tuple[str, ...]:
    letters = tuple(nc.CYCLES) if asked is None else tuple(letter.strip().upper() for letter in asked)
    unknown = [letter for letter in letters if letter not in nc.CYCLES]
    if unknown or not letters:
        known = ", ".join(f"{letter} ({cycle.years})" for letter, cycle in nc.CYCLES.items())
        raise UsageError(f"NHANES cycle {unknown[0] if unknown else ''!r} is not one that is read; allowed: {known}")
    return tuple(cycle for cycle in nc.CYCLES if cycle in letters)


def _read_record(folder: Path) -> dict[str, dict[str, Any]]:
    path = folder / RECORD
    if not path.exists():
        return {}
    try:
        files = json.loads(path.read_text(encoding="utf-8"))["files"]
        return {name: {"sha256": str(entry["sha256"]), **entry} for name, entry in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise SourceError(
            f"{path} is not a record of downloads; remove it and the .xpt files to start afresh"
        ) from None


def _kept(path: Path, known: Mapping[str, Any] | None) -> Fetched:
    if known is None:
        raise SourceError(
            f"{path} stands there and {RECORD} does not know it; "
            "--refresh replaces it with the publisher's, or give another folder"
        )
    digest = str(pooch.file_hash(str(path)))
    if digest != known["sha256"]:
        raise SourceError(f"{path} is not as it was fetched: its SHA-256 has changed; --refresh fetches it anew")
    return Fetched(path, digest, path.stat().st_size, downloaded=False)


class _NotThere(Exception):
    """The server has no such file."""


def _download(url: str, path: Path, progress: Progress, wait_s: float, allowed: Collection[str]) -> Path:
    """Download into a file of its own beside ``path``, whole and checked, and return it."""
    part = path.with_name(f".{path.name}.part")
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            # A full disk is no error of the network, and is not tried again.
            with guarded(path, part):
                _go_on(url, part, path.name, progress, allowed)
            break
        except OSError as error:
            # What requests raises is an OSError, with the response where there was one.
            response = getattr(error, "response", None)
            status = None if response is None else int(response.status_code)
            if status == 404:
                raise _NotThere from None
            if status == 416:
                part.unlink(missing_ok=True)
            elif status is not None and status < 500 and status != _TOO_MANY:
                raise SourceError(
                    f"{web_address.shown(url)} was refused with status {status}; is the address right?"
                ) from None
            if attempt == _ATTEMPTS:
                what = f"answered with status {status}" if status else "could not be reached, or broke off,"
                raise SourceError(
                    f"{web_address.host(url)} {what} in {_ATTEMPTS} attempts at {path.name} ({type(error).__name__}); "
                    "check the network and run the same command again: it goes on where it stopped"
                ) from None
            time.sleep(wait_s * attempt)
    _validator(part).unlink(missing_ok=True)
    with part.open("rb") as file:
        head = file.read(len(_MAGIC))
    size = part.stat().st_size
    if head != _MAGIC or size % _RECORD_LENGTH:
        part.unlink()
        what = "a web page" if head.lstrip().startswith(b"<") else "something else"
        if head == _MAGIC:
            what = f"{size:,} bytes, which is not a whole number of records of {_RECORD_LENGTH}: it was cut off"
        raise SourceError(f"{web_address.shown(url)} is no transport file: the server sent {what}; check the address")
    return part


def _validator(part: Path) -> Path:
    return part.with_name(f"{part.name}.version")


class _Part:
    """The file that a download is written to; says how far it is."""

    def __init__(self, file: BinaryIO, name: str, progress: Progress) -> None:
        self._file, self._name, self._progress = file, name, progress
        self.total: int | None = None

    def write(self, chunk: bytes) -> None:
        self._file.write(chunk)
        if self._file.tell() != self.total:
            self._progress(self._name, self._file.tell(), self.total)

    def flush(self) -> None:
        self._file.flush()


def _go_on(url: str, part: Path, name: str, progress: Progress, allowed: Collection[str]) -> None:
    """Download ``url`` to ``part``, from where it ends if the server still has the same version of the file.

    Raises:
        OSError: the connection failed, the server refused, or the file ended too early.
        SourceError: the server sends on to another host than is allowed.
    """
    validator = _validator(part)
    start = part.stat().st_size if part.exists() and validator.exists() else 0
    # Packed on the way, a file could not go on from a place in the unpacked one.
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": validator.read_text(encoding="latin-1")}
    with part.open("r+b" if start else "wb") as file:
        file.seek(start)
        target = _Part(file, name, progress)

        def answered(response: Any, **options: Any) -> None:
            if response.is_redirect:
                _check_redirect(response.url, urljoin(response.url, response.headers["location"]), allowed)
            # Servers say nonsense of the length; then nobody knows it, and nobody downstream should read it.
            length = _number(response.headers.pop("Content-Length", ""))
            if response.status_code == 206:
                place, _, whole = response.headers.get("Content-Range", "").partition("/")
                if not place.startswith(f"bytes {start}-"):
                    file.truncate(0)
                    raise ConnectionError("the server went on from another place than asked")
                # The server may give less than the rest that was asked for.
                target.total = _number(whole)
            elif response.status_code == 200:
                file.seek(0)
                file.truncate()
                target.total = length
                _remember(validator, response.headers)

        pooch.HTTPDownloader(chunk_size=_CHUNK, headers=headers, hooks={"response": answered})(url, target, None)
        if target.total is not None and file.tell() != target.total:
            raise ConnectionError(f"{file.tell()} of {target.total} bytes came")


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() else None


def _check_redirect(asked: str, answered: str, allowed: Collection[str]) -> None:
    if web_address.strays(asked, answered, allowed):
        there = web_address.host(answered)
        raise SourceError(
            f"{web_address.shown(asked)} sends on to another place, {web_address.shown(answered)}; if you trust it, "
            f"run the same command with --allow-redirects {there}"
        )


def _remember(validator: Path, headers: Mapping[str, str]) -> None:
    """Keep what tells the versions of a file apart; without it a download that is cut off starts afresh."""
    tag = headers.get("ETag", "")
    # A weak tag does not promise the same bytes.
    version = tag if tag.startswith('"') else headers.get("Last-Modified", "")
    if version:
        validator.write_text(version, encoding="latin-1")
    else:
        validator.unlink(missing_ok=True)
