"""The commands of published evidence: trials of a treatment, and the article's claims held against it and a cohort."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crampstudy.cli import completion
from crampstudy.cli.options import (
    AsCsv,
    AsJson,
    Bands,
    CaseDefinition,
    CiLevel,
    Force,
    Graph,
    HemisphereName,
    NoCache,
    NWorkers,
    ObservedFrom,
    ObservedTo,
    OutOrDefault,
    SourceOrNone,
    UnloggedNights,
    Where,
    bands,
    causal_graph,
    opened,
    word,
)
from crampstudy.cli.output import Output, say_account, tell_kept
from crampstudy.confidence import check_level
from crampstudy.errors import UsageError

if TYPE_CHECKING:
    from crampstudy.analyses import Findings
    from crampstudy.claims import ClaimMultiverse, LedgerEntry
    from crampstudy.evidence import Synthesis, SynthesisOptions

_FREEZE = "--freeze"
_NOTHING = 6


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
    check_level(ci_level)
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


def claims(
    source: SourceOrNone = None,
    where: Where = None,
    age_bands: Bands = None,
    ci_level: CiLevel = 0.95,
    graph: Graph = None,
    hemisphere: HemisphereName = "north",
    unlogged: UnloggedNights = None,
    observed_from: ObservedFrom = None,
    observed_to: ObservedTo = None,
    case_definition: CaseDefinition = None,
    freeze: Annotated[
        Path | None,
        typer.Option(metavar="PLAN", help="Write the plan of all claims to this file (YAML), and look at no data."),
    ] = None,
    multiverse: Annotated[
        bool,
        typer.Option("--multiverse", help="Test each claim under all of its specifications as well; takes minutes."),
    ] = False,
    workers: NWorkers = 1,
    no_cache: NoCache = False,
    out: OutOrDefault = None,
    as_json: AsJson = None,
    as_csv: AsCsv = None,
    force: Force = False,
) -> None:
    """Hold the 61 claims and omissions of the article against a cohort and the literature.

    Each is supported, supported but negligible, contradicted, not testable here, inconclusive, or stated, by the rules
    of docs/claims.md. --json prints an object a claim, --csv the tidy rows; --out has both, and the rows behind them.
    """
    if freeze is not None:
        _freeze(freeze, force=force)
        return
    if source is None:
        raise UsageError("claims are held against the cohort of a SOURCE; only --freeze goes without")
    from crampstudy import analyses, compute, estimates
    from crampstudy.age_bands import AgeBands
    from crampstudy.analyses.findings import together
    from crampstudy.analyses.overview import claims as section
    from crampstudy.analyses.registry import run_others
    from crampstudy.analyses.within import within
    from crampstudy.cli.rerun.unchanged import cache_of_user
    from crampstudy.nights import of_cohort
    from crampstudy.sources.address import with_unlogged

    if not multiverse and (workers != 1 or no_cache):
        raise UsageError("--workers and --no-cache are of --multiverse, which tests each claim many times; add it")
    compute.check_workers(workers)
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
    specified = None
    if multiverse:
        place = cache_of_user(no_cache)
        specified = section.specified(ledger, cohort, settings, place=place, workers=workers)
    found = section.findings(ledger, cohort, specified=specified)
    as_objects, tidy_rows = _json(ledger, specified), estimates.to_csv(found.estimates)
    output.put({"--json": lambda: as_objects, "--csv": lambda: tidy_rows}, lambda: _show_claims(ledger, found))
    if out is not None:
        behind = estimates.to_csv(together(each.estimates for each in others.values()))
        _write(out, [as_objects, tidy_rows, behind], force=force)
    say_account(of_cohort(cohort), source, aside=output.aside)
    if not found.estimated:
        raise typer.Exit(_NOTHING)


def _freeze(file: Path, *, force: bool) -> None:
    from crampstudy.atomic_write import new_file
    from crampstudy.claims import plan

    tell_kept(new_file(file, plan.frozen().encode(), _FREEZE, force=force))
    typer.echo(
        f"The plan is in {file}; delete the claims that are not planned, keep it where its date is seen, and mark rows "
        f"by it: crampstudy report SOURCE --plan {shlex.quote(str(file))}"
    )


def _json(ledger: Sequence[LedgerEntry], specified: Sequence[ClaimMultiverse] | None) -> str:
    from crampstudy.claims import tidy

    return json.dumps(tidy.records(ledger, specified), indent=1, ensure_ascii=False, allow_nan=False)


def _show_claims(ledger: Sequence[LedgerEntry], found: Findings) -> None:
    """Print the ledger for readers, then what it comes to and why claims could not be tested."""
    from crampstudy import claims as room
    from crampstudy import tables, terminal
    from crampstudy.claims import rules
    from crampstudy.estimates import kinds

    terminal.show_tables([("", tables.claims(found.estimates))])
    for name in ("answer", "foreseeable", "parted", "omissions"):
        typer.echo(found.values[name])
    if kinds.AGREEMENT.rows(found.estimates).size:
        specified = tables.claim_specifications(found.estimates)
        terminal.show_tables([("Under all specifications:", specified)])
        typer.echo(f"{found.values['specifications']} {specified.notes[0]}")
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
