"""Options that several commands share, and what they make of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from crampstudy.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

Source = Annotated[
    str, typer.Argument(help="A data package folder, a workbook, or kind:path such as mapped:FILE.csv?mapping=M.yaml.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the tidy rows as a JSON array.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print the tidy rows as CSV.")]
Where = Annotated[str | None, typer.Option(help='A condition such as "age_years >= 20"; for a survey a domain.')]
Bands = Annotated[str | None, typer.Option("--age-bands", help="Lower limits, e.g. 20,40,60.")]
StandardName = Annotated[Literal["who", "esp2013", "none"], typer.Option(help="Standard population.")]
CiLevel = Annotated[float, typer.Option(help="Confidence level.")]
Rejects = Annotated[
    Path | None, typer.Option(help="Write the ledger and the rejected rows: participants' data, for your eyes only.")
]
Corrected = Annotated[
    Path | None, typer.Option("--corrections", help="Corrections (YAML); by default a package's own corrections.yaml.")
]
Weight = Annotated[str | None, typer.Option(help="Weight column of a survey; by default the most restrictive one.")]
NWorkers = Annotated[int, typer.Option("--workers", help="Processes that share the work; the bytes are the same.")]
Cluster = Annotated[
    str | None,
    typer.Option(help="A Dask cluster that does the work instead: tcp://host:port, or its scheduler file."),
]
Force = Annotated[
    bool, typer.Option("--force", help="Also replace a folder of other content, which is kept beside as NAME.old-1.")
]
FileFormat = Annotated[Literal["csv", "parquet"], typer.Option(help="File format of the tables.")]


def listed(text: str) -> list[str]:
    """Return the parts of an option that are separated by commas."""
    return [part.strip() for part in text.split(",")]


def bands(text: str | None) -> Any:
    """Return age bands from their lower limits, ``None`` where none are given."""
    from crampstudy.bands import AgeBands

    return AgeBands.parse(text) if text else None


def show(rows: pd.DataFrame, as_json: bool, as_csv: bool) -> None:
    """Print estimates as a table, JSON or CSV."""
    from crampstudy import estimates

    if as_json and as_csv:
        raise UsageError("choose one of --json and --csv")
    if as_json:
        typer.echo(estimates.to_json(rows))
    elif as_csv:
        typer.echo(estimates.to_csv(rows), nl=False)
    else:
        from crampstudy import terminal

        terminal.show(rows)


def who_works(workers: int, cluster: str | None) -> int | str:
    """Return who does the work, as ``compute.map`` takes it."""
    if cluster is None:
        return workers
    if workers != 1:
        raise UsageError("choose one of --workers and --cluster; a cluster has workers of its own")
    return cluster


def tell_kept(folder: Path | None) -> None:
    """Say where a folder is kept that was replaced by force."""
    if folder is not None:
        typer.echo(f"What stood there before is kept in {folder}", err=True)


def progress() -> Any:
    """Return what shows the progress of a report."""
    from crampstudy import terminal

    return terminal.progress()
