"""Three factors in two published surveys, with verdicts: `python tests/nhanes_factors.py --write docs/nhanes.md`.

Reads the surveys from ``shared/data/nhanes`` beside the project, or from the folder named by ``--data``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pandas as pd

from crampstudy import AgeBands, codebook, fit, open_cohort, wording

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- factors: begin -->", "<!-- factors: end -->"
FACTORS = ("arthritis", "serum_potassium_mmol_l", "red_cell_count_10_12_l")
BESIDE = "age_decade + sex + education + bmi_kg_m2"


def rows(data: Path, cycle: str) -> pd.DataFrame:
    """Return the rows of each factor, in a model of its own; numbers per SD of all aged 20 or more, and declared."""
    cohort = open_cohort(f"nhanes:{data}?cycles={cycle}")
    people = cohort.participants
    found = []
    for factor in FACTORS:
        spread = float(people.loc[people["age_years"] >= 20, factor].astype(float).std())
        fitted = fit(
            cohort,
            model="survey-logistic",
            outcome="moderate_severe_vs_none",
            terms=f"{factor} + {BESIDE}",
            where="age_years >= 20",
            weight="weight_exam",
            bands=AgeBands(),
            per={} if factor == "arthritis" else {factor: spread},
        )
        own = fitted.estimates["term"].isin([factor, f"{wording.CONTRAST}{factor}"])
        found.append(fitted.estimates[own].assign(spread=spread))
    table = pd.concat(found, ignore_index=True)
    return table.assign(cycle=cycle)


def page(data: Path) -> str:
    """Return the table in Markdown."""
    lines = ["| cycle | factor | contrast | odds ratio (95 % interval) | participants | events | verdict |"]
    lines += ["|---|---|---|---:|---:|---:|---|"]
    for cycle in "DE":
        for row in wording.records(rows(data, cycle)):
            unit = codebook.variable(row["term"].removeprefix(wording.CONTRAST)).unit
            contrast = f"per SD ({row['spread']:.3g} {unit})" if pd.isna(row["level"]) else wording.contrast(row)
            said = wording.DASH if pd.isna(row["verdict"]) else row["verdict"]
            lines.append(
                f"| {cycle} | {wording.term(row['term'])} | {contrast} | {wording.estimate(row, 3)} | "
                f"{wording.count(row['n_participants'])} | {wording.count(row['n_events'])} | {said} |"
            )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "nhanes")
    parser.add_argument("--write", type=Path, metavar="FILE", help="renew the table in this file (default: print it)")
    asked = parser.parse_args()
    made = page(asked.data)
    if asked.write:
        text = asked.write.read_text(encoding="utf-8")
        before, after = text.split(BEGIN)[0], text.split(END)[1]
        asked.write.write_text(f"{before}{BEGIN}\n{made}\n{END}{after}", encoding="utf-8")
    else:
        sys.stdout.write(f"{made}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
