"""Which code a model's results rest on: they are kept under its digest, so that a change runs again what it touches.

What is nobody's own in ``models`` belongs to all, so that a new module is never forgotten. The digest takes files
without their comments and docstrings, which change no number.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import crampstudy

PACKAGE = Path(crampstudy.__file__).parent
OWN = {
    "poisson": ("count",),
    "negative-binomial": ("count",),
    "logistic": ("logistic",),
    "gee": ("gee",),
    "mixed": ("mixed", "quadrature", "integrated"),
    "zero-inflated": ("count", "zeros", "zero_laws", "zero_rows"),
    "hurdle": ("count", "zeros", "zero_laws", "zero_rows"),
    "ordinal": ("ordinal", "ordered", "of_events", "proportionality"),
    "cox": ("events", "of_events", "risk_sets", "proportionality"),
    "survey-ordinal": ("survey", "of_surveys", "survey_ordinal", "survey_moments", "ordered", "recall"),
    "survey": ("survey", "of_surveys", "survey_moments", "recall"),
    "interval": (
        "survey",
        "of_surveys",
        "survey_moments",
        "recall",
        "intervals",
        "interval_laws",
        "interval_likelihood",
    ),
}
"""By the start of a model's name the modules of ``crampstudy.models`` that it alone, or with few others, uses."""
_ELSEWHERE = ("kaplan_meier", "bootstrap", "partitions")
_DRAWN = ("simulate", "nights.py", "event_times.py", "estimates/rows.py")


@cache
def key(model: str) -> str:
    """Return twelve letters that change with the code behind a model's estimates and with that of its cohorts."""
    found = hashlib.sha256()
    for path in files(model):
        text = path.read_text(encoding="utf-8")
        found.update(_code(text) if path.suffix == ".py" else text.encode())
    return found.hexdigest()[:12]


def files(model: str) -> Iterator[Path]:
    """Yield the files behind a model's results, in a fixed order."""
    start = max((name for name in OWN if model.startswith(name)), key=len)
    others = {module for modules in OWN.values() for module in modules} - {*OWN[start]} | {*_ELSEWHERE}
    yield from (p for p in sorted((PACKAGE / "models").glob("*.py")) if p.stem not in others)
    for name in _DRAWN:
        at = PACKAGE / name
        # Cohorts rest on the simulation's tables as much as on its code.
        yield from sorted(p for p in at.rglob("*") if p.suffix in {".py", ".csv"}) if at.is_dir() else (at,)
    yield from (Path(__file__).with_name(f"recovery_{name}.py") for name in ("draws", "grid", "study"))


@cache
def _code(text: str) -> bytes:
    """Return a module without what changes no number."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            node.body = [n for n in node.body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]
    return ast.dump(tree).encode()
