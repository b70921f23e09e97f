"""One small valid study, the same in every kind of file: its true cells are known."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import numpy as np

Row = dict[str, Any]
Tables = dict[str, list[Row]]
PEOPLE, NIGHTS = 4, 5
FIRST = date(2025, 3, 3)


@cache
def study() -> Tables:
    """Five tables that break no rule; text, umlauts, levels, numbers with fractions, gaps, dates and times."""
    rng = np.random.default_rng(20250303)
    made: Tables = {"participants": [], "diary": [], "episodes": [], "labs": [], "treatments": []}
    for n in range(PEOPLE):
        who = f"P{n + 1:02}"
        made["participants"].append(
            {
                "participant_id": who,
                "age_years": 47 + 8 * n,
                "sex": ("female", "male")[n % 2],
                "bmi_kg_m2": round(22.5 + 1.3 * n, 1),
                "diabetes": n == 2,
                "place": ("Köln", "Graz", "Brno", "Łódź")[n],
            }
        )
        for day in range(NIGHTS):
            made["diary"].append(_night(rng, who, n, day))
        made["labs"].append(
            {
                "participant_id": who,
                "date": FIRST,
                "analyte": "serum_magnesium",
                "value": round(0.74 + 0.03 * n, 2),
                "unit": "mmol/L",
            }
        )
        made["treatments"].append(
            {
                "participant_id": who,
                "start": FIRST,
                "agent": ("magnesium", "placebo")[n % 2],
                "dose": 240.0 + n,
                "unit": "mg",
                "stop": FIRST + timedelta(days=20) if n else None,
            }
        )
    for night in made["diary"]:
        for episode in range(1, (night["cramps"] or 0) + 1):
            made["episodes"].append(
                {
                    "participant_id": night["participant_id"],
                    "date": night["date"],
                    "episode": episode,
                    "onset": datetime.combine(night["date"], datetime.min.time()) + timedelta(hours=22 + episode),
                    "pain_0_10": float(3 + episode),
                    "site": ("calf", "foot")[episode % 2],
                }
            )
    return made


def _night(rng: np.random.Generator, who: str, n: int, day: int) -> Row:
    return {
        "participant_id": who,
        "date": FIRST + timedelta(days=day),
        # A night without an entry, and nights with none to three cramps.
        "cramps": None if (n, day) == (1, 3) else (n + day) % 4,
        "hours_in_bed": 7.0 + 0.25 * int(rng.integers(0, 6)),
        "alcohol_units": round(0.5 + 0.1 * int(rng.integers(0, 15)), 1),
        "steps": 4000 + int(rng.integers(0, 3000)),
        "warm_up": bool((n + day) % 3),
        "mood": ("gut", "müde", "so, so", "très bien", "ruhig")[(n + 2 * day) % 5],
    }


def wide() -> list[Row]:
    """A row for each participant and night, as one sheet or one statistical file has them."""
    people = {row["participant_id"]: row for row in study()["participants"]}
    return [people[night["participant_id"]] | night for night in study()["diary"]]


def written(value: Any) -> str:
    """A cell as the package itself writes it into CSV."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case datetime():
            return value.isoformat()
        case float():
            return f"{value:g}"
        case _:
            return str(value)
