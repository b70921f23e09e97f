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
    NoCache,
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
from crampstudy.cli.rerun.unchanged import cache_of_user, is_unchanged


def report(
    source: Source,
    settings: Annotated[list[str] | None, typer.Option("--set", help="A parameter as name=value; repeatable.")] = None,
    out: OutOrDefault = None,
    age_bands: Bands = None,
    ci_level: CiLevelOrDefault = None,
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
    no_cache: NoCache = False,
    force: Force = False,
) -> None:
    """Run the notebooks on a cohort and make one PDF, one web page, and the tables behind them.

    Without --out they are in reports/COHORT. --age-bands and --ci-level are short for --set age_bands=… and ci_level=….
    """
    from crampstudy.report.freshness import ask

    if said := word(unlogged, observed_from, observed_to, case_definition):
        from crampstudy.sources.address import with_unlogged

        source = with_unlogged(source, said)
    chosen = listed(sections) if sections else []
    given = {"age_bands": age_bands, "ci_level": ci_level}
    short = [f"{name}={value}" for name, value in given.items() if value is not None]
    settings = [*(settings or []), *short]
    cache = cache_of_user(no_cache)
    # A notebook of one's own may read what nobody knows of.
    asked = ask((source,), out, settings=settings, sections=chosen)
    if cache is not None and notebook is None and is_unchanged(cache, asked, chosen):
        return
    # Imported only now, for it takes longer than to see that nothing has changed.
    from crampstudy.report.build import build

    with progress() as shown:
        made = build(
            source,
            settings=settings,
            out=out,
            sections=chosen,
            notebook=notebook,
            cell_seconds=cell_timeout,
            progress=shown,
            force=force,
            cache=cache,
        )
    for notice in made.notices:
        typer.echo(notice, err=True)
    tell_kept(made.kept)
    typer.echo(f"The report is in {made.folder}: {made.pdf.name}, {made.html.name}, {made.estimates.name}")
    say_account(made.account, source, aside=False)
