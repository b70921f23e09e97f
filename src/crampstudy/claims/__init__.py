"""The claims of the article, held against a cohort and the literature.

``ledger({section: estimates, ...}, "diary")`` gives an :class:`LedgerEntry` for each of them, from rows that were made.
"""

from crampstudy.claims.claim import CLAIM_ROWS, Claim, ClaimRow, claims, find, rows_of_claim
from crampstudy.claims.ledger import ClaimPart, LedgerEntry, ledger, part_of
from crampstudy.claims.plan import ClaimPlan
from crampstudy.claims.plan import read as read_plan
from crampstudy.claims.published import Published, published
from crampstudy.claims.rules import VERDICTS, ClaimVerdict
from crampstudy.claims.sentences import number, reason
from crampstudy.claims.specifications import ClaimMultiverse

__all__ = [
    "CLAIM_ROWS",
    "VERDICTS",
    "Claim",
    "ClaimMultiverse",
    "ClaimPart",
    "ClaimPlan",
    "ClaimRow",
    "ClaimVerdict",
    "LedgerEntry",
    "Published",
    "claims",
    "find",
    "ledger",
    "number",
    "part_of",
    "published",
    "read_plan",
    "reason",
    "rows_of_claim",
]
