"""The command that makes the report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crampstudy.cli import completion
from crampstudy.cli.options import (
    Bands,
    CaseDefinition,
    CiLevelOrDefault,
    Force,
    ObservedFrom,
    ObservedTo,
    OutOrDefault,
    SourceOrNone,
    UnloggedNights,
    Where,
    listed,
    progress,
    word,
)
from crampstudy.cli.output import say_account, tell_kept
from crampstudy.errors import UsageError


def report(
    source: SourceOrNone = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="A parameter as name=value; repeatable.")] = None,
    out: OutOrDefault = None,
    age_bands: Bands = None,
    ci_level: CiLevelOrDefault = None,
    where: Where = None,
    plan: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A plan by crampstudy claims --freeze: rows are marked planned or post hoc."),
    ] = None,
    sections: Annotated[
        str | None,
        typer.Option(help="Names of notebooks to run, separated by commas.", autocompletion=completion.sections),
    ] = None,
    notebook: Annotated[Path | None, typer.Option(help="One more notebook, set after the others.")] = None,
    unlogged: UnloggedNights = None,
    observed_from: ObservedFrom = None,
    observed_to: ObservedTo = None,
    case_definition: CaseDefinition = None,
    cell_timeout: Annotated[
        int, typer.Option(min=1, metavar="SECONDS", help="The time that a cell of a notebook may take.")
    ] = 1800,
    list_parameters: Annotated[
        bool,
        typer.Option(
            "--list-parameters", help="List what --set takes, of all notebooks or of the one named, and run nothing."
        ),
    ] = False,
    force: Force = False,
) -> None:
    """Run the notebooks on a cohort and make one PDF, one web page, and the tables behind them.

    Without --out they are in reports/COHORT. --age-bands, --ci-level, --where, --plan: short for --set age_bands=… etc.
    """
    if list_parameters:
        _list_parameters(source or sections, notebook)
        return
    if source is None:
        raise UsageError("a report needs the cohort's SOURCE; only --list-parameters goes without")
    from crampstudy.report.build import build
    from crampstudy.sources.address import with_unlogged

    source = with_unlogged(source, word(unlogged, observed_from, observed_to, case_definition))
    chosen = listed(sections) if sections else []
    given = {"age_bands": age_bands, "ci_level": ci_level, "where": where, "plan": plan}
    short = [f"{name}={value}" for name, value in given.items() if value is not None]
    with progress() as shown:
        made = build(
            source,
            settings=[*(settings or []), *short],
            out=out,
            sections=chosen,
            notebook=notebook,
            cell_seconds=cell_timeout,
            progress=shown,
            force=force,
        )
    for notice in made.notices:
        typer.echo(notice, err=True)
    tell_kept(made.kept)
    typer.echo(f"The report is in {made.folder}: {made.pdf.name}, {made.html.name}, {made.estimates.name}")
    say_account(made.account, source, aside=False)


def _list_parameters(named: str | None, own: Path | None) -> None:
    """Print a line for each parameter of the notebooks: name, default, what it takes, meaning."""
    from crampstudy.report import outline as outlines
    from crampstudy.report import params

    outline = outlines.read(outlines.find())
    if named is not None and named.endswith(".ipynb"):
        own, outline = Path(named), outlines.Outline(outline.title, ())
    else:
        outline = outline.only(listed(named) if named else [])
    if own is not None:
        outline = outline.plus(own)
    for each in params.describe(outline.notebooks, own.resolve() if own else None):
        typer.echo(f"{each.name}={_shown(each.default)}: {each.help or 'no meaning is given'}; takes {each.allowed}")


def _shown(default: object) -> str:
    """Return a default as --set takes it."""
    if default is None:
        return "null"
    if isinstance(default, bool):
        return str(default).lower()
    return ",".join(map(str, default)) if isinstance(default, list) else str(default)
