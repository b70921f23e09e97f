"""Which code a model's results rest on: they are kept under its digest, so that a change runs again what it touches.

What is nobody's own in ``models`` belongs to all, so that a new module is never forgotten. The digest takes files
without their comments and docstrings, which change no number.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import crampstudy

PACKAGE = Path(crampstudy.__file__).parent
_SURVEYS = tuple(f"surveys/{module}" for module in ("linearised", "sampling", "sample", "fit", "effective_size"))
_COUNTS = ("nights/count", "nights/families/counts")
OWN = {
    "poisson": _COUNTS,
    "negative-binomial": _COUNTS,
    "logistic": (*_COUNTS, "nights/logistic", "nights/families/logistic"),
    "gee": ("nights/gee", "nights/families/gee"),
    "mixed": ("nights/random_effects", "nights/families/mixed", "nights/families/mixed_linear"),
    "zero-inflated": ("nights/count", "nights/zeros", "nights/families/zeros"),
    "hurdle": ("nights/count", "nights/zeros", "nights/families/zeros"),
    "ordinal": ("classes", "times/event_family"),
    "cox": ("times", "classes/proportionality"),
    "survey-ordinal": (
        *("classes", "common/recalled_outcomes", "surveys/survey_ordinal", "surveys/families/ordinal"),
        *_SURVEYS,
    ),
    "survey": ("common/recalled_outcomes", "surveys/families/ratios", *_SURVEYS),
    "interval": ("common/recalled_outcomes", "surveys"),
}
"""By the start of a model's name the modules of ``crampstudy.models`` that it alone, or with few others, uses."""
_ELSEWHERE = (
    *("times/kaplan_meier", "surveys/domain_means", "bootstrap", "common/partitions", "registry", "second_opinion"),
    *("nights/predictive", "nights/families/linear", "surveys/families/linear"),
)
_DRAWN = ("simulate", "nights", "estimates/rows.py")
_OF_DOORS = {
    "distributed_lag": ("contrasts/distributed_lag.py", "contrasts/person_time.py"),
    "within_between": ("contrasts/within_between.py", "contrasts/person_time.py", "models/bootstrap.py"),
}


@cache
def key(model: str, by: str | None = None) -> str:
    """Return twelve letters that change with the code behind a model's estimates and with that of its cohorts.

    ``by`` is the door of exposures of person-time that has them.
    """
    return _digest((*files(model), *_of_exposures(by)))


@cache
def of_claims() -> str:
    """Return twelve letters that change with the code behind the rows that claims are read off."""
    return _digest(sorted({*files("negative-binomial"), *_of_claims()}))


def _of_claims() -> Iterator[Path]:
    yield Path(__file__).with_name("recovery_claim_rows.py")
    for room in ("contrasts", "treatments", "causal", "codebook"):
        yield from (p for p in (PACKAGE / room).rglob("*") if p.suffix in {".py", ".csv", ".yaml"})
    yield from (PACKAGE / "analyses" / "sections" / f"{name}.py" for name in ("activity", "hydration", "season"))


def _digest(paths: Iterable[Path]) -> str:
    found = hashlib.sha256()
    for path in paths:
        text = path.read_text(encoding="utf-8")
        found.update(_code(text) if path.suffix == ".py" else text.encode())
    return found.hexdigest()[:12]


def files(model: str) -> Iterator[Path]:
    """Yield the files behind a model's results, in a fixed order."""
    start = max((name for name in OWN if model.startswith(name)), key=len)
    own = {module for modules in OWN.values() for module in modules} | {*_ELSEWHERE}
    for path in sorted((PACKAGE / "models").rglob("*.py")):
        module = path.relative_to(PACKAGE / "models").with_suffix("").as_posix()
        if _within(module, OWN[start]) or not _within(module, own):
            yield path
    for name in _DRAWN:
        at = PACKAGE / name
        # Cohorts rest on the simulation's tables as much as on its code.
        yield from sorted(p for p in at.rglob("*") if p.suffix in {".py", ".csv"}) if at.is_dir() else (at,)
    yield from (Path(__file__).with_name(f"recovery_{name}.py") for name in ("draws", "grid", "study"))


def _of_exposures(by: str | None) -> Iterator[Path]:
    """Yield the files that results by a door rest on beside those of its model."""
    if by is not None:
        yield Path(__file__).with_name("recovery_exposures.py")
        yield from (PACKAGE / name for name in _OF_DOORS.get(by, ()))


def _within(module: str, rooms: Iterable[str]) -> bool:
    return any(module == room or module.startswith(f"{room}/") for room in rooms)


@cache
def _code(text: str) -> bytes:
    """Return a module without what changes no number."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            node.body = [n for n in node.body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]
    return ast.dump(tree).encode()
