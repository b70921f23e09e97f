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
    Cluster,
    Force,
    NoCache,
    NWorkers,
    ObservedFrom,
    ObservedTo,
    OutOrDefault,
    UnloggedNights,
    listed,
    progress,
    who_works,
    word,
)
from crampstudy.cli.output import say_account, tell_kept
from crampstudy.cli.rerun.certificate import certify_report
from crampstudy.cli.rerun.grid import report_grid
from crampstudy.cli.rerun.unchanged import cache_of_user, is_unchanged
from crampstudy.errors import UsageError


def report(
    source: Annotated[
        str | None, typer.Argument(help="A data package folder, a workbook, or kind:path; none with --grid.")
    ] = None,
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
    grid: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Many reports at once: cohorts by age bands by parameters, a YAML file."),
    ] = None,
    certify: Annotated[
        bool,
        typer.Option("--certify", help="Instead: how often the main intervals cover the truth in 200 such cohorts."),
    ] = False,
    workers: NWorkers = 1,
    cluster: Cluster = None,
    no_cache: NoCache = False,
    force: Force = False,
) -> None:
    """Run the notebooks on a cohort and make one PDF, one web page, and the tables behind them.

    Without --out they are in reports/COHORT. --age-bands and --ci-level are short for --set age_bands=… and ci_level=….
    """
    from crampstudy.report.freshness import ask

    if grid is not None:
        one = (source, settings, age_bands, ci_level, sections, notebook, unlogged, case_definition)
        if any(each is not None for each in one):
            raise UsageError("with --grid the file says the cohorts, parameters and sections; leave them out here")
        report_grid(grid, out, who_works(workers, cluster), cache_of_user(no_cache), force=force)
        return
    if source is None:
        raise UsageError("name the source of a report, such as crampstudy report my-study, or a file with --grid")
    if certify:
        if settings or sections or notebook is not None:
            raise UsageError(
                "--certify goes by --age-bands and --ci-level alone; leave out --set, --sections, --notebook"
            )
        said = word(unlogged, observed_from, observed_to, case_definition)
        certify_report(source, said, age_bands, ci_level, who_works(workers, cluster), out)
        return
    if workers != 1 or cluster is not None:
        raise UsageError("--workers and --cluster share the work of --grid and of --certify; leave them out here")
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
    from crampstudy.report import warm

    # What takes long is imported only now, when it is seen that something has changed, and by the server meanwhile.
    with warm.server(warm.environment()) as server, progress() as shown:
        from crampstudy.report.build import build

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
            server=server,
        )
    for notice in made.notices:
        typer.echo(notice, err=True)
    tell_kept(made.kept)
    typer.echo(f"The report is in {made.folder}: {made.pdf.name}, {made.html.name}, {made.estimates.name}")
    say_account(made.account, source, aside=False)
