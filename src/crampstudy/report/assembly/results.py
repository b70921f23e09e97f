"""What notebooks recorded, handed on to those that draw on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from crampstudy.report import MIME
from crampstudy.report.collect import displayed


def results(executed: Mapping[str, Path]) -> str:
    """Return what executed notebooks recorded, by their names, as :func:`crampstudy.analyses.read_results` reads it."""
    records = {}
    for name, path in executed.items():
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        blocks = [data[MIME] for cell in cells for data in displayed(cell) if MIME in data]
        if found := [block for block in blocks if block["kind"] == "findings"]:
            records[name] = found
    return json.dumps(records, ensure_ascii=False)
