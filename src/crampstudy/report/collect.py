"""Executed notebooks → one Markdown text, its blocks and its estimates."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crampstudy.nights import said_once
from crampstudy.report import MIME, ReportError
from crampstudy.report.outline import Outline
from crampstudy.report.prose import VALUE, escaped, without
from crampstudy.report.trace import RowTrace, TextPiece, as_data, by_mark, shown
from crampstudy.report.trace.places import RowPlaces, keys_of
from crampstudy.wording import listed

_VIEW = {"figure": "image/svg+xml", "table": "text/html"}
_TITLE = re.compile(r"^#[ \t]+(.+?)[ \t]*(?:\{[^{}]*\})?[ \t]*$", re.MULTILINE)
_HEADING = re.compile(r"\s*(#{1,6}) ")
_HEADING_LINE = re.compile(r"\s*#{1,6} .*")
_UNANSWERED = "Questions without an answer here"
_METHODS = "methods"
"""The notebook that is a file beside the report as well."""
_APPENDIX, _FURTHER = "Appendix", "Checks and sensitivity analyses"
_MENTION = re.compile(r"@((?:fig|tbl)-[\w-]+)")
_WORD = re.compile(r"[A-Za-z0-9][\w-]*", re.ASCII)
_NO_WORD = re.compile(r"[^\w-]+")
_LABEL = re.compile(r"\{#((?:sec|eq)-[\w-]+)")
# A notebook's heading may not lose its own page, nor a report its figures, to a bare object.
_UNBLOCKED = ("image/svg+xml", "image/png", "text/html")


@dataclass(frozen=True, slots=True)
class Document:
    """A report before it is typeset.

    ``blocks`` maps label to a figure or table, of which ``views`` has the SVG for the web page. The rows of tables have
    their cells also in pieces (``traced``), which name the estimates that they show. ``estimates`` is CSV, with the
    places that show each row.
    """

    markdown: str
    blocks: Mapping[str, Mapping[str, Any]]
    views: Mapping[str, str]
    estimates: str


def collect(
    outline: Outline,
    executed: Mapping[str, Path],
    later: Collection[str] = (),
    unheard: Collection[str] | None = None,
) -> Document:
    """Return the document of executed notebooks (name → file) in the order of the outline.

    What they send to the appendix stands at its head, under the titles of their sections. Those that ran ``later`` say
    again what the others recorded, and such a row is recorded once. None of them drew on those ``unheard``, by default
    themselves.

    Raises:
        ReportError: a label or value is defined twice, a value unknown, or a result shown without a block.
    """
    contents = {
        path.stem: json.loads(executed[path.stem].read_text(encoding="utf-8"))["cells"] for path in outline.notebooks
    }
    gathered = _Gathered()
    for name, cells in contents.items():
        for cell in cells:
            gathered.take(name, cell)
    gathered.trace()
    parts: list[str] = []
    appendix: list[str] = []
    further: list[str] = []
    for part in outline.parts:
        names = [path.stem for path in part.notebooks if not gathered.unanswered(path.stem)]
        texts = [_notebook(name, contents[name], gathered) for name in names]
        # A part of one notebook that bears its title needs no heading of its own.
        bears = rf"\s*# +{re.escape(part.title or '')}\s*(\{{|$)"
        alone = len(texts) == 1 and re.match(bears, texts[0].main, re.MULTILINE)
        shift = 0 if part.title is None or alone else 1
        place = appendix if part.appendix else parts
        if shift and texts:
            place.append(f"# {escaped(part.title or '')}\n")
        for name, text in zip(names, texts, strict=True):
            place += _with_methods(name, text.main, shift, apart=_METHODS not in contents)
            if text.further:
                title = _TITLE.search(text.main)
                label = _NO_WORD.sub("-", name)
                heading = f"# {title[1] if title else escaped(name)} {{#further-{label}}}"
                further.append(_of_notebook(name, f"{heading}\n\n{text.further}", shift=2))
    if further:
        # An outline may have no appendix of its own, or one that is a single section.
        headed = appendix[:1] if appendix[:1] and appendix[0].startswith("# ") else [f"# {_APPENDIX}\n"]
        appendix = [*headed, f"## {_FURTHER}\n", *further, *(each for each in appendix if each not in headed)]
    unheard = later if unheard is None else unheard
    # A summary of the others says so at its head, but of those alone that ran before it.
    told = any("unanswered" in gathered.found.get(name, {}) for name in later)
    parts += _unanswered({name: cells for name, cells in contents.items() if name in unheard or not told}, gathered)
    rows = [(csv, name in later) for name in contents for csv in gathered.estimates.get(name, ())]
    estimates = gathered.places.beside(rows)
    markdown = said_once("\n".join([*parts, *appendix]), escaped)
    return Document(markdown, gathered.blocks, gathered.views, estimates)


def _unanswered(contents: Mapping[str, list[Mapping[str, Any]]], gathered: _Gathered) -> Iterator[str]:
    """Yield the part that names the sections of which this cohort answers nothing, and why."""
    lines = []
    for name, cells in contents.items():
        if reason := gathered.unanswered(name):
            titles = _TITLE.findall(_markdown_of(cells))
            lines.append(f"- **{titles[0] if titles else escaped(name)}.** {escaped(reason)}")
    if lines:
        text = "\n".join([f"# {_UNANSWERED}", "", *lines])
        yield _of_notebook("unanswered", text, shift=0)


def _of_notebook(name: str, text: str, shift: int) -> str:
    # A name of one word stands as it is; what else is in one would end the attribute.
    quoted = name if _WORD.fullmatch(name) else '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    return f":::::::: {{.notebook name={quoted} shift={shift}}}\n\n{text}\n\n::::::::\n"


def _with_methods(name: str, text: str, shift: int, *, apart: bool) -> list[str]:
    """Return a notebook's text, what it heads as methods as a notebook of its own where there is none of that name."""
    before, heading, methods = text.partition("\n# Methods\n") if apart else (text, "", "")
    made = [_of_notebook(name, before, shift)]
    return [*made, _of_notebook(_METHODS, heading + methods, shift)] if heading else made


