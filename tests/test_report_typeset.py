"""From executed notebooks to one text, and from it to PDF and web page."""

from __future__ import annotations

import datetime
import io
import json
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import pikepdf
import pytest
import typst
from pdf_text import pages_of

from crampstudy import estimates
from crampstudy.figures import style
from crampstudy.report import MIME, ReportError, blocks, typeset
from crampstudy.report.blocks import Block
from crampstudy.report.collect import Document, collect
from crampstudy.report.outline import Outline, OutlinePart

FRONT = typeset.Front(
    "Research insights",
    "Demo <cohort>",
    datetime.date(2024, 6, 30),
    "0.1.0",
    (("Size", "5 participants & 6 nights"), ("Digest", "ab" * 32)),
    (("age_bands", "20, 40", "lower limits, $years$"),),
)
TEXT = """# Age {#sec-age}

Rates rise [@grandner2017], see @fig-age, [-@tbl-rates], @eq-rate and @sec-deep; RR {{rr}}.

::: {#eq-rate alt="rate is cramps over nights"}
$$\\lambda = \\frac{y}{n}$$
:::

## Deep {#sec-deep}

With $x<5$ & *more*.
"""


def figure(label: str = "fig-age") -> Block:
    with style.journal():
        fig, ax = plt.subplots(figsize=(4, 2))
        ax.plot([1, 2], [1, 2])
        ax.set_xlabel("Age (years)")
    return blocks.figure(fig, label, caption="Rates by age.", alt='Line "up" & right', note="A note.")


def pdf(document: Document, front: typeset.Front = FRONT) -> bytes:
    return typeset.pages(typeset.typescript(typeset.parsed(document), front))


def web(document: Document, front: typeset.Front = FRONT) -> bytes:
    return typeset.web(typeset.parsed(document), front)


def in_appendix(block: Block) -> Block:
    return replace(block, data={**block.data, "appendix": True})


def table(rows: int = 2) -> Block:
    index = pd.Index([f"Band {row}" for row in range(rows)], name="Age band")
    return blocks.table(pd.DataFrame({"Rate": ["1.2 (1.1–1.3)"] * rows}, index=index), "tbl-rates", caption="Rates.")


