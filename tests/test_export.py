"""Tables taken elsewhere: HTML, LaTeX, Markdown, Word and Excel, with their notes and whatever characters they hold."""

from __future__ import annotations

import io
import time
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pypandoc
import pytest
from test_fit import diary
from test_predict import asked

from crampstudy import describe, fit, tables
from crampstudy.errors import OutputError, UsageError
from crampstudy.estimates.results import rows_of
from crampstudy.tables import PrintedTable

ODD = {
    "=1+1": "50% & more",
    "a_b^c": "\\input{x} $y$ {z} ~ #1",
    "naïve, Größe": "−0.5 (≤ 1)",
    "<b>bold</b>": "北京 | pipe",
    "quote \" '": "1 < 2 > 0",
}


@pytest.fixture
def odd() -> PrintedTable:
    frame = pd.DataFrame(
        {"Value_1 %": list(ODD.values()), "n": ["1", "2", "3", "4", "–"]}, index=pd.Index(ODD, name="Row")
    )
    return PrintedTable.of(frame, "A & B <caption>", ["Note: 5% of α_1 & <i>β</i>."])


def write(table: PrintedTable, form: str, path: Path) -> bytes:
    getattr(table, f"to_{form}")(path)
    return path.read_bytes()


FORMS = {"html": "html", "latex": "tex", "markdown": "md", "docx": "docx", "excel": "xlsx"}


