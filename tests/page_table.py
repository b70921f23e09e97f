"""A generated table of a page in docs/: printed, or written between its marks."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def main(made: str, marks: tuple[str, str], description: str | None) -> int:
    """Print the table ``made``, or renew it between its ``marks`` in the file that ``--write`` names."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--write", type=Path, metavar="FILE", help="renew the table in this file (default: print it)")
    asked = parser.parse_args()
    if asked.write:
        begin, end = marks
        text = asked.write.read_text(encoding="utf-8")
        before, after = text.split(begin)[0], text.split(end)[1]
        asked.write.write_text(f"{before}{begin}\n{made}\n{end}{after}", encoding="utf-8")
    else:
        sys.stdout.write(f"{made}\n")
    return 0
