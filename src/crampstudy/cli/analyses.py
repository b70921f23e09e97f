"""The command that answers a question of the article: what its section of the report records, in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from crampstudy.cli.options import (
    AsCsv,
    AsJson,
    Bands,
    ObservedFrom,
    ObservedTo,
    Source,
    UnloggedNights,
    bands,
    opened,
    show,
    word,
)

if TYPE_CHECKING:
    from crampstudy.analyses import Findings

_NOTHING = 6


def analyse(
    name: Annotated[str, typer.Argument(help="An analysis by the name of its section; an unknown one lists them all.")],
    source: Source,
    age_bands: Bands = None,
    standard: Annotated[
        Literal["who", "esp2013", "none"] | None, typer.Option(help="Standard population; who by default.")
    ] = None,
    ci_level: Annotated[float | None, typer.Option(help="Confidence level; 0.95 by default.")] = None,
    unlogged: UnloggedNights = None,
    observed_from: ObservedFrom = None,
    observed_to: ObservedTo = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Answer one question of the article: show the rows that its section of a report records.

    Exit code 6 says that none of them could be estimated.
    """
    from crampstudy import analyses
    from crampstudy.nights import of_cohort
    from crampstudy.sources.address import with_unlogged

    analyses.named(name)
    limits = bands(age_bands)
    given: dict[str, Any] = {"age_bands": limits and limits.limits, "standard": standard, "ci_level": ci_level}
    settings = analyses.Settings(**{option: value for option, value in given.items() if value is not None})
    source = with_unlogged(source, word(unlogged, observed_from, observed_to))
    cohort = opened(source)
    found = analyses.run(name, cohort, settings)
    show(found.estimates, as_json, as_csv, [of_cohort(cohort)], [source])
    _say_rest(found, aside=as_json or as_csv)
    if not found.estimated:
        raise typer.Exit(_NOTHING)


def _say_rest(found: Findings, *, aside: bool) -> None:
    """Print what stands in no row of the estimates: tables of another kind, and what could not be estimated."""
    from crampstudy import terminal

    if found.estimates.empty:
        if not aside:
            terminal.show_tables((made.caption, made.frame) for made in found.tables.values())
        for text in dict.fromkeys(found.values.values()):
            typer.echo(text, err=aside)
    for reason in dict.fromkeys(found.could_not.values()):
        parts = ", ".join(part for part, why in found.could_not.items() if why == reason)
        typer.echo(f"could not estimate {parts}: {reason}", err=aside)
