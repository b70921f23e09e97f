"""A report looked at as its readers do: the page in a browser, light and dark, and every page of the PDF as a picture.

``python .ci/look.py reports/simulated --out look`` opens ``report.html`` in Chromium at four widths and asks axe for
what keeps readers out, the console for errors, and the page whether it scrolls sideways or hides a column; it ends with
1 where any of that is so. Screenshots, pages (with ``pdftoppm``) and the Word document as PDF (with LibreOffice) land
in the folder for the eye. It needs a Chromium on the machine (CHROMIUM names it) and no network.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

WIDTHS = (390, 768, 1280, 1920)
_PATIENCE_MS = 300_000
SERIOUS = ("serious", "critical")
_HIDDEN = """() => [...document.querySelectorAll('.scroll')]
  .filter(each => each.scrollWidth > each.clientWidth + 1).map(each => each.getAttribute('aria-label'))"""


def looked_at(browser: Browser, page_file: Path, out: Path) -> Iterator[str]:
    """Yield what is wrong with a page at each width, light and dark, and leave screenshots."""
    page, told = browser.new_page(), list[str]()
    page.set_default_timeout(_PATIENCE_MS)
    page.on("console", lambda message: told.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: told.append(str(error)))
    page.goto(page_file.resolve().as_uri())
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        yield from (f"{width} px: {text}" for text in _laid_out(page))
    for width, scheme in ((WIDTHS[0], "light"), (WIDTHS[2], "dark"), (WIDTHS[2], "light")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.screenshot(path=out / f"{scheme}-{width}.png", full_page=True)
        yield from (f"{scheme}, {width} px: {text}" for text in _kept_out(page))
    yield from (f"console: {text}" for text in told)


def _laid_out(page: Page) -> Iterator[str]:
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if wide > 0:
        yield f"the page scrolls sideways by {wide} px"
    yield from (f"{label} hides a column" for label in page.evaluate(_HIDDEN))


def _kept_out(page: Page) -> Iterator[str]:
    for found in Axe().run(page).response["violations"]:
        if found["impact"] in SERIOUS:
            nodes = ", ".join(" ".join(node["target"]) for node in found["nodes"][:3])
            yield f"axe: {found['id']}: {found['help']} ({len(found['nodes'])} times, {nodes})"


def printed(report: Path, out: Path) -> None:
    """Leave the pages of the PDF as pictures, and the Word document as PDF, where there are programs for it."""
    if program := shutil.which("pdftoppm"):
        subprocess.run([program, "-r", "80", "-png", report / "report.pdf", out / "page"], check=True)
    if program := shutil.which("soffice"):
        convert = [
            program,
            "--headless",
            "--convert-to",
            "pdf:writer_pdf_Export",
            "--outdir",
            out,
            report / "report.docx",
        ]
        subprocess.run(convert, check=True, capture_output=True)
    else:
        print("LibreOffice is not installed: the Word document was not opened")


def main() -> int:
    """Look at the report of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("report", type=Path, help="folder of a report")
    parser.add_argument("--out", type=Path, default=Path("build/look"), help="folder for pictures")
    given = parser.parse_args()
    if not (given.report / "report.html").is_file():
        parser.error(f"{given.report} holds no report; run: make report")
    given.out.mkdir(parents=True, exist_ok=True)
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        problems = list(looked_at(browser, given.report / "report.html", given.out))
        browser.close()
    printed(given.report, given.out)
    print("\n".join(problems) or "nothing is wrong", f"\nThe pictures are in {given.out}", sep="")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
