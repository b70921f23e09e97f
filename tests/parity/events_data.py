"""Write the small table of episodes that events.R and the parity test read: ``events_data.py FILE``.

Times in whole seconds with many ties; participants share what makes their cramps long. ``entry_s`` is a delayed
entry, ``late`` strata of unequal hazard.
"""

import sys
from pathlib import Path

import numpy as np
import polars as pl

REMEDIES = ("none", "stretch", "heat")


def main(file: Path) -> None:
    """Draw 300 episodes of 60 participants."""
    rng = np.random.default_rng(20240311)
    who = np.sort(rng.integers(0, 60, 300))
    remedy = rng.integers(0, 3, 300)
    age = np.round(rng.normal(62, 9, 60), 1)[who]
    pain = rng.integers(1, 11, 300)
    late = rng.integers(0, 3, 300)
    person = rng.normal(0, 0.6, 60)[who]
    log_hazard = 0.6 * (remedy == 1) + 0.2 * (remedy == 2) - 0.02 * (age - 60) - 0.05 * pain + 0.3 * late + person
    relief = np.ceil(rng.weibull(1.2, 300) * 40 * np.exp(-log_hazard / 1.2))
    censored = np.ceil(rng.exponential(110, 300))
    stop = np.minimum(relief, censored)
    entry = np.floor(stop * rng.random(300) * (rng.random(300) < 0.4))
    table = {
        "participant_id": [f"P{code:02d}" for code in who],
        "entry_s": entry.astype(int),
        "stop_s": stop.astype(int),
        "event": (relief <= censored).astype(int),
        "remedy": [REMEDIES[code] for code in remedy],
        "age_years": age,
        "pain_0_10": pain,
        "late": late,
    }
    pl.DataFrame(table).write_csv(file)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