def _markdown_of(cells: list[Mapping[str, Any]]) -> str:
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


@dataclass(frozen=True, slots=True)
class _Value:
    """The text of a value, and the rows of the section that it is of; ``recorded`` with the marks of its rows."""

    text: str
    trace: RowTrace
    recorded: bool

    def pieces(self) -> list[TextPiece]:
        """Return its text in pieces, of which numbers name their rows; those of a paragraph stand together."""
        paragraphs = self.text.split("\n")
        parted = [self.trace.pieces([paragraph], recorded=self.recorded)[0] for paragraph in paragraphs]
        return [piece for i, each in enumerate(parted) for piece in ([TextPiece("\n")] if i else []) + each]


@dataclass(slots=True)
class _Gathered:
    """What the notebooks show: ``values`` are of the report, those ``found`` of the section that found them.

    ``missing`` are labels of what a section has not; ``reasons`` say of its findings why they answer nothing, if so.
    """

    blocks: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    views: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    found: dict[str, dict[str, str]] = field(default_factory=dict)
    estimates: dict[str, list[str]] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    traces: dict[str, RowTrace] = field(default_factory=dict)
    places: RowPlaces = field(default_factory=RowPlaces)
    reasons: dict[str, list[str | None]] = field(default_factory=dict)

    def unanswered(self, notebook: str) -> str | None:
        """Return why a notebook answers nothing, ``None`` where any of its findings does, or it has none."""
        reasons = self.reasons.get(notebook, [])
        return None if None in reasons else " ".join(filter(None, reasons)) or None

    def take(self, notebook: str, cell: Mapping[str, Any]) -> None:
        if cell["cell_type"] == "markdown":
            self._own_labels("".join(cell["source"]), notebook)
        for data in displayed(cell):
            match data.get(MIME):
                case None:
                    self._refuse_bare(notebook, data)
                case {"kind": "prose", "markdown": markdown}:
                    self._own_labels(markdown, notebook)
                case {"kind": "value", "name": name, "text": text}:
                    self._own(name, "value", notebook)
                    self.values[name] = text
                case {"kind": "findings", "csv": csv, "values": values} as found:
                    self.estimates.setdefault(notebook, []).append(csv)
                    self.found.setdefault(notebook, {}).update({**values, **found.get("marked", {})})
                    why = found.get("unanswered")
                    self.reasons.setdefault(notebook, []).append(str(why) if why else None)
                case {"kind": "absent", "label": label} | {"missing": _, "label": label}:
                    self._own(label, "label", notebook)
                    self.missing.add(label)
                case block:
                    self._own(block["label"], "label", notebook)
                    self.blocks[block["label"]] = block
                    self.views[block["label"]] = "".join(data[_VIEW[block["kind"]]])

    def trace(self) -> None:
        """Lead the numbers of figures and tables back to the rows of their sections."""
        self.traces = {
            notebook: RowTrace.of(self.estimates.get(notebook, [])) for notebook in {*self.owners.values(), *self.found}
        }
        report = by_mark(self.traces.values())
        self.traces = {
            notebook: trace.telling(self._texts(notebook), report) for notebook, trace in self.traces.items()
        }
        for label, block in self.blocks.items():
            trace = self.traces[self.owners[label]]
            if block["kind"] == "table":
                lines = [
                    trace.pieces(row.get("marked") or row["cells"], recorded="marked" in row) for row in block["rows"]
                ]
                self.places.add(label, shown(piece for line in lines for cell in line for piece in cell))
                traced = [[as_data(cell) for cell in line] for line in lines]
                # Of marks nothing beyond this knows.
                plain = [{name: cell for name, cell in row.items() if name != "marked"} for row in block["rows"]]
                self.blocks[label] = {**block, "rows": plain, "traced": traced}
            else:
                self.places.add(label, keys_of(block.get("csv") or ""))
            told = {name: trace.pieces([text], recorded=True)[0] for name, text in block.get("told", {}).items()}
            self.places.add(label, {key for pieces in told.values() for key in shown(pieces)})
            spans = {name: "".join(_span(piece, str) for piece in pieces) for name, pieces in told.items()}
            self.blocks[label] = {**self.blocks[label], "told": spans}

    def _texts(self, notebook: str) -> Iterator[str]:
        yield from self.found.get(notebook, {}).values()
        for label, block in self.blocks.items():
            if self.owners[label] == notebook:
                yield from (cell for row in block.get("rows", ()) for cell in row.get("marked", ()))
                yield from block.get("told", {}).values()

    def seen_from(self, notebook: str) -> Mapping[str, _Value]:
        """Return the values that a notebook may name: its own, the report's, and what one other alone has."""
        alone = Counter(name for values in self.found.values() for name in values)
        others = {
            name: _Value(text, self.traces[owner], recorded=True)
            for owner, values in self.found.items()
            for name, text in values.items()
            if alone[name] == 1
        }
        named = {
            name: _Value(text, self.traces[self.owners[name]], recorded=False) for name, text in self.values.items()
        }
        found = self.found.get(notebook, {})
        own = {name: _Value(text, self.traces[notebook], recorded=True) for name, text in found.items()}
        return {**others, **named, **own}

    def _own_labels(self, markdown: str, notebook: str) -> None:
        for label in _LABEL.findall(markdown):
            self._own(label, "label", notebook)

    def _own(self, label: str, what: str, notebook: str) -> None:
        if label in self.owners:
            raise ReportError(
                f"{what} {label!r} is defined in {self.owners[label]} and again in {notebook}; rename one"
            )
        self.owners[label] = notebook

    def _refuse_bare(self, notebook: str, data: Mapping[str, Any]) -> None:
        if any(mime in data for mime in _UNBLOCKED):
            shown = "".join(data.get("text/plain", "an object"))[:60]
            raise ReportError(
                f"notebook {notebook} shows {shown!r} outside a block; wrap it in blocks.figure or blocks.table, "
                "or end the line with ';'"
            )


