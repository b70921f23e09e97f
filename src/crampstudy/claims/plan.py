"""A plan of the claims that are to be tested, frozen before the data are looked at, and rows held against it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd

from crampstudy.claims.claim import Claim, ClaimRow, Row, claims
from crampstudy.compute import version
from crampstudy.errors import SourceError, UsageError
from crampstudy.estimates import TEXT, kinds
from crampstudy.estimates.facts import fact, with_facts
from crampstudy.wording import with_none

FORMAT = "crampstudy plan of claims, 1"
PLANNED, POST_HOC = "planned", "post hoc"
_QUESTION = ("text", "rule", "direction", "contrast", "smallest_effect")
_NAMES = tuple(each.name for each in fields(ClaimRow) if each.name not in ("claim", "needs"))
_OF_CLAIMS = (kinds.CLAIM.name, kinds.CLAIM_PART.name, kinds.EXPECTED_VERDICT.name)
_NEXT = "crampstudy claims --freeze PLAN writes one"


@dataclass(frozen=True, slots=True)
class ClaimPlan:
    """What was planned: the code's digest, and of each claim its question and rows as they were."""

    code: str
    digest: str
    claims: Mapping[str, Mapping[str, Any]]

    def names(self, claim: Claim) -> bool:
        """Say whether a claim was planned as it is tested: the same question, contrast, rule, margin and rows."""
        return self.claims.get(claim.claim) == _entry(claim)

    @property
    def rows(self) -> tuple[ClaimRow, ...]:
        """The rows of the claims that were planned as they are tested."""
        return tuple(
            row for each in claims() if self.names(each) for row in (*each.rows("diary"), *each.rows("survey"))
        )

    @property
    def same_code(self) -> bool:
        """Whether the package's files are those with which the plan was frozen."""
        return self.code == version.current().code


def frozen() -> str:
    """Return the plan of all claims as YAML; what is not planned is deleted from it before it is kept."""
    import yaml  # tables of claims need none

    content = {
        "format": FORMAT,
        "version": version.current().crampstudy,
        "code": version.current().code,
        "claims": {each.claim: _entry(each) for each in claims()},
    }
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)


def read(path: str | Path | None) -> ClaimPlan | None:
    """Return the plan of a file, ``None`` where there is none.

    Raises:
        SourceError: the file cannot be read, or is no plan.
        UsageError: it plans what is no claim.
    """
    if path is None:
        return None
    import yaml

    from crampstudy import plain_yaml

    try:
        content = Path(path).read_bytes()
        made = plain_yaml.load(content.decode())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        why = (isinstance(problem, OSError) and problem.strerror) or str(problem).splitlines()[0]
        if isinstance(problem, FileNotFoundError):
            error = SourceError(f"there is no plan {path}; give the path of one that was frozen, or freeze one")
            error.instead = ("claims", "--freeze", str(path))
            raise error from None
        raise _unreadable(path, f"cannot be read as a plan: {why}; {_NEXT}") from None
    if not isinstance(made, dict) or made.get("format") != FORMAT or not isinstance(made.get("claims"), dict):
        raise _unreadable(path, f"is no plan of claims, which begins with format: {FORMAT}; {_NEXT}")
    known = {each.claim for each in claims()}
    if unknown := [name for name in made["claims"] if name not in known]:
        raise UsageError(f"{path} plans {', '.join(unknown)}, and claims are {min(known)} to {max(known)}")
    return ClaimPlan(str(made.get("code")), hashlib.sha256(content).hexdigest()[:12], made["claims"])


def _unreadable(path: str | Path, said: str) -> SourceError:
    error = SourceError(f"{path} {said}")
    error.correction = f"plan={path}", "plan=null"
    return error


def marked(rows: pd.DataFrame, plan: ClaimPlan | None) -> pd.DataFrame:
    """Return rows that say whether they were planned or are post hoc; without a plan as they are."""
    if plan is None or rows.empty:
        return rows
    every = with_none(rows)
    meant = [row.among(every) for row in plan.rows]
    keys = {each["key"] for each in meant if each is not None}
    numbers = {each.claim for each in claims() if plan.names(each)}
    own = [row["analysis"] in _OF_CLAIMS and row["term"] in numbers for row in every]
    said = [_marked(row, planned=of_claim or row["key"] in keys) for row, of_claim in zip(every, own, strict=True)]
    return rows.assign(facts=pd.array(said, dtype=TEXT))


def mark(row: Row) -> str | None:
    """Return whether a row is planned or post hoc, ``None`` where no plan was given."""
    return fact(row, "plan") or None


def _marked(row: Row, *, planned: bool) -> str:
    said = {"plan": mark(row) or (PLANNED if planned else POST_HOC)}
    return str(with_facts(row, said)["facts"])


def _entry(claim: Claim) -> dict[str, Any]:
    """Return what is planned of a claim, as plain YAML reads it."""
    rows: Sequence[ClaimRow] = (*claim.rows("diary"), *(r for r in claim.rows("survey") if r.kind == "survey"))
    named = [{name: cell for name in _NAMES if (cell := getattr(row, name))} for row in rows]
    return {**{name: getattr(claim, name) for name in _QUESTION}, "rows": named}
