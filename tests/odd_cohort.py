"""A small diary whose participants have columns of odd names, and texts of odd levels."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from crampstudy.cohort import Cohort

N, NIGHTS = 24, 10
ODD = ("shoe size", "a:b", "log", "class", "été", "x[T.1]|y~z", "C(sex)", "_row", "Sum", "{}", "'; import os", "np")


def cohort(**columns: Any) -> Cohort:
    """Make 24 participants of 10 nights, whose numbers of odd names all differ."""
    rng = np.random.default_rng(11)
    people = pl.DataFrame(
        {
            "participant_id": [f"p{i:02}" for i in range(N)],
            "age_years": rng.uniform(30, 80, N),
            "sex": ["female" if i % 2 else "male" for i in range(N)],
            "smoking": [("never", "former", "current")[i % 3] for i in range(N)],
            "clinic": [("north [1]", "don't know", "a:b")[i // 2 % 3] for i in range(N)],
            "code": [float(i % 3) for i in range(N)],
            **{name: rng.uniform(1, 2, N) for name in ODD},
        }
    ).with_columns(**columns)
    nights = pl.DataFrame(
        [
            (f"p{i:02}", date(2024, 1, 1) + timedelta(days=k), int(rng.poisson(0.7)))
            for i in range(N)
            for k in range(NIGHTS)
        ],
        {"participant_id": pl.String, "date": pl.Date, "cramps": pl.Int64},
        orient="row",
    )
    return Cohort("made", "diary", {"participants": people, "diary": nights}, synthetic=True)
