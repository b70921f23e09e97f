"""Notes and reasons in the words of a reader: no covariances by name, no names of columns."""

from __future__ import annotations

import re

from crampstudy import wording
from crampstudy.codebook import exposures
from crampstudy.cohort.account import OUTSIDE

_OF_ONE = re.compile(r"\bhas (\w+) = ([\w-]+)")
_OTHER = re.compile(r"one participant alone has another (.+?) than (-?[\d.]+(?:e[+-]?\d+)?)(?=[:;,]|$)")
_WHERE = re.compile(r"\bwhere (\w+) = ([\w+-]+)")
_THROUGHOUT = re.compile(r"\b(\w+) = ([\w+-]+) throughout")
_CALLED = re.compile(
    r"(?<![\w.])(?:I|C|between|within|ns|bs|cr|poly|lag|lead|mean_last|days_last|load_ratio|scale|center|exp"
    r"|sqrt|log(?:2|10|1p)?)\((?:[^()]|\([^()]*\))*\)"
)
"""What a formula makes of a variable, within a text."""
_COVARIANCES = {
    "covariance cluster": "cluster-robust intervals",
    "covariance cluster-small": "bias-reduced cluster-robust intervals (CR2) with Satterthwaite degrees of freedom",
    "covariance cluster-joint": "cluster-robust intervals of coefficients and dispersion together",
    "covariance jackknife": "intervals by the jackknife, one participant left out at a time",
}


_TO_DO = re.compile(r"(?:;| –) name its column as [\w.]+ in datapackage\.json|: have \d+ at most\b")
"""What whoever runs an analysis may do about a reason."""


def without_advice(text: str) -> str:
    """Return reasons without what to do about them, which is for who runs an analysis, and not for who reads of it."""
    return _TO_DO.sub("", text)


def reworded(text: str) -> str:
    """Put words in the place of covariances, and labels in that of column names, which have an underscore."""
    text = _COVARIANCES.get(text, text)
    text = re.sub(rf"\b(participants?) left out, {OUTSIDE}", _of_people, text)
    text = text.replace(f"left out, {OUTSIDE}", "left out, of participants who are not in this analysis")
    # Where what a model is adjusted for is told once for all, each of these is read by itself.
    text = re.sub(r"^not for (?=cramps)", "not adjusted for ", text)
    text = re.sub(r"^of the groups (?=with)", "a model of the groups ", text)
    text = re.sub(r"\bweight (?=weight_)", "weighted by ", text)
    text = _OTHER.sub(_of_one_other, text)
    text = _CALLED.sub(lambda match: wording.small(wording.term(match[0])), text)
    text = _THROUGHOUT.sub(_of_everybody, text)
    text = _OF_ONE.sub(_of_one, text)
    text = _WHERE.sub(_with, text)
    text = re.sub(r"= ([\w-]+)", lambda match: f"= {wording.level(match[1])}", text)
    # A name in quotes is one to write as it is.
    own = r"(?<![\w./'])[A-Za-z]\w*_\w*+(?![./=]\w)"
    return re.sub(own, lambda match: wording.small(wording.label(match[0])), text)


def _of_people(said: re.Match[str]) -> str:
    return f"{said[0].partition(',')[0]}, who {'is' if said[1] == 'participant' else 'are'} not in this analysis"


def _of_one(said: re.Match[str]) -> str:
    """Return what one participant alone has, in words: ``has diabetes``, ``has pregnancy trimester: third``."""
    name, level = wording.small(wording.label(said[1])), wording.level(said[2])
    return {"yes": f"has {name}", "no": f"does not have {name}"}.get(level, f"has {name}: {level}")


def _of_one_other(said: re.Match[str]) -> str:
    """Return that a number of one participant alone differs from what all others have, in words."""
    exposure = exposures.find(said[1])
    if exposure and exposure.part == exposures.WITHIN and said[2] == "0":
        of = exposures.unsplit(str(exposure))
        return f"{wording.small(wording.term(of))} differs between the nights of one participant alone"
    name = wording.small(wording.term(said[1]))
    return f"one participant alone has a value of {name}{',' * (', ' in name)} other than {said[2]}"


def _with(said: re.Match[str]) -> str:
    """Return whom something is of, in words: ``with diabetes``, ``without diabetes``, ``with sex: female``."""
    name, level = wording.small(wording.label(said[1])), wording.level(said[2])
    return {"yes": f"with {name}", "no": f"without {name}"}.get(level, f"with {name}: {level}")


def _of_everybody(said: re.Match[str]) -> str:
    """Return what everybody has alike, in words: ``nobody is recorded with diabetes``, ``sex is female throughout``."""
    name, level = wording.small(wording.label(said[1])), wording.level(said[2])
    who = {"yes": "everybody", "no": "nobody"}.get(level)
    return f"{who} is recorded with {name}" if who else f"{name} is {level} throughout"
