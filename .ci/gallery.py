"""The three pages that README.md shows, drawn from real reports: ``python .ci/gallery.py SIMULATED NHANES COMPARISON``.

Each is a folder of a report: of the default cohort (``make report``), of NHANES, and of a comparison (``make
compare``). The first page of each that has the words of :data:`PAGES` lands in ``docs/`` as a small PNG. It needs
``pdftotext`` and ``pdftoppm``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from PIL import Image

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = {
    "gallery-diary.png": "The main contrasts of this report",
    "gallery-survey.png": "Prevalence of recalled cramps in the past month by age",
    "gallery-comparison.png": "and below the ratio against",
}
"""The file of each picture, and words of the caption that its page has."""
_DPI = 75
_COLOURS = 200


def page_with(report: Path, words: str) -> int:
    """Return the number of the first page of a report's PDF that has these words, however its lines break.

    Raises:
        SystemExit: no page has them.
    """
    told = subprocess.run(["pdftotext", report / "report.pdf", "-"], check=True, capture_output=True, text=True).stdout
    for number, text in enumerate(told.split("\f"), start=1):
        if words in " ".join(text.split()):
            return number
    raise SystemExit(f"no page of {report}/report.pdf has the words {words!r}; change PAGES in {Path(__file__).name}")


def draw(report: Path, page: int, target: Path) -> None:
    """Write one page as a PNG of few colours."""
    command = ["pdftoppm", "-r", str(_DPI), "-f", str(page), "-l", str(page), "-singlefile", "-png"]
    subprocess.run([*command, report / "report.pdf", target.with_suffix("")], check=True)
    with Image.open(target) as picture:
        small = picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    small.save(target, optimize=True)


def main() -> int:
    """Draw the pages of the reports of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    for name in ("simulated", "nhanes", "comparison"):
        parser.add_argument(name, type=Path, help="folder of a report")
    given = parser.parse_args()
    for (name, words), report in zip(PAGES.items(), (given.simulated, given.nhanes, given.comparison), strict=True):
        page = page_with(report, words)
        draw(report, page, DOCS / name)
        print(f"docs/{name}: page {page} of {report}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
