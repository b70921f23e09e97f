"""``crampstudy validate`` of a diary too large to hold at once: the same rules, part by part, and one summary."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import IO

import polars as pl

from crampstudy import codebook, scratch
from crampstudy.atomic_write import csv_text, whole_stream
from crampstudy.cleaning import Context, Raw, RawTable, apply_rules, clean_table, marks, nothing_left, set_aside
from crampstudy.cleaning.parts import AllParts
from crampstudy.cleaning.raw import LEDGER, ROW, Violation, ledger
from crampstudy.cleaning.tables import clean_part
from crampstudy.cohort import Cohort, TableCount
from crampstudy.nights import observed_night, spans, told
from crampstudy.progress import track
from crampstudy.sources import Address
from crampstudy.sources.chunked import joined
from crampstudy.sources.chunked.diary import ChunkedDiary
from crampstudy.sources.chunked.joined import Joined
from crampstudy.sources.readers import chunked_package
from crampstudy.sources.text import missing_codes
from crampstudy.validation.rejected_rows import with_rows
from crampstudy.validation.summary import Summary, by_number, examples, night_counts

_AT = "__at"
LARGE = 5_000_000
"""Rows of a Parquet diary from which it is read in parts."""
SIZE = 1_000_000
"""Rows of a part."""


def validate(
    source: str | Path,
    *,
    today: date | None = None,
    rejects: Path | None = None,
    large: int | None = None,
    size: int = SIZE,
) -> Summary | None:
    """Read and clean a large data package in parts and summarise it; ``None`` where it has to be read as a whole.

    That is where the diary is not a Parquet file of at least ``large`` rows, where nights without a row are taken as
    nights without a cramp, which are filled in as a whole, and where corrections lie in the folder, each of which is
    checked against the whole table. The summary is that of the whole, without its digest.

    Args:
        source: The address of the source, or its folder.
        today: The day of the reading, after which no night can lie; without it no date is too late.
        rejects: A file for the ledger with the rejected rows, those of the diary in the order of the parts.
        large: The fewest rows of a diary that is read in parts.
        size: How many rows a part has, about.

    Raises:
        SourceError: the source cannot be read, or no row is left.
        SchemaError: what is left cannot be a cohort.
    """
    address = Address.parse(source)
    if address.corrections_file:
        return None
    folder, declared = address.package_folder, missing_codes.declared(address.options)
    opened = chunked_package.read(folder, LARGE if large is None else large, declared) if folder else None
    if opened is None:
        return None
    raw, nights = opened
    if raw.unlogged or address.unlogged:
        return None
    with scratch.folder() as aside, tempfile.TemporaryFile() as spool:
        done = _Cleaning(raw, nights, today, spool if rejects else None)
        parts = nights.parts(done.people, size, aside)
        done.diary(track(parts, "parts of the diary", -(-nights.rows // size)))
        done.finish()
        if rejects:
            with whole_stream(rejects, private=True) as file:
                for name, said in done.said.items():
                    file.write(_csv_of(_rejects(done.tables[name], said), header=name == "participants"))
                    if name == "participants":
                        file.writelines(done.rejects_of_diary())
        return done.summary()


@dataclass(slots=True)
class _Diary:
    """What the parts of the diary add up to."""

    read: int = 0
    accepted: int = 0
    without_cramp: int = 0
    told: int = 0
    examples: list[pl.DataFrame] = field(default_factory=list)
    marks: list[pl.DataFrame] = field(default_factory=list)
    spans: list[pl.DataFrame] = field(default_factory=list)
    needed: list[pl.DataFrame] = field(default_factory=list)
    together: AllParts = field(default_factory=AllParts)


class _Cleaning:
    """A cleaning under way: the other tables are held whole, of the diary only what is counted."""

    def __init__(self, raw: Raw, nights: ChunkedDiary, today: date | None, spool: IO[bytes] | None) -> None:
        self._raw, self._today, self._spool = raw, today, spool
        self._file = nights.places.label
        self._places = nights.places
        given = {table.name: table for table in raw.tables}
        self.tables = {name: given[name] for name in codebook.TABLES if name in given}
        self.frames: dict[str, pl.DataFrame] = {}
        self.said: dict[str, list[Violation]] = {}
        self._sum = _Diary()
        self._spooled: list[tuple[int, int, int, int]] = []
        self._of_all = pl.DataFrame()
        for name, table in self.tables.items():
            self.frames[name], self.said[name] = clean_table(table, self._context())
            if name == "participants" and self.frames[name].is_empty():
                raise nothing_left(table.file, table.height, ledger(table, self.said[name]))

    @property
    def people(self) -> pl.Series:
        """The accepted participants."""
        return self.frames["participants"]["participant_id"]

    def _context(self) -> Context:
        return Context(self.frames, self._raw.window, self._today)

    def diary(self, parts: Iterable[RawTable]) -> None:
        """Clean the parts of the diary and count."""
        total = self._sum
        for part in parts:
            view, said = clean_part(part, self._context())
            frame = view.rows
            lines = ledger(part, said)
            total.together.add(part, view)
            if self._spool and lines.height:
                start = self._spool.tell()
                _rejects(part, said).with_columns(lines["line"].alias(_AT)).write_ipc(self._spool)
                numbers = part.lines.to_numpy()
                self._spooled.append((start, self._spool.tell(), int(numbers.min()), int(numbers.max())))
            total.examples.append(examples(lines))
            total.marks.append(marks.count(lines))
            total.read += part.height
            total.accepted += frame.height
            if frame.is_empty():
                continue
            cohort = self._cohort(frame)
            seen = observed_night(cohort)
            total.without_cramp += frame.filter(seen & (pl.col("cramps") == 0)).height
            total.told += frame.filter(~seen & told(frame.columns)).height
            total.spans.append(spans(frame.select("participant_id", "date", seen.alias("observed"))))
            total.needed.append(apply_rules.nights_needed({**self.frames, "diary": frame}))

    def _cohort(self, diary: pl.DataFrame) -> Cohort:
        """Return the cohort of a part: it lets in only what keeps the rules."""
        frames = {name: frame.drop(ROW) for name, frame in (*self.frames.items(), ("diary", diary))}
        return Cohort(self._raw.name, "diary", frames, self._raw.design, as_of=self._raw.as_of)

    def finish(self) -> None:
        """Apply the rules that need all nights.

        Raises:
            SourceError: no night was accepted.
        """
        if not self._sum.accepted:
            raise nothing_left(self._file, self._sum.read, self._first())
        lines = self._sum.together.ledger("diary", self._file)
        self._sum.examples.append(examples(lines))
        self._of_all = with_rows(self._places.ledger(lines), {}).with_columns(lines["line"].alias(_AT))
        for name, found in apply_rules.across_tables({**self.frames, "diary": pl.concat(self._sum.needed)}):
            self.said[name] += found

    def rejects_of_diary(self) -> Iterator[bytes]:
        """Yield the ledger of the diary with its rejected rows, as CSV without a header.

        What all parts together tell stands among the lines of its part where these come in the order of the lines, and
        else behind all of them.
        """
        assert self._spool is not None
        rest, after = self._of_all, 0
        in_order = all(one[3] < other[2] for one, other in pairwise(self._spooled))
        for start, end, _, last in self._spooled:
            self._spool.seek(start)
            told = pl.read_ipc(BytesIO(self._spool.read(end - start)))
            if in_order:
                here = pl.col(_AT).is_between(after, last)
                told = pl.concat([told, rest.filter(here)]).sort(_AT, maintain_order=True)
                rest, after = rest.filter(~here), last + 1
            yield _csv_of(told.drop(_AT), header=False)
        yield _csv_of(rest.drop(_AT), header=False)

    def _first(self) -> pl.DataFrame:
        """Return the first line of the diary's ledger for each rule, in the order of the file."""
        return pl.concat([*self._sum.examples, _NOTHING]).sort("line", maintain_order=True)

    def summary(self) -> Summary:
        """Return the summary of the whole."""
        total = self._sum
        ledgers = {name: ledger(self.tables[name], said) for name, said in self.said.items()}
        marked = pl.concat([*(marks.count(lines) for lines in ledgers.values()), *total.marks])
        firsts = {name: examples(joined.stated(self.tables[name], lines)) for name, lines in ledgers.items()}
        firsts["diary"] = self._places.ledger(self._first())
        found = pl.concat(firsts[name] for name in codebook.TABLES if name in firsts)
        merged = found.group_by("rule", "severity", "column", maintain_order=True).agg(
            pl.col("n").sum(), pl.exclude("n", "rule", "severity", "column").first()
        )
        blanked = {name: _blanked(lines) for name, lines in firsts.items()}
        counts = {
            name: _count(name, t.file, (t.height, self.frames[name].height), blanked[name])
            for name, t in self.tables.items()
        }
        counts["diary"] = _count("diary", self._file, (total.read, total.accepted), blanked["diary"])
        seen = (
            self.frames["participants"]
            .select("participant_id")
            .join(pl.concat(total.spans), on="participant_id", how="left")
        )
        nights = night_counts(seen, total.accepted, total.without_cramp, total.told)
        return Summary(
            cohort=self._raw.name,
            kind="diary",
            digest=None,
            tables=tuple(counts[name] for name in codebook.TABLES if name in counts),
            rules=by_number(merged),
            notices=(*self._raw.notices, *self._raw.remarks, *marks.notices(marked), *nights.remarks),
            nights=nights,
            costly=int(merged.filter(pl.col("severity") != "warn")["n"].sum()),
        )


_NOTHING = examples(LEDGER.to_frame())


def _blanked(lines: pl.DataFrame) -> int:
    return int(lines.filter(pl.col("severity") == "blank-cell")["n"].sum())


def _count(table: str, file: str, rows: tuple[int, int], blanked: int) -> TableCount:
    read, accepted = rows
    return TableCount(table, file, read, accepted, read - accepted, blanked)


def _rejects(table: RawTable, said: list[Violation]) -> pl.DataFrame:
    lines, rows = ledger(table, said), set_aside(table, said)
    if isinstance(table, Joined):
        lines, rows = table.places.ledger(lines), table.places.rows(rows)
    return with_rows(lines, {table.file: rows})


def _csv_of(lines: pl.DataFrame, *, header: bool) -> bytes:
    text = csv_text(lines)
    return (text if header else text.partition("\n")[2]).encode()
