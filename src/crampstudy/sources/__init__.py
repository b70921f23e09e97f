"""Files of each kind become a cohort: ``open_cohort("folder")``, ``open_cohort("nhanes:folder?cycles=D")``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches
from pathlib import Path

from crampstudy.clean import Cleaned, Corrections, Raw, Unlogged, clean, unlogged
from crampstudy.clean.corrections import FILE as CORRECTIONS_FILE
from crampstudy.clean.corrections import load as load_corrections
from crampstudy.cohort import Cohort
from crampstudy.errors import SourceError
from crampstudy.sources.joined import placed

Options = Mapping[str, str]


def open_cohort(source: str | Path) -> Cohort:
    """Read and clean a source: a data package folder, or ``kind:path?option=value``.

    Raises:
        SourceError: the source is not there or cannot be read; the message says what was expected.
    """
    return load(source).cohort


def load(
    source: str | Path,
    mapping: Path | None = None,
    *,
    today: date | None = None,
    corrections: Corrections | None = None,
) -> Cleaned:
    """Read and clean a source, keeping the ledger of all that was not accepted as it came.

    ``today`` is the day after which no night can lie, ``corrections`` are those that the user has written down;
    without them, a data package's own ``corrections.yaml`` is applied.

    Raises:
        SourceError: the source is not there or cannot be read, or a correction does not fit.
    """
    raw = read(source, mapping)
    if corrections is None and mapping is None:
        corrections = _own_corrections(source)
    return placed(clean(raw, today=today, corrections=corrections), raw)


def _own_corrections(source: str | Path) -> Corrections | None:
    kind, path, _ = _parse(source)
    file = path / CORRECTIONS_FILE
    return load_corrections(file) if kind == "package" and file.is_file() else None


def read(source: str | Path, mapping: Path | None = None) -> Raw:
    """Read a source as it is, before any rule; ``mapping`` is the option of that name, also for a bare path.

    Raises:
        SourceError: the kind or an option is unknown, or the files cannot be read.
    """
    kind, path, options = _parse(source) if mapping is None else _with_mapping(str(source), mapping)
    own = {name: value for name, value in options.items() if name not in unlogged.KEYS}
    raw = KINDS[kind].read(path, own)
    return replace(raw, unlogged=unlogged.stated(options, raw.unlogged))


def unlogged_nights(source: str | Path) -> Unlogged | None:
    """Return the word on nights without a row that stands in the source itself, as :func:`with_unlogged` puts it there.

    Raises:
        SourceError: the kind or an option is unknown.
        UsageError: the word is none of what is allowed.
    """
    return unlogged.stated(_parse(source)[2])


def with_unlogged(source: str, said: Mapping[str, str], mapping: Path | None = None) -> str:
    """Return a source that says as well what nights without a row were, under :data:`crampstudy.clean.unlogged.KEYS`.

    Raises:
        SourceError: the kind or an option is unknown.
    """
    if not said:
        return source
    kind, path, options = _parse(source) if mapping is None else _with_mapping(source, mapping)
    return f"{kind}:{path}?" + "&".join(f"{name}={value}" for name, value in {**options, **said}.items())


def package_folder(source: str | Path) -> Path | None:
    """Return the folder of a source that is a data package, ``None`` where it is of another kind.

    Raises:
        SourceError: the kind or an option is unknown.
    """
    kind, path, _ = _parse(source)
    return path if kind == "package" else None


# Each kind imports its reader when it is asked for, so that a folder of CSV files waits for no spreadsheet library.


def _package(path: Path, options: Options) -> Raw:
    from crampstudy.sources import package

    return package.read(path)


def _nhanes(path: Path, options: Options) -> Raw:
    from crampstudy.sources import nhanes

    return nhanes.read(path, tuple(options["cycles"].split(",")) if "cycles" in options else None)


def _excel(path: Path, options: Options) -> Raw:
    if "mapping" in options:
        return _mapped(path, options)
    from crampstudy.sources import spreadsheet

    return spreadsheet.read(path)


def _stat(path: Path, options: Options) -> Raw:
    if "mapping" in options:
        return _mapped(path, options)
    from crampstudy.sources import statfile

    return statfile.read(path)


def _redcap(path: Path, options: Options) -> Raw:
    from crampstudy.sources import redcap

    return redcap.read(path, Path(options["dictionary"]) if "dictionary" in options else None)


def _mapped(path: Path, options: Options) -> Raw:
    from crampstudy.sources import mapped

    if "mapping" not in options:
        raise SourceError(f"{path}: say how to read it: mapped:{path}?mapping=M.yaml (docs/mapping.md has the format)")
    return mapped.read(path, Path(options["mapping"]))


@dataclass(frozen=True, slots=True)
class SourceKind:
    """A kind of source: what reads it, the options it takes, how one is written, the endings that tell it.

    One of ``nights`` also takes the word on nights without a row.
    """

    read: Callable[[Path, Options], Raw]
    example: str
    options: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    nights: bool = True


KINDS: Mapping[str, SourceKind] = {
    "package": SourceKind(_package, "FOLDER"),
    "nhanes": SourceKind(_nhanes, "nhanes:FOLDER?cycles=D,E", ("cycles",), nights=False),
    "excel": SourceKind(_excel, "excel:BOOK.xlsx", ("mapping",), (".xlsx", ".xlsm", ".xls", ".ods")),
    "stat": SourceKind(_stat, "stat:FILE.sav", ("mapping",), (".sas7bdat", ".xpt", ".dta", ".sav", ".zsav")),
    "redcap": SourceKind(_redcap, "redcap:EXPORT.csv?dictionary=D.csv", ("dictionary",)),
    "mapped": SourceKind(_mapped, "mapped:FILE.csv?mapping=M.yaml", ("mapping",)),
}
_EXAMPLES = ", ".join(kind.example for kind in KINDS.values())


def _parse(source: str | Path) -> tuple[str, Path, Options]:
    text = str(source)
    kind, colon, rest = text.partition(":")
    # What is there is that, whatever characters its name has; and one letter before a colon is a drive, not a kind.
    if Path(text).exists() or not colon or len(kind) == 1:
        return _detected(text)
    if kind not in KINDS:
        close = get_close_matches(kind, list(KINDS), n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise SourceError(f"unknown kind of source {kind!r} in {text!r}{hint}; allowed: {_EXAMPLES}")
    path, options = _options(kind, rest)
    if not path:
        raise SourceError(f"{text!r} names no path; write {KINDS[kind].example}")
    return kind, Path(path), options


def _with_mapping(source: str, mapping: Path) -> tuple[str, Path, Options]:
    named = source.partition(":")[0]
    if Path(source).exists() or named not in KINDS:
        file, stated = _options("mapped", source)
        if "mapping" not in stated:
            return "mapped", Path(file), {**stated, "mapping": str(mapping)}
    kind, path, options = _parse(source)
    if "mapping" not in KINDS[kind].options or "mapping" in options:
        why = f"{source} names one already" if "mapping" in options else f"{kind} takes none"
        raise SourceError(f"a mapping was given and {why}; give a mapping once, with a file or a folder of files")
    return kind, path, {**options, "mapping": str(mapping)}


def _detected(text: str) -> tuple[str, Path, Options]:
    """Return the kind that a bare path shows: a folder is a package, an ending tells a workbook from a SAS file."""
    whole = Path(text)
    for kind, described in KINDS.items():
        path, options = (text, {}) if whole.exists() else _split(text)
        if Path(path).suffix.lower() in described.suffixes and not Path(path).is_dir():
            return kind, Path(path), _checked(kind, options)
    if whole.is_file():
        raise SourceError(
            f"{text} is a file and could be anything; give the folder of a data package, or say what it is: "
            f"redcap:{text}, or mapped:{text}?mapping=M.yaml; crampstudy try looks into a bare diary"
        )
    if not whole.exists() and Path(path := _split(text)[0]).is_dir():
        return "package", Path(path), _options("package", text)[1]
    return "package", whole, {}


def _options(kind: str, rest: str) -> tuple[str, Options]:
    if Path(rest).exists():
        return rest, {}
    path, options = _split(rest)
    return path, _checked(kind, options)


def _split(rest: str) -> tuple[str, dict[str, str]]:
    """Split a path from its options at the question mark before which something is there, else at the last one."""
    marks = [position for position, letter in enumerate(rest) if letter == "?"]
    if not marks:
        return rest, {}
    at = next((mark for mark in reversed(marks) if Path(rest[:mark]).exists()), marks[-1])
    # Nothing is decoded: a plus or a per cent sign in a path is itself.
    pairs = (part.partition("=") for part in rest[at + 1 :].split("&") if part)
    return rest[:at], {name: value for name, _, value in pairs}


def _checked(kind: str, options: Options) -> Options:
    allowed, word = KINDS[kind].options, unlogged.KEYS if KINDS[kind].nights else ()
    for name, value in options.items():
        if name not in (*allowed, *word):
            said = f"allowed: {', '.join(allowed)}, e.g. {KINDS[kind].example}" if allowed else "it has none"
            also = f"; on nights without a row: {', '.join(word)}" if word else ""
            raise SourceError(f"{kind} has no option {name!r}; {said}{also}")
        if not value:
            raise SourceError(f"the option {name} of {kind} is empty; write it as in {KINDS[kind].example}")
    return options
