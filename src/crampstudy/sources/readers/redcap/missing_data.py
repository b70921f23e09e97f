"""What an export of REDCap holds where nobody has answered: missing data codes, their boxes, and unfilled forms."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import polars as pl

from crampstudy.codebook import missing
from crampstudy.sources.readers.redcap.data_dictionary import Dictionary, RedcapField, box_name
from crampstudy.sources.text import missing_codes
from crampstudy.sources.text.missing_codes import Codes
from crampstudy.wording import counted

MISSING = ("NI", "INV", "UNK", "NASK", "ASKU", "NAV", "MSK", "NA", "NAVU", "NP", "QS", "QI", "TRC", "UNC", "DER")
"""The missing data codes that REDCap proposes; a field that has one of them as a choice keeps it."""

_TICKED, _UNTICKED = ["1", "Checked"], ["0", "Unchecked"]
_INCOMPLETE = ["0", "Incomplete"]
_SENTINEL = re.compile(r"_\d+|([789])\1+")  # -9 is written _9 in the name of a box
_STATUS, _TIMESTAMP = "_complete", "_timestamp"
_NOT_COMPLETED = "[not completed]"
_STEERING = re.compile(r"redcap_.*|.*_(complete|timestamp)")


def unfilled_left_out(
    file: str, frame: pl.DataFrame, described: Dictionary
) -> tuple[pl.DataFrame, pl.Series, list[str]]:
    """Return the export without what REDCap writes into forms that nobody has filled in; which rows stay; notices.

    There, boxes are unticked and calculated fields may have a value. A repetition of an instrument without any entry
    is no row.
    """
    said: list[str] = []
    forms = dict.fromkeys(field.form for field in described.fields.values())
    record = frame.columns[0]
    emptied: dict[str, pl.Series] = {}
    for form in forms:
        fields = [f for f in described.fields.values() if f.form == form and f.name != record]
        entered = [f.name for f in fields if f.kind not in ("checkbox", "calc") and f.name in frame.columns]
        boxes = [c for f in fields if f.kind == "checkbox" for c in _columns(f, frame)]
        made = [*boxes, *(f.name for f in fields if f.kind == "calc" and f.name in frame.columns)]
        nothing = [*(pl.col(c).is_null() for c in entered), *(_none_ticked(c) for c in boxes), _incomplete(frame, form)]
        untouched = pl.all_horizontal(nothing) & pl.any_horizontal(pl.lit(value=False), pl.col(made).is_not_null())
        rows = frame.select(untouched).to_series()
        if made and rows.any():
            emptied |= {c: frame[c].set(rows, None) for c in made}
            said.append(
                f"{file}: {counted(int(rows.sum()), 'rows', 'have')} unticked boxes in {form}, which nobody filled in: "
                "no entry"
            )
    frame = frame.with_columns(**emptied)
    return *_repetitions(file, frame, said), said


def _repetitions(file: str, frame: pl.DataFrame, said: list[str]) -> tuple[pl.DataFrame, pl.Series]:
    instrument = "redcap_repeat_instrument"
    answers = [c for c in frame.columns[1:] if not _STEERING.fullmatch(c)]
    statuses = [c for c in frame.columns if c.endswith(_STATUS)]
    if instrument not in frame.columns:
        return frame, pl.repeat(value=True, n=frame.height, dtype=pl.Boolean, eager=True)
    empty = [pl.col(instrument).is_not_null(), *(pl.col(c).is_null() for c in answers)]
    empty += [_is_open(c) for c in statuses]
    rows = frame.select(pl.all_horizontal(empty)).to_series()
    if rows.any():
        said.append(
            f"{file}: left out: {counted(int(rows.sum()), 'repetitions')} of an instrument without an entry, incomplete"
        )
    return frame.filter(~rows), ~rows


def boxes_left_out(
    file: str, frame: pl.DataFrame, described: Dictionary, declared: Codes
) -> tuple[pl.DataFrame, list[str]]:
    """Return the export without the boxes of missing codes; where one is ticked, the other boxes are missing."""
    said: list[str] = []
    for field in (f for f in described.fields.values() if f.kind == "checkbox"):
        columns = _columns(field, frame)
        known = {box_name(field.name, code): (code, label) for code, label in field.choices.items()}
        coded = {box_name(field.name, code) for code in (*MISSING, *declared.of(field.name))}
        marks = [c for c in columns if _is_mark(c, known, coded, field)]
        others = [c for c in columns if c not in marks]
        if strange := [c for c in others if c not in known]:
            said.append(
                f"{file}: {field.name} has no such choice in the dictionary: {', '.join(strange)}; kept as boxes"
            )
        if not marks:
            continue
        missing_rows = frame.select(pl.any_horizontal(pl.col(marks).is_in(_TICKED)).fill_null(value=False)).to_series()
        frame = frame.with_columns(frame[c].set(missing_rows, None) for c in others).drop(marks)
        n = int(missing_rows.sum())
        said.append(
            f"{file}: {', '.join(marks)} stands for a missing answer and is no variable; "
            f"where it is ticked ({counted(n, 'rows')}), {field.name} is missing"
        )
    return frame, said


def codes_left_out(
    file: str, frame: pl.DataFrame, described: Dictionary, declared: Codes
) -> tuple[pl.DataFrame, list[str]]:
    """Return the export without cells that hold a missing data code, and a notice for each field."""
    said: list[str] = []
    for name in frame.columns[1:]:
        if name.endswith(_TIMESTAMP):
            frame = frame.with_columns(frame[name].set((frame[name] == _NOT_COMPLETED).fill_null(value=False), None))
        if _STEERING.fullmatch(name) or described.box(name):
            continue
        field = described.fields.get(name)
        found = missing_codes.held(frame[name], (*_own_codes(field), *declared.of(name)))
        if found.any():
            said.append(missing_codes.notice(f"{file}: {name}", frame[name].filter(found), "a missing data code"))
            frame = frame.with_columns(frame[name].set(found, None))
    return frame, said


def _own_codes(field: RedcapField | None) -> Iterable[str]:
    """Return the codes that need no declaring: those that REDCap proposes, and choices of a number that say so."""
    if field is None:
        return MISSING
    named = [code for code in MISSING if code not in field.choices]
    if field.variable is not None and field.variable.type in ("integer", "number"):
        named += [word for choice in field.choices.items() if missing.reads_as_missing(choice[1]) for word in choice]
    return named


def _is_mark(column: str, known: dict[str, tuple[str, str]], coded: set[str], field: RedcapField) -> bool:
    if column in known:
        code, label = known[column]
        return missing.reads_as_missing(label) or (column in coded and code not in MISSING)
    suffix = column.removeprefix(f"{field.name}___")
    return column in coded or bool(_SENTINEL.fullmatch(suffix)) or missing.reads_as_missing(suffix)


def _columns(field: RedcapField, frame: pl.DataFrame) -> Sequence[str]:
    return [c for c in frame.columns if c.startswith(f"{field.name}___")]


def _none_ticked(column: str) -> pl.Expr:
    return pl.col(column).is_null() | pl.col(column).is_in(_UNTICKED)


def _incomplete(frame: pl.DataFrame, form: str) -> pl.Expr:
    status = f"{form}{_STATUS}"
    return _is_open(status) if status in frame.columns else pl.lit(value=True)


def _is_open(status: str) -> pl.Expr:
    return pl.col(status).is_null() | pl.col(status).is_in(_INCOMPLETE)
