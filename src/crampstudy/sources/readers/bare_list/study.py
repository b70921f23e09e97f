"""The study that a list of nights becomes: its tables, the mapping that made them, and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from crampstudy import names
from crampstudy.sources.readers import package
from crampstudy.sources.readers.bare_list.nights import NightList
from crampstudy.sources.readers.bare_list.plan import MAPPING, again
from crampstudy.wording import counted

README = "README.md"

_README = """# {name}

A diary study of nocturnal leg cramps, made from `{file}` by `crampstudy try`: {held}.

How the file was understood stands in `{mapping}`:

{guessed}

## What to fill in

{lacking}

Every cell may stay empty. What needs it then says so.

## Next

    crampstudy validate {folder}
    crampstudy describe {folder}
    crampstudy report {folder}

Where the file was misunderstood, edit `{mapping}` and make the study again, beside this one, from the folder that holds
it and the file:

    {again}
"""


def write(nights: NightList, folder: Path, *, force: bool = False) -> Path | None:
    """Write the study of a list, whole or not at all, as :func:`crampstudy.sources.readers.package.write` does.

    Returns:
        Where the folder is kept that stood there before, ``None`` where there was none.
    """
    files = {MAPPING: nights.mapping.encode(), README: _readme(nights, folder).encode()}
    return package.write(nights.loaded.cohort, folder, extra=files, force=force)


def next_steps(nights: NightList, folder: Path) -> Iterator[str]:
    """Yield what was made, what is still to be filled in, and the next command."""
    tables = [f"{name}.csv" for name in nights.loaded.cohort.tables]
    yield f"{folder} holds {', '.join([*tables, MAPPING, package.DESCRIPTOR, README])}"
    if wanted := _lacking(nights):
        yield f"Fill in what is known of participants.csv: {'; '.join(wanted).replace('`', '')}"
    yield f"Next: crampstudy report {shlex.quote(str(folder))}"


def _lacking(nights: NightList) -> tuple[str, ...]:
    """Return which of the columns that analyses ask for are not known of everybody, each with how many have it."""
    people = nights.loaded.cohort.frame("participants")
    known = {name: people.height - people[name].null_count() for name in ("age_years", "sex")}
    return tuple(f"`{name}`, known of {n} of {people.height}" for name, n in known.items() if n < people.height)


def _readme(nights: NightList, folder: Path) -> str:
    name = folder.resolve().name
    return _README.format(
        name=names.title(name),
        file=nights.file,
        folder=shlex.quote(name),
        mapping=MAPPING,
        held=_held(nights),
        guessed="\n".join(f"- {' '.join(line.split())}" for line in _understood(nights)),
        lacking="\n".join(_to_fill_in(nights)),
        again=again(nights.file, name),
    )


def _held(nights: NightList) -> str:
    frame = nights.frame
    people, observed = nights.loaded.cohort.frame("participants").height, frame["cramps"].count()
    return (
        f"{counted(people, 'participants')}, {counted(observed, 'observed nights')}, "
        f"{counted(int(frame['cramps'].sum()), 'cramps')}"
    )


def _understood(nights: NightList) -> Iterator[str]:
    guess = nights.guess
    yield f"who: {guess.who}"
    yield f"date: {guess.date}, read as {guess.date_format} ({guess.reason})"
    yield f"cramps: {guess.cramps}"
    yield from nights.notices
    if nights.left_out:
        yield f"{counted(len(nights.left_out), 'rows')} left out, which `crampstudy try` lists"


def _to_fill_in(nights: NightList) -> Iterator[str]:
    wanted = _lacking(nights)
    if wanted:
        yield "- `participants.csv`: " + "; ".join(wanted) + ". Ages are in years, sexes female or male."
    else:
        yield "- Nothing that the analyses ask of everybody."
    if nights.frame.filter(pl.col("cramps").is_null()).height:
        yield "- `diary.csv`: an empty count is a night that nobody observed; write 0 where there was no cramp."
