"""Whether a report is still as it would be made: told by digests of all that it is made of, before anything is read.

It imports nothing that takes long, for a report that has not changed is not to be waited for.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from crampstudy.cache import Cache, key_of
from crampstudy.provenance import MANIFEST, Unrecorded, digests, is_report, read
from crampstudy.provenance.changes import Change, changes

_KIND = "report"
VARIABLES = ("SOURCE_DATE_EPOCH",)
"""Variables of the environment that a report follows."""


def ingredients(notebooks: Sequence[Path], outline: Path | None) -> dict[str, str]:
    """Return the digests of what a report is made of beside its data and its parameters."""
    return {**_of_notebooks(notebooks, outline), **digests.package_parts(), **_locks(notebooks)}


def _of_notebooks(notebooks: Sequence[Path], outline: Path | None) -> dict[str, str]:
    found = {f"notebook {path.stem}": digests.of_file(path) for path in notebooks}
    return found if outline is None else found | {"outline": digests.of_file(outline)}


def _locks(notebooks: Sequence[Path]) -> dict[str, str]:
    # The lock of a project lies beside the folder of its notebooks.
    return digests.of_locks(notebooks[0].parent.parent)


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """What is asked for: ``options`` are words of the command by their name, such as ``parameter ci_level``.

    The ``document`` is a report, or a comparison.
    """

    sources: tuple[str, ...]
    out: Path | None
    options: Mapping[str, str] = field(default_factory=dict)
    document: str = "report"

    @property
    def key(self) -> str:
        """What tells it from others, whatever its options."""
        place = None if self.out is None else str(self.out.absolute())
        return key_of("asked", self.document, str(Path.cwd()), self.sources, place)


def ask(
    sources: Sequence[str],
    out: Path | None,
    *,
    settings: Sequence[str] = (),
    sections: Sequence[str] = (),
    figures: bool = False,
) -> ReportRequest:
    """Return what is asked for by the options of a command.

    Args:
        sources: the addresses of the cohorts.
        out: the folder of the report, if one is named.
        settings: ``name=value`` for the notebooks' parameters.
        sections: notebooks of the outline that are made alone.
        figures: whether figures are pictures as well.
    """
    set_to = dict(setting.partition("=")[::2] for setting in settings)
    options = {f"parameter {name.strip()}": value for name, value in set_to.items()}
    more = {"sections": ", ".join(sections), "figures": "also as pictures" if figures else ""}
    return ReportRequest(tuple(sources), out, options | {name: said for name, said in more.items() if said})


def ask_comparison(
    sources: Sequence[str], out: Path | None, given: Mapping[str, object], *, figures: bool = False
) -> ReportRequest:
    """Return what is asked for of a comparison: as :func:`ask`, with the values ``given`` of its parameters by name."""
    settings = [f"{name}={_in_words(value)}" for name, value in given.items() if value not in (None, "", (), [])]
    return replace(ask(sources, out, settings=settings, figures=figures), document="comparison")


def _in_words(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


@dataclass(frozen=True, slots=True)
class Made:
    """A report that was made on this machine, where its parts are, and what they were.

    Args:
        folder: where it is.
        request: the key of what was asked for.
        manifest: the digest of its record.
        sources: the addresses of its sources, absolute.
        roots: the files and folders that they are read from.
        notebooks: the files of its notebooks, in order.
        outline: the file of their outline, if there is one.
        parts: digest or value of each part, by name.
    """

    folder: str
    request: str
    manifest: str
    sources: tuple[str, ...]
    roots: tuple[str, ...]
    notebooks: tuple[str, ...]
    outline: str | None
    parts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ReportParts:
    """All that a report is made of: a digest or a value of each part by its name, the parts by what they are.

    Args:
        data: the files of the data, and what options name.
        asked: options, and variables of the environment.
        notebooks: the notebooks, and their outline.
        software: code of this package, Python, and the packages that are installed.
        locks: lock files of the project.
    """

    data: Mapping[str, str]
    asked: Mapping[str, str]
    notebooks: Mapping[str, str]
    software: Mapping[str, str]
    locks: Mapping[str, str]

    @property
    def all(self) -> dict[str, str]:
        """Every part by its name."""
        return {**self.data, **self.asked, **self.notebooks, **self.software, **self.locks}


def parts(asked: ReportRequest, roots: Iterable[Path], notebooks: Sequence[Path], outline: Path | None) -> ReportParts:
    """Return all that a report would be made of now."""
    # A standard population or a plan is named by an option.
    files = [*data_files(roots), *(Path(value) for value in asked.options.values() if names_file(value))]
    data = {f"file {os.path.relpath(path)}": digests.of_file(path) for path in files}
    variables = {f"variable {name}": os.environ[name] for name in VARIABLES if os.environ.get(name)}
    packages = {f"package {name}": version for name, version in digests.packages().items()}
    return ReportParts(
        data=data,
        asked={**asked.options, **variables},
        notebooks=_of_notebooks(notebooks, outline),
        software={**digests.package_parts(), **digests.python(), **packages},
        locks=_locks(notebooks),
    )


def names_file(value: object) -> bool:
    """Say whether a value is the path of a file; a condition may be longer than any name."""
    with contextlib.suppress(OSError, ValueError):
        return isinstance(value, str) and value != "" and Path(value).is_file()
    return False


def data_files(roots: Iterable[Path]) -> Iterator[Path]:
    """Yield the files of sources; reports that lie among them, and what is hidden, are none of theirs."""
    for root in roots:
        if root.is_file():
            yield root
        elif root.is_dir() and not is_report(root):
            yield from data_files(path for path in sorted(root.iterdir()) if not path.name.startswith("."))


def stale(made: Made, asked: ReportRequest, notebooks: Sequence[Path], outline: Path | None) -> list[Change]:
    """Return what has changed since a report was made; none, and it is as it would be made now."""
    now = parts(asked, map(Path, made.roots), notebooks, outline).all
    return [*changes(made.parts, now), *_edited(Path(made.folder))]


def recall(cache: Cache, asked: ReportRequest) -> Made | None:
    """Return the report that was made when the same was asked before, ``None`` where there is none that is known."""
    named = cache.get(_KIND, asked.key)
    made = None if named is None else recall_folder(cache, Path(named.decode()))
    # By now another one may have taken its folder.
    return made if made is not None and made.request == asked.key else None


def recall_folder(cache: Cache, folder: Path) -> Made | None:
    """Return what is known of the report in a folder, ``None`` where it was not made on this machine, or is another."""
    content = cache.get(_KIND, key_of("folder", str(folder.resolve())))
    if content is None:
        return None
    told: dict[str, Any] = json.loads(content)
    if told.keys() != {each.name for each in fields(Made)}:
        # Of another version, which kept other things of a report.
        return None
    made = Made(**told | {name: tuple(told[name]) for name in ("sources", "roots", "notebooks")})
    manifest = folder / MANIFEST
    return made if manifest.is_file() and digests.of_file(manifest) == made.manifest else None


def remember(cache: Cache, asked: ReportRequest, made: Made) -> None:
    """Keep what a report was made of.

    Raises:
        OSError: it cannot be written.
    """
    folder = str(Path(made.folder).resolve())
    cache.put(_KIND, key_of("folder", folder), json.dumps(asdict(made)).encode())
    cache.put(_KIND, asked.key, folder.encode())


def _edited(folder: Path) -> Iterator[Change]:
    try:
        outputs = read(folder).outputs
    except Unrecorded:
        yield Change(f"report {folder}", "", None)
        return
    for name, digest in outputs.items():
        found = digests.of_file(folder / name) if (folder / name).is_file() else None
        if found != digest:
            yield Change(f"report {name}", digest, found)
