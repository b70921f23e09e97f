"""The model card: the items of TRIPOD+AI filled from the run, and those that no run can fill flagged."""

from __future__ import annotations

import csv
from importlib.resources import files

from crampstudy.prediction.files.model_file import ModelFile

GAP = "**Gap**: no run can tell this; write it before the model is reported."
_TITLES = {"cramp_night": "night with a cramp", "cramps": "number of cramps", "newcomer": "new participant's rate"}


def card(model: ModelFile) -> str:
    """Return the card of a model in Markdown, an item a row.

    Source: Collins 2024, 10.1136/bmj-2023-078378.
    """
    facts = model.cohort
    filled = {
        **facts,
        "synthetic": "synthetic" if facts["synthetic"] else "people",
        "version": model.version,
        "features": len({name for each in model.models.values() for name in each.names}),
        "models": "; ".join(f"{_TITLES[name]}: {each.name}" for name, each in model.models.items()),
        "scores": "; ".join(
            f"{_TITLES[name]}: " + ", ".join(f"{level} {said}" for level, said in found.items())
            for name, found in model.scores.items()
        ),
    }
    text = files("crampstudy.prediction.files").joinpath("tripod_ai.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    gaps = [row["item"] for row in rows if not row["text"]]
    lines = [f"| {row['item']} | {row['title']} | {_cell(row['text'].format(**filled)) or GAP} |" for row in rows]
    return "\n".join(
        [
            f"# Model card: cramps foretold, learned from {_cell(str(facts['name']))}",
            "",
            f"Research output, not medical advice. Items of TRIPOD+AI; {len(gaps)} are gaps: {', '.join(gaps)}.",
            "",
            "| item | what | here |",
            "|---|---|---|",
            *lines,
            "",
        ]
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