@pytest.mark.parametrize("form", FORMS)
def test_the_same_table_is_the_same_bytes(
    form: str, odd: PrintedTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = write(odd, form, tmp_path / f"first.{FORMS[form]}")
    # Later, and elsewhere on Earth.
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    time.tzset()
    time.sleep(2.1)
    assert write(odd, form, tmp_path / f"again.{FORMS[form]}") == first
    monkeypatch.undo()
    time.tzset()
    assert (tmp_path / f"first.{FORMS[form]}").stat().st_mode & 0o777 == 0o644


def read_back(form: str, content: bytes, tmp_path: Path) -> str:
    path = tmp_path / f"made.{FORMS[form]}"
    path.write_bytes(content)
    return str(pypandoc.convert_file(str(path), "plain", format=form, extra_args=["--wrap=none", "--columns=400"]))


@pytest.mark.parametrize("form", ["html", "docx"])
def test_every_character_comes_through(form: str, odd: PrintedTable, tmp_path: Path) -> None:
    plain = read_back(form, write(odd, form, tmp_path / f"x.{FORMS[form]}"), tmp_path)
    plain = plain.replace("’", "'").replace("‘", "'").replace("“", '"').replace("”", '"')
    for text in (*ODD, *ODD.values(), "Value_1 %", "A & B <caption>", "Note: 5% of α_1 & <i>β</i>."):
        assert " ".join(text.split()) in " ".join(plain.split()), text


def test_markdown_is_a_pipe_table_that_reads_back(odd: PrintedTable) -> None:
    text = odd.to_markdown()
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 2 + len(ODD) and "北京 \\| pipe" in text
    assert text.startswith("A & B \\<caption\\>\n") and text.rstrip().endswith("Note: 5% of α_1 & \\<i\\>β\\</i\\>.")


def test_latex_has_its_signs_escaped(odd: PrintedTable) -> None:
    text = odd.to_latex()
    assert (
        "=1+1 & 50\\% \\& more & 1 \\\\" in text
        and "naïve, Größe & −0.5 (≤ 1)" in text
        and "北京 \\textbar{} pipe" in text
    )
    assert "50\\% \\& more" in text and "a\\_b\\^{}c" in text and "\\textbackslash input\\{x\\}" in text
    assert "\\toprule" in text and "\\caption" in text


def test_a_workbook_has_texts_and_no_formula(odd: PrintedTable, tmp_path: Path) -> None:
    odd.to_excel(tmp_path / "x.xlsx")
    book = openpyxl.load_workbook(tmp_path / "x.xlsx")
    rows = [[cell.value for cell in row] for row in book.active.iter_rows()]
    assert rows[0][0] == "A & B <caption>" and rows[1] == ["Row", "Value_1 %", "n"]
    assert [row[:2] for row in rows[2:7]] == [[key, value] for key, value in ODD.items()]
    assert rows[7][0] == "Note: 5% of α_1 & <i>β</i>."
    assert {cell.data_type for row in book.active.iter_rows() for cell in row if cell.value is not None} == {"s"}


def test_what_no_document_may_hold_is_a_box(tmp_path: Path) -> None:
    made = PrintedTable.of(pd.DataFrame({"x": ["a\x00b\x0bc\x1f"]}, index=pd.Index(["r\x1b"], name="")))
    made.to_excel(tmp_path / "x.xlsx")
    assert [c.value for c in openpyxl.load_workbook(tmp_path / "x.xlsx").active[2]] == ["r□", "a□b□c□"]
    for form in ("html", "latex", "markdown"):
        assert "a□b□c□" in getattr(made, f"to_{form}")()
    made.to_docx(tmp_path / "x.docx")
    with zipfile.ZipFile(tmp_path / "x.docx") as package:
        assert "a□b□c□" in package.read("word/document.xml").decode()


def test_groups_of_rows_have_a_head(tmp_path: Path) -> None:
    made = tables.factors(fit(diary(), model="poisson", terms="sex + diabetes"))
    assert made.index.nlevels == 2
    made.to_excel(tmp_path / "x.xlsx")
    first = [row[0].value for row in openpyxl.load_workbook(tmp_path / "x.xlsx").active.iter_rows()]
    assert first[:5] == ["Factor", "Demography", "Sex", "Disease", "Diabetes"] or "Sex" in first[:4]
    assert made.to_html().count("<tr>") == 1 + len(made) + made.index.get_level_values(0).nunique()


def test_every_table_of_rows_takes_a_result_and_has_its_notes() -> None:
    cohort = diary()
    described = describe(cohort, "sex")
    made = tables.rates(described)
    assert made.equals(tables.rates(described.estimates)) and made.notes == (tables.notes(described.estimates),)
    fitted = fit(cohort, model="negative-binomial", terms="sex")
    factors = tables.factors(fitted)
    assert factors.equals(tables.factors(fitted.estimates))
    assert factors.notes == (*tables.parameters(fitted.estimates), tables.notes(fitted.estimates))
    assert factors.notes[0] in factors.to_markdown().replace("\\^", "^")
    assert isinstance(tables.cleaning(cohort), PrintedTable) and isinstance(
        tables.prevalence(describe(asked())), PrintedTable
    )
    with pytest.raises(UsageError, match="a str has no estimates; give a fit"):
        rows_of("rows")  # type: ignore[arg-type]


def test_pandas_own_ways_stay(tmp_path: Path) -> None:
    made = tables.factors(fit(diary(), model="poisson", terms="sex"))
    plain = pd.DataFrame(made)
    assert made.to_html(classes="own") == plain.to_html(classes="own")
    assert made.to_latex(escape=True) == plain.to_latex(escape=True)
    target = io.BytesIO()
    made.to_excel(target, sheet_name="Own")
    assert openpyxl.load_workbook(target).sheetnames == ["Own"]
    assert isinstance(made.head(1), PrintedTable) and made.head(1).notes == made.notes
    text = io.StringIO()
    made.to_html(text)
    assert text.getvalue() == made.to_html()


def test_a_file_is_written_whole_or_not_at_all(odd: PrintedTable, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    for form, ending in FORMS.items():
        with pytest.raises(OutputError, match="cannot be written"):
            getattr(odd, f"to_{form}")(tmp_path / "file" / f"x.{ending}")
    with pytest.raises(UsageError, match=r"report\.doc has not the ending \.docx, .*; name it report"):
        odd.to_docx(tmp_path / "report.doc")
    with pytest.raises(UsageError, match=r"name it x\.xlsx"):
        odd.to_excel(tmp_path / "x.xls")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


class TestSideBySide:
    """Fits as columns."""

    def test_rows_are_aligned_by_what_they_compare(self) -> None:
        cohort = diary()
        small, large = (fit(cohort, model="negative-binomial", terms=t) for t in ("sex", "diabetes + sex"))
        poisson = fit(cohort, model="poisson", terms="sex")
        made = tables.models(small, large, poisson)
        heads = [f"Negative binomial ({k}): rate ratio (95% CI)" for k in (1, 2)]
        assert list(made.columns) == ["Contrast", *heads, "Poisson: rate ratio (95% CI)"]
        sex = made.xs("Sex", level="Factor").iloc[0]
        for head, each in zip(made.columns[1:], (small, large, poisson), strict=True):
            alone = tables.factors(each).xs("Sex", level="Factor")
            assert sex[head] == alone["Rate ratio (95% CI)"].iloc[0]
        assert made.xs("Diabetes", level="Factor").iloc[0].tolist()[1] == "–"
        foot = made.loc["Model"]
        assert foot.index.tolist() == ["Participants", "Nights", "Events", "Dispersion", "AIC"]
        assert foot.loc["Nights"].tolist() == ["", "480", "480", "480"]
        assert foot.loc["AIC"].tolist()[1:] == [f"{each.aic:,.1f}" for each in (small, large, poisson)]
        assert foot.loc["Dispersion"].tolist()[3] == "–"
        assert "Verdicts" not in " ".join(made.notes)

    def test_names_say_what_differs_or_what_they_are_given(self) -> None:
        cohort = diary()
        cramps, nights = fit(cohort, model="gee-ar1", terms="sex"), fit(cohort, model="logistic", terms="sex")
        made = tables.models(cramps, nights)
        assert made.columns[1].startswith("GEE, AR(1), Cramps: rate ratio")
        assert made.columns[2].startswith("Logistic, Cramp night: odds ratio")
        assert made.loc["Model"].loc["AIC"].tolist()[1] == "–"
        own = tables.models(cramps, nights, names=["First", "Second"])
        assert [head.partition(":")[0] for head in own.columns[1:]] == ["First", "Second"]
        one = tables.models(nights)
        assert len(one.columns) == 2 and "AIC" in one.loc["Model"].index

    def test_numbers_and_failures_have_their_place(self) -> None:
        number = fit(diary(), model="linear", terms="sex", outcome="exercise_min")
        failed = fit(diary(counts=lambda i, night: 0), model="poisson", terms="sex")
        made = tables.models(number, failed)
        assert "difference" in made.columns[1]
        assert made.xs("Sex", level="Factor").iloc[0].tolist()[2] == "could not estimate"
        assert made.loc["Model"].loc["AIC"].tolist()[2] == "–"

    @pytest.mark.parametrize(
        ("given", "names", "message"),
        [
            ((), None, "there is no fit to show"),
            ((1,), None, "got a int"),
            (2, ["a"], "2 fits need as many names, all different; got 'a'"),
            (2, ["a", "a"], "2 fits need as many names, all different; got 'a', 'a'"),
        ],
    )
    def test_what_cannot_be_shown_is_refused(self, given: Any, names: Any, message: str) -> None:
        fits = [fit(diary(), model="poisson", terms="sex")] * given if isinstance(given, int) else given
        with pytest.raises(UsageError, match=message):
            tables.models(*fits, names=names)
