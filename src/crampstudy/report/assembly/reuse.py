"""What of a report need not be run again: notebooks as they were run on the same, and the report as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crampstudy import cache, plain_yaml
from crampstudy.cache import Cache
from crampstudy.provenance import MANIFEST, digests
from crampstudy.report import params, run
from crampstudy.report.assembly.earlier_pages import EarlierPages
from crampstudy.report.assembly.subject import Subject
from crampstudy.report.freshness import Made, ReportParts, ReportRequest, data_files, names_file, parts, remember
from crampstudy.sources import Address

_KIND = "notebook"


@dataclass(frozen=True, slots=True)
class Reuse:
    """The cache that a report uses, what it was asked for, and what it was made of when it began.

    Args:
        cache: where it looks, and keeps what it made.
        asked: what was asked for.
        sources: the addresses of the sources, absolute.
        roots: the files and folders that they are read from.
        notebooks: the notebooks, in order.
        outline: the file of their outline, if there is one.
        parts: what the report is made of, before anything was read.
        stamps: when each file of the data was changed, at that time.
    """

    cache: Cache
    asked: ReportRequest
    sources: tuple[str, ...]
    roots: tuple[Path, ...]
    notebooks: tuple[Path, ...]
    outline: Path | None
    parts: ReportParts
    stamps: tuple[tuple[str, int, int], ...]

    @classmethod
    def of(cls, cache: Cache, asked: ReportRequest, notebooks: Sequence[Path], outline: Path | None) -> Reuse:
        """Return how a report uses a cache that begins now."""
        addresses = [Address.parse(source).absolute() for source in asked.sources]
        roots = tuple(root for address in addresses for root in roots_of(address))
        now = parts(asked, roots, notebooks, outline)
        return cls(cache, asked, tuple(map(str, addresses)), roots, tuple(notebooks), outline, now, _stamps(roots))

    def execute(
        self, subject: Subject, notebook: Path, output: Path, values: Mapping[str, Any], options: run.Options
    ) -> None:
        """Run a notebook, or take it as it was run with the same values on the same data by the same software.

        One that lies elsewhere than the others is the reader's own, and may read what nobody knows of: it is run.

        Args:
            subject: the cohorts, as they were loaded.
            notebook: the notebook.
            output: where it is written, executed.
            values: values for its parameters cell.
            options: how it is run.
        """
        if notebook.parent != self.notebooks[0].parent:
            run.execute(notebook, output, values, options)
            return
        # Its data are told by their content, and its values are given to it.
        key = cache.key_of(notebook.stem, digests.of_file(notebook), *self._of_numbers(subject, values))
        content = self.cache.get(_KIND, key)
        if content is not None:
            output.write_bytes(content)
            return
        run.execute(notebook, output, values, options)
        if _stamps(self.roots) == self.stamps:
            self.cache.put(_KIND, key, output.read_bytes())

    def earlier_pages(self, subject: Subject, values: Mapping[str, Any]) -> EarlierPages:
        """Return what of a report is set beforehand: the pages of the last one with the same numbers."""
        names = [path.stem for path in self.notebooks]
        return EarlierPages(self.cache, cache.key_of("pages", names, *self._of_numbers(subject, values)))

    def _of_numbers(self, subject: Subject, values: Mapping[str, Any]) -> tuple[object, ...]:
        """Return what the numbers of notebooks follow from: given values, data and software."""
        given = {name: _content(name, value) for name, value in values.items()}
        return given, [cohort.content for cohort in subject.cohorts], dict(self.parts.software)

    def remember(self, folder: Path) -> None:
        """Keep what the report in a folder was made of, so that it is not made again from the same."""
        made = Made(
            folder=str(folder.resolve()),
            request=self.asked.key,
            manifest=digests.of_file(folder / MANIFEST),
            sources=self.sources,
            roots=tuple(map(str, self.roots)),
            notebooks=tuple(map(str, self.notebooks)),
            outline=None if self.outline is None else str(self.outline),
            parts=self.parts.all,
        )
        remember(self.cache, self.asked, made)
        self.cache.trim()


def roots_of(address: Address) -> tuple[Path, ...]:
    """Return the files and folders that a source is read from: its own, and those that its options name."""
    named = [Path(value) for name, value in address.options.items() if name in ("mapping", "dictionary")]
    mapping = address.options.get("mapping")
    # A mapping may name files that lie elsewhere than in the folder of the others.
    tables = plain_yaml.load(Path(mapping).read_text(encoding="utf-8")).get("tables") if mapping else None
    entries = tables.values() if isinstance(tables, dict) else ()
    others = [address.path / entry["file"] for entry in entries if isinstance(entry, dict) and "file" in entry]
    return tuple(dict.fromkeys([address.path, *named, *(path for path in others if path.is_file())]))


def _content(name: str, value: object) -> object:
    """Return what a value says: of a file its content, of the sources nothing, for the data are told by theirs."""
    if name in (params.SOURCE, "sources"):
        return None
    return digests.of_file(Path(str(value))) if names_file(value) else value


def _stamps(roots: Sequence[Path]) -> tuple[tuple[str, int, int], ...]:
    found = ((path, path.stat()) for path in data_files(roots))
    return tuple((str(path), each.st_mtime_ns, each.st_size) for path, each in found)
