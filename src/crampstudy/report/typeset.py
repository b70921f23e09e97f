"""A collected document → its text as pandoc reads it → PDF (pandoc, Typst) and self-contained web page (pandoc).

The PDF is PDF/A-2a and PDF/UA-1: tagged, archival, accessible. Typst refuses to write it when a figure
or equation has no alternative text, so passing is proof. The same document gives the same bytes.
"""

from __future__ import annotations

import base64
import datetime
import html
import json
import os
import re
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import pypandoc
import typst

from crampstudy import ending, scratch
from crampstudy.look import FONT_DIR, SANS, SERIF
from crampstudy.report import ReportError, glyphs, page
from crampstudy.report.collect import Document

DISCLAIMER = "Research output, not medical advice."
ASSETS = files("crampstudy.report") / "assets"
# Notebook text is prose: no raw HTML or TeX, no metadata; a line of dashes is a rule.
_READER = "markdown-raw_html-raw_tex-raw_attribute-yaml_metadata_block-pandoc_title_block-implicit_figures"
_FINDING = threading.Lock()
"""While pypandoc looks for pandoc it names it wrongly to other threads."""
_SETTING = threading.Lock()
"""Of pages that are set at the same time none gains by what Typst remembers of the others."""
_WEB_FONTS = (
    (SERIF, "normal", 400, "SourceSerif4-Regular"),
    (SERIF, "italic", 400, "SourceSerif4-It"),
    (SERIF, "normal", 600, "SourceSerif4-Semibold"),
    (SANS, "normal", 400, "SourceSans3-Regular"),
    (SANS, "normal", 600, "SourceSans3-Semibold"),
)


@dataclass(frozen=True, slots=True)
class Front:
    """What the title page says: facts as (name, value), parameters as (name, value, meaning).

    Every page says what of the data is ``synthetic``, if anything.
    """

    title: str
    subtitle: str
    date: datetime.date
    version: str
    facts: tuple[tuple[str, str], ...]
    parameters: tuple[tuple[str, str, str], ...]
    synthetic: str = ""

    @property
    def texts(self) -> tuple[Any, ...]:
        """Every text that comes from the cohort or the call."""
        return self.title, self.subtitle, self.facts, self.parameters, self.synthetic


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document with its text as pandoc's JSON, as it is ``printed`` and as it is ``shown`` on screens.

    Labels have their numbers there, references their labels, and citations are set.
    """

    document: Document
    printed: bytes
    shown: bytes


def parsed(document: Document) -> Parsed:
    """Return a document whose text was read, once for all formats.

    Raises:
        ReportError: a reference or citation cannot be resolved, or headings are nested too deeply.
    """
    printed, shown = glyphs.printed(document.markdown), glyphs.shown(document.markdown)
    read = {text: _read(text) for text in dict.fromkeys((printed, shown))}
    return Parsed(document, read[printed], read[shown])


@dataclass(frozen=True, slots=True)
class Typescript:
    """What pages are set from: their text for Typst, ``facts`` and ``blocks`` as JSON, and the ISO date."""

    text: str
    facts: str
    blocks: str
    date: str


_UNSETTLED = "did not converge"
"""What Typst says where the place of something depends on itself."""
_PLACES = ("", "foot")
"""Where figures may be asked for, the best first."""


def typescript(text: Parsed, front: Front) -> Typescript:
    """Return what the pages of a report are set from.

    Raises:
        ReportError: the text cannot be set.
    """
    with scratch.folder() as folder, as_file(ASSETS) as assets:
        # Citations are set already, and Typst is not to set them again.
        body = pandoc(text.printed, "typst-citations", assets, folder).decode()
    return Typescript(
        text=f'#import "template.typ": *\n#show: report\n\n{body}',
        facts=json.dumps(glyphs.printed(facts(front))),
        blocks=json.dumps(glyphs.printed(text.document.blocks)),
        date=front.date.isoformat(),
    )


def pages(script: Typescript) -> bytes:
    """Return a report as PDF/A-2a + PDF/UA-1.

    Where a figure stands may decide on the room that it has there, so that no place is one for good: then all go to the
    foot of the page that tells of them or of the next, which nothing decides but the room.

    Raises:
        ReportError: a reference, heading order or table cannot be set.
    """
    with scratch.folder() as folder:
        (folder / "template.typ").write_bytes((ASSETS / "template.typ").read_bytes())
        (folder / "report.json").write_text(script.facts, encoding="utf-8")
        (folder / "blocks.json").write_text(script.blocks, encoding="utf-8")
        (folder / "main.typ").write_text(script.text, encoding="utf-8")
        for figures in _PLACES:
            made, warnings = _compiled(folder, script.date, figures=figures)
            if not (warnings and _UNSETTLED in warnings[0].message):
                break
    if warnings:
        first = warnings[0]
        raise ReportError(_diagnosis(first.message, first.hints, first.diagnostic, folder))
    if not isinstance(made, bytes):
        raise TypeError(f"Typst returned {type(made).__name__} for a PDF")
    return made


def _compiled(folder: Path, date: str, **inputs: str) -> tuple[Any, list[Any]]:
    """Return what Typst makes of a folder's main text, as of a date, and its warnings."""
    midnight = datetime.datetime.combine(datetime.date.fromisoformat(date), datetime.time(), datetime.UTC)
    try:
        with _SETTING:
            return typst.compile_with_warnings(
                folder / "main.typ",
                root=folder,
                font_paths=[FONT_DIR],
                ignore_system_fonts=True,
                format="pdf",
                sys_inputs=inputs,
                pdf_standards=["a-2a", "ua-1"],
                timestamp=int(midnight.timestamp()),
            )
    except typst.TypstError as problem:
        raise ReportError(_diagnosis(problem.message, problem.hints, problem.diagnostic, folder)) from problem


