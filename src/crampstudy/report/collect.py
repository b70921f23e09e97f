"""Executed notebooks → one Markdown text, its blocks and its estimates."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crampstudy.report import MIME, ReportError
from crampstudy.report.outline import Outline
from crampstudy.report.prose import VALUE, escaped, filled

_VIEW = {"figure": "image/svg+xml", "table": "text/html"}
_LABEL = re.compile(r"\{#((?:sec|eq)-[\w-]+)")
# A notebook's heading may not lose its own page, nor a report its figures, to a bare object.
_UNBLOCKED = ("image/svg+xml", "image/png", "text/html")


@dataclass(frozen=True, slots=True)
class Document:
    """A report before it is typeset.

    ``blocks`` maps label to what the PDF needs, ``views`` label to what the web page shows (SVG or
    HTML), ``estimates`` is CSV.
    """

    markdown: str
    blocks: Mapping[str, Mapping[str, Any]]
    views: Mapping[str, str]
    estimates: str


def collect(outline: Outline, executed: Mapping[str, Path]) -> Document:
    """Return the document of executed notebooks (name → file) in the order of the outline.

    Raises:
        ReportError: a label or value is defined twice, a value unknown, or a result shown without a block.
    """
    contents = {
        path.stem: json.loads(executed[path.stem].read_text(encoding="utf-8"))["cells"] for path in outline.notebooks
    }
    gathered = _Gathered({}, {}, {}, {}, [], {})
    for name, cells in contents.items():
        for cell in cells:
            gathered.take(name, cell)
    parts = []
    for part in outline.parts:
        texts = [_notebook(path.stem, contents[path.stem], gathered.seen_from(path.stem)) for path in part.notebooks]
        # A part of one notebook that bears its title needs no heading of its own.
        alone = len(texts) == 1 and re.match(rf"\s*# +{re.escape(part.title or '')}\s*(\{{|$)", texts[0], re.MULTILINE)
        shift = 0 if part.title is None or alone else 1
        if shift:
            parts.append(f"# {escaped(part.title or '')}\n")
        for path, text in zip(part.notebooks, texts, strict=True):
            parts.append(f":::::::: {{.notebook name={path.stem} shift={shift}}}\n\n{text}\n\n::::::::\n")
    return Document("\n".join(parts), gathered.blocks, gathered.views, "".join(_joined(gathered.estimates)))


@dataclass(slots=True)
class _Gathered:
    """What the notebooks show: ``values`` are of the report, those ``found`` of the section that found them."""

    blocks: dict[str, Mapping[str, Any]]
    views: dict[str, str]
    values: dict[str, str]
    found: dict[str, dict[str, str]]
    estimates: list[str]
    owners: dict[str, str]

    def take(self, notebook: str, cell: Mapping[str, Any]) -> None:
        if cell["cell_type"] == "markdown":
            self._own_labels("".join(cell["source"]), notebook)
        for data in _displayed(cell):
            match data.get(MIME):
                case None:
                    self._refuse_bare(notebook, data)
                case {"kind": "prose", "markdown": markdown}:
                    self._own_labels(markdown, notebook)
                case {"kind": "value", "name": name, "text": text}:
                    self._own(name, "value", notebook)
                    self.values[name] = text
                case {"kind": "findings", "csv": csv, "values": values}:
                    self.estimates.append(csv)
                    self.found.setdefault(notebook, {}).update(values)
                case block:
                    self._own(block["label"], "label", notebook)
                    self.blocks[block["label"]] = block
                    self.views[block["label"]] = "".join(data[_VIEW[block["kind"]]])

    def seen_from(self, notebook: str) -> Mapping[str, str]:
        """Return the values that a notebook may name: its own, the report's, and what one other alone has."""
        alone = Counter(name for values in self.found.values() for name in values)
        others = {name: text for values in self.found.values() for name, text in values.items() if alone[name] == 1}
        return {**others, **self.values, **self.found.get(notebook, {})}

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


def _displayed(cell: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for output in cell.get("outputs", ()):
        if output["output_type"] in ("display_data", "execute_result"):
            yield output["data"]


def _notebook(name: str, cells: list[Mapping[str, Any]], values: Mapping[str, str]) -> str:
    pieces = []
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            pieces.append(_filled(source, values, name))
            continue
        if "show" in cell["metadata"].get("tags", ()):
            pieces.append(f"```````` python\n{source}\n````````")
            printed = "".join("".join(o["text"]) for o in cell.get("outputs", ()) if o.get("name") == "stdout")
            if printed.strip():
                pieces.append(f"```````` text\n{printed.rstrip()}\n````````")
        for data in _displayed(cell):
            block = data.get(MIME, {})
            if block.get("kind") == "prose":
                pieces.append(_filled(block["markdown"], values, name))
            elif block.get("kind") in _VIEW:
                pieces.append(_div(block, values, name))
    return "\n\n".join(pieces)


def _div(block: Mapping[str, Any], values: Mapping[str, str], notebook: str) -> str:
    caption = _filled(block["caption"], values, notebook)
    text = f"::::::: {{#{block['label']} .{block['kind']}}}\n{caption}\n"
    if block["note"]:
        text += f"\n:::::: note\n{_filled(block['note'], values, notebook)}\n::::::\n"
    return text + ":::::::"


def _filled(markdown: str, values: Mapping[str, str], notebook: str) -> str:
    for name in VALUE.findall(markdown):
        if name not in values:
            raise ReportError(
                f"notebook {notebook}: unknown value {{{{{name}}}}}; define it with blocks.value({name!r}, …). "
                f"Known are: {', '.join(sorted(values)) or 'none'}"
            )
    return filled(markdown, values)


def _joined(tables: list[str]) -> Iterator[str]:
    for position, text in enumerate(tables):
        head, _, body = text.partition("\n")
        yield body if position else f"{head}\n{body}"
