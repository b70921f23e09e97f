"""Abbreviations of tables and figures, and what they stand for: each is said in the note of what uses it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "BIC": "Bayesian information criterion",
        "CI": "confidence interval",
        "CR2": "bias-reduced cluster-robust covariance",
        "CRPS": "continuous ranked probability score",
        "df": "degrees of freedom",
        "GEE": "generalised estimating equations",
        "GLM": "generalised linear model",
        "HbA1c": "glycated haemoglobin",
        "ICC": "intraclass correlation",
        "IQR": "interquartile range",
        "MLE": "maximum likelihood estimation",
        "MOR": "median odds ratio",
        "MRR": "median rate ratio",
        "OLS": "ordinary least squares",
        "PMID": "identifier in PubMed",
        "PHQ-9": "Patient Health Questionnaire, nine items",
        "PSU": "primary sampling unit",
        "PSUs": "primary sampling units",
        "REML": "restricted maximum likelihood",
        "RPE": "rating of perceived exertion",
        "SD": "standard deviation",
        "SE": "standard error",
        "SMD": "standardised mean difference",
        "STROBE": "Strengthening the Reporting of Observational Studies in Epidemiology",
        "TENS": "transcutaneous electrical nerve stimulation",
        "TSH": "thyrotropin",
        "WHO": "World Health Organization",
    }
)
_WORD = re.compile("|".join(rf"(?<![\w-]){re.escape(name)}(?![\w])" for name in MEANINGS))


def defined(note: str | None, texts: Iterable[str], caption: str = "") -> str | None:
    """Return a note that says what the abbreviations in texts, caption and note stand for.

    One that the note, the caption or the texts explain themselves, as ``df: degrees of freedom`` or ``degrees of
    freedom (df)``, is not said again.
    """
    together = " ".join((caption, note or "", *texts))
    found = {name for name in _WORD.findall(together) if not _explained(name, together.lower())}
    if not found:
        return note
    meanings = "; ".join(f"{name}: {MEANINGS[name]}" for name in MEANINGS if name in found)
    return f"{note} {meanings}." if note else f"{meanings}."


def _explained(name: str, text: str) -> bool:
    """Say whether a text in small letters says what an abbreviation stands for, beside it."""
    short, meaning = re.escape(name.lower()), re.escape(MEANINGS[name].lower())
    return bool(re.search(rf"\b{short}\b[:(]? (?:is the )?{meaning}|\b{short} \({meaning}|{meaning} \({short}\b", text))