def code(*shown: Block, source: str = "secret = 1", tags: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    outputs = [{"output_type": "display_data", "data": block._repr_mimebundle_()} for block in shown]
    outputs += [{"output_type": "execute_result", "data": data} for data in more.get("bare", ())]
    if "printed" in more:
        outputs.append({"output_type": "stream", "name": "stdout", "text": more["printed"]})
    return {"cell_type": "code", "metadata": {"tags": list(tags)}, "source": source, "outputs": outputs}


def text(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def gathered(folder: Path, *notebooks: list[dict[str, Any]], title: str | None = "Current studies") -> Document:
    paths = tuple(folder / f"n{number}.ipynb" for number in range(len(notebooks)))
    for path, cells in zip(paths, notebooks, strict=True):
        path.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    return collect(Outline("t", (OutlinePart(title, paths),)), {path.stem: path for path in paths})


def full(folder: Path) -> Document:
    return gathered(folder, [text(TEXT), code(blocks.value("rr", "1.3_a*"), figure(), table(60))])


def test_code_is_hidden_unless_shown(tmp_path: Path) -> None:
    hidden = code(source="secret = 1", printed="never")
    shown = code(source="rates = 2", tags=("show",), printed="printed")
    made = gathered(tmp_path, [hidden, shown]).markdown
    assert "secret" not in made and "never" not in made
    assert "rates = 2" in made and "printed" in made


def test_a_value_may_come_from_a_later_notebook(tmp_path: Path) -> None:
    made = gathered(tmp_path, [text("RR {{ rr }}.")], [code(blocks.value("rr", "1_2*"))])
    assert r"RR 1\_2\*." in made.markdown


def findings(**values: str) -> Block:
    csv = estimates.to_csv(estimates.frame([]))
    return Block("findings", {"csv": csv, "values": values}, {"text/plain": "findings"})


def test_the_findings_of_a_section_answer_to_their_names_in_it(tmp_path: Path) -> None:
    one, two = findings(answer="Yes", alone="1"), findings(answer="No")
    made = gathered(tmp_path, [code(one), text("{{answer}}, {{alone}}.")], [code(two), text("{{answer}}: {{alone}}.")])
    assert "Yes, 1." in made.markdown and "No: 1." in made.markdown
    with pytest.raises(ReportError, match=re.escape("unknown value {{answer}}")):
        gathered(tmp_path, [code(one)], [code(two)], [text("{{answer}}")])


def missing(label: str) -> Block:
    return Block("absent", {"label": label}, {"text/plain": label})


def said(why: str | None) -> Block:
    csv = estimates.to_csv(estimates.frame([]))
    return Block("findings", {"csv": csv, "values": {}, "unanswered": why}, {"text/plain": "findings"})


def test_a_part_that_is_missing_is_left_out_with_what_the_prose_says_of_it(tmp_path: Path) -> None:
    cells = [
        text("# Sleep"),
        code(blocks.prose("It was asked. @tbl-two has 1.5 h of it. All of [@tbl-two; @seabold2010] lies.")),
        text("## In numbers"),
        code(blocks.prose("Numbers follow.")),
        code(missing("tbl-two")),
        text("## More"),
        code(blocks.prose("@tbl-rates has more; (@tbl-two) has not. Still. @tbl-rates has them.")),
        code(table(), missing("fig-two")),
        text("## Limits"),
        code(blocks.prose("@tbl-two is a limit.")),
        code(blocks.prose("There are limits.")),
    ]
    made = gathered(tmp_path, cells).markdown
    assert "It was asked." in made and "Numbers" not in made and "tbl-two" not in made and "fig-two" not in made
    assert "## More\n\nStill. @tbl-rates has them.\n\n::::::: {#tbl-rates" in made
    assert "1.5 h" not in made and "There are limits." in made


def test_a_heading_with_nothing_under_it_is_left_out(tmp_path: Path) -> None:
    cells = [
        text("# Sleep"),
        code(blocks.prose("It was asked.")),
        text("## What could not be estimated"),
        code(Block("value", {"name": "nothing", "text": ""}, {"text/plain": ""}), blocks.prose("{{nothing}}")),
        text("## By age"),
        text("### Below 60"),
        code(blocks.prose("Less.")),
        text("### From 60 on"),
        text("## Limits\n\nThere are some."),
    ]
    made = gathered(tmp_path, cells).markdown
    assert "could not" not in made and "From 60" not in made
    assert "## By age\n\n### Below 60\n\nLess." in made and "## Limits\n\nThere are some." in made


def test_sections_of_which_nothing_is_answered_are_sentences_of_one_list(tmp_path: Path) -> None:
    answered, nothing = said(None), said("Could not estimate: no *fluid*.")
    sections = [
        [
            text("# Hydration {#sec-water}"),
            code(nothing),
            code(missing("tbl-one")),
            code(blocks.prose("See @tbl-one.")),
        ],
        [text("# Sleep"), code(nothing), code(answered)],
        [code(said("No season."))],
    ]
    made = gathered(tmp_path, *sections).markdown
    assert "# Current studies" in made and "# Sleep" in made and "sec-water" not in made and "See" not in made
    listed = made.split("# Questions without an answer here")[1]
    assert "- **Hydration.** Could not estimate: no \\*fluid\\*.\n- **n2.** No season.\n" in listed
    alone = gathered(tmp_path, sections[0]).markdown
    assert "Current studies" not in alone and "**Hydration.**" in alone


def test_what_a_summary_cannot_know_of_is_in_the_list_all_the_same(tmp_path: Path) -> None:
    summary = {**said(None).data, "values": {"unanswered": "- Sleep: no."}}
    cells = {
        "summary": [text("# Summary"), code(Block("findings", summary, {"text/plain": ""}))],
        "sleep": [text("# Sleep"), code(said("No sleep."))],
        "prediction": [text("# Prediction"), code(said("Too few."))],
    }
    for name, own in cells.items():
        (tmp_path / f"{name}.ipynb").write_text(json.dumps({"cells": own}), encoding="utf-8")
    paths = {name: tmp_path / f"{name}.ipynb" for name in cells}
    outline = Outline("t", (OutlinePart("Main", tuple(paths.values())),))
    # Prediction draws on others, as the summary does, and is made beside it.
    made = collect(outline, paths, ("summary", "prediction")).markdown
    listed = made.split("# Questions without an answer here")[1]
    assert "- **Prediction.** Too few." in listed and "Sleep" not in listed
    assert "without an answer" not in collect(outline, paths | {"prediction": paths["sleep"]}, ("summary",)).markdown


def test_the_list_stands_before_an_appendix(tmp_path: Path) -> None:
    for name, cells in {"a": [text("# A"), code(said("No."))], "b": [text("# B"), code(said(None))]}.items():
        (tmp_path / f"{name}.ipynb").write_text(json.dumps({"cells": cells}), encoding="utf-8")
    paths = {name: tmp_path / f"{name}.ipynb" for name in "ab"}
    parts = (OutlinePart("Main", (paths["a"],)), OutlinePart("Appendix", (paths["b"],), appendix=True))
    made = collect(Outline("t", parts), paths).markdown
    assert made.index("without an answer") < made.index("# Appendix") < made.index("# B") and "# Main" not in made


def test_what_goes_to_the_appendix_stands_there_under_its_section_and_is_spoken_of_where_it_was(tmp_path: Path) -> None:
    sleep = [
        text("# Sleep *well*"),
        code(blocks.prose("Slept, as @fig-told shows.")),
        code(in_appendix(figure("fig-told"))),
        text("## Levels"),
        code(blocks.prose("Levels.")),
        code(figure("fig-here"), in_appendix(table())),
        code(blocks.prose("Of the appendix alone.", appendix=True)),
        text("## Nothing"),
        text("## Within"),
        text("### Deeper"),
        code(blocks.prose("Deep.")),
    ]
    made = gathered(tmp_path, sleep).markdown
    main, appendix = made.split("# Appendix")
    assert "{#fig-here" in main and "{#fig-told" not in main and "Of the appendix" not in main
    # What the text speaks of is not spoken of again.
    assert "See also @tbl-rates in the appendix." in main and main.count("@fig-told") == 1
    assert appendix.startswith("\n\n## Checks and sensitivity analyses")
    assert "# Sleep *well* {#further-n0}" in appendix and "shift=2" in appendix
    assert appendix.index("{#fig-told") < appendix.index("{#tbl-rates") < appendix.index("Of the appendix alone.")
    assert "## Nothing" not in made and "## Within\n\n### Deeper" in made


def test_the_appendix_of_an_outline_takes_it_first(tmp_path: Path) -> None:
    cells = {
        "a": [text("# A"), code(in_appendix(table()))],
        "b": [text("# B"), code(blocks.prose("Own."))],
    }
    for name, own in cells.items():
        (tmp_path / f"{name}.ipynb").write_text(json.dumps({"cells": own}), encoding="utf-8")
    paths = {name: tmp_path / f"{name}.ipynb" for name in "ab"}
    parts = (OutlinePart("Main", (paths["a"],)), OutlinePart("More", (paths["b"],), appendix=True))
    made = collect(Outline("t", parts), paths).markdown
    order = [made.index(each) for each in ("# Main", "See also", "# More", "## Checks", "{#tbl-rates", "# B")]
    assert order == sorted(order) and "# Appendix" not in made


def test_estimates_are_joined_under_one_header(tmp_path: Path) -> None:
    block = blocks.record(
        estimates.frame([estimates.row(status="converged", analysis="regression", cohort="c", estimate=2.0)])
    )
    lines = gathered(tmp_path, [code(block)], [code(block)]).estimates.splitlines()
    assert lines[0] == ",".join((*estimates.COLUMNS, "where"))
    assert len(lines) == 3 and lines[1] == lines[2]


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ([code(table()), code(table())], "label 'tbl-rates' is defined in n0 and again in n0"),
        ([text("# A {#sec-a}"), text("# B {#sec-a}")], "label 'sec-a'"),
        ([code(blocks.value("rr", "1"), blocks.value("rr", "2"))], "value 'rr'"),
        ([text("{{rr}}")], "unknown value {{rr}}"),
        ([code(bare=[{"text/html": "<b>", "text/plain": "a frame"}])], "shows 'a frame' outside a block"),
    ],
)
def test_what_cannot_be_collected_is_told(tmp_path: Path, cells: list[dict[str, Any]], told: str) -> None:
    with pytest.raises(ReportError, match=re.escape(told)) as caught:
        gathered(tmp_path, cells)
    assert caught.value.exit_code == 6


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("See @fig-none and @sec-a.\n\n# A {#sec-a}", "notebook n0: unknown reference @fig-none; known are: @sec-a"),
        ("See [@nobody1999].", "nobody1999"),
        (
            "Write to us @foo.com.",
            "notebook n0: @foo.com names no work of the bibliography; where it is no citation write \\@foo.com",
        ),
        ("::: {#eq-a}\n$$x$$\n:::", "equation eq-a needs alt text"),
        ("::: {#eq-a alt='x'}\nx\n:::", "holds no"),
        ("![a](b.png)", "a picture in the text"),
        (
            "# A\n\n#### B\n\nText.",
            "heading 'B' leaves out a level: below the heading before it comes one with 2 of #, and it has 4",
        ),
    ],
)
@pytest.mark.parametrize("target", [pdf, web])
def test_what_cannot_be_set_is_told(tmp_path: Path, source: str, told: str, target: Any) -> None:
    document = gathered(tmp_path, [text(source)])
    with pytest.raises(ReportError, match=re.escape(told)) as caught:
        target(document)
    assert str(tmp_path) not in str(caught.value)


