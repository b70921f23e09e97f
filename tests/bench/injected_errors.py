"""Plant mistakes in a clean cohort, clean it, and count what was found: `python tests/bench/injected_errors.py`.

With ``--write docs/cleaning.md`` the table between the markers of that file is renewed.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from crampstudy.cleaning import Cleaned
from crampstudy.cohort import Cohort
from crampstudy.simulate import Degraded, Mess, Truth, degrade, simulate
from crampstudy.simulate.corruption.error_injection import KINDS, Mistakes, as_text
from crampstudy.sources import load

PARTICIPANTS, NIGHTS, SEED, EACH = 1500, 60, 20240229, 150
BEGIN, END = "<!-- injected errors: begin -->", "<!-- injected errors: end -->"


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
    """A simulated cohort of all five tables and complete diaries.

    They begin within four weeks, so that a date with day and month swapped can fall out of the study's window.
    """
    truth = Truth()
    truth = replace(
        truth,
        people=replace(truth.people, start_spread_nights=28),
        design=replace(truth.design, kind="open-use"),
    )
    return simulate(participants, nights, seed, truth, Mess.none())


def write(degraded: Degraded, folder: Path) -> None:
    """Write the messy tables as any program would, and the window of the study beside them."""
    tables = degraded.tables or {name: as_text(table) for name, table in degraded.cohort.tables.items()}
    resources = [{"name": name, "path": f"{name}.csv"} for name in tables]
    window = [day.isoformat() for day in degraded.window]
    stated = {"resources": resources, "crampstudy": {"kind": "diary", "window": window}}
    (folder / "datapackage.json").write_text(json.dumps(stated))
    for name, table in tables.items():
        table.write_csv(folder / f"{name}.csv")


def run(participants: int = PARTICIPANTS, nights: int = NIGHTS, seed: int = SEED, each: int = EACH) -> Outcome:
    """Plant, write, read, clean and count."""
    mess = Mess(mistakes=Mistakes(each))
    degraded = degrade(full_cohort(participants, nights, seed), mess, np.random.default_rng(seed + 1))
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
        clean_rows=sum(t.height for t in (degraded.tables or degraded.cohort.tables).values()) - rows.height,
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
        "| kind | table | what it is | planted | detected | rules that were broken |",
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
