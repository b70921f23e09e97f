"""Plant mistakes in a clean cohort, clean it, and count what was found: `python tests/bench/injected_errors.py`.

With ``--write docs/cleaning.md`` the table between the markers of that file is renewed.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl

from crampstudy import codebook
from crampstudy.clean import Cleaned
from crampstudy.cohort import Cohort
from crampstudy.simulate import simulate
from crampstudy.simulate.degrade import KINDS, Degraded, Mess, degrade
from crampstudy.sources import load

PARTICIPANTS, NIGHTS, SEED, EACH = 1500, 60, 20240229, 150
BEGIN, END = "<!-- injected errors: begin -->", "<!-- injected errors: end -->"
SERUM = ("serum_sodium_mmol_l", "serum_potassium_mmol_l", "serum_calcium_mmol_l", "serum_albumin_g_l")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the planted mistakes; ``kinds`` has a row per kind, ``wronged`` the clean rows and cells lost."""

    planted: int
    detected: int
    clean_rows: int
    rejected_clean: int
    blanked_clean: int
    warned_clean: int
    kinds: pl.DataFrame
    missed: pl.DataFrame

    @property
    def detection(self) -> float:
        return self.detected / self.planted


def full_cohort(participants: int, nights: int, seed: int) -> Cohort:
    """A simulated cohort with the three tables that the simulator does not draw, made to agree with it."""
    drawn = simulate(participants, nights, seed)
    diary, people = drawn.frame("diary"), drawn.frame("participants")
    rng = np.random.default_rng(seed)
    cramps = diary.filter(pl.col("cramps") > 0).select("participant_id", "date", "cramps")
    episodes = cramps.with_columns(episode=pl.int_ranges(1, pl.col("cramps") + 1)).explode(
        "episode", empty_as_null=False
    )
    minutes = pl.Series("minutes", rng.integers(10 * 60, 18 * 60, episodes.height))
    onset = (pl.col("date").cast(pl.Datetime("us")) + pl.duration(hours=12, minutes=minutes)).alias("onset")
    pain = pl.Series("pain_0_10", rng.integers(3, 10, episodes.height).astype(float))
    first = diary.group_by("participant_id").agg(date=pl.col("date").min()).sort("participant_id")
    named = {v.name: (name, v) for name, v in codebook.analytes().items()}
    labs = [
        first.join(people.select("participant_id", value=column), on="participant_id")
        .drop_nulls("value")
        .with_columns(analyte=pl.lit(named[column][0]), unit=pl.lit(named[column][1].unit))
        .select("participant_id", "date", "analyte", "value", "unit")
        for column in SERUM
    ]
    treatments = first.select(
        "participant_id", start="date", agent=pl.lit("magnesium"), stop=pl.col("date") + timedelta(days=28)
    )
    tables = {
        "participants": people,
        "diary": diary,
        "episodes": episodes.select("participant_id", "date", "episode", onset, pain),
        "labs": pl.concat(labs),
        "treatments": treatments,
    }
    return Cohort("planted", "diary", tables, synthetic=True)


def write(degraded: Degraded, folder: Path) -> None:
    """Write the messy tables as any program would, and the window of the study beside them."""
    resources = [{"name": name, "path": f"{name}.csv"} for name in degraded.tables]
    window = [day.isoformat() for day in degraded.window]
    stated = {"resources": resources, "crampstudy": {"kind": "diary", "window": window}}
    (folder / "datapackage.json").write_text(json.dumps(stated))
    for name, table in degraded.tables.items():
        table.write_csv(folder / f"{name}.csv")


def run(participants: int = PARTICIPANTS, nights: int = NIGHTS, seed: int = SEED, each: int = EACH) -> Outcome:
    """Plant, write, read, clean and count."""
    degraded = degrade(full_cohort(participants, nights, seed), Mess(each), np.random.default_rng(seed + 1))
    with tempfile.TemporaryDirectory() as name:
        write(degraded, Path(name))
        loaded = load(name)
    return judged(degraded, loaded)


def judged(degraded: Degraded, loaded: Cleaned) -> Outcome:
    """Hold the ledger against the record. A mistake is detected if the ledger names its row, and its cell or all."""
    table = pl.col("file").str.split(".").list.first().alias("table")
    said = loaded.ledger.with_columns(table, row=pl.col("line") - 2)
    planted = degraded.planted.with_row_index("n")
    met = planted.join(said.select("table", "row", "rule", "severity", shown="column"), on=["table", "row"], how="left")
    met = met.filter((pl.col("column") == "") | (pl.col("shown") == "") | (pl.col("shown") == pl.col("column")))
    met = met.filter(pl.col("rule").is_not_null())
    by_kind = (
        planted.group_by("kind")
        .len("planted")
        .join(
            met.group_by("kind").agg(
                detected=pl.col("n").n_unique(), rules=pl.col("rule").unique().sort().str.join(", ")
            ),
            on="kind",
            how="left",
        )
    )
    rows = pl.concat([planted.select("table", "row"), planted.select("table", row="also").drop_nulls()]).unique()
    others = said.join(rows, on=["table", "row"], how="anti")
    # In a row with one bad cell the other cells are clean.
    cells = said.join(planted.filter(pl.col("column") != ""), on=["table", "row"]).filter(
        (pl.col("severity") == "blank-cell") & (pl.col("column") != pl.col("column_right"))
    )
    severity = others["severity"]
    return Outcome(
        planted=planted.height,
        detected=met["n"].n_unique(),
        clean_rows=sum(t.height for t in degraded.tables.values()) - rows.height,
        rejected_clean=int((severity == "reject-row").sum()),
        blanked_clean=int((severity == "blank-cell").sum()) + cells.height,
        warned_clean=int((severity == "warn").sum()),
        kinds=by_kind.sort("kind"),
        missed=planted.join(met, on="n", how="anti"),
    )


def markdown(outcome: Outcome) -> str:
    """The table of the documentation."""
    lines = [
        f"{outcome.planted:,} mistakes of {outcome.kinds.height} kinds among {outcome.clean_rows:,} clean rows, "
        f"seed {SEED}: {outcome.detected:,} detected ({outcome.detection:.4f}); clean rows rejected: "
        f"{outcome.rejected_clean}; clean cells blanked: {outcome.blanked_clean}; warnings about clean rows: "
        f"{outcome.warned_clean}.",
        "",
        "| kind | table | what it is | planted | detected | rules that spoke |",
        "|---|---|---|---:|---:|---|",
    ]
    by_kind = {row["kind"]: row for row in outcome.kinds.to_dicts()}
    for name, kind in KINDS.items():
        row = by_kind[name]
        rules = ", ".join(f"`{rule}`" for rule in (row["rules"] or "").split(", ") if rule) or "none"
        lines.append(f"| {name} | {kind.table} | {kind.about} | {row['planted']} | {row['detected'] or 0} | {rules} |")
    return "\n".join(lines)


def renewed(text: str, table: str) -> str:
    """The document with the table between its markers."""
    head, rest = text.split(BEGIN)
    return f"{head}{BEGIN}\n\n{table}\n\n{END}{rest.split(END)[1]}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Plant mistakes, clean, and count what was found.")
    parser.add_argument("--write", type=Path, metavar="FILE", help="renew the table between the markers of FILE")
    asked = parser.parse_args()
    table = markdown(run())
    if asked.write:
        asked.write.write_text(renewed(asked.write.read_text(encoding="utf-8"), table), encoding="utf-8", newline="\n")
    else:
        print(table)


if __name__ == "__main__":
    main()
