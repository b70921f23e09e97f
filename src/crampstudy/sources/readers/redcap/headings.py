"""The headings of an export: field names, or the labels that stand for them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from crampstudy import scratch
from crampstudy.errors import SourceError
from crampstudy.sources.readers.redcap.data_dictionary import Dictionary, same_text
from crampstudy.sources.readers.redcap.export import ADMINISTRATIVE, LAYOUT
from crampstudy.sources.text.delimited import Text, read_text

_LABELS = ("Event Name", "Repeat Instrument", "Repeat Instance", "Survey Identifier", "Data Access Group")
_TIMESTAMP = "Survey Timestamp"
_HEADINGS = dict(zip(_LABELS, (*LAYOUT, *ADMINISTRATIVE), strict=True))


def read_named(path: Path, described: Dictionary, padded: bool) -> Text:
    """Return the export with field names as headings; REDCap can write labels instead, several of them alike."""
    content = path.read_bytes()
    mark = max(",;\t|", key=content.partition(b"\n")[0].decode("latin-1").count)
    try:
        reader = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=mark)
        headings = [cell.strip() for cell in next(reader, [])]
    except (UnicodeDecodeError, csv.Error):
        return read_text(path, padded=padded)
    if sum(name in described.fields for name in headings) > 1:
        return read_text(path, padded=padded)
    names = _by_label(path, headings, described)
    out = io.StringIO()
    # As many lines as before, so that the ledger's lines are those of the export.
    csv.writer(out, delimiter=mark, lineterminator="\n" * reader.line_num).writerow(names)
    with scratch.folder() as folder:
        copy = folder / path.name
        copy.write_bytes(out.getvalue().encode() + b"".join(content.split(b"\n", reader.line_num)[reader.line_num :]))
        try:
            return read_text(copy, padded=padded)
        except SourceError as error:
            raise SourceError(str(error).replace(str(copy), str(path))) from None


def _by_label(path: Path, headings: Sequence[str], described: Dictionary) -> list[str]:
    """Return the field behind each labelled heading; "Complete?" ends an instrument, so that labels may repeat."""
    labels: dict[str, set[str]] = {}
    for field in described.fields.values():
        labels.setdefault(field.form, set()).add(same_text(field.label))
    names: list[str] = []
    for block, complete in _blocks(headings):
        form = _instrument(block, labels)
        names += [_field_name(path, label, form, described) for label in block]
        if complete:
            names.append(f"{len(names) if form is None else form}_complete")
    if sum(name in described.fields for name in names) < 2:
        known = ", ".join(field.label or field.name for field in list(described.fields.values())[:8])
        raise SourceError(
            f"{path} has no field of {described.file}; it has {', '.join(headings[:8])}, the dictionary has {known}: "
            "are they of one project?"
            if described.file
            else f"{path} has no field of the codebook; it has {', '.join(headings[:8])}; give the dictionary of the "
            f"project it comes from: redcap:{path}?dictionary=D.csv"
        )
    return names


def _blocks(headings: Sequence[str]) -> Iterator[tuple[list[str], bool]]:
    """Yield the headings up to each "Complete?", and whether one stands behind them."""
    block: list[str] = []
    for heading in headings:
        if heading.startswith("Complete?"):
            yield block, True
            block = []
        else:
            block.append(heading)
    yield block, False


def _instrument(block: Sequence[str], labels: Mapping[str, set[str]]) -> str | None:
    """Return the one instrument that has all labels of a block, ``None`` where several or none may be it."""
    known = set(map(same_text, block)) & set().union(*labels.values())
    fitting = [form for form, of_form in labels.items() if known <= of_form]
    return fitting[0] if len(fitting) == 1 else None


def _field_name(path: Path, label: str, form: str | None, described: Dictionary) -> str:
    """Return the field behind one heading of an instrument; one that no field has stands for itself."""
    if label == _TIMESTAMP and form is not None:
        return f"{form}_timestamp"
    alike = described.labelled(label)
    found = [field.name for field in alike] or described.boxes(label)
    if len(found) > 1:
        found = [field.name for field in alike if field.form == form]
        if len(found) != 1:
            raise SourceError(
                f"{path}: several fields have the label {label!r}, and the other columns do not tell which "
                'one this is; export whole instruments with their "Complete?", or with field names as headings'
            )
    return found[0] if found else _HEADINGS.get(label, label)