def test_a_figure_without_alternative_text_never_reaches_print(tmp_path: Path) -> None:
    document = full(tmp_path)
    document.blocks["fig-age"]["alt"] = None  # type: ignore[index]
    with pytest.raises(ReportError, match="alt"):
        pdf(document)


def test_the_note_of_a_long_table_goes_with_its_last_rows(tmp_path: Path) -> None:
    """Whatever stands above it: of a table that fills its page the last two rows go on with the note."""
    index = pd.Index([f"Band {row}" for row in range(14)], name="Age band")
    shown = blocks.table(
        pd.DataFrame({"Rate": "1.2"}, index=index), "tbl-rates", caption="Rates.", note="A note below."
    )
    alone = []
    for above in range(12, 32, 2):
        filled = text("# Age\n\n" + "\n\n".join(["A line."] * above))
        pages = pages_of(pdf(gathered(tmp_path, [filled, code(shown)])))
        (noted,) = (page for page in pages if "A note below." in page)
        assert all(f"Band {row}" in noted for row in (12, 13))
        alone.append("Band 11" not in noted)
    assert any(alone), "no table was so long that its note would have been alone"


def test_a_long_note_goes_on_but_never_stands_alone(tmp_path: Path) -> None:
    """Three of its lines stand below the table, and where it begins the table's last rows are."""
    index = pd.Index([f"Band {row}" for row in range(3)], name="Age band")
    note = "NOTED. " + "Words of a note that takes many lines below its table. " * 20 + "ENDED."
    shown = blocks.table(pd.DataFrame({"Rate": "1.2"}, index=index), "tbl-rates", caption="Rates.", note=note)
    broken = 0
    for above in range(16, 32, 2):
        filled = text("# Age\n\n" + "\n\n".join(["A line."] * above))
        pages = pages_of(pdf(gathered(tmp_path, [filled, code(shown)])))
        begun, ended = (next(at for at, page in enumerate(pages) if word in page) for word in ("NOTED.", "ENDED."))
        assert all(f"Band {row}" in pages[begun] for row in range(3)) and ended - begun <= 1
        broken += ended > begun
    assert broken, "no note went on"


