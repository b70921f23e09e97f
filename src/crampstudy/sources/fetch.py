"""The publisher's NHANES files, downloaded once: resumable, checked, with their digests on record."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urlsplit

import pooch

from crampstudy.atomic_write import guarded, whole_file
from crampstudy.errors import SourceError, UsageError
from crampstudy.sources import web_address
from crampstudy.sources.download import NotThere, Progress, download
from crampstudy.sources.readers.nhanes import codes as nc

PUBLISHER = "https://wwwn.cdc.gov/Nchs/Data/Nhanes/Public"
RECORD = "digests.json"


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
    """Download the transport files of NHANES cycles into a folder.

    A file takes its name only when it is whole and checked. A download that was cut off goes on where it stopped if
    the server can, else from the start; a connection that breaks is tried three times. A file whose digest is on record
    is not downloaded again. No message or record has the user, the password or the values of the query of an address.

    Args:
        folder: Where the files go, and the record of their digests.
        cycles: Letters of cycles, such as ``D``; all that are known without it.
        base_url: The address below which the files stand.
        refresh: Whether all files are downloaded again, and the record renewed.
        progress: Is called with a file's name, the bytes so far, and all of them where the server says how many.
        wait_s: Seconds between the first two tries; later ones are farther apart.
        redirects_to: Hosts to which a redirect is followed, beside the same host.

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
                part = download(url, path, progress, wait_s, redirects_to)
            except NotThere:
                raise SourceError(
                    f"{web_address.public(url)} is not there: no table {table} of cycle {cycle} at this address"
                ) from None
            digest, size = str(pooch.file_hash(str(part))), part.stat().st_size
            if known and digest != known["sha256"]:
                part.unlink()
                raise SourceError(
                    f"{web_address.public(url)} is not the file that {folder / RECORD} records "
                    f"(SHA-256 {digest[:12]} now, {known['sha256'][:12]} then): the publisher has changed it; "
                    "--refresh takes the new one"
                )
            # On record before it has its name: a file without a record is somebody else's.
            record[path.name] = {"sha256": digest, "size_bytes": size, "address": web_address.public(url)}
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
            f"{web_address.public(base_url)!r}" if "@" not in base_url and "?" not in base_url else "the address given"
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
