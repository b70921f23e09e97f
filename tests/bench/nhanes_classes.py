"""The shares of the recalled classes that the simulator ships, from the public NHANES files:

python tests/bench/nhanes_classes.py nhanes:DIR > src/crampstudy/simulate/calibration/nhanes_classes.csv
"""

from __future__ import annotations

import csv
import io
import sys

from crampstudy.descriptive.prevalence import prevalence
from crampstudy.sources import open_cohort

COLUMNS = ("population", "class", "share", "std_error", "n", "n_answered", "n_effective")
CLASSES = {"0": "0", "1": "1", "2": "2-4", "3": "5-15", "4": "16+"}


def table(source: str) -> str:
    """Return the shares by age as CSV text."""
    rows = [row for row in prevalence(open_cohort(source), standard="none") if row["level"] in CLASSES]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for population in dict.fromkeys(row["population"] for row in rows):
        own = [row for row in rows if row["population"] == population]
        n = own[0]["n_participants"]
        # The mean design effect of the classes, weighted by their own chance of not happening (Rao and Scott 1981).
        effects = [n * row["std_error"] ** 2 / (row["estimate"] * (1 - row["estimate"])) for row in own]
        mean = sum(e * (1 - row["estimate"]) for e, row in zip(effects, own, strict=True)) / (len(own) - 1)
        for row in own:
            shares = (f"{row['estimate']:.8f}", f"{row['std_error']:.8f}")
            writer.writerow((population, CLASSES[row["level"]], *shares, n, row["n_events"], f"{n / mean:.3f}"))
    return out.getvalue()


if __name__ == "__main__":
    sys.stdout.write(table(sys.argv[1]))