def test_what_goes_on_says_which_table_it_is(tmp_path: Path) -> None:
    """Above it, on each page but the one where the table's caption stands, wherever that is."""
    index = pd.Index([f"A band of a long name {row}" for row in range(14)], name="Age band")
    shown = blocks.table(pd.DataFrame({"Rate": "1.2"}, index=index), "tbl-rates", caption="Rates of a name. " * 12)
    went_on = 0
    for above in range(22, 34, 2):
        filled = text("# Age\n\n" + "\n\n".join(["A line."] * above))
        pages = pages_of(pdf(gathered(tmp_path, [filled, code(shown)])))
        begun = next(at for at, page in enumerate(pages) if "Rates of a name." in page)
        heads = [at for at, page in enumerate(pages) if "Table 1, continued" in page]
        assert heads == [begun + 1] * ("long name 13" not in pages[begun])
        went_on += len(heads)
    assert went_on, "no table went on"


def test_the_last_rows_of_a_group_go_on_below_its_head(tmp_path: Path) -> None:
    """A head of a group stands above each part of it, and no part has one row alone."""
    rows = [("Sleep", f"Night {row}") for row in range(3)] + [("Drinks", f"Glass {row}") for row in range(20)]
    index = pd.MultiIndex.from_tuples(rows, names=["", "Factor"])
    shown = blocks.table(pd.DataFrame({"Rate": "1.2"}, index=index), "tbl-rates", caption="Rates.")
    broken = 0
    for above in range(4, 24, 2):
        filled = text("# Age\n\n" + "\n\n".join(["A line."] * above))
        pages = pages_of(pdf(gathered(tmp_path, [filled, code(shown)])))
        with_last = next(page for page in pages if "Glass 19" in page)
        assert "Drinks" in with_last and "Glass 18" in with_last
        broken += "Glass 0" not in with_last
    assert broken, "no table went on"


