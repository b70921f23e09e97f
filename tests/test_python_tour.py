"""docs/python.md run as a notebook: every cell, with what it shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

DOCS = Path(__file__).parents[1] / "docs"
CELL = re.compile(r"^```python\n(.*?)^```\n+(?:```text\n(.*?)^```)?", re.M | re.S)


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str, list[Any]]]:
    """The cells of the page: code, what is said to be shown, and the outputs of a kernel."""
    found = CELL.findall((DOCS / "python.md").read_text(encoding="utf-8"))
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code, _ in found])
    folder = tmp_path_factory.mktemp("tour")
    options = "import pandas; pandas.set_option('display.width', 200, 'display.max_columns', 20)"
    book.cells.insert(0, nbformat.v4.new_code_cell(options))
    NotebookClient(book, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    made = {path.name for path in folder.iterdir() if path.is_file()}
    assert made == {"models.docx", "models.xlsx", "models.tex", "ratios.pdf"}
    return [(code, said, cell.outputs) for (code, said), cell in zip(found, book.cells[1:], strict=True)]


def test_every_cell_shows_what_the_page_says(tour: list[tuple[str, str, list[Any]]]) -> None:
    told = [(said, outputs) for _, said, outputs in tour if said]
    assert len(told) >= 6
    for said, outputs in told:
        (shown,) = outputs
        text = shown["text"] if shown["output_type"] == "stream" else shown["data"]["text/plain"]
        assert text.rstrip() == said.rstrip()


def test_results_are_tables_and_figures_show_once(tour: list[tuple[str, str, list[Any]]]) -> None:
    by_last = {code.strip().splitlines()[-1]: outputs for code, _, outputs in tour}
    for name in ("cohort", "described"):
        (shown,) = by_last[name]
        assert shown["data"]["text/html"].count("<table>") >= 1
    (figure,) = by_last["figures.rates(describe(cohort))"]
    assert set(figure["data"]) == {"image/png", "text/plain"}
    assert 500 < figure["metadata"]["image/png"]["width"] < 800
    # Drawn and saved, and not the last expression's value.
    assert by_last['fitted.plot().savefig("ratios.pdf")'] == []
