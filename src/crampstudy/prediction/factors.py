"""Features as the factors that other analyses compare: between which two values, by the same declared contrasts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from crampstudy import codebook
from crampstudy.arrays import Array, Codes, Flags
from crampstudy.codebook import contrasts
from crampstudy.codebook.contrasts import Contrast
from crampstudy.codebook.records import Variable
from crampstudy.prediction.features import FeatureTable, domain_of
from crampstudy.prediction.features.table import CALENDAR, LAST, OWN_PAST
from crampstudy.wording import CONTRAST

_SEX = "sex"


@dataclass(frozen=True, slots=True)
class Factor:
    """Two values of a factor, of each row: what its features are set to.

    Args:
        name: its variable in the codebook.
        term: as rows of estimates have it, of a number with ``contrast: ``.
        level: the first value, as a text.
        reference: the second.
        unit: the contrast as printed.
        columns: places of its features (k).
        at: the first value of each row (n x k); ``nan`` where it has none.
        against: the second.
        nightly: whether it is of the last logged day.
        declared: whether the codebook says between which values it is compared.
    """

    name: str
    term: str
    level: str
    reference: str
    unit: str
    columns: tuple[int, ...]
    at: Array
    against: Array
    nightly: bool = False
    declared: bool = False

    @property
    def is_number(self) -> bool:
        """Whether it is a number, with a curve."""
        return self.term.startswith(CONTRAST)


def factors_of(table: FeatureTable, rows: Flags) -> Iterator[Factor]:
    """Yield the factors of a table with what they are set to in some of its ``rows``: no own past and no calendar.

    Yes is held against no, and a level against the first. A number is taken at the values that the codebook declares,
    at centiles of the participants, or of their distances from the mean of their sex, where it declares these. What a
    night has is taken at distances from the participant's own mean, as a difference within participants is.
    """
    places: dict[str, list[int]] = {}
    for i, name in enumerate(table.names):
        if domain_of(name) not in (OWN_PAST, CALENDAR):
            places.setdefault(name.partition("=")[0], []).append(i)
    for feature, own in places.items():
        nightly = feature.startswith(LAST)
        known = codebook.find(feature.removeprefix(LAST), "diary" if nightly else "participants")
        if known is None:
            continue
        if known.type == "level":
            yield from _levels(known, table, own, int(rows.sum()), nightly)
        elif known.type == "boolean":
            one, none = (np.full((int(rows.sum()), 1), value) for value in (1.0, 0.0))
            yield Factor(known.name, known.name, "true", "false", "against false", tuple(own), one, none, nightly)
        elif made := (_within if nightly else _of_people)(known.name, table, own[0], rows):
            yield made


def _levels(known: Variable, table: FeatureTable, own: list[int], n: int, nightly: bool) -> Iterator[Factor]:
    first = known.levels[0]
    for place, column in enumerate(own):
        at = np.zeros((n, len(own)))
        at[:, place] = 1.0
        level = table.names[column].partition("=")[2]
        against = np.zeros_like(at)
        yield Factor(known.name, known.name, level, first, f"against {first}", tuple(own), at, against, nightly)


def _of_people(name: str, table: FeatureTable, column: int, rows: Flags) -> Factor | None:
    """Return the contrast of a number of participants, centiles within a sex around the mean of that sex."""
    first = np.unique(table.person, return_index=True)[1]
    shift = _of_sex(table, column, first) if contrasts.is_within_sex(name) else np.zeros(len(table.ids))
    around = table.values[first, column].astype(np.float64) - shift[table.person[first]]
    return _number(name, column, around, shift[table.person[rows]], nightly=False)


def _within(name: str, table: FeatureTable, column: int, rows: Flags) -> Factor | None:
    """Return the contrast of a number of the last logged day around each participant's own mean of it."""
    values = table.values[:, column].astype(np.float64)
    known = np.isfinite(values)
    sums, number = (
        np.bincount(table.person[known], weights, minlength=len(table.ids)) for weights in (values[known], None)
    )
    mean = np.where(number > 0, sums / np.maximum(number, 1), np.nan)[table.person]
    return _number(name, column, values - mean, mean[rows], nightly=True)


def _number(name: str, column: int, around: Array, origin: Array, *, nightly: bool) -> Factor | None:
    """Return the contrast of a number; ``None`` where it has none, both centiles being alike.

    Args:
        name: the variable.
        column: its place among the features.
        around: its values as distances from what they are compared within, of which centiles are taken.
        origin: what the two values are distances from, of each row that they are set in.
        nightly: whether it is of a day.
    """
    stated, by_centile = contrasts.of_variable(name, deviation=nightly)
    contrast = stated or by_centile
    found = _ends(contrast, around)
    if found is None:
        return None
    at, against = found
    ends, own = (f"{at:g}", f"{against:g}"), origin[:, None]
    declared = contrasts.find(name, deviation=nightly) is not None
    return Factor(
        name,
        CONTRAST + name,
        *ends,
        contrast.wording(at, against),
        (column,),
        own + at,
        own + against,
        nightly,
        declared,
    )


def _ends(contrast: Contrast, values: Array) -> tuple[float, float] | None:
    if contrast.kind in ("value", "deviation"):
        return contrast.at, contrast.reference
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    at, against = (float(np.quantile(known, centile / 100)) for centile in (contrast.at, contrast.reference))
    return None if at == against else (at, against)


def _of_sex(table: FeatureTable, column: int, first: Codes) -> Array:
    """Return how far the mean of each participant's sex is from that of all; 0 where no sex is known."""
    own = [i for i, name in enumerate(table.names) if name.partition("=")[0] == _SEX]
    shift = np.zeros(len(table.ids))
    values, sexes = table.values[first, column].astype(np.float64), table.values[first][:, own]
    known = np.isfinite(values) & np.isfinite(sexes).all(axis=1)
    if not own or not known.any():
        return shift
    for each in np.unique(sexes[known], axis=0):
        inside = (sexes == each).all(axis=1)
        shift[table.person[first[inside]]] = values[inside & known].mean() - values[known].mean()
    return shift