def test_the_pdf_is_tagged_archival_and_dated(tmp_path: Path) -> None:
    made = pdf(full(tmp_path))
    with pikepdf.open(io.BytesIO(made)) as book:
        assert book.Root.MarkInfo.Marked and str(book.Root.Lang).startswith("en")
        with book.open_metadata() as meta:
            assert (meta["pdfaid:part"], meta["pdfaid:conformance"], meta["pdfuaid:part"]) == ("2", "A", "1")
            assert meta["dc:title"] == "Research insights: Demo <cohort>"
        assert str(book.docinfo["/CreationDate"]).startswith("D:20240630")
        fonts = {str(font) for page in book.pages for font in _fonts(page)}
    assert any("SourceSerif4" in font for font in fonts) and any("SourceSans3" in font for font in fonts)
    assert not any("Libertinus" in font or "DejaVuSans-" in font for font in fonts)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        for name, value in attrs:
            if name == "id" and value:
                self.ids.append(value)
            if name == "href" and value:
                self.links.append(value)


def test_the_web_page_stands_alone(tmp_path: Path) -> None:
    document = gathered(
        tmp_path,
        [text(TEXT), code(blocks.value("rr", "1"), figure(), table())],
        [text("# Second"), code(figure("fig-other"))],
    )
    made = web(document).decode()
    page = _Page()
    page.feed(made)
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    fetched = [(t, a) for t, a in page.tags if t in ("link", "img", "iframe") or "src" in a]
    assert not fetched and not re.search(r"url\((?!['\"]?(?:data:|#))|@import", made)
    svgs = [attributes for tag, attributes in page.tags if tag == "svg"]
    assert [svg["role"] for svg in svgs] == ["img", "img"] and svgs[0]["aria-label"] == 'Line "up" & right'
    assert '<html lang="en-GB">' in made and "Demo &lt;cohort&gt;" in made and "$years$" in made
    assert "<math" in made and "not medical advice" in made