def facts(front: Front) -> dict[str, Any]:
    """Return what the templates of pages read of the front matter."""
    return {
        "title": _breakable(front.title),
        "subtitle": front.subtitle,
        "synthetic": front.synthetic,
        "date": front.date.isoformat(),
        "version": front.version,
        "facts": [(name, _breakable(value)) for name, value in front.facts],
        "parameters": front.parameters,
        "disclaimer": DISCLAIMER,
    }


def web(text: Parsed, front: Front) -> bytes:
    """Return the report as one HTML page that asks the network for nothing.

    Raises:
        ReportError: it cannot be set.
    """
    with scratch.folder() as folder, as_file(ASSETS) as assets:
        template = (assets / "template.html").read_text(encoding="utf-8")
        style = _font_faces() + (assets / "report.css").read_text(encoding="utf-8")
        # A dollar sign would begin a variable of the template.
        template = template.replace("/*STYLE*/", style.replace("$", "$$"))
        template = template.replace("/*SCRIPT*/", (assets / "report.js").read_text(encoding="utf-8").replace("$", "$$"))
        template = template.replace("/*HEADER*/", _header(front, text.document).replace("$", "$$"))
        (folder / "template.html").write_text(template, encoding="utf-8")
        made = pandoc(
            text.shown,
            "html5",
            assets,
            folder,
            "--standalone",
            "--template=template.html",
            "--mathml",
            "--toc",
            "--toc-depth=2",
            "--number-sections",
            f"--variable=version:{front.version}",
            f"--metadata=pagetitle:{front.title}: {front.subtitle}",
        ).decode()
    made = re.sub(r"<!--view:([\w-]+)-->", lambda match: _view(text.document, match.group(1)), made)
    made = re.sub(r"<!--files:([\w-]+)-->", lambda match: page.table_files(match.group(1)), made)
    return str(glyphs.shown(page.anchored(made))).encode()


def _read(markdown: str) -> bytes:
    """Return a text as pandoc's JSON, numbered and with its citations."""
    with as_file(ASSETS) as assets:
        return _run(
            markdown.encode(),
            f"--from={_READER}",
            "--to=json",
            f"--lua-filter={assets / 'number.lua'}",
            "--citeproc",
            f"--bibliography={assets / 'references.bib'}",
            "--metadata=link-citations:true",
            "--metadata=lang:en-GB",
            "--metadata=reference-section-title:References",
        )


def pandoc(
    text: bytes, target: str, assets: Path, folder: Path, *options: str, day: datetime.date | None = None
) -> bytes:
    """Return a text as pandoc writes it for a target, as of a ``day`` where the target has a date.

    Args:
        text: pandoc's JSON, of a :class:`Parsed`.
        target: its format.
        assets: the folder of filters.
        folder: where pandoc runs.
        options: more of pandoc's options.
        day: the date of a document that has one.

    Raises:
        ReportError: the text cannot be set.
    """
    midnight = datetime.datetime.combine(day or datetime.date(1980, 1, 1), datetime.time(), datetime.UTC)
    return _run(
        text,
        "--from=json",
        f"--to={target}",
        f"--lua-filter={assets / 'filter.lua'}",
        "--syntax-highlighting=none",
        "--wrap=preserve",
        *options,
        folder=folder,
        variables={"SOURCE_DATE_EPOCH": f"{midnight.timestamp():.0f}"},
    )


