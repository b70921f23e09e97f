"""Addresses of cohorts, ``kind:path?option=value``: parsed, made absolute and printed here and nowhere else."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from crampstudy import names, suggestions
from crampstudy.cleaning import Unlogged, unlogged
from crampstudy.cleaning.corrections import FILE as CORRECTIONS_FILE
from crampstudy.codebook import TABLES
from crampstudy.codebook.cases import KEY as CASE_DEFINITION
from crampstudy.errors import SourceError

Options = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SourceKind:
    """A kind of source: how an address of it is written, the options it takes, the endings of files that tell it.

    One of ``nights`` also takes the word on nights without a row, and the definition of a case.
    """

    example: str
    options: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    nights: bool = True


_CELLS = ("missing", "decimal")
"""Options that say how cells are to be read."""
_ROWS = ("short",)
"""Options that say which rows of text are to be read."""
_START = ("start",)
"""The first night, where a mapping has nights by their numbers."""

KINDS: Mapping[str, SourceKind] = {
    "package": SourceKind("FOLDER", _CELLS + _ROWS),
    "nhanes": SourceKind("nhanes:FOLDER?cycles=D,E", ("cycles",), nights=False),
    "excel": SourceKind("excel:BOOK.xlsx", ("mapping", *_CELLS, *_START), (".xlsx", ".xlsm", ".xls", ".ods")),
    "stat": SourceKind("stat:FILE.sav", ("mapping", *_CELLS, *_START), (".sas7bdat", ".xpt", ".dta", ".sav", ".zsav")),
    "redcap": SourceKind("redcap:EXPORT.csv?dictionary=D.csv", ("dictionary", "mapping", *_CELLS, *_ROWS, *_START)),
    "mapped": SourceKind("mapped:FILE.csv?mapping=M.yaml", ("mapping", *_CELLS, *_ROWS, *_START)),
}
_OF_NIGHTS = (*unlogged.KEYS, CASE_DEFINITION)
"""Options of every kind that has nights: what is said of those without a row, and which cramps count."""
_PATHS = ("mapping", "dictionary")
"""Options that name a file."""
_EXAMPLES = ", ".join(kind.example for kind in KINDS.values())


@dataclass(frozen=True, slots=True)
class Address:
    """Where a cohort is and how it is to be read; printed as ``kind:path?option=value``."""

    kind: str
    path: Path
    options: Options = field(default_factory=dict)

    @classmethod
    def parse(cls, source: str | Path | Address, mapping: Path | None = None) -> Address:
        """Read an address; ``mapping`` is the option of that name, also for a bare path.

        Raises:
            SourceError: the kind or an option is unknown, or a mapping is given twice.
        """
        if isinstance(source, Address):
            return source
        return _parsed(str(source)) if mapping is None else _with_mapping(str(source), mapping)

    def __str__(self) -> str:
        """Return the address as it is written; nothing is encoded, since nothing is decoded."""
        query = "&".join(f"{name}={value}" for name, value in self.options.items())
        return f"{self.kind}:{self.path}" + (f"?{query}" if query else "")

    def stating(self, said: Options) -> Address:
        """Return the address with these options beside, or in the place of, its own.

        Raises:
            SourceError: the kind has no such option.
        """
        _check(self.kind, said)
        return replace(self, options={**self.options, **said})

    def absolute(self) -> Address:
        """Return the address with paths, those of its options too, that hold in any folder."""
        options = {k: str(Path(value).resolve()) if k in _PATHS else value for k, value in self.options.items()}
        return replace(self, path=self.path.resolve(), options=options)

    def identity(self, seen_from: Path) -> str:
        """Return what tells the source from every other one: its kind, and its paths as seen from a folder.

        So a project that is moved with its reports keeps them, however the source is written.
        """

        def place(there: Path) -> str:
            there, here = there.resolve(), seen_from.resolve()
            # On Windows there is no way from one drive to another.
            return os.path.relpath(there, here) if there.anchor == here.anchor else str(there)

        said = {name: place(Path(value)) if Path(value).exists() else value for name, value in self.options.items()}
        return "\n".join([self.kind, place(self.path), *(f"{name}={said[name]}" for name in sorted(said))])

    @property
    def title(self) -> str:
        """The source as a report names it: its kind and the last name of its path, which tell nothing of a machine."""
        return f"{self.kind}:{names.title(self.path.resolve().name)}"

    @property
    def portable(self) -> str:
        """The address with the last names of its paths alone, as a record of it may be handed on."""
        said = {name: Path(value).name if name in _PATHS else value for name, value in self.options.items()}
        return str(replace(self, path=Path(names.title(self.path.resolve().name)), options=said))

    @property
    def package_folder(self) -> Path | None:
        """The folder of a plain data package, ``None`` where the source is of another kind or has options.

        So it is where options say how its files are to be read, but for missing codes and :attr:`unlogged`.
        """
        plain = self.kind == "package" and not self.options.keys() - {"missing", *unlogged.KEYS}
        return self.path if plain else None

    @property
    def corrections_file(self) -> Path | None:
        """The user's corrections that lie in the folder of a data package, ``None`` where there are none."""
        file = self.path / CORRECTIONS_FILE
        return file if self.kind == "package" and file.is_file() else None

    @property
    def unlogged(self) -> Unlogged | None:
        """The word on nights without a row that stands in the address.

        Raises:
            UsageError: the word is none of what is allowed.
        """
        return unlogged.stated(self.options)

    @property
    def of_nights(self) -> Options:
        """The options that say what nights without a row were, and which cramps count."""
        return {name: value for name, value in self.options.items() if name in _OF_NIGHTS}

    @property
    def case_definition(self) -> str | None:
        """The case definition that cramps have to meet, ``None`` where all count."""
        return self.options.get(CASE_DEFINITION)

    @property
    def reading(self) -> Options:
        """The options that say how files are to be read; what is said of nights and cramps is none of them."""
        return {name: value for name, value in self.options.items() if name not in _OF_NIGHTS}


