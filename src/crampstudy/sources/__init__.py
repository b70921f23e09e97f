"""Files of each kind become a cohort: ``open_cohort("folder")``, ``open_cohort("nhanes:folder?cycles=D")``."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl

from crampstudy.clean import Cleaned, Raw, clean
from crampstudy.cohort import Cohort
from crampstudy.errors import SourceError
from crampstudy.sources import nhanes, package

KINDS = ("package", "nhanes")


def open_cohort(source: str | Path) -> Cohort:
    """Read and clean a source: a data package folder, or ``kind:path?option=value``.

    Raises:
        SourceError: the source is not there or cannot be read; the message says what was expected.
    """
    return load(source).cohort


def load(source: str | Path) -> Cleaned:
    """Read and clean a source, keeping the ledger of all that was not accepted as it came.

    Raises:
        SourceError: the source is not there or cannot be read.
    """
    return clean(read(source))


def read(source: str | Path) -> Raw:
    """Read a source as it is, before any rule.

    Raises:
        SourceError: the kind or an option is unknown, or the files cannot be read.
    """
    kind, path, options = _parse(source)
    if kind == "nhanes":
        if unknown := set(options) - {"cycles"}:
            raise SourceError(
                f"nhanes has no option {sorted(unknown)[0]!r}; allowed: cycles, e.g. nhanes:DIR?cycles=D,E"
            )
        cycles = tuple(options["cycles"].split(",")) if "cycles" in options else None
        return nhanes.read(path, cycles)
    if options:
        raise SourceError(f"a data package has no options, got {sorted(options)[0]!r}")
    return package.read(path)


def _parse(source: str | Path) -> tuple[str, Path, dict[str, str]]:
    text = str(source)
    if Path(text).exists():
        # A folder is a folder, whatever characters its name has.
        return "package", Path(text), {}
    kind, colon, rest = text.partition(":")
    # One letter before the colon is a drive, not a kind.
    if not colon or len(kind) == 1:
        return "package", Path(text), {}
    if kind not in KINDS:
        raise SourceError(f"unknown kind of source {kind!r} in {text!r}; allowed: {', '.join(KINDS)}, or a folder")
    path, _, query = rest.partition("?")
    return kind, Path(path), dict(parse_qsl(query, keep_blank_values=True))
