"""Write the small synthetic diary that ``count.R`` and the parity tests read: ``python tests/parity/diary_data.py``."""

from pathlib import Path

import polars as pl

from crampstudy.simulate import simulate

HERE = Path(__file__).parent / "diary"
PEOPLE = ["participant_id", "age_years", "sex", "diabetes", "serum_potassium_mmol_l"]
NIGHTS = ["participant_id", "date", "entry_made", "cramps", "hours_in_bed", "alcohol_units"]


def main() -> None:
    """Draw 80 participants with 30 nights each and keep the columns that the models use."""
    cohort = simulate(80, 30, seed=20240108)
    HERE.mkdir(exist_ok=True)
    cohort.frame("participants").select(PEOPLE).with_columns(pl.col("age_years").round(1)).write_csv(
        HERE / "participants.csv"
    )
    cohort.frame("diary").select(NIGHTS).write_csv(HERE / "diary.csv")


if __name__ == "__main__":
    main()
