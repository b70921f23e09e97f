"""Where the data and the notebooks of a report are that somebody made, here or elsewhere."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from crampstudy.cache import Cache
from crampstudy.errors import SourceError, UsageError
from crampstudy.provenance import Record, Unrecorded, read
from crampstudy.report.freshness import recall_folder
from crampstudy.sources import Address

_NAMED = ("mapping", "dictionary")
"""Options of an address that name a file."""


@dataclass(frozen=True, slots=True)
class Run:
    """A report that was made, with its record; ``sources`` are where its data are, as far as that is known."""

    folder: Path
    record: Record
    sources: tuple[str, ...]
    own_notebook: Path | None

    @property
    def is_comparison(self) -> bool:
        """Whether it is the document of a comparison, which has no outline."""
        return "outline" not in self.record.ingredients


def find(
    folder: Path,
    data: Sequence[str] = (),
    *,
    notebook: Path | None = None,
    cache: Cache | None = None,
    option: str = "--data",
) -> Run:
    """Return the report in a folder and where its data are: those that are given, else as this machine made it.

    Args:
        folder: that of the report.
        data: a source for each of its own, or one folder that holds them all by their names.
        notebook: the reader's own notebook that it had, if it had one.
        cache: what this machine knows of reports that it made.
        option: the option of the command that gives the data.

    Raises:
        UsageError: the folder has no record of a report, or that of another version.
        SourceError: the data given are not there.
    """
    try:
        record = read(folder)
    except Unrecorded:
        raise UsageError(_no_record(folder)) from None
    made = None if cache is None else recall_folder(cache, folder)
    sources = tuple(_given(record, data, option)) if data else () if made is None else made.sources
    own = notebook
    if own is None and made is not None:
        own = next((Path(each) for each in made.notebooks if Path(each).parent != Path(made.notebooks[0]).parent), None)
    return Run(folder, record, sources, own)


def need_data(run: Run, command: str, option: str = "--data") -> tuple[str, ...]:
    """Return the sources of a run.

    Raises:
        SourceError: it is not known where they are.
    """
    if run.sources:
        return run.sources
    asked = " ".join([command, *(f"{option} DIR" for _ in run.record.sources)])
    raise SourceError(
        f"{run.folder} does not hold its data, {' and '.join(run.record.sources)}, and it is not known here where "
        f"they are; name the folder that holds them: {asked}"
    )


def _no_record(folder: Path) -> str:
    if not folder.is_dir():
        return f"there is no folder {folder}; give the folder of a report, such as reports/my-study"
    if (folder / "manifest.json").is_file():
        return f"{folder} holds a report of an earlier version, whose record does not say enough; make it again first"
    return f"{folder} holds no report that this command can read; give a folder with ro-crate-metadata.json"


def _given(record: Record, data: Sequence[str], option: str) -> list[str]:
    recorded = [Address.parse(source) for source in record.sources]
    if len(data) not in (1, len(recorded)):
        raise UsageError(
            f"{option} is given {len(data)} times, and the report has {len(recorded)} sources; give each once"
        )
    if len(data) == 1 and len(recorded) > 1:
        data = [*data] * len(recorded)
    return [_placed(address, each, option) for address, each in zip(recorded, data, strict=True)]


def _placed(recorded: Address, given: str, option: str) -> str:
    """Return a recorded source at a place: what is given is the source itself, or the folder in which it lies."""
    if not Path(given).exists():
        # With a kind or options it is a source as any other command takes it.
        return str(Address.parse(given).absolute())
    inside = Path(given) / recorded.path.name
    path = inside if inside.exists() else Path(given)
    places = (path if path.is_dir() else path.parent, Path(given))
    options = dict(recorded.options)
    for name in {*_NAMED} & {*options}:
        found = next((place / options[name] for place in places if (place / options[name]).is_file()), None)
        if found is None:
            raise SourceError(
                f"{option} {shlex.quote(given)} holds no {options[name]}, the {name} of {recorded}; put it there"
            )
        options[name] = str(found)
    return str(replace(recorded, path=path, options=options).absolute())
