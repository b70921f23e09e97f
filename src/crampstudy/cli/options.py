"""Options that several commands share, and what they make of them."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from crampstudy.cli import completion
from crampstudy.errors import UsageError

if TYPE_CHECKING:
    from crampstudy.causal import CausalGraph
    from crampstudy.cohort import Cohort
    from crampstudy.nights import Diary

Source = Annotated[
    str, typer.Argument(help="A data package folder, a workbook, or kind:path such as mapped:FILE.csv?mapping=M.yaml.")
]
SourceOrNone = Annotated[
    str | None,
    typer.Argument(
        metavar="SOURCE",
        help="A data package folder, a workbook, or kind:path such as mapped:FILE.csv?mapping=M.yaml.",
    ),
]
AsJson = Annotated[
    str | None, typer.Option("--json", metavar="[FILE]", help="Print the result as JSON, or write it to FILE.")
]
AsCsv = Annotated[
    str | None, typer.Option("--csv", metavar="[FILE]", help="Print the tidy rows as CSV, or write them to FILE.")
]
Where = Annotated[str | None, typer.Option(help='A condition such as "age_years >= 20"; for a survey a domain.')]
Bands = Annotated[str | None, typer.Option("--age-bands", help="Lower limits, e.g. 20,40,60.")]
StandardName = Annotated[Literal["who", "esp2013", "none"], typer.Option(help="Standard population.")]
HemisphereName = Annotated[
    Literal["north", "south"], typer.Option("--hemisphere", help="Which months are winter, of the annual cycle.")
]
RunIn = Annotated[
    int | None,
    typer.Option(
        "--run-in", metavar="NIGHTS", help="Nights before time zero of a treatment; by default as the tables say."
    ),
]
BuildUp = Annotated[
    int, typer.Option("--build-up", metavar="NIGHTS", help="Nights after the start of a treatment that are left out.")
]
Washout = Annotated[
    int, typer.Option("--washout", metavar="NIGHTS", help="Nights after the end of a treatment that are left out.")
]
_CI_LEVEL = typer.Option("--ci-level", help="Confidence level.")
CiLevel = Annotated[float, _CI_LEVEL]
CiLevelOrDefault = Annotated[float | None, _CI_LEVEL]
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
_OUT = typer.Option("--out", metavar="DIR", help="Folder to write.")
Out = Annotated[Path, _OUT]
OutOrDefault = Annotated[Path | None, _OUT]
Force = Annotated[
    bool, typer.Option("--force", help="Also replace what is there already; it is kept beside as NAME.old-1.")
]
Figures = Annotated[
    bool, typer.Option("--figures", help="Write each figure also as PNG and TIFF of 600 dots an inch, in figures/.")
]
NoCache = Annotated[
    bool, typer.Option("--no-cache", help="Run everything anew: believe nothing that was kept, and keep nothing.")
]
UnloggedNights = Annotated[
    Literal["zero"] | None,
    typer.Option("--unlogged", help="zero: nights without a row, inside a window, were nights without a cramp."),
]
ObservedFrom = Annotated[
    str | None, typer.Option(help="With --unlogged: the first night, for participants without a diary_start.")
]
ObservedTo = Annotated[
    str | None, typer.Option(help="With --unlogged: the last night, for participants without a diary_end.")
]
CaseDefinition = Annotated[
    str | None,
    typer.Option(
        "--case-definition",
        help="Which cramps count: hallegraeff-2017, or some of its criteria by commas, such as pain,duration,location.",
        autocompletion=completion.case_definitions,
    ),
]
Graph = Annotated[
    Path | None, typer.Option(help="Who causes whom, a YAML file of your own (docs/causal-graph.md); else the study's.")
]
FileFormat = Annotated[Literal["csv", "parquet"], typer.Option(help="File format of the tables.")]


def word(
    unlogged: str | None, observed_from: str | None, observed_to: str | None, case_definition: str | None = None
) -> dict[str, str]:
    """Return what was said of nights without a row and of the cramps that count, by the names a source has for it."""
    said = {"unlogged": unlogged, "observed_from": observed_from, "observed_to": observed_to}
    said |= {"case_definition": case_definition}
    return {name: value for name, value in said.items() if value is not None}


def opened(source: str) -> Cohort:
    """Open a source for an analysis, and say what is to be said of its nights."""
    from crampstudy.cleaning.searches.outliers import RULE
    from crampstudy.sources import open_cohort

    cohort = open_cohort(source)
    for said in filter(None, (cohort.attrition.unlogged, *cohort.attrition.remarks)):
        typer.echo(f"note: {cohort.name}: {said}", err=True)
    for rule in cohort.attrition.rules:
        if rule.rule == RULE:
            said = "counts far above all others are in use; are they codes for no answer?"
            typer.echo(
                f"note: {cohort.name}: {rule.n:,} {said} See: crampstudy validate {shlex.quote(source)}", err=True
            )
    doubt(cohort)
    return cohort


def doubt(cohort: Cohort | Diary) -> None:
    """Say what makes the nights of a diary doubtful as person-time, if anything does."""
    from crampstudy.nights import denominator

    if cohort.kind != "diary":
        return
    known = denominator(cohort)
    if said := known.doubt or known.window:
        typer.echo(f"note: {cohort.name}: {said}", err=True)


def listed(text: str) -> list[str]:
    """Return the parts of an option that are separated by commas."""
    return [part.strip() for part in text.split(",")]


def bands(text: str | None) -> Any:
    """Return age bands from their lower limits, ``None`` where none are given."""
    from crampstudy.age_bands import AgeBands

    return AgeBands.parse(text) if text else None


def causal_graph(path: Path | None) -> CausalGraph | None:
    """Return the causal graph of a file, ``None`` where none is given."""
    from crampstudy import causal

    return causal.read(path) if path else None


def who_works(workers: int, cluster: str | None) -> int | str:
    """Return who does the work, as ``compute.map`` takes it."""
    if cluster is None:
        return workers
    if workers != 1:
        raise UsageError("choose one of --workers and --cluster; a cluster has workers of its own")
    return cluster


def progress() -> Any:
    """Return what shows the progress of a report."""
    from crampstudy import terminal

    return terminal.progress()
