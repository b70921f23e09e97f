"""Our meta-analysis beside metafor's as docs/evidence.md shows it; ``python tests/evidence_parity_page.py --write
docs/evidence.md``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from page_table import main

from crampstudy.evidence import heterogeneity, sensitivity
from crampstudy.evidence.effects import TrialEffects, independent
from crampstudy.evidence.heterogeneity import METHODS
from crampstudy.evidence.random_effects import ERRORS, RandomEffectsFit, pool
from crampstudy.evidence.rows import egger

ROOT = Path(__file__).parent.parent
BEGIN, END = "<!-- parity: begin -->", "<!-- parity: end -->"
R: dict[str, Any] = json.loads((ROOT / "tests" / "parity" / "evidence.json").read_text(encoding="utf-8"))
SETS = {"bcg": "BCG", "magnesium": "magnesium", "without the presumed unit": "magnesium, two trials"}
FLOOR, PLAIN, WALD, ROBUST = ERRORS
Pair = tuple[str, str, Any, Any]


def effects(name: str) -> TrialEffects:
    """Return the trials of a set of metafor's."""
    found = R[name]
    return independent([f"trial {i}" for i in range(len(found["yi"]))], np.array(found["yi"]), np.array(found["vi"]))


def shared() -> TrialEffects:
    """Return the rows of which two share an arm."""
    found = R["shared"]
    return TrialEffects(tuple("12345"), np.array(found["yi"]), np.array(found["V"]), tuple(found["cluster"]))


def pairs() -> Iterator[Pair]:
    """Yield what is compared: the set, what it is, our numbers and metafor's."""
    for name, label in SETS.items():
        yield from _of_set(label, effects(name), R[name])
    yield from _of_bcg(pool(effects("bcg")), R["bcg"])
    ours, theirs = pool(shared()), R["shared"]
    yield (
        "shared arm",
        "tau2 and mean, full covariance",
        [ours.tau2, ours.coefficients[0]],
        _cells(theirs, "tau2 estimate"),
    )
    yield "shared arm", "interval, Wald", ours.limits(0.95, WALD).std_error, theirs["se"]
    robust = ours.limits(0.95, ROBUST)
    yield "shared arm", ROBUST, [robust.std_error, robust.low, robust.high], _interval(theirs["robust"])


def _of_set(label: str, trials: TrialEffects, theirs: dict[str, Any]) -> Iterator[Pair]:
    for method in METHODS:
        ours = pool(trials, method)
        i2 = heterogeneity.share(ours.tau2, heterogeneity.typical_variance(trials, ours.design))
        error = ours.limits(0.95, WALD).std_error
        numbers = [ours.tau2, ours.coefficients[0], error, i2]
        yield (
            label,
            f"tau2, mean, standard error, I2: {method}",
            numbers,
            _cells(theirs["pools"][method], "tau2 estimate se I2"),
        )
    ours = pool(trials)
    for errors, found in theirs["errors"].items():
        limits = ours.limits(0.95, errors)
        yield (
            label,
            f"interval and p: {errors}",
            [limits.low, limits.high, limits.p_value],
            [*found["limits"], found["p"]],
        )
    robust = ours.limits(0.95, ROBUST)
    yield label, f"interval: {ROBUST}", [robust.std_error, robust.low, robust.high], _interval(theirs["robust"])
    for kind, found in theirs.get("prediction", {}).items():
        following = ours.prediction(0.95, kind)
        yield label, f"next trial: {kind}", [following.low, following.high], found
    profile = heterogeneity.interval(trials, ours.design, 0.95)
    yield label, "tau2, Q-profile interval", profile, theirs["profile"]["tau2"]
    typical = heterogeneity.typical_variance(trials, ours.design)
    yield label, "I2, interval", [heterogeneity.share(each, typical) for each in profile], theirs["profile"]["I2"]
    yield (
        label,
        "Q and weights",
        [heterogeneity.cochran_q(trials, ours.design), *ours.weights],
        [theirs["Q"], *theirs["weights"]],
    )
    if trials.k > 2:
        without = [pool(trials.only([j for j in range(trials.k) if j != i])) for i in range(trials.k)]
        yield label, "without each trial", [each.coefficients[0] for each in without], theirs["without"]


def _of_bcg(ours: RandomEffectsFit, theirs: dict[str, Any]) -> Iterator[Pair]:
    order = np.argsort(theirs["year"], kind="stable")
    over = [pool(ours.effects.only(order[:n])).coefficients[0] for n in range(2, 14)]
    yield "BCG", "up to each year", over, theirs["cumulative"][1:]
    fitted, explained = sensitivity.regress(ours.effects, theirs["latitude"])
    found = theirs["regression"]
    yield (
        "BCG",
        "regression on latitude",
        [*fitted.coefficients, fitted.tau2, explained],
        [*found["coefficients"], *_cells(found, "tau2 R2")],
    )
    for errors, name in ((WALD, "se"), (PLAIN, "se_hk")):
        yield "BCG", f"its standard errors: {errors}", np.sqrt(np.diag(fitted.covariance(errors))), found[name]
    names = theirs["groups"]["names"]
    groups = pool(ours.effects, design=np.array([[a == name for name in names] for a in theirs["allocation"]]))
    test = sensitivity.differ(groups)
    yield (
        "BCG",
        "subgroups by allocation, and their test",
        [*groups.coefficients, groups.tau2, *test],
        [*theirs["groups"]["estimates"], *_cells(theirs["groups"], "tau2 QM QM_p")],
    )
    slope = egger(ours)
    yield (
        "BCG",
        "small-study effects (Egger), z and p",
        [slope.estimate / slope.std_error, slope.p_value],
        _cells(theirs["egger"], "z p"),
    )


def _cells(found: dict[str, Any], names: str) -> list[float]:
    return [found[name] for name in names.split()]


def _interval(found: dict[str, Any]) -> list[float]:
    return [found["se"], *found["limits"]]


def apart(ours: Any, theirs: Any) -> float:
    """Return the largest difference, relative to metafor's number where that is not 0."""
    a, b = np.atleast_1d(np.asarray(ours, dtype=float)), np.atleast_1d(np.asarray(theirs, dtype=float))
    return float(np.max(np.abs(a - b) / np.where(np.abs(b) > 1e-8, np.abs(b), 1)))


def page() -> str:
    """Return the comparison in Markdown, a line for what is compared, over all sets of trials."""
    lines = ["| what | sets of trials | largest difference |", "|---|---|---:|"]
    found: dict[str, list[tuple[str, float]]] = {}
    for label, what, ours, theirs in pairs():
        found.setdefault(what, []).append((label, apart(ours, theirs)))
    for what, cells in found.items():
        largest = max(distance for _, distance in cells)
        power = -9 if largest < 1e-9 else int(np.floor(np.log10(largest))) + 1
        lines.append(f"| {what} | {'; '.join(label for label, _ in cells)} | < 1e{power:+03d} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(page(), (BEGIN, END), __doc__))
