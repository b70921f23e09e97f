"""Which of the article's claims hold here? Each is held against rows of the other sections and the literature."""

from __future__ import annotations

from crampstudy import claims, tables
from crampstudy.analyses.analysis import Analysis, CohortAnswer
from crampstudy.analyses.findings import Drawing, Findings, ReportTable
from crampstudy.analyses.others import Others
from crampstudy.analyses.sentences import claims as said
from crampstudy.analyses.settings import Settings
from crampstudy.claims import ClaimPlan, LedgerEntry, plan, tidy
from crampstudy.cohort import Cohort
from crampstudy.tables.overview.claims import NOTE

GRID, LEDGER = "fig-claims", "tbl-claims"
PARTS = (GRID, LEDGER)
SECTIONS = frozenset(row.section for row in claims.CLAIM_ROWS)
"""The sections whose rows answer claims."""


def ledger_of(cohort: Cohort, settings: Settings, others: Others) -> tuple[LedgerEntry, ...]:
    """Return the claims held against what the other sections found in a cohort."""
    found = {name: each.estimates for name, each in others.items()}
    return claims.ledger(found, cohort.kind, hemisphere=settings.hemisphere)


def judge(cohort: Cohort, settings: Settings, others: Others) -> Findings:
    """Return every claim with its verdict in this cohort, beside what was published."""
    return findings(ledger_of(cohort, settings, others), cohort, settings.plan)


def findings(ledger: tuple[LedgerEntry, ...], cohort: Cohort, frozen: ClaimPlan | None = None) -> Findings:
    """Return what the section shows of a ledger, and of a plan what of it was planned."""
    rows = plan.marked(tidy.rows(ledger, cohort.name), frozen)
    return Findings(
        rows,
        {
            LEDGER: ReportTable(
                tables.claims(rows),
                "The claims of the article in this cohort and in the literature.",
                "Published: the verdict of the best evidence by the same rules, or as judged where it has no interval. "
                f"{NOTE}",
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
    values=("answer", "planned", "parted", "omissions", "foreseeable", "limits"),
    follows_graph=True,
    draws_on_others=True,
)