def test_both_targets_number_alike(tmp_path: Path) -> None:
    page = web(full(tmp_path)).decode()
    for label, shown in {"fig-age": "Figure\u00a01", "tbl-rates": "1", "eq-rate": "Equation\u00a01"}.items():
        assert re.search(rf'<a[^>]*href="#{label}"[^>]*>{shown}</a>', page), label
    # The notebook's own heading moved below its part's.
    assert re.search(r'href="#sec-deep"[^>]*>Section\u00a01\.1\.1</a>', page)


def test_a_part_that_repeats_its_only_notebook_has_one_heading(tmp_path: Path) -> None:
    document = gathered(tmp_path, [text("# Age {#sec-x}\n\n@sec-x")], title="Age")
    page = web(document).decode()
    assert "Section\u00a01<" in page
    assert len(re.findall(r"<h1[ >]", page)) == 2


def test_the_same_document_gives_the_same_bytes_anywhere(tmp_path: Path) -> None:
    full(tmp_path)
    program = f"""
import sys; sys.path.insert(0, {str(Path(__file__).parents[1] / "src")!r})
import datetime, hashlib
from pathlib import Path
from types import SimpleNamespace
from crampstudy.report import typeset
from crampstudy.report.beside.outputs import outputs
from crampstudy.report.collect import collect
from crampstudy.report.outline import Outline, OutlinePart
path = Path({str(tmp_path / "n0.ipynb")!r})
document = collect(Outline("t", (OutlinePart("Current studies", (path,)),)), {{"n0": path}})
front = typeset.Front("T", "c", datetime.date(2024, 6, 30), "0", (), ())
made = outputs(document, front, pictures=True)
sys.stdout.write(hashlib.sha256(b"".join(made[name] for name in sorted(made))).hexdigest())
"""
    digests = set()
    for seed, zone, place in (("1", "UTC", "/"), ("77", "Asia/Tokyo", str(tmp_path))):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "TZ": zone, "PATH": ""},
            cwd=place,
            capture_output=True,
            check=True,
        )
        digests.add(done.stdout)
    assert len(digests) == 1


def _fonts(page: pikepdf.Page) -> list[Any]:
    return [font.BaseFont for font in page.resources.get("/Font", {}).values()]


@pytest.mark.parametrize("name", ["h (2)", 'a "b" \\c', "hé", "1.2"])
def test_a_notebook_may_have_any_file_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"{name.replace('/', '-')}.ipynb"
    cells = [text("# Of $\\alpha$\n\nText."), code(blocks.prose("@fig-none"))]
    path.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    outline = Outline("R", (OutlinePart(None, (path,)),))
    document = collect(outline, {name: path})
    with pytest.raises(ReportError, match=re.escape(f"notebook {name}: unknown reference @fig-none")):
        pdf(document)


def test_a_view_is_named_by_its_mime_type() -> None:
    assert set(figure()._repr_mimebundle_()) == {MIME, "image/svg+xml", "image/png", "text/plain"}


