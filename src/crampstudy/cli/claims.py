"""The command that holds the article's claims against a cohort and the literature."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from crampstudy.cli.options import (
    AsCsv,
    AsJson,
    Bands,
    CaseDefinition,
    CiLevel,
    Force,
    Graph,
    HemisphereName,
    ObservedFrom,
    ObservedTo,
    OutOrDefault,
    Source,
    UnloggedNights,
    Where,
    bands,
    causal_graph,
    opened,
    word,
)
from crampstudy.cli.output import Output, say_account, tell_kept

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crampstudy.analyses import Findings
    from crampstudy.claims import LedgerEntry


def claims(
    source: Source,
    where: Where = None,
    age_bands: Bands = None,
    ci_level: CiLevel = 0.95,
    graph: Graph = None,
    hemisphere: HemisphereName = "north",
    unlogged: UnloggedNights = None,
    observed_from: ObservedFrom = None,
    observed_to: ObservedTo = None,
    case_definition: CaseDefinition = None,
    out: OutOrDefault = None,
    as_json: AsJson = None,
    as_csv: AsCsv = None,
    force: Force = False,
) -> None:
    """Hold the 61 claims and omissions of the article against a cohort and the literature.

    Each is supported, supported but negligible, contradicted, not testable here, inconclusive, or stated, by the rules
    of docs/claims.md. --json prints an object a claim, --csv the tidy rows; --out has both, and the rows behind them.
    """
    from crampstudy import analyses, estimates
    from crampstudy.age_bands import AgeBands
    from crampstudy.analyses.findings import together
    from crampstudy.analyses.overview import claims as section
    from crampstudy.analyses.registry import run_others
    from crampstudy.analyses.within import within
    from crampstudy.nights import of_cohort
    from crampstudy.sources.address import with_unlogged

    output = Output(as_json, as_csv, force)
    settings = analyses.Settings(
        age_bands=(bands(age_bands) or AgeBands()).limits,
        ci_level=ci_level,
        graph=causal_graph(graph),
        hemisphere=hemisphere,
    )
    source = with_unlogged(source, word(unlogged, observed_from, observed_to, case_definition))
    whole = opened(source)
    cohort = within(whole, where)
    for said in cohort.attrition.notices[len(whole.attrition.notices) :]:
        typer.echo(f"note: {cohort.name}: {said}", err=True)
    others = run_others(cohort, settings, section.SECTIONS)
    ledger = section.ledger_of(cohort, settings, others)
    found = section.findings(ledger, cohort)
    as_objects, tidy_rows = _json(ledger), estimates.to_csv(found.estimates)
    output.put({"--json": lambda: as_objects, "--csv": lambda: tidy_rows}, lambda: _show(ledger, found))
    if out is not None:
        behind = estimates.to_csv(together(each.estimates for each in others.values()))
        _write(out, [as_objects, tidy_rows, behind], force=force)
    say_account(of_cohort(cohort), source, aside=output.aside)


def _json(ledger: Sequence[LedgerEntry]) -> str:
    from crampstudy.claims import tidy

    return json.dumps(tidy.records(ledger), indent=1, ensure_ascii=False, allow_nan=False)


def _show(ledger: Sequence[LedgerEntry], found: Findings) -> None:
    """Print the ledger for readers, then what it comes to and why claims could not be tested."""
    from crampstudy import claims as room
    from crampstudy import tables, terminal
    from crampstudy.claims import rules

    terminal.show_tables([("", tables.claims(found.estimates))])
    for name in ("answer", "foreseeable", "parted", "omissions"):
        typer.echo(found.values[name])
    for entry in ledger:
        if entry.verdict == rules.NOT_TESTABLE:
            typer.echo(f"{entry.claim.claim} is not testable here: {room.reason(entry)}")
    typer.echo(tables.claims(found.estimates).notes[0])


def _write(out: Path, texts: Sequence[str], *, force: bool) -> None:
    from crampstudy.atomic_write import whole_folder

    with whole_folder(out, lambda _: "it is not empty", force=force) as fresh:
        for name, text in zip(("claims.json", "claims.csv", "estimates.csv"), texts, strict=True):
            (fresh.folder / name).write_text(f"{text.rstrip()}\n", encoding="utf-8")
    tell_kept(fresh.kept)
    typer.echo(f"The claims are in {out}: claims.json, claims.csv, and estimates.csv, the rows behind them", err=True)
