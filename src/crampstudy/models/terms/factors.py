"""Categorical variables of a design: their levels in order, the reference first, and the columns they become."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from formulaic import ModelSpec
from formulaic.parser.types import Factor, Term
from formulaic.transforms.contrasts import TreatmentContrasts

from crampstudy import codebook
from crampstudy.models.terms.columns import coded
from crampstudy.models.terms.levels import reference_first

REFERENCE_FIRST = {"sex": ("male", "female")}
INTERCEPT = "intercept"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the design: the term it belongs to and, for a categorical term, level and reference.

    ``parts`` are those factors of an interaction that the column has, each with its own level and reference.
    """

    term: str
    level: str | None = None
    reference: str | None = None
    parts: tuple[tuple[str, str | None, str | None], ...] = field(default=(), compare=False)


def categorical(frame: pl.DataFrame, names: Sequence[str]) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the variables as a design takes them; and why a band is the reference, though not the youngest."""
    data: dict[str, pd.Series[Any]] = {}
    moved: dict[str, str] = {}
    for name in names:
        column, key = frame[name], coded(name)
        if column.dtype == pl.Boolean:
            column = column.cast(pl.String)
            data[key] = _levels(column, [level for level in ("false", "true") if level in set(column.unique())])
        elif column.dtype in (pl.String, pl.Enum):
            ordered = _ordered(name, column)
            if name == "age_band":
                ordered, why = reference_first(ordered, column, frame)
                moved |= {ordered[0]: why} if why else {}
            data[key] = _levels(column, ordered)
        else:
            data[key] = pd.Series(column.cast(pl.Float64).to_numpy())
    return pd.DataFrame(data, index=pd.RangeIndex(frame.height)), moved


def _ordered(name: str, column: pl.Series) -> list[str]:
    """Return the levels that are present, in the order of the codebook or the type, else of the alphabet."""
    present = set(column.unique())
    known = codebook.find(name)
    levels = REFERENCE_FIRST.get(name) or (known.levels if known else ())
    if isinstance(column.dtype, pl.Enum):
        levels = tuple(column.dtype.categories)
    # An own column may be called as one of another table is, whose levels are not its own.
    levels = levels if present <= {*levels} else ()
    return [level for level in (levels or sorted(present)) if level in present]


def _levels(column: pl.Series, ordered: Sequence[str]) -> pd.Series[Any]:
    codes: Any = column.cast(pl.String).cast(pl.Enum(ordered)).to_physical().to_numpy().astype(np.int64)
    levels: Any = pd.Index(list(ordered), dtype="object")
    return pd.Series(pd.Categorical.from_codes(codes, levels))


def column_of(term: Term, name: str, model: ModelSpec) -> Column:
    """Return what the column ``name`` of a term says."""
    if str(term) == "1":
        return Column(INTERCEPT)
    # Where the other columns already say it, a column of an interaction lacks one of its factors.
    inside = "".join(rf"(?:({re.escape(factor.expr)})(?:\[(.*?)\])?(?::|$))?" for factor in term.factors)
    fields = re.fullmatch(inside, name, re.DOTALL).groups()  # type: ignore[union-attr]
    there = [
        (factor, text)
        for factor, on, text in zip(term.factors, fields[::2], fields[1::2], strict=True)
        if on is not None
    ]
    parts = tuple(_part(factor, text, model) for factor, text in there) if len(term.factors) > 1 else ()
    found = [(factor, text) for factor, text in there if text is not None]
    if not found:
        return Column(str(term), parts=parts)
    treated = {factor: text.removeprefix("T.") for factor, text in found if reference(factor, model) is not None}
    level = ":".join(treated.get(factor, text) for factor, text in found)
    (factor, text), *others = found
    return Column(str(term), level, None if others else _part(factor, text, model)[2], parts)


def _part(factor: Factor, text: str | None, model: ModelSpec) -> tuple[str, str | None, str | None]:
    """Return a factor of a column as it is written, with its level and the level that this is compared with."""
    base = reference(factor, model)
    if text is None or base is None:
        return str(factor), text, None
    # Only treatment coding, which names its columns [T.level], compares a level with one reference.
    return str(factor), text.removeprefix("T."), base if text.startswith("T.") else None


def reference(factor: Factor, model: ModelSpec) -> str | None:
    """Return the level that a factor's other ones are compared with; ``None`` if it has none."""
    _, state = model.encoder_state.get(factor.expr, (None, {}))
    used = state.get("contrasts")
    if used is None or not isinstance(used.contrasts, TreatmentContrasts):
        return None
    return str(used.contrasts.get_coefficient_row_names(used.levels, reduced_rank=True)[0])
