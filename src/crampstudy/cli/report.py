"""The command that makes the report."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer

from crampstudy.cli import completion
from crampstudy.cli.options import (
    Bands,
    CaseDefinition,
    CiLevelOrDefault,
    Cluster,
    Figures,
    Force,
    NoCache,
    NWorkers,
    ObservedFrom,
    ObservedTo,
    OutOrDefault,
    SourceOrNone,
    UnloggedNights,
    Where,
    listed,
    progress,
    who_works,
    word,
)
from crampstudy.cli.output import FAILED, say_account, tell_kept
from crampstudy.cli.rerun.certificate import certify_report
from crampstudy.cli.rerun.grid import report_grid
from crampstudy.cli.rerun.unchanged import AnnouncingProgress, cache_of_user, is_unchanged
from crampstudy.errors import UsageError

_OF_GRID = ("grid", "out", "cell_timeout", "workers", "cluster", "no_cache", "force")
_NIGHTS = ("unlogged", "observed_from", "observed_to", "case_definition")
_OF_CERTIFICATE = ("certify", "source", "out", "age_bands", "ci_level", *_NIGHTS, "workers", "cluster", "force")


def report(
    context: typer.Context,
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
    figures: Figures = False,
    list_parameters: Annotated[
        bool,
        typer.Option(
            "--list-parameters", help="List what --set takes, of all notebooks or of the one named, and run nothing."
        ),
    ] = False,
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
    """Run the notebooks on a cohort and make a PDF, a web page and a document of Word, with tables and figures beside.

    Without --out they are in reports/COHORT. --age-bands, --ci-level, --where, --plan: short for --set age_bands=… etc.
    """
    if list_parameters:
        _list_parameters(source or sections, notebook)
        return
    from crampstudy.report.freshness import ask

    if grid is not None:
        _refuse_others(context, _OF_GRID, "with --grid the file says the cohorts, parameters and sections")
        by = who_works(workers, cluster)
        report_grid(grid, out, by, cache_of_user(no_cache), cell_seconds=cell_timeout, force=force)
        return
    if source is None:
        raise UsageError(
            "name the source of a report, such as crampstudy report my-study; "
            "only --grid and --list-parameters go without"
        )
    if certify:
        _refuse_others(context, _OF_CERTIFICATE, "--certify goes by --age-bands and --ci-level alone")
        said = word(unlogged, observed_from, observed_to, case_definition)
        certify_report(source, said, age_bands, ci_level, who_works(workers, cluster), out, force=force)
        return
    if workers != 1 or cluster is not None:
        raise UsageError("--workers and --cluster share the work of --grid and of --certify; leave them out here")
    if said := word(unlogged, observed_from, observed_to, case_definition):
        from crampstudy.sources.address import with_unlogged

        source = with_unlogged(source, said)
    if sections is not None and not sections.strip(" ,"):
        raise UsageError("--sections names no section; name some, such as --sections frequency,sleep, or leave it out")
    chosen = listed(sections) if sections else []
    given = {"age_bands": age_bands, "ci_level": ci_level, "where": where, "plan": plan}
    short = [f"{name}={value}" for name, value in given.items() if value is not None]
    settings = [*(settings or []), *short]
    cache = cache_of_user(no_cache)
    # A notebook of one's own may read what nobody knows of.
    asked = ask((source,), out, settings=settings, sections=chosen, figures=figures)
    notes: list[str] = []
    if cache is not None and notebook is None and is_unchanged(cache, asked, chosen, again=notes.append):
        return
    from crampstudy.report import warm
    from crampstudy.report.outline import EVERY

    # What takes long is imported only now, when it is seen that something has changed, and by the server meanwhile.
    single = notebook is None and len(chosen) == 1 and chosen != [EVERY]
    with warm.server(warm.environment(), single=single) as server, progress() as shown:
        from crampstudy.report.build import build

        made = build(
            source,
            settings=settings,
            out=out,
            sections=chosen,
            notebook=notebook,
            cell_seconds=cell_timeout,
            progress=AnnouncingProgress(shown, notes),
            force=force,
            figures=figures,
            cache=cache,
            partial=FAILED,
            server=server,
        )
    for notice in made.notices:
        typer.echo(notice, err=True)
    tell_kept(made.kept)
    typer.echo(
        f"The report is in {made.folder}: {made.pdf.name}, {made.html.name}, {made.docx.name}, {made.estimates.name}"
    )
    say_account(made.account, source, aside=False)


def _refuse_others(context: typer.Context, taken: Collection[str], why: str) -> None:
    """Refuse what was given beside the options that are taken: nothing that is asked for goes by without a word."""
    given = {each.name: each.opts[0] for each in context.command.params if _was_given(context, each.name)}
    if others := [f"the {name}" if name == "source" else option for name, option in given.items() if name not in taken]:
        raise UsageError(f"{why}; leave out {', '.join(others)}")


def _was_given(context: typer.Context, name: str | None) -> bool:
    source = context.get_parameter_source(name) if name else None
    return source is not None and source.name == "COMMANDLINE"


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
        typer.echo(f"{each.name}={each.shown}: {each.help or 'no meaning is given'}; takes {each.allowed}")
