"""The command that answers a question of the article: what its section of the report records, in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from crampstudy.cli import completion
from crampstudy.cli.options import (
    AsCsv,
    AsJson,
    Bands,
    BuildUp,
    CaseDefinition,
    CiLevel,
    Force,
    Graph,
    HemisphereName,
    ObservedFrom,
    ObservedTo,
    RunIn,
    Source,
    StandardName,
    UnloggedNights,
    Washout,
    Where,
    bands,
    causal_graph,
    opened,
    word,
)
from crampstudy.cli.output import Output

if TYPE_CHECKING:
    from crampstudy.analyses import Findings

_NOTHING = 6


def analyse(
    name: Annotated[
        str,
        typer.Argument(
            help="An analysis by the name of its section; an unknown one lists them all.",
            autocompletion=completion.analyses,
        ),
    ],
    source: Source,
    age_bands: Bands = None,
    standard: StandardName = "who",
    ci_level: CiLevel = 0.95,
    where: Where = None,
    graph: Graph = None,
    hemisphere: HemisphereName = "north",
    run_in: RunIn = None,
    build_up: BuildUp = 0,
    washout: Washout = 0,
    unlogged: UnloggedNights = None,
    observed_from: ObservedFrom = None,
    observed_to: ObservedTo = None,
    case_definition: CaseDefinition = None,
    as_json: AsJson = None,
    as_csv: AsCsv = None,
    force: Force = False,
) -> None:
    """Answer one question of the article: show the rows that its section of a report records.

    Exit code 6 says that none of them could be estimated.
    """
    from crampstudy import analyses, terminal
    from crampstudy.age_bands import AgeBands
    from crampstudy.analyses.within import within
    from crampstudy.estimates import kinds
    from crampstudy.nights import of_cohort
    from crampstudy.sources.address import with_unlogged

    analyses.named(name)
    output = Output(as_json, as_csv, force)
    limits = (bands(age_bands) or AgeBands()).limits
    settings = analyses.Settings(
        age_bands=limits,
        standard=standard,
        ci_level=ci_level,
        graph=causal_graph(graph),
        hemisphere=hemisphere,
        run_in=run_in,
        build_up=build_up,
        washout=washout,
        where=where,
    )
    source = with_unlogged(source, word(unlogged, observed_from, observed_to, case_definition))
    cohort = opened(source)
    found = analyses.run(name, cohort, settings)
    account = of_cohort(within(cohort, where))
    shown = found.estimates[~kinds.of_tables(found.estimates)]
    output.show(found.estimates, lambda: terminal.show(shown, [account]), [account], [source])
    _say_rest(found, tables=shown.empty, aside=output.aside)
    if not found.estimated:
        raise typer.Exit(_NOTHING)


def _say_rest(found: Findings, *, tables: bool, aside: bool) -> None:
    """Print what stands in no row of the estimates: ``tables`` of another kind, and what could not be estimated."""
    from crampstudy import terminal

    if tables:
        if not aside:
            terminal.show_tables((made.caption, made.frame) for made in found.tables.values())
        for text in dict.fromkeys(found.values.values()):
            typer.echo(text, err=aside)
    for reason in dict.fromkeys(found.could_not.values()):
        parts = ", ".join(part for part, why in found.could_not.items() if why == reason)
        typer.echo(f"could not estimate {parts}: {reason}", err=aside)