def displayed(cell: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield what a cell of an executed notebook shows, as MIME bundles."""
    for output in cell.get("outputs", ()):
        if output["output_type"] in ("display_data", "execute_result"):
            yield output["data"]


@dataclass(slots=True)
class _Subsection:
    """What stands under a heading, with how many parts are shown there and how many are missing.

    ``moved`` are the labels of parts that stand in the appendix instead.
    """

    level: int
    pieces: list[str] = field(default_factory=list)
    shown: int = 0
    missing: int = 0
    moved: list[str] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether all that it was to show is missing, or there is nothing under its heading."""
        said = any(_HEADING_LINE.sub("", piece, count=1).strip() for piece in self.pieces)
        return self.shown == 0 and (self.missing > 0 or not said)


@dataclass(frozen=True, slots=True)
class _SectionText:
    """The text of a notebook, and what of it stands in the appendix."""

    main: str
    further: str


def _notebook(name: str, cells: list[Mapping[str, Any]], gathered: _Gathered) -> _SectionText:
    subsections = [_Subsection(0)]
    further: list[str] = []
    values = gathered.seen_from(name)
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            if heading := _HEADING.match(source):
                subsections.append(_Subsection(len(heading[1])))
            subsections[-1].pieces.append(_filled(without(source, gathered.missing), values, name, gathered.places))
            continue
        here = subsections[-1]
        if "show" in cell["metadata"].get("tags", ()):
            here.pieces.append(f"```````` python\n{source}\n````````")
            printed = "".join("".join(o["text"]) for o in cell.get("outputs", ()) if o.get("name") == "stdout")
            if printed.strip():
                here.pieces.append(f"```````` text\n{printed.rstrip()}\n````````")
        for data in displayed(cell):
            block = data.get(MIME, {})
            place = further if block.get("appendix") else here.pieces
            if block.get("label") in gathered.missing:
                here.missing += 1
            elif block.get("kind") == "prose":
                place.append(_filled(without(block["markdown"], gathered.missing), values, name, gathered.places))
            elif block.get("kind") in _VIEW:
                place.append(_div(gathered.blocks[block["label"]], values, name, gathered.places))
                here.shown += 1
                here.moved += [block["label"]] if block.get("appendix") else []
    kept = _kept(subsections)
    told = {label for each in kept for piece in each.pieces for label in _MENTION.findall(piece)}
    for each in kept:
        each.pieces += _elsewhere([label for label in each.moved if label not in told])
    pieces = (piece for each in kept for piece in each.pieces)
    return _SectionText("\n\n".join(pieces), "\n\n".join(filter(None, further)))


def _kept(subsections: list[_Subsection]) -> list[_Subsection]:
    """Return the subsections that the report has: an empty one only where one that is not stands within it."""
    kept: list[_Subsection] = []
    for each in reversed(subsections):
        if each.level < 2 or not each.empty or (kept and kept[0].level > each.level):
            kept.insert(0, each)
    return kept


def _elsewhere(labels: list[str]) -> Iterator[str]:
    """Yield the sentence that leads to what stands in the appendix, of which the text says nothing itself."""
    if labels:
        yield f"See also {listed(f'@{label}' for label in labels)} in the appendix."


def _div(block: Mapping[str, Any], values: Mapping[str, _Value], notebook: str, places: RowPlaces) -> str:
    texts = {**block, **block.get("told", {})}
    caption = _filled(texts["caption"], values, notebook, places)
    text = f"::::::: {{#{block['label']} .{block['kind']}}}\n{caption}\n"
    if texts["note"]:
        text += f"\n:::::: note\n{_filled(texts['note'], values, notebook, places)}\n::::::\n"
    return text + ":::::::"


def _filled(markdown: str, values: Mapping[str, _Value], notebook: str, places: RowPlaces) -> str:
    """Return Markdown with values in the place of their names, their numbers as spans that name their rows."""
    for name in VALUE.findall(markdown):
        if name not in values:
            raise ReportError(
                f"notebook {notebook}: unknown value {{{{{name}}}}}; define it with blocks.value({name!r}, …). "
                f"Known are: {', '.join(sorted(values)) or 'none'}"
            )

    def put(found: re.Match[str]) -> str:
        pieces = values[found[1]].pieces()
        places.add(notebook, shown(pieces))
        return "".join(map(_span, pieces))

    return VALUE.sub(put, markdown)


def _span(piece: TextPiece, shown_as: Callable[[str], str] = escaped) -> str:
    text = shown_as(piece.text)
    return f'[{text}]{{.value rows="{" ".join(piece.keys)}"}}' if piece.keys else text
