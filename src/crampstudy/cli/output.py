"""Where the rows of a command go: to a reader as tables, to standard output, or into files."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from crampstudy.cli.command import STDOUT
from crampstudy.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

    from crampstudy.cohort import Cohort
    from crampstudy.cohort.account import Account


_JSON, _CSV = "--json", "--csv"
FAILED = ".failed"
"""Behind the name of a document's folder: the one in which a notebook that fails is kept as far as it was run."""


@dataclass(frozen=True, slots=True)
class Output:
    """What ``--json``, ``--csv`` and ``--force`` say; ``None`` for an option that was not given.

    Raises:
        UsageError: both formats are to be printed or have the same file, or one has an empty name.
        FileTaken: a file is there already, and there is no ``force``.
    """

    as_json: str | None = None
    as_csv: str | None = None
    force: bool = False

    def __post_init__(self) -> None:
        from crampstudy.atomic_write import check_free

        if self.as_json == self.as_csv == STDOUT:
            raise UsageError("choose one of --json and --csv, or give one of them a file: --csv rows.csv")
        if "" in (self.as_json, self.as_csv):
            option = _JSON if self.as_json == "" else _CSV
            example = f"{option} rows.{option.lstrip('-')}"
            raise UsageError(f"the name of a file is empty; write {example}, or {option} alone for standard output")
        for option, file in self._files():
            check_free(file, option, force=self.force)
        if len({file.resolve() for _, file in self._files()}) < len(self._files()):
            raise UsageError(f"--json and --csv have the same file {self.as_csv}; give each one of its own")

    @property
    def aside(self) -> bool:
        """Whether what is said to a reader goes to standard error, for rows are on standard output."""
        return STDOUT in (self.as_json, self.as_csv)

    def show(
        self,
        rows: pd.DataFrame,
        readable: Callable[[], None],
        accounts: Sequence[Account] = (),
        sources: Sequence[str] = (),
    ) -> None:
        """Write and print rows, what they were made of below them; ``readable`` prints them as tables."""
        from crampstudy import estimates

        self.put({_JSON: lambda: estimates.to_json(rows), _CSV: lambda: estimates.to_csv(rows)}, readable)
        for account, source in zip(accounts, sources, strict=True):
            say_account(account, source, aside=self.aside)

    def put(self, made: Mapping[str, Callable[[], str]], readable: Callable[[], None]) -> None:
        """Write what an option makes to its file, and print it where it has none; else print what is ``readable``."""
        from crampstudy.atomic_write import new_file

        for option, file in self._files():
            tell_kept(new_file(file, _line(made[option]()).encode(), option, force=self.force))
            typer.echo(f"Written: {file}", err=True)
        if not self.aside:
            readable()
        else:
            typer.echo(_line(made[_JSON if self.as_json == STDOUT else _CSV]()), nl=False)

    def _files(self) -> list[tuple[str, Path]]:
        given = ((_JSON, self.as_json), (_CSV, self.as_csv))
        return [(option, Path(file)) for option, file in given if file not in (None, "", STDOUT)]


def say_account(account: Account, source: str | None, *, aside: bool) -> None:
    """Print in one line what was read, set aside and used, then how own columns were read."""
    for line in (account.sentence(source), *account.columns):
        typer.echo(line, err=aside)


def tell_kept(path: Path | None) -> None:
    """Say where a folder or a file is kept that was replaced by force."""
    if path is not None:
        typer.echo(f"What stood there before is kept in {path}", err=True)


def check_outside_of_reports(file: Path, option: str, cohort: Cohort | None = None) -> None:
    """Refuse a file of participants' values in the folder of a report, which is sent on.

    With a ``cohort`` also where the report of it will be, if it is not there yet.

    Raises:
        UsageError: it lies in one, also by a link.
    """
    from crampstudy.provenance import report_above
    from crampstudy.report.outline import default_folder

    place = Path(os.path.realpath(file))
    report = report_above(place)
    if report is None and cohort is not None:
        folder = Path(os.path.realpath(default_folder(cohort)))
        report = folder if place.is_relative_to(folder) else None
    if report is not None:
        elsewhere = shlex.quote(str(report.parent / file.name))
        raise UsageError(
            f"{file} lies in a report's folder ({report}), which may be sent on, and the file holds values of single "
            f"participants; name one outside of it, such as {option} {elsewhere}"
        )


def _line(text: str) -> str:
    return f"{text.removesuffix(chr(10))}\n"
