"""The command that shows what published trials say of a treatment, and how one's own trial moves that."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crampstudy.cli import completion
from crampstudy.cli.options import AsCsv, AsJson, CiLevel, Force
from crampstudy.cli.output import Output
from crampstudy.errors import UsageError

if TYPE_CHECKING:
    from crampstudy.evidence import Synthesis, SynthesisOptions


def evidence(
    agent: Annotated[
        str | None,
        typer.Option(
            help="A treatment, such as magnesium; without one all are listed.", autocompletion=completion.agents
        ),
    ] = None,
    population: Annotated[
        str | None, typer.Option(help="In whom, such as idiopathic or pregnancy; by default each population by itself.")
    ] = None,
    add: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Your own trials, a CSV (docs/evidence.md): how they move the pool."),
    ] = None,
    threshold: Annotated[
        float,
        typer.Option(min=0, help="Cramps a week fewer that matter: how likely is it that the next trial has them?"),
    ] = 1.0,
    by: Annotated[
        str | None, typer.Option(help="Pool apart by population, comparison, design, risk_of_bias or unit_presumed.")
    ] = None,
    moderator: Annotated[
        str | None, typer.Option(help="Regress the differences of the trials on year, days or n_total.")
    ] = None,
    ci_level: CiLevel = 0.95,
    as_json: AsJson = None,
    as_csv: AsCsv = None,
    force: Force = False,
) -> None:
    """Show what published trials say of a treatment, in cramps a week, and what they come to together."""
    from crampstudy import evidence as known

    output = Output(as_json, as_csv, force)
    if not 0 < ci_level < 1:
        raise UsageError(f"a confidence level lies between 0 and 1, such as 0.95; got {ci_level:g}")
    options = known.SynthesisOptions(ci_level, threshold, by, moderator)
    if agent is None:
        _list(output, [population, add, by, moderator])
    elif add is None:
        found = known.synthesise(agent, population, options=options)
        output.show(found.estimates, lambda: _show(found))
    else:
        _add(output, add, (agent, population), options)


def _list(output: Output, of_one: list[object]) -> None:
    """List the treatments; options that are of one treatment want its name."""
    import pandas as pd

    from crampstudy import evidence, tables, terminal

    if any(given is not None for given in of_one):
        raise UsageError(
            f"of which treatment? add --agent NAME, such as magnesium; there are {', '.join(evidence.agents())}"
        )
    rows = pd.concat([evidence.synthesise(agent).estimates for agent in evidence.agents()], ignore_index=True)
    output.show(rows, lambda: terminal.show_tables([("What trials say of each treatment", tables.agents(rows))]))


def _show(found: Synthesis) -> None:
    from crampstudy import tables, terminal

    terminal.show(found.estimates)
    for said in tables.against_article(found.agent, found.estimates):
        typer.echo(said)


def _add(output: Output, path: Path, of: tuple[str, str | None], options: SynthesisOptions) -> None:
    import pandas as pd

    from crampstudy import evidence, tables, terminal
    from crampstudy.evidence import added

    own, notices = added.read(path, *of)
    before, after = evidence.beside(*of, own, options)
    for notice in notices:
        typer.echo(f"note: {notice}", err=True)
    moved = tables.moved(before.estimates, after.estimates)

    def readable() -> None:
        terminal.show(after.estimates)
        terminal.show_tables([("What moved:", moved)])

    output.show(pd.concat([before.estimates, after.estimates], ignore_index=True), readable)