def test_a_figure_is_never_above_the_heading_of_its_section(tmp_path: Path) -> None:
    """It goes below the paragraph before it, which is marked for it, or the table; right below a heading it stays."""
    shown = "::: {{#fig-{} .figure}}\nA caption.\n:::\n\n"
    first = f"# One\n\nA sentence.\n\n{shown.format('a')}## Two\n\n{shown.format('b')}A word.\n\n{shown.format('c')}"
    second = f"# Three\n\n{shown.format('d')}{shown.format('e')}"
    text = "".join(f"::: {{.notebook name={name} shift=0}}\n{of}:::\n\n" for name, of in (("n", first), ("m", second)))
    made = typeset.typescript(typeset.parsed(Document(text, {}, {}, "")), FRONT).text
    calls = dict(re.findall(r'#report-figure\("fig-(\w)".*?note: \[\s*\], place: "(\w+)"\)', made, flags=re.DOTALL))
    assert calls == {"a": "below", "b": "here", "c": "below", "d": "here", "e": "below"}
    told = re.findall(r'See (#ref\(<fig-\w>), supplement: \[Figure\]\)#told\("(fig-\w)"\)\.', made)
    assert told == [("#ref(<fig-a>", "fig-a"), ("#ref(<fig-c>", "fig-c")], "after a heading no paragraph tells of it"


def test_each_figure_and_table_is_named_in_the_text() -> None:
    """One that no sentence names is named at the end of the paragraph before it, in all formats."""
    shown = "::: {{#{} .{}}}\nA caption.{}\n:::\n\n"
    a, b, c = (shown.format(f"fig-{x}", "figure", more) for x, more in (("a", ""), ("b", " As @fig-c."), ("c", "")))
    d, e = (shown.format(f"tbl-{x}", "table", "") for x in "de")
    body = f"# One\n\n@tbl-e says more.\n\n{a}{d}{b}{e}## Two\n\n{c}Nothing follows.\n\n"
    document = Document(f"::: {{.notebook name=n shift=0}}\n{body}:::\n", {}, {}, "")
    parts = json.loads(typeset.parsed(document).shown)["blocks"][0]["c"][1]
    first = json.dumps(parts[1])
    assert re.findall(r'"label", "([\w-]+)"', first) == ["tbl-e", "fig-a", "tbl-d", "fig-b"]
    assert first.count('"See"') == 1 and '"See"' not in json.dumps(parts[2:])


_PLACES = """
#context [#metadata(query(selector(figure).or(selector(metadata))).filter(it => "label" in it.fields()).map(it => {
  let at = it.location().position()
  (str(it.label), at.page, at.y.pt())
}))<places>]
"""
"""What tells where figures and the marks of them are."""


def test_figures_stand_at_the_foot_of_the_page_that_tells_of_them_or_at_the_head_of_the_next(tmp_path: Path) -> None:
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="300pt" height="280pt"><rect width="9" height="9"/></svg>'
    shown = {f"fig-{label}": {"kind": "figure", "label": f"fig-{label}", "svg": svg, "alt": "A."} for label in "abcd"}
    words = "More words follow. " * 60
    told = "".join(f"Words on it.\n\n::: {{#{label} .figure}}\nA caption.\n:::\n\n{words}\n\n" for label in shown)
    document = Document(f"::: {{.notebook name=n shift=0}}\n# One\n\n{told}\n:::\n", shown, {}, "")
    made = typeset.typescript(typeset.parsed(document), FRONT)
    for name, content in (("report.json", made.facts), ("blocks.json", made.blocks), ("main.typ", made.text + _PLACES)):
        (tmp_path / name).write_text(content, encoding="utf-8")
    (tmp_path / "template.typ").write_bytes((typeset.ASSETS / "template.typ").read_bytes())
    (found,) = json.loads(typst.query(tmp_path / "main.typ", "<places>", field="value"))
    at = {label: (page, y) for label, page, y in found}
    for label in shown:
        (told_on, told_y), (page, y) = at[f"told-{label}"], at[label]
        assert (page == told_on and y > told_y) or (page == told_on + 1 and y < 100), label
    assert {at[label][0] - at[f"told-{label}"][0] for label in shown} == {0, 1}, "both of them happen"


