"""Who of a survey is at which level of a variable."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crampstudy import codebook
from crampstudy.models.terms.levels import check_group, no_group


def people_by_level(
    by: str, frame: pl.DataFrame, inside: NDArray[np.bool_]
) -> tuple[tuple[str, ...], NDArray[np.bool_]]:
    """Return the levels (k) that participants have, and who of those ``inside`` (n) is at each (n x k).

    Raises:
        UsageError: ``by`` is no level or yes/no variable of the participants.
    """
    check_group(by, frame)
    if by not in frame.columns or frame[by].dtype not in (pl.Boolean, pl.String):
        said = "prevalences are given by age_band or a level or yes/no variable of the participants"
        raise no_group(said, by, frame)
    values = frame[by].cast(pl.String)
    known = codebook.find(by)
    seen = set(values.filter(pl.Series(inside)).drop_nulls())
    labels = tuple(x for x in known.levels if x in seen) if known and known.levels else tuple(sorted(seen))
    columns = [inside & (values == label).fill_null(value=False).to_numpy() for label in labels]
    return labels, np.column_stack([np.zeros((len(inside), 0), dtype=np.bool_), *columns])
