"""Files of each kind become a cohort: ``open_cohort("folder")``, ``open_cohort("nhanes:folder?cycles=D")``."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches
from pathlib import Path

from crampstudy import names
from crampstudy.cleaning import Cleaned, Corrections, Raw, Unlogged, clean, unlogged
from crampstudy.cleaning.corrections import FILE as CORRECTIONS_FILE
from crampstudy.cleaning.corrections import load as load_corrections
from crampstudy.cohort import Cohort
from crampstudy.errors import SourceError
from crampstudy.sources.chunked.joined import placed
from crampstudy.sources.text import missing_codes
from crampstudy.sources.text.decimals import MARKS, Mark
from crampstudy.sources.text.missing_codes import Codes

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
    """Return a source that says as well what nights without a row were, under the keys of ``unlogged``.

    Raises:
        SourceError: the kind or an option is unknown.
    """
    if not said:
        return source
    kind, path, options = _parse(source) if mapping is None else _with_mapping(source, mapping)
    return f"{kind}:{path}?" + "&".join(f"{name}={value}" for name, value in {**options, **said}.items())


def package_folder(source: str | Path) -> Path | None:
    """Return the folder of a source that is a plain data package, ``None`` where it is of another kind or has options.

    So it is where options say how its files are to be read, but for what :func:`declared` and :func:`unlogged_nights`
    tell.

    Raises:
        SourceError: the kind or an option is unknown.
    """
    kind, path, options = _parse(source)
    return path if kind == "package" and not options.keys() - {"missing", *unlogged.KEYS} else None


def absolute(source: str) -> str:
    """Return a source whose paths, of its options too, hold in any folder.

    Raises:
        SourceError: the kind or an option is unknown.
    """
    kind, path, options = _parse(source)
    placed = {name: str(Path(value).resolve()) if name in _PATHS else value for name, value in options.items()}
    query = "&".join(f"{name}={value}" for name, value in placed.items())
    return f"{kind}:{path.resolve()}" + (f"?{query}" if query else "")


def identity(source: str | Path, seen_from: Path) -> str:
    """Return what tells a source from every other one: its kind, and its paths as seen from a folder.

    So a project that is moved with its reports keeps them, however the source is written.

    Raises:
        SourceError: the kind or an option is unknown.
    """
    kind, path, options = _parse(source)

    def place(there: Path) -> str:
        there, here = there.resolve(), seen_from.resolve()
        # On Windows there is no way from one drive to another.
        return os.path.relpath(there, here) if there.anchor == here.anchor else str(there)

    said = {name: place(Path(value)) if Path(value).exists() else value for name, value in options.items()}
    return "\n".join([kind, place(path), *(f"{name}={said[name]}" for name in sorted(said))])


def shown(source: str | Path) -> str:
    """Return a source as a report names it: its kind and the last name of its path, which tell nothing of a machine.

    Raises:
        SourceError: the kind or an option is unknown.
    """
    kind, path, _ = _parse(source)
    return f"{kind}:{names.title(path.resolve().name)}"


def declared(source: str | Path) -> Codes:
    """Return the missing codes that the option ``missing`` of a source declares.

    Raises:
        SourceError: the kind or an option is unknown, or a code is empty.
    """
    return _declared(_parse(source)[2])


# Each kind imports its reader when it is asked for, so that a folder of CSV files waits for no spreadsheet library.


def _package(path: Path, options: Options) -> Raw:
    from crampstudy.sources.readers import package

    return package.read(path, declared=_declared(options), decimal=_decimal(options), padded=_padded(options))


def _nhanes(path: Path, options: Options) -> Raw:
    from crampstudy.sources.readers import nhanes

    return nhanes.read(path, tuple(options["cycles"].split(",")) if "cycles" in options else None)


def _excel(path: Path, options: Options) -> Raw:
    if "mapping" in options:
        return _mapped(path, options)
    from crampstudy.sources.readers import spreadsheet

    return spreadsheet.read(path, declared=_declared(options), decimal=_decimal(options))


def _stat(path: Path, options: Options) -> Raw:
    if "mapping" in options:
        return _mapped(path, options)
    from crampstudy.sources.readers import statfile

    return statfile.read(path, declared=_declared(options), decimal=_decimal(options))


def _redcap(path: Path, options: Options) -> Raw:
    from crampstudy.sources.readers import redcap

    return redcap.read(
        path,
        Path(options["dictionary"]) if "dictionary" in options else None,
        declared=_declared(options),
        decimal=_decimal(options),
        padded=_padded(options),
    )


def _mapped(path: Path, options: Options) -> Raw:
    from crampstudy.sources.readers import mapped

    if "mapping" not in options:
        raise SourceError(f"{path}: say how to read it: mapped:{path}?mapping=M.yaml (docs/mapping.md has the format)")
    return mapped.read(
        path,
        Path(options["mapping"]),
        declared=_declared(options),
        decimal=_decimal(options),
        padded=_padded(options),
    )


def _padded(options: Options) -> bool:
    if (stated := options.get("short", "reject")) not in ("reject", "empty"):
        raise SourceError(f"short={stated}: allowed are short=reject and short=empty (rows that only end early)")
    return stated == "empty"


def _declared(options: Options) -> Codes:
    return missing_codes.parse(options["missing"]) if "missing" in options else missing_codes.NONE


def _decimal(options: Options) -> Mark | None:
    """Return the decimal mark that was stated, ``None`` where it is left to the numbers."""
    if "decimal" not in options:
        return None
    found = next((mark for mark in MARKS if mark == options["decimal"]), None)
    if found is None:
        raise SourceError(f"the option decimal is {options['decimal']!r}; allowed: {' and '.join(MARKS)}")
    return found


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


_CELLS = ("missing", "decimal")
"""Options that say how cells are to be read."""
_ROWS = ("short",)
"""Options that say which rows of text are to be read."""

KINDS: Mapping[str, SourceKind] = {
    "package": SourceKind(_package, "FOLDER", _CELLS + _ROWS),
    "nhanes": SourceKind(_nhanes, "nhanes:FOLDER?cycles=D,E", ("cycles",), nights=False),
    "excel": SourceKind(_excel, "excel:BOOK.xlsx", ("mapping", *_CELLS), (".xlsx", ".xlsm", ".xls", ".ods")),
    "stat": SourceKind(_stat, "stat:FILE.sav", ("mapping", *_CELLS), (".sas7bdat", ".xpt", ".dta", ".sav", ".zsav")),
    "redcap": SourceKind(_redcap, "redcap:EXPORT.csv?dictionary=D.csv", ("dictionary", *_CELLS, *_ROWS)),
    "mapped": SourceKind(_mapped, "mapped:FILE.csv?mapping=M.yaml", ("mapping", *_CELLS, *_ROWS)),
}
_PATHS = ("mapping", "dictionary")
"""Options that name a file."""
_EXAMPLES = ", ".join(kind.example for kind in KINDS.values())


def _parse(source: str | Path) -> tuple[str, Path, Options]:
    text = str(source)
    kind, colon, rest = text.partition(":")
    # What is there is that, whatever characters its name has; and one letter before a colon is a drive, not a kind.
    if Path(text).exists() or not colon or len(kind) == 1 or "?" in kind:
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
    path, options = _split(text)
    if options and not whole.exists() and Path(path).is_dir():
        return "package", Path(path), _checked("package", options)
    if whole.is_file():
        raise SourceError(
            f"{text} is a file and could be anything; give the folder of a data package, or say what it is: "
            f"redcap:{text}, or mapped:{text}?mapping=M.yaml; crampstudy try looks into a bare diary"
        )
    folder, options = (text, {}) if whole.exists() else _split(text)
    return ("package", Path(folder), _checked("package", options)) if Path(folder).is_dir() else ("package", whole, {})


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