def make_study(file: str | Path) -> str:
    """Return the command that makes a study of a file with a list of nights, whatever its columns are called."""
    return shlex.join(["crampstudy", "try", str(file), "--out", "my-study"])


def with_unlogged(source: str, said: Options, mapping: Path | None = None) -> str:
    """Return a source that says as well what nights without a row were, or which cramps count; else as it is.

    Raises:
        SourceError: the kind or an option is unknown.
    """
    return str(Address.parse(source, mapping).stating(said)) if said else source


def _parsed(text: str) -> Address:
    kind, colon, rest = text.partition(":")
    # What is there is that, whatever characters its name has; and one letter before a colon is a drive, not a kind.
    if Path(text).exists() or not colon or len(kind) == 1 or "?" in kind:
        return _detected(text)
    if kind not in KINDS:
        said = f"unknown kind of source {kind!r} in {text!r}"
        raise suggestions.unknown(SourceError, said, kind, KINDS, f"allowed: {_EXAMPLES}")
    path, options = _split(rest)
    _check(kind, options)
    if not path:
        raise SourceError(f"{text!r} names no path; write {KINDS[kind].example}")
    return Address(kind, Path(path), options)


def _with_mapping(source: str, mapping: Path) -> Address:
    named = source.partition(":")[0]
    if Path(source).exists() or named not in KINDS:
        file, stated = _split(source)
        _check("mapped", stated)
        if "mapping" not in stated:
            return Address("mapped", Path(file), {**stated, "mapping": str(mapping)})
    address = _parsed(source)
    if "mapping" not in KINDS[address.kind].options or "mapping" in address.options:
        why = f"{source} names one already" if "mapping" in address.options else f"{address.kind} takes none"
        raise SourceError(f"a mapping was given and {why}; give a mapping once, with a file or a folder of files")
    return address.stating({"mapping": str(mapping)})


def _detected(text: str) -> Address:
    """Return the kind that a bare path shows: a folder is a package, an ending tells a workbook from a SAS file."""
    whole = Path(text)
    path, options = _split(text)
    file = Path(path)
    kind = next((kind for kind, known in KINDS.items() if file.suffix.lower() in known.suffixes), "package")
    if file.is_dir() or kind != "package":
        kind = "package" if file.is_dir() else kind
        _check(kind, options)
        return Address(kind, file, options)
    if whole.is_file():
        raise SourceError(_no_study(whole))
    return Address("package", whole)


def _no_study(file: Path) -> str:
    """Say what to do with a file that is given in the place of a study."""
    table, dot, _ = file.name.lower().partition(".")
    folder = shlex.quote(str(file.parent))
    if dot and table in TABLES:
        return f"{file} is a file, one table of a study; give the folder that holds it: {folder}"
    redcap, mapped = (shlex.quote(source) for source in (f"redcap:{file}", f"mapped:{file}?mapping=M.yaml"))
    others = f"an export of REDCap is {redcap}, a file with a mapping {mapped}"
    if file.suffix.lower() == ".parquet":
        return f"{file} is a file, not a study; give the folder of its tables ({others})"
    return f"{file} is a file, not yet a study; make one of it: {make_study(file)} ({others})"


def _split(rest: str) -> tuple[str, dict[str, str]]:
    """Split a path from its options at the question mark before which something is there, else at the last one."""
    marks = [position for position, letter in enumerate(rest) if letter == "?"]
    if not marks or Path(rest).exists():
        return rest, {}
    at = next((mark for mark in reversed(marks) if Path(rest[:mark]).exists()), marks[-1])
    # Nothing is decoded: a plus or a per cent sign in a path is itself.
    pairs = (part.partition("=") for part in rest[at + 1 :].split("&") if part)
    return rest[:at], {name: value for name, _, value in pairs}


def _check(kind: str, options: Options) -> None:
    allowed, word = KINDS[kind].options, _OF_NIGHTS if KINDS[kind].nights else ()
    for name, value in options.items():
        if name not in (*allowed, *word):
            said = f"allowed: {', '.join(allowed)}, e.g. {KINDS[kind].example}" if allowed else "it has none"
            also = (
                f"; on nights without a row: {', '.join(unlogged.KEYS)}; on cramps: {CASE_DEFINITION}" if word else ""
            )
            no_option = f"{kind} has no option {name!r}"
            raise suggestions.unknown(SourceError, no_option, name, (*allowed, *word), said + also)
        if not value:
            raise SourceError(f"the option {name} of {kind} is empty; write it as in {KINDS[kind].example}")
