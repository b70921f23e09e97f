"""The command of the red flags: how common they are, and of whom, in a file that never leaves the machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crampstudy.cli.options import (
    AsCsv,
    AsJson,
    Bands,
    CaseDefinition,
    CiLevel,
    Force,
    ObservedFrom,
    ObservedTo,
    Source,
    UnloggedNights,
    Where,
    bands,
    opened,
    word,
)
from crampstudy.cli.output import Output, check_outside_of_reports, say_account, tell_kept
from crampstudy.errors import AnalysisError

_NOTHING = 6
_OUT = "--out"


def triage(
    source: Source,
    out: Annotated[
        Path | None,
        typer.Option(
            _OUT, metavar="FILE", help="Write a row per participant to this CSV: sensitive, for your eyes only."
        ),
    ] = None,
    age_bands: Bands = None,
    where: Where = None,
    ci_level: CiLevel = 0.95,
    case_definition: CaseDefinition = None,
    unlogged: UnloggedNights = None,
    observed_from: ObservedFrom = None,
    observed_to: ObservedTo = None,
    as_json: AsJson = None,
    as_csv: AsCsv = None,
    force: Force = False,
) -> None:
    """Show how common the article's red flags are, and write whom they concern: research output, not medical advice.

    A week with more than 2 cramps, a cramp above 10 min, swelling, discoloration, numbness; how steady; the tests they
    suggest, with recorded results beside. What --json and --csv print are shares of all, and no participant's values.
    """
    from crampstudy import terminal
    from crampstudy import triage as room
    from crampstudy.atomic_write import check_free, csv_text, new_file
    from crampstudy.sources.address import with_unlogged

    output = Output(as_json, as_csv, force)
    if out is not None:
        check_outside_of_reports(out, _OUT)
        check_free(out, _OUT, force=force)
    source = with_unlogged(source, word(unlogged, observed_from, observed_to, case_definition))
    cohort = opened(source)
    if out is not None:
        check_outside_of_reports(out, _OUT, cohort)
    if cohort.kind != "diary":
        raise AnalysisError(f"{cohort.name} is a survey, which has no weeks of nights and so no red flags of weeks")
    rows = room.red_flags(cohort, bands(age_bands), where=where, ci_level=ci_level)
    account = room.nights_account(cohort, where)
    output.show(rows, lambda: terminal.show(rows, [account]))
    typer.echo(f"{room.DISCLAIMER}.", err=output.aside)
    if out is not None:
        content = csv_text(room.triage_table(cohort, where)).encode()
        tell_kept(new_file(out, content, _OUT, force=force, private=True))
        typer.echo(f"{room.SENSITIVE}, in {out}; only you can read it. {room.DISCLAIMER}.", err=True)
    say_account(account, source, aside=output.aside)
    if not rows["estimate"].notna().any():
        raise typer.Exit(_NOTHING)