@pytest.mark.parametrize("filled", [60, 150, 170, 190])
def test_a_figure_stands_in_its_own_section(tmp_path: Path, filled: int) -> None:
    """At the end of a section it had gone to a page on which another section went on."""
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="300pt" height="280pt"><rect width="9" height="9"/></svg>'
    shown = {f"fig-{label}": {"kind": "figure", "label": f"fig-{label}", "svg": svg, "alt": "A."} for label in "ab"}
    a, b = (f"Words on it.\n\n::: {{#{label} .figure}}\nA caption.\n:::\n\n" for label in shown)
    words = "More words follow. " * filled
    text = f"# One\n\n{words}\n\n{a}\n\n# Two\n\n{b}\n\n{words}\n\n"
    made = typeset.typescript(
        typeset.parsed(Document(f"::: {{.notebook name=n shift=0}}\n{text}\n:::\n", shown, {}, "")), FRONT
    )
    for name, content in (("report.json", made.facts), ("blocks.json", made.blocks), ("main.typ", made.text + _PLACES)):
        (tmp_path / name).write_text(content, encoding="utf-8")
    (tmp_path / "template.typ").write_bytes((typeset.ASSETS / "template.typ").read_bytes())
    (found,) = json.loads(typst.query(tmp_path / "main.typ", "<places>", field="value"))
    at = {label: (page, y) for label, page, y in found}
    (page, y), (told_on, _), (next_on, next_y) = at["drawn-fig-a"], at["told-fig-a"], at["told-fig-b"]
    assert page == told_on if filled == 60 else (page, y) < (next_on, next_y)


def test_tables_stand_in_the_order_of_their_numbers() -> None:
    """A table that went to the head of a page would stand before one that goes on there."""
    template = (typeset.ASSETS / "template.typ").read_text(encoding="utf-8")
    placed = re.findall(r'kind: "report-table".*?placement: (\w+)', template)
    assert placed == ["none"]


@pytest.mark.parametrize("settles", ["", "foot", None])
def test_pages_whose_figures_find_no_place_are_set_with_figures_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settles: str | None
) -> None:
    asked, compiled = [], typeset._compiled

    def unsettled(folder: Path, date: str, *, figures: str) -> tuple[Any, list[Any]]:
        asked.append(figures)
        made, warnings = compiled(folder, date, figures=figures)
        assert not warnings
        restless = SimpleNamespace(message="document did not converge within five attempts", hints=(), diagnostic="")
        return made, [] if figures == settles else [restless]

    monkeypatch.setattr(typeset, "_compiled", unsettled)
    document = full(tmp_path)
    if settles is None:
        with pytest.raises(ReportError, match="did not converge"):
            pdf(document)
    else:
        assert "Rates by age." in "".join(pages_of(pdf(document)))
    places = ["", "foot"]
    assert asked == (places if settles is None else places[: places.index(settles) + 1])


@pytest.mark.parametrize("name", ["Koeln_cohort_of_nocturnal_leg_cramps_in_the_elderly_2023_final", "x" * 300])
def test_a_long_name_is_parted_within_the_margins(tmp_path: Path, name: str) -> None:
    document = gathered(tmp_path, [text("# Age\n\nA line.")])
    titled = pages_of(pdf(document, replace(FRONT, title=name, subtitle="Demo")))[0].replace("\u200b", "")
    # Each line of a page is a word of its text here.
    assert name not in titled and name in titled.replace(" ", "")


def test_a_table_with_more_columns_than_a_page_has_room_for_stands_in_parts(tmp_path: Path) -> None:
    columns = [f"a heading of column {n}" for n in range(24)]
    wide = pd.DataFrame(
        [range(100, 124), range(200, 224)], columns=columns, index=pd.Index(["one", "two"], name="Stub")
    )
    found = pages_of(pdf(gathered(tmp_path, [text("# A"), code(blocks.table(wide, "tbl-wide", caption="Wide."))])))
    printed = " ".join(" ".join(found).split())
    # Each part has the stub and its rows whole, and no column is in two.
    assert 1 < printed.count("Stub") == printed.count("one") == printed.count("two") < 6
    assert all(printed.count(str(number)) == 1 for number in (*range(100, 124), *range(200, 224)))