def _run(text: bytes, *options: str, folder: Path | None = None, variables: Mapping[str, str] | None = None) -> bytes:
    """Return what pandoc makes of a text, in a folder and with variables of the environment."""
    with _FINDING:
        program = pypandoc.get_pandoc_path()
    command = [program, *options, "--fail-if-warnings"]
    with ending.lifeline() as line:
        tied = ending.tied(command, line)
        env = {**os.environ, **(variables or {})}
        done = subprocess.run(tied, input=text, capture_output=True, cwd=folder, env=env, check=False)
    if done.returncode:
        told = done.stderr.decode(errors="replace").strip()
        found = re.search(r"REPORT: (.*?)\s*REPORT-END", told, flags=re.DOTALL)
        raise ReportError(found.group(1) if found else f"the text cannot be set: {told.replace(f'{folder}/', '')}")
    return done.stdout


def _breakable(text: str) -> str:
    """Return a text in which a word that is longer than a line can be broken."""
    return re.sub(r"\S{64}(?=\S)", "\\g<0>\u200b", text)


def _diagnosis(message: str, hints: list[str], diagnostic: str, folder: Path) -> str:
    where = "".join(re.findall(r"^.*(?:main|template)\.typ:\d+.*$", diagnostic, flags=re.MULTILINE)[:1]).strip(" ┌─│")
    hint = f"; {'; '.join(hints)}" if hints else ""
    return f"the PDF cannot be set: {message}{hint} ({where})".replace(f"{folder}/", "")


def _view(document: Document, label: str) -> str:
    block = document.blocks[label]
    return page.picture(document.views[label], block) if block["kind"] == "figure" else page.table(block)


def _header(front: Front, document: Document) -> str:
    facts = "\n".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd>" for name, value in front.facts)
    text = (
        f'<p class="kicker">crampstudy report</p>\n<h1>{html.escape(front.title)}</h1>\n'
        f'<p class="subtitle">{html.escape(front.subtitle)}</p>\n{_synthetic(front)}'
        f'<dl class="facts">\n{facts}\n</dl>\n'
    )
    if front.parameters:
        rows = "\n".join(
            f'<tr><th scope="row">{name}</th><td data-head="Value">{value}</td>'
            f'<td data-head="Meaning">{meaning}</td></tr>'
            for name, value, meaning in (map(html.escape, cells) for cells in front.parameters)
        )
        heads = "".join(f'<th scope="col">{head}</th>' for head in ("Parameter", "Value", "Meaning"))
        text += (
            '<div class="scroll" tabindex="0" role="region" aria-label="Parameters">'
            f"<table><thead><tr>{heads}</tr></thead>\n<tbody>{rows}</tbody></table></div>\n"
        )
    return f'{text}<p class="disclaimer">{DISCLAIMER}</p>\n{_files(document)}'


_HAS_METHODS = re.compile(r"^:+ \{\.notebook name=methods ", re.MULTILINE)
_KEY = re.compile(r"@[a-z]+\d{4}")
"""A citation: no label of a figure, table or section has a year."""


def has_methods(document: Document) -> bool:
    """Say whether a report has the section ``methods``, which is a file beside it as well."""
    return _HAS_METHODS.search(document.markdown) is not None


def _files(document: Document) -> str:
    """Return links to what stands beside the page."""
    files = {"report.pdf": "PDF", "report.docx": "Word", "estimates.csv": "estimates (CSV)"}
    if any(block["kind"] == "table" for block in document.blocks.values()):
        files["tables/tables.xlsx"] = "tables (Excel)"
    if has_methods(document):
        files["methods.md"] = "methods (text)"
    if _KEY.search(document.markdown):
        files["references.bib"] = "references (BibTeX)"
    links = ", ".join(f'<a href="{path}">{name}</a>' for path, name in files.items())
    return f'<p class="files">Also as {links}</p>'


def _synthetic(front: Front) -> str:
    return f'<p class="synthetic">{html.escape(front.synthetic)}</p>\n' if front.synthetic else ""


def _font_faces() -> str:
    faces = []
    for family, slant, weight, name in _WEB_FONTS:
        data = base64.b64encode((FONT_DIR / f"{name}.ttf.woff2").read_bytes()).decode()
        faces.append(
            f'@font-face {{ font-family: "{family}"; font-style: {slant}; font-weight: {weight}; '
            f'src: url("data:font/woff2;base64,{data}") format("woff2"); }}\n'
        )
    return "".join(faces)
