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
    Source,
    UnloggedNights,
    listed,
    progress,
    word,
)
from crampstudy.cli.output import say_account, tell_kept


def report(
    source: Source,
    settings: Annotated[list[str] | None, typer.Option("--set", help="A parameter as name=value; repeatable.")] = None,
    out: OutOrDefault = None,
    age_bands: Bands = None,
    ci_level: CiLevelOrDefault = None,
    sections: Annotated[
        str | None,
        typer.Option(
            help="Names of notebooks to run, separated by commas; all for every one, also those that take long.",
            autocompletion=completion.sections,
        ),
    ] = None,
    notebook: Annotated[Path | None, typer.Option(help="One more notebook, set after the others.")] = None,
    unlogged: UnloggedNights = None,
    observed_from: ObservedFrom = None,
    observed_to: ObservedTo = None,
    case_definition: CaseDefinition = None,
    cell_timeout: Annotated[
        int, typer.Option(min=1, metavar="SECONDS", help="The time that a cell of a notebook may take.")
    ] = 1800,
    force: Force = False,
) -> None:
    """Run the notebooks on a cohort and make one PDF, one web page, and the tables behind them.

    Without --out they are in reports/COHORT. --age-bands and --ci-level are short for --set age_bands=… and ci_level=….
    """
    from crampstudy.report.build import build
    from crampstudy.sources.address import with_unlogged

    source = with_unlogged(source, word(unlogged, observed_from, observed_to, case_definition))
    chosen = listed(sections) if sections else []
    given = {"age_bands": age_bands, "ci_level": ci_level}
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
