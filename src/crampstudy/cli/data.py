"""Commands that bring data in: init, try, validate, import, fetch."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date as day
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from crampstudy.cli.options import (
    AsJson,
    Corrected,
    FileFormat,
    Force,
    ObservedFrom,
    ObservedTo,
    Out,
    OutOrDefault,
    Rejects,
    Source,
    UnloggedNights,
    listed,
    word,
)
from crampstudy.cli.output import Output, say_account, tell_kept
from crampstudy.errors import UsageError

if TYPE_CHECKING:
    from crampstudy.cleaning import Cleaned, Corrections


def init(
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="A new or an empty folder; not needed for notebooks alone.")
    ] = None,
    tables: Annotated[str | None, typer.Option(help="Tables to begin with, e.g. participants,diary.")] = None,
    notebooks: Annotated[
        bool,
        typer.Option("--notebooks", help="Also copy the report's notebooks, which report then takes."),
    ] = False,
) -> None:
    """Start a new study: empty tables with their headers, the data dictionary, and what to do next."""
    if folder is None:
        if not notebooks or tables:
            raise UsageError("init needs the folder of the new study: crampstudy init my-study")
        _copy_notebooks(Path())
        return
    from crampstudy.sources import starter

    files = starter.create(folder, listed(tables) if tables else None)
    typer.echo(f"{folder} holds {', '.join(path.name for path in files)}")
    typer.echo(f"Fill in participants.csv and diary.csv, then run: crampstudy validate {shlex.quote(str(folder))}")
    if notebooks:
        _copy_notebooks(folder)


def _copy_notebooks(folder: Path) -> None:
    from crampstudy.report import outline

    target = folder / outline.FOLDER
    files = outline.copy(target)
    typer.echo(f"{target} holds {', '.join(path.name for path in files)}")
    there = "here" if folder == Path() else f"in {shlex.quote(str(folder))}"
    typer.echo(f"crampstudy report takes them when it is run {there}. A section of your own begins as a copy of")
    typer.echo(f"{outline.TEMPLATE}: crampstudy report SOURCE --notebook FILE.ipynb")


def try_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A list of nights: CSV, a workbook, or a file of SPSS, Stata or SAS.")
    ],
    who: Annotated[
        str | None, typer.Option(help="Name or number of the column that says who; one: all rows are one person's.")
    ] = None,
    date: Annotated[str | None, typer.Option(help="Name or number of the column of dates.")] = None,
    cramps: Annotated[
        str | None, typer.Option(help="Name or number of the column of counts; rows: each row is one cramp.")
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="The sheet of a workbook, where several have dates.")] = None,
    start: Annotated[
        str | None,
        typer.Option(help="Where columns are Day 1, Day 2: the date of the first, or the column that has it."),
    ] = None,
    date_format: Annotated[str | None, typer.Option(help="How dates are written, e.g. %d/%m/%Y.")] = None,
    missing: Annotated[str | None, typer.Option(help="Counts that mean no answer, e.g. 99,-99.")] = None,
    clock: Annotated[
        Literal["evening", "morning", "timestamp"] | None,
        typer.Option(
            help="The date is that of the evening, of the morning, or a moment: before noon, the evening before."
        ),
    ] = None,
    time_zone: Annotated[str | None, typer.Option(help="Where times that state a distance from UTC were.")] = None,
    empty: Annotated[
        Literal["none", "unknown"] | None, typer.Option(help="What an empty count means: no cramp, or not known.")
    ] = None,
    short: Annotated[
        Literal["empty"] | None, typer.Option(help="Rows that end early are read, their missing cells empty.")
    ] = None,
    unlogged: UnloggedNights = None,
    observed_from: ObservedFrom = None,
    observed_to: ObservedTo = None,
    out: OutOrDefault = None,
    as_json: AsJson = None,
    force: Force = False,
) -> None:
    """Take a first look at a bare diary: rates, coverage and a calendar, and how the file was understood.

    With --out it becomes a study: its tables, the mapping that made them, and what to fill in.
    """
    from crampstudy.cleaning.unlogged import stated
    from crampstudy.descriptive import first_look
    from crampstudy.sources.readers import bare_list
    from crampstudy.sources.readers.bare_list import study
    from crampstudy.sources.text import missing_codes, timestamps
    from crampstudy.sources.text.timestamps import StatedTimes

    output = Output(as_json, force=force)
    roles: dict[bare_list.Role, str | None] = {"who": who, "date": date, "cramps": cramps}
    said = bare_list.StatedList(
        columns={role: name for role, name in roles.items() if name is not None},
        sheet=sheet,
        start=start,
        date_format=date_format,
        times=StatedTimes(clock, timestamps.zone(time_zone) if time_zone is not None else None),
        missing=missing_codes.parse(missing) if missing else missing_codes.NONE,
        empty=empty,
        padded=short is not None,
        word=stated(word(unlogged, observed_from, observed_to)),
    )
    nights = bare_list.read(file, said, name=out.resolve().name if out else None, today=day.today())
    kept = study.write(nights, out, force=force) if out else None
    look = first_look.first_look(nights)
    output.put({"--json": lambda: first_look.as_json(look)}, lambda: typer.echo(first_look.as_text(look)))
    say_account(look.nights.account, None, aside=output.aside)
    if out:
        tell_kept(kept)
        for line in study.next_steps(nights, out):
            typer.echo(line, err=output.aside)


def validate(
    source: Source,
    rejects: Rejects = None,
    corrections: Corrected = None,
    strict: Annotated[bool, typer.Option(help="Exit with 3 when a row was rejected or a cell blanked.")] = False,
    unlogged: UnloggedNights = None,
    observed_from: ObservedFrom = None,
    observed_to: ObservedTo = None,
    as_json: AsJson = None,
    force: Force = False,
) -> None:
    """Read and clean a source and say what was accepted, rejected and blanked, and why."""
    from crampstudy import validation
    from crampstudy.errors import RejectedRows
    from crampstudy.sources import load
    from crampstudy.sources.address import with_unlogged
    from crampstudy.validation import chunked

    output = Output(as_json, force=force)
    source = with_unlogged(source, word(unlogged, observed_from, observed_to))
    # A correction is checked against the whole table.
    summary = None if corrections else chunked.validate(source, today=day.today(), rejects=rejects)
    if summary is None:
        loaded = load(source, today=day.today(), corrections=_corrections(corrections))
        summary = validation.summarise(loaded)
        with _rejects(loaded, rejects):
            pass
    elif rejects:
        _warn_of(rejects)
    output.put({"--json": lambda: validation.as_json(summary)}, lambda: typer.echo(validation.as_text(summary)))
    if strict and summary.costly:
        raise RejectedRows(f"rows or cells rejected or blanked: {summary.costly:,}, and --strict allows none")


def import_(
    source: Source,
    out: Out,
    mapping: Annotated[Path | None, typer.Option(help="Mapping file (YAML) that describes the source's files.")] = None,
    start: Annotated[
        str | None,
        typer.Option(help="The date of the first night, where the mapping has columns such as Day 1, Day 2."),
    ] = None,
    format: FileFormat = "csv",
    unlogged: UnloggedNights = None,
    observed_from: ObservedFrom = None,
    observed_to: ObservedTo = None,
    rejects: Rejects = None,
    corrections: Corrected = None,
    as_json: AsJson = None,
    force: Force = False,
) -> None:
    """Read and clean any source and write what was accepted as a data package."""
    from crampstudy import validation
    from crampstudy.sources import load
    from crampstudy.sources.address import with_unlogged
    from crampstudy.sources.readers import package

    output = Output(as_json, force=force)
    if rejects and Path(os.path.realpath(rejects)).is_relative_to(os.path.realpath(out)):
        raise UsageError(f"{rejects} lies in the package, which may be sent on; name a file of rejects outside {out}")
    said = word(unlogged, observed_from, observed_to) | ({"start": start} if start else {})
    if said:
        source, mapping = with_unlogged(source, said, mapping), None
    loaded = load(source, mapping, today=day.today(), corrections=_corrections(corrections))
    with _rejects(loaded, rejects):
        kept = package.write(loaded.cohort, out, format, force=force)
    typer.echo(f"The accepted rows are in {out}.", err=True)
    tell_kept(kept)
    summary = validation.summarise(loaded)
    output.put({"--json": lambda: validation.as_json(summary)}, lambda: typer.echo(validation.as_text(summary)))


def fetch(
    what: Annotated[Literal["nhanes"], typer.Argument(help="nhanes, the survey's public transport files.")],
    out: Out,
    cycles: Annotated[str | None, typer.Option(help="Letters of the cycles, e.g. D,E; by default all known.")] = None,
    base_url: Annotated[str | None, typer.Option(help="Another address that has the publisher's folders.")] = None,
    allow_redirects: Annotated[
        str | None, typer.Option(metavar="HOSTS", help="Other hosts that the address may send on to, by commas.")
    ] = None,
    refresh: Annotated[bool, typer.Option(help="Download again and renew the recorded digests.")] = False,
) -> None:
    """Download a public survey's files, with their digests on record; a file that was cut off is gone on with."""
    from crampstudy.sources import fetch
    from crampstudy.wording import counted

    files = fetch.nhanes(
        out,
        cycles.split(",") if cycles else None,
        base_url=base_url or fetch.PUBLISHER,
        refresh=refresh,
        progress=fetch.lines_to(sys.stderr),
        redirects_to=listed(allow_redirects) if allow_redirects else (),
    )
    new = sum(file.downloaded for file in files)
    typer.echo(f"{counted(len(files), 'files')}, {new} of them new, in {out}: open them as nhanes:{out}")


def _corrections(file: Path | None) -> Corrections | None:
    from crampstudy.cleaning.corrections import load

    return load(file) if file else None


@contextmanager
def _rejects(loaded: Cleaned, file: Path | None) -> Iterator[None]:
    """Write the ledger and the rejected rows; the file appears when the block ends without an error."""
    if file is None:
        yield
        return
    from crampstudy import validation
    from crampstudy.atomic_write import csv_text, whole_stream

    with whole_stream(file, private=True) as stream:
        stream.write(csv_text(validation.rejects(loaded)).encode())
        stream.flush()
        yield
    _warn_of(file)


def _warn_of(rejects: Path) -> None:
    typer.echo(f"SENSITIVE: {rejects} holds participants' values and rows; only you can read it.", err=True)
