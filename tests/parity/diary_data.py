"""Write a small synthetic diary like the one that the R scripts and the parity tests read: ``diary_data.py FOLDER``.

The files in ``diary/`` were drawn with these arguments by an earlier version of the simulator, whose cohorts the
present one does not repeat. They are data, and what R found in them (``*.json``) belongs to them; whoever replaces
them by a new draw has to run the R scripts again.
"""

import sys
from pathlib import Path

import polars as pl

from crampstudy.simulate import simulate

PEOPLE = ["participant_id", "age_years", "sex", "diabetes", "serum_potassium_mmol_l"]
NIGHTS = ["participant_id", "date", "entry_made", "cramps", "hours_in_bed", "alcohol_units"]


def main(folder: Path) -> None:
    """Draw 80 participants with 30 nights each and keep the columns that the models use."""
    cohort = simulate(80, 30, seed=20240108)
    folder.mkdir(parents=True, exist_ok=True)
    cohort.frame("participants").select(PEOPLE).with_columns(pl.col("age_years").round(1)).write_csv(
        folder / "participants.csv"
    )
    cohort.frame("diary").select(NIGHTS).write_csv(folder / "diary.csv")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
