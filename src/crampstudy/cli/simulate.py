"""The command that draws synthetic cohorts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crampstudy.cli import completion
from crampstudy.cli.options import Cluster, FileFormat, Force, NWorkers, OutOrDefault, who_works
from crampstudy.cli.output import tell_kept
from crampstudy.errors import UsageError


def simulate(
    out: OutOrDefault = None,
    preset: Annotated[
        str | None,
        typer.Option(help="A named truth, such as community (docs/cards.md).", autocompletion=completion.presets),
    ] = None,
    truth: Annotated[
        Path | None, typer.Option(help="Truth file (YAML): what differs from the preset that it is based on.")
    ] = None,
    participants: Annotated[int | None, typer.Option(help="Number of participants; by default the preset's.")] = None,
    nights: Annotated[int | None, typer.Option(help="Nights per participant; by default the preset's.")] = None,
    seed: Annotated[int, typer.Option(help="Seed; the same seed gives the same bytes.")] = 1,
    workers: NWorkers = 1,
    cluster: Cluster = None,
    with_rates: Annotated[bool, typer.Option(help="Write the conditional rate of every night as well.")] = False,
    card: Annotated[
        bool, typer.Option(help="Print the preset's card: its published targets beside what is simulated.")
    ] = False,
    format: FileFormat = "csv",
    force: Force = False,
) -> None:
    """Draw a synthetic diary cohort from a known truth, stated beside it in truth.json.

    With --card the preset's card is made, with --out the cohort, with both both.
    """
    if out is None and not card:
        raise UsageError("nothing to do; give a folder (--out DIR), or ask for the card of a preset (--card)")
    if card and (truth or nights is not None):
        raise UsageError("a card is that of a preset as it is; leave out --truth and --nights, or --card")
    from crampstudy import simulate as simulator
    from crampstudy.simulate.calibration import cards
    from crampstudy.simulate.scenario import presets
    from crampstudy.wording import counted

    name = preset or presets.DEFAULT
    chosen = presets.from_file(truth, name) if truth else presets.preset(name)
    if out is not None:
        people = chosen.participants if participants is None else participants
        length = chosen.nights if nights is None else nights
        kept = simulator.write(
            out,
            people,
            length,
            seed,
            chosen.truth,
            chosen.mess,
            format,
            workers=who_works(workers, cluster),
            with_rates=with_rates,
            force=force,
        )
        tell_kept(kept)
        typer.echo(f"{chosen.name}: {counted(people, 'participants')}, {counted(length, 'nights')} each, in {out}")
    if card:
        made = cards.draw_card(chosen.name, seed, participants)
        typer.echo(cards.as_text(made), nl=False)
        if not made.passed:
            raise typer.Exit(6)
