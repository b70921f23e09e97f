"""One transport file downloaded: resumed where it was cut off, tried again, checked."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urljoin

import pooch

from crampstudy.atomic_write import guarded
from crampstudy.errors import SourceError
from crampstudy.sources import web_address

_MAGIC = b"HEADER RECORD*******LIB"
_RECORD_LENGTH = 80  # a transport file is a whole number of such records
CHUNK = 1 << 14  # what is lost at most when a connection breaks
_ATTEMPTS = 3
_TOO_MANY = 429

Progress = Callable[[str, int, int | None], None]
"""Called with the name of a file, the bytes that are there, and how many there will be where the server says so.

The two numbers are equal once per file, when it is whole and checked.
"""


class NotThere(Exception):
    """The server has no such file."""


def download(url: str, path: Path, progress: Progress, wait_s: float, allowed: Collection[str]) -> Path:
    """Download a transport file into a file of its own beside ``path``, whole and checked, and return it.

    Args:
        url: The address of the file.
        path: Where the file will stand.
        progress: Is called as bytes come.
        wait_s: Seconds between the first two tries; later ones are farther apart.
        allowed: Hosts to which a redirect is followed, beside the same host.

    Raises:
        NotThere: the server has no such file.
        OutputError: the disk cannot be written.
        SourceError: the server cannot be reached, refuses, redirects elsewhere or sends something else.
    """
    part = path.with_name(f".{path.name}.part")
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            # A full disk is no error of the network, and is not tried again.
            with guarded(path, part):
                _resume(url, part, path.name, progress, allowed)
            break
        except OSError as error:
            # What requests raises is an OSError, with the response where there was one.
            response = getattr(error, "response", None)
            status = None if response is None else int(response.status_code)
            if status == 404:
                raise NotThere from None
            if status == 416:
                part.unlink(missing_ok=True)
            elif status is not None and status < 500 and status != _TOO_MANY:
                raise SourceError(
                    f"{web_address.public(url)} was refused with status {status}; is the address right?"
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
        raise SourceError(f"{web_address.public(url)} is no transport file: the server sent {what}; check the address")
    return part


def _validator(part: Path) -> Path:
    return part.with_name(f"{part.name}.version")


class _Target:
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


def _resume(url: str, part: Path, name: str, progress: Progress, allowed: Collection[str]) -> None:
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
        target = _Target(file, name, progress)

        def check_response(response: Any, **options: Any) -> None:
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

        pooch.HTTPDownloader(chunk_size=CHUNK, headers=headers, hooks={"response": check_response})(url, target, None)
        if target.total is not None and file.tell() != target.total:
            raise ConnectionError(f"{file.tell()} of {target.total} bytes came")


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() else None


def _check_redirect(asked: str, answered: str, allowed: Collection[str]) -> None:
    if web_address.strays(asked, answered, allowed):
        there = web_address.host(answered)
        raise SourceError(
            f"{web_address.public(asked)} sends on to another place, {web_address.public(answered)}; if you trust it, "
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
