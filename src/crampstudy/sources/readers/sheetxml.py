"""What a worksheet's XML says beside its values: formulas, merged cells, hidden rows and columns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from posixpath import dirname, join, normpath
from xml.etree import ElementTree
from zipfile import ZipFile

from openpyxl.utils import column_index_from_string

_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_STRICT_RELATION = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"

_MARKS = re.compile(rb"[<:](f[ />]|mergeCell |filterColumn )|\shidden=")
_LONGEST_MARK = 16
_PLACE = re.compile(rb"""<(?:\w+:)?(row|c)\b(?:[^<>]*?\sr=["']([A-Z]*)([0-9]*)["'])?""")
_MOST_COLUMNS = 16_384


@dataclass(slots=True)
class Facts:
    """Formulas with a stored value, the first one without, merged ranges, and hidden rows and columns by number."""

    formulas: int = 0
    uncalculated: str | None = None
    merged: list[str] = field(default_factory=list)
    hidden_rows: list[int] = field(default_factory=list)
    hidden_columns: list[int] = field(default_factory=list)
    filtered: bool = False


def sheet_parts(archive: ZipFile) -> dict[str, tuple[str, bool]]:
    """Return by title of each sheet its file in the archive, and whether the sheet is hidden.

    Raises:
        KeyError: the archive lacks its index.
        ElementTree.ParseError: the index is not XML.
    """
    roots = _relations(archive, "_rels/.rels", "")
    workbook = next(target for kind, target in roots.values() if kind.endswith("/officeDocument"))
    folder, name = dirname(workbook), workbook.rpartition("/")[2]
    relations = _relations(archive, f"{folder}/_rels/{name}.rels".lstrip("/"), folder)
    parts: dict[str, tuple[str, bool]] = {}
    for sheet in ElementTree.fromstring(archive.read(workbook)).iter():
        if _tag(sheet) == "sheet":
            key = sheet.get(_RELATION) or sheet.get(_STRICT_RELATION) or ""
            kind, target = relations[key]
            if kind.endswith("/worksheet"):
                parts[sheet.attrib["name"]] = target, sheet.get("state", "visible") != "visible"
    return parts


def facts(archive: ZipFile, part: str) -> Facts:
    """Read one worksheet row by row.

    Raises:
        ElementTree.ParseError: the sheet is not XML.
    """
    found = Facts()
    if not _worth_parsing(archive, part):
        return found
    row = 0
    data: ElementTree.Element | None = None
    with archive.open(part) as file:
        for event, element in ElementTree.iterparse(file, ("start", "end")):
            tag = _tag(element)
            if event == "start":
                if tag == "sheetData":
                    data = element
                elif tag == "row":
                    row = int(element.get("r", row + 1))
                    if element.get("hidden") in ("1", "true"):
                        found.hidden_rows.append(row)
            elif tag == "c":
                _formula(found, element, row)
            elif tag == "row" and data is not None:
                data.clear()
            elif tag == "mergeCell":
                found.merged.append(element.attrib["ref"])
            elif tag == "col" and element.get("hidden") in ("1", "true"):
                last = min(int(element.attrib["max"]), _MOST_COLUMNS)
                found.hidden_columns += range(int(element.attrib["min"]), last + 1)
            elif tag == "filterColumn":
                found.filtered = True
    return found


def disorder(archive: ZipFile, part: str) -> str | None:
    """Return the first row or cell that does not stand behind the one before it, ``None`` in a sheet in order.

    The reader of the library leaves out such rows, and lets such a cell overwrite another, without a word.
    """
    row, column = 0, 0
    for kind, letters, number in _places(archive, part):
        if kind == b"row":
            here = int(number) if number else row + 1
            if here <= row:
                return f"row {here} stands after row {row}"
            row, column = here, 0
        else:
            there = column_index_from_string(letters.decode()) if letters else column + 1
            if there <= column or (number and int(number) != row):
                return f"the cell {(letters + number).decode()} stands in row {row} after column {column}"
            column = there
    return None


def _places(archive: ZipFile, part: str) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield each row and cell with the letters and the number that it states as its place."""
    rest = b""
    with archive.open(part) as file:
        while chunk := file.read(1 << 20):
            text = rest + chunk
            # The last tag may go on in the next chunk.
            whole = text.rfind(b"<")
            yield from _stated(text[: max(whole, 0)])
            rest = text[whole:] if whole >= 0 else b""
    yield from _stated(rest)


def _stated(text: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    return ((place[1], place[2] or b"", place[3] or b"") for place in _PLACE.finditer(text))


def _worth_parsing(archive: ZipFile, part: str) -> bool:
    """Return whether the bytes hold any of the marks; most sheets of data have none, and parsing is slow."""
    before = b""
    with archive.open(part) as file:
        while chunk := file.read(1 << 20):
            if _MARKS.search(before + chunk):
                return True
            before = chunk[-_LONGEST_MARK:]
    return False


def _formula(found: Facts, cell: ElementTree.Element, row: int) -> None:
    if len(cell) == 0:
        return
    texts = {_tag(child): child.text for child in cell}
    if "f" in texts:
        # An empty text is a result, an empty value is none.
        if texts.get("v") or cell.get("t") == "str":
            found.formulas += 1
        elif found.uncalculated is None:
            found.uncalculated = cell.get("r") or f"row {row}"


def _relations(archive: ZipFile, part: str, folder: str) -> dict[str, tuple[str, str]]:
    """Return by identifier the kind and the target of each relation of a part."""
    return {
        relation.attrib["Id"]: (
            relation.attrib["Type"],
            normpath(join("/", folder, relation.attrib["Target"])).lstrip("/"),
        )
        for relation in ElementTree.fromstring(archive.read(part))
    }


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
