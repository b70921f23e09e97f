"""What is said of the rows of a table: notes, reasons, and what a model has beside its coefficients."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

import pandas as pd

from crampstudy import wording
from crampstudy.estimates import PARAMETERS, compares, kinds, verdicts

_COUNT = re.compile(r"\d{1,3}(?:,\d{3})*(?= )")
_COVARIANCES = {
    "covariance cluster": "cluster-robust intervals",
    "covariance cluster-small": "bias-reduced cluster-robust intervals (CR2) with Satterthwaite degrees of freedom",
    "covariance cluster-joint": "cluster-robust intervals of coefficients and dispersion together",
    "covariance jackknife": "intervals by the jackknife, one participant left out at a time",
}


def reasons(rows: pd.DataFrame, besides: Collection[str] = ()) -> str:
    """Return the distinct reasons why estimates could not be made, as printed, separated by semicolons."""
    return "; ".join(_said(rows[rows["status"].isin(["not_estimable", "not_converged"])], besides))


def notes(*models: pd.DataFrame, besides: Collection[str] = ()) -> str:
    """Return what a table's note says of its rows: what was left out or could not be estimated, the weight, verdicts.

    Sentences with a capital and a full stop, empty where there is nothing to say. What is one of
    :data:`~crampstudy.estimates.BASELINES` or on one of the scales :data:`~crampstudy.estimates.PARAMETERS` is not
    shown and says nothing, but for the intercept of a zero part; what is said ``besides`` is left out.
    """
    rows = pd.concat(models, ignore_index=True)
    split = kinds.is_split(rows)
    # That there is no zero part to show is said by its intercept, which there always is.
    shown = rows[compares(rows) | rows["term"].eq(f"{wording.ZERO_PART}intercept")]
    said = "; ".join(_said(shown[shown["status"].isin(["converged", "boundary"])], besides))
    failed = reasons(shown, besides)
    texts = (
        *_splits(rows[split]),
        said,
        f"could not estimate: {failed}" if failed else "",
        verdicts.remark(shown),
    )
    return wording.sentences(filter(None, texts))


def _splits(rows: pd.DataFrame) -> list[str]:
    """Return a sentence for each exposure: what its ratio is a mixture of, and whether the two differ.

    Of each there are three rows: within, between, and the test that they are equal.
    """
    made = []
    every = wording.records(rows)
    for within, between, test in zip(every[::3], every[1::3], every[2::3], strict=True):
        named = wording.term(wording.unsplit(str(within["term"])))
        if test["status"] != "converged":
            reason = "; ".join(_said(rows[rows["term"] == test["term"]], ()))
            made.append(f"{named}: within and between participants could not be told apart: {reason}")
            continue
        where = f"{wording.AT_REFERENCE}, " if wording.AT_REFERENCE in str(test["note"]) else ""
        what = "difference" if within["scale"] == "difference" else "ratio"
        made.append(
            f"{named}: {where}the {what} mixes {wording.estimate(within)} within participants and "
            f"{wording.estimate(between)} between them, {wording.contrast(within)} "
            f"({wording.p_text(test['p_value'])} that both are equal)"
        )
    return list(dict.fromkeys(made))


def _said(rows: pd.DataFrame, besides: Collection[str]) -> list[str]:
    parts = (part for note in rows["note"].dropna() for part in str(note).split("; ") if part not in besides)
    return [_reworded(part) for part in _ranges(dict.fromkeys(parts))]


def _ranges(parts: Iterable[str]) -> list[str]:
    """Return remarks, those that differ in their leading count alone as one: ``154 to 385 nights left out``."""
    counts: dict[str, list[int]] = {}
    for part in parts:
        found = _COUNT.match(part)
        counts.setdefault(part[found.end() :] if found else part, []).append(
            int(found[0].replace(",", "")) if found else -1
        )
    made = []
    for rest, numbers in counts.items():
        low, high = min(numbers), max(numbers)
        said = "" if high < 0 else f"{low:,}" if low == high else f"{low:,} to {high:,}"
        made.append(f"{said}{rest}")
    return made


def _reworded(text: str) -> str:
    """Put words in the place of covariances, and labels in that of column names, which have an underscore."""
    text = _COVARIANCES.get(text, text)
    text = re.sub(r"\bweight (?=weight_)", "weighted by ", text)
    text = re.sub(r"= ([\w-]+)", lambda match: f"= {wording.level(match[1])}", text)
    return re.sub(r"[A-Za-z]\w*_\w*", lambda match: _small(wording.label(match[0])), text)


def _small(label: str) -> str:
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def parameters(estimates: pd.DataFrame) -> list[str]:
    """Return a line for each parameter that a model has beside its coefficients, such as its dispersion."""
    beside = estimates["scale"].isin(PARAMETERS)
    others = "; ".join(estimates.loc[~beside, "note"].dropna())
    lines = []
    for row in wording.records(estimates[beside]):
        name = str(row["term"])
        value = wording.estimate(row).replace("(", f"({100 * row['ci_level']:g}% CI ") if row["ci_level"] else ""
        notes = [part for part in str(row["note"] or "").split("; ") if part and part not in others]
        lines.append("; ".join([f"{name[:1].upper()}{name[1:]}: {value}, {row['unit']}", *notes]))
    return list(dict.fromkeys(lines))
