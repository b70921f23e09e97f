"""Which of the article's claims hold here? Each is held against rows of the other sections and the literature."""

from __future__ import annotations

import pandas as pd

from crampstudy import cache, claims, compute, tables
from crampstudy.analyses.analysis import Analysis, CohortAnswer
from crampstudy.analyses.findings import Drawing, Findings, ReportTable, joined
from crampstudy.analyses.multiverse import multiverse
from crampstudy.analyses.others import Others
from crampstudy.analyses.sentences import claims as said
from crampstudy.analyses.settings import Settings
from crampstudy.claims import ClaimMultiverse, ClaimPlan, LedgerEntry, plan, tidy
from crampstudy.cohort import Cohort, all_set_aside

GRID, LEDGER = "fig-claims", "tbl-claims"
CURVES, AGREEMENT = "fig-claim-specifications", "tbl-claim-specifications"
PARTS = (GRID, LEDGER, CURVES, AGREEMENT)
SECTIONS = frozenset(row.section for row in claims.CLAIM_ROWS)
"""The sections whose rows answer claims."""


def ledger_of(cohort: Cohort, settings: Settings, others: Others) -> tuple[LedgerEntry, ...]:
    """Return the claims held against what the other sections found in a cohort."""
    found = {name: each.estimates for name, each in others.items()}
    lost = all_set_aside(cohort)
    return claims.ledger(found, cohort.kind, measured=_measured(cohort), set_aside=lost, hemisphere=settings.hemisphere)


def _measured(cohort: Cohort) -> frozenset[str]:
    """Return the columns of a cohort's tables with a value."""
    return frozenset(
        f"{name}.{column}"
        for name, table in cohort.tables.items()
        for column in table.columns
        if table[column].null_count() < table.height
    )


def judge(cohort: Cohort, settings: Settings, others: Others) -> Findings:
    """Return every claim with its verdict in this cohort, beside what was published."""
    ledger = ledger_of(cohort, settings, others)
    found = specified(ledger, cohort, settings, place=cache.of_report()) if settings.multiverse else None
    return findings(ledger, cohort, settings.plan, found)


def specified(
    ledger: tuple[LedgerEntry, ...],
    cohort: Cohort,
    settings: Settings,
    *,
    place: cache.Cache | None = None,
    workers: compute.Workers = 1,
) -> tuple[ClaimMultiverse, ...]:
    """Return the testable claims under all of their specifications.

    Args:
        ledger: the claims as the sections have them.
        cohort: a diary or a survey.
        settings: those of the ledger.
        place: where results are kept; by default nowhere.
        workers: processes that share the work, or the address of a cluster.
    """
    # The register of the analyses imports this one.
    from crampstudy.analyses.registry import run_others

    # A graph of one's own has no short name to be kept under.
    kept = None if settings.graph else place
    return multiverse(ledger, cohort, settings, sections=run_others, place=kept, workers=workers)


def findings(
    ledger: tuple[LedgerEntry, ...],
    cohort: Cohort,
    frozen: ClaimPlan | None = None,
    specified: tuple[ClaimMultiverse, ...] | None = None,
) -> Findings:
    """Return what the section shows of a ledger, of a plan what of it was planned, and of its specifications."""
    rows = plan.marked(tidy.rows(ledger, cohort.name), frozen)
    values = {"specifications": said.specifications(specified)}
    if specified is None:
        return joined(
            _findings(ledger, rows, frozen), Findings(rows.head(0), values=values, absent=(CURVES, AGREEMENT))
        )
    under = tidy.of_multiverse(specified, cohort.name)
    table = ReportTable(
        tables.claim_specifications(under),
        "The claims under other specifications: participants, logging, family, adjustment and window.",
        f"Agree: the share of those made that have the verdict of the claim. {_note(under)}",
    )
    drawing = Drawing(
        "claim_specifications",
        under,
        caption="Specification curves: the ratio of each claim under all of its specifications, in the order of its "
        "size, with intervals. Points have the verdict of the claim, crosses another; the share of the points stands "
        "above.",
        alt=said.specifications(specified),
        note="Shaded: 0.8 to 1.25. Beyond 0.25 and 4 all is drawn there. Levels and differences are in the table.",
    )
    more = Findings(under, {AGREEMENT: table}, {CURVES: drawing}, values)
    return joined(_findings(ledger, rows, frozen), more)


def _note(under: pd.DataFrame) -> str:
    return tables.claim_specifications(under).notes[0]


def _findings(ledger: tuple[LedgerEntry, ...], rows: pd.DataFrame, frozen: ClaimPlan | None) -> Findings:
    table = tables.claims(rows)
    return Findings(
        rows,
        {
            LEDGER: ReportTable(
                table,
                "The claims of the article in this cohort and in the literature.",
                "Published: the verdict of the best evidence by the same rules, or as judged where it has no interval. "
                f"{table.notes[0]}",
            )
        },
        {
            GRID: Drawing(
                "claims",
                rows,
                caption="The claims of the article by its parts: what this cohort says, and what was published.",
                alt=said.counted(ledger),
            )
        },
        values={
            "answer": said.answer(ledger),
            "planned": said.planned(frozen),
            "parted": said.parted(ledger),
            "omissions": said.omissions(ledger),
            "foreseeable": said.foreseeable(ledger),
            "limits": said.LIMITS,
        },
    )


ANALYSIS = Analysis(
    "claims",
    "Which of the article's claims hold in this cohort, and which in the literature?",
    answers={"diary": CohortAnswer(judge, PARTS), "survey": CohortAnswer(judge, PARTS)},
    values=("answer", "planned", "parted", "omissions", "foreseeable", "limits", "specifications"),
    follows_graph=True,
    draws_on_others=True,
)
