"""Cells against the codebook: type, range, level, and whether the cell only stands in another unit or column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from crampstudy import codebook
from crampstudy.cleaning import column_shift, unit_error
from crampstudy.cleaning.raw import APART, ROW, RawTable, Violation, worded
from crampstudy.codebook import Severity, Variable, rules


def check(table: RawTable, present: Sequence[Variable]) -> tuple[pl.DataFrame, list[Violation]]:
    """Return the table in codebook types with bad cells blanked, and the violations; rows are only marked."""
    frame, mistyped = _typed(table, present)
    out_of_rule = _out_of_rule(frame, present)
    shifted = _shifted(table, [*mistyped, *out_of_rule], present)
    violations = [shifted] if shifted else []
    found = {"type": mistyped, "range": out_of_rule, "level": out_of_rule}
    for v in present:
        for violation in (*_key_missing(frame, v, mistyped, table.allowed(v)), *_of(v, found, table, frame)):
            left = violation.without(shifted.rows) if shifted else violation
            if len(left.rows):
                violations.append(left)
    for v in present:
        if rows := [b.rows for b in violations if b.column == v.name]:
            frame = frame.with_columns(frame[v.name].scatter(pl.concat(rows), None))
    return frame, violations


def _typed(table: RawTable, present: Sequence[Variable]) -> tuple[pl.DataFrame, list[Violation]]:
    source, schema = table.frame, table.frame.schema
    frame = source.with_columns(rules.typed(v, schema[v.name]) for v in _other(source, present))
    retyped, text = table.retyped or (pl.Series([], dtype=pl.UInt32), source.clear())
    retyped = retyped.cast(pl.UInt32)
    schema = text.schema
    again = text.select(rules.typed(v, schema[v.name]) for v in present) if len(retyped) else text
    mistyped = []
    columns = []
    for v in present:
        rows = retyped.clear()
        if frame[v.name].null_count() > source[v.name].null_count():
            # A cell that was there before it was typed and is not any more.
            gone = source[v.name].is_not_null() & frame[v.name].is_null()
            rows = gone.arg_true().cast(pl.UInt32)
        column = frame[v.name]
        if len(retyped):
            wrong = text[v.name].is_not_null() & again[v.name].is_null()
            rows = pl.concat([rows.filter(~rows.is_in(retyped.implode())), retyped.filter(wrong)])
            differs = again[v.name].ne_missing(column.gather(retyped))
            column = column.scatter(retyped.filter(differs), again[v.name].filter(differs)) if differs.any() else column
        columns.append(column)
        if len(rows):
            mistyped.append(Violation(rows, v.name, "type", _cost(v), ""))
    rest = source.select(pl.exclude([v.name for v in present]))
    return pl.DataFrame([*columns, *rest]).select(source.columns).with_row_index(ROW), mistyped


def _other(source: pl.DataFrame, present: Sequence[Variable]) -> list[Variable]:
    """Return the variables whose columns are not yet in their types, or hold what is not a number."""
    schema = source.schema
    same = [v for v in present if schema[v.name] == rules.DTYPES[v.type]]
    reals = [v.name for v in same if v.type == "number"]
    sums = source.select(pl.col(reals).sum().is_nan()).row(0, named=True) if reals else {}
    settled = {v.name for v in same if not sums.get(v.name)}
    return [v for v in present if v.name not in settled]


def _out_of_rule(frame: pl.DataFrame, present: Sequence[Variable]) -> list[Violation]:
    flags = frame.select(rules.may_break(v).alias(v.name) for v in present).row(0)
    asked = [v for v, flag in zip(present, flags, strict=True) if flag]
    broken = [(v, name, rule) for v in asked for name, rule in rules.value_rules(v).items()]
    found = frame.select(pl.arg_where(rule).implode().alias(str(i)) for i, (_, _, rule) in enumerate(broken))
    rows = [found[str(i)].explode(empty_as_null=False) for i in range(len(broken))]
    return [Violation(of, v.name, name, _cost(v), "") for (v, name, _), of in zip(broken, rows, strict=True) if len(of)]


def _key_missing(frame: pl.DataFrame, v: Variable, mistyped: Sequence[Violation], allowed: str) -> Iterator[Violation]:
    if v.name in codebook.TABLES[v.table].key and frame[v.name].null_count():
        rows = frame.filter(pl.col(v.name).is_null())[ROW]
        for violation in mistyped:
            if violation.column == v.name:
                rows = rows.filter(~rows.is_in(violation.rows.implode()))
        yield Violation(rows, v.name, "key-missing", "reject-row", f"allowed is {allowed}")


def _of(v: Variable, found: dict[str, list[Violation]], table: RawTable, frame: pl.DataFrame) -> Iterator[Violation]:
    """Yield the violations of one variable with their hints, a slip of the unit apart from its range."""
    for rule, violations in found.items():
        for rows in (b.rows for b in violations if b.column == v.name and b.rule == rule):
            if rule == "type":
                yield Violation(rows, v.name, rule, _cost(v), _type_hints(v, table, rows))
                continue
            allowed = f"allowed is {v.allowed}"
            if rule == "level":
                yield Violation(rows, v.name, rule, _cost(v), allowed)
                continue
            looks = unit_error.hints(v, frame[v.name].gather(rows))
            slipped = looks.is_not_null()
            yield Violation(rows.filter(~slipped), v.name, rule, _cost(v), allowed)
            yield Violation(rows.filter(slipped), v.name, "unit-slip", _cost(v), looks.filter(slipped) + f"; {allowed}")


def _shifted(table: RawTable, violations: Sequence[Violation], present: Sequence[Variable]) -> Violation | None:
    if len({b.column for b in violations}) < column_shift.LEAST:
        return None
    failing = pl.concat(
        pl.DataFrame({ROW: b.rows.cast(pl.UInt32)}).with_columns(column=pl.lit(b.column)) for b in violations
    )
    found = column_shift.find(table, failing, present)
    if found.is_empty():
        return None
    return Violation(found[ROW], None, "shifted-columns", "reject-row", found["hint"])


def _type_hints(v: Variable, table: RawTable, rows: pl.Series) -> pl.Series:
    """Return for each cell that does not fit its type what it looks like, after what is allowed."""
    cells = table.cells(v.name, rows)
    # What reading marked as written with the other mark than its column.
    apart = table.texts(rows, [v.name])[v.name].str.ends_with(APART)
    cell = pl.col("cell")
    looks: dict[str, pl.Expr] = {}
    if v.name in table.written_as:
        looks = {}
    elif v.type in ("date", "datetime"):
        time = r"[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?" if v.type == "datetime" else ""
        looks = {
            "there is no such day or time": cell.str.contains(rf"^\d{{4}}-\d{{2}}-\d{{2}}{time}$"),
            "the year has two digits": cell.str.contains(r"^\d{1,2}[-./]\d{1,2}[-./]\d{2}$"),
            "it looks like a spreadsheet's day number: format the cells as dates and save again": cell.str.contains(
                r"^\d{4,5}(\.\d+)?$"
            ),
            "it states its distance from UTC: give local clock time": cell.str.contains(
                r":\d{2}(:\d{2}(\.\d+)?)?\s?([+-]\d{2}:?\d{2}|Z)$"
            ),
            "it has a time of day: give the date on which the night begins, or say in a mapping file what the time is "
            "(clock: {date: timestamp}: before noon it is of the evening before)": cell.str.contains(
                r"\d[T ]+\d{1,2}:\d{2}"
            )
            & (v.type == "date"),
            "it is written another way: name its format in a mapping file": cell.str.contains(r"\d+[-./ ]\S+[-./ ]\d+"),
        }
    elif v.type in ("integer", "number"):
        looks = {
            "it has a decimal point, and its column was read with decimal commas": pl.col("apart"),
            "it has a decimal comma": cell.str.contains(r"^[+-]?\d+,\d+$"),
            "it has a unit or a remark beside the number": cell.str.contains(
                r"^[<>~≈]?\s*[+-]?\d+([.,]\d+)?\s*[^\d\s.,/-]+$"
            ),
            "it holds two numbers, or a date": cell.str.contains(r"^\d+\s*[/–-]\s*\d+"),
        }
    shown = pl.coalesce([pl.when(fits).then(pl.lit(f"; {what}")) for what, fits in looks.items()] + [pl.lit("")])
    return worded(
        pl.DataFrame({"cell": cells, "apart": apart}), pl.format("allowed is {}{}", pl.lit(table.allowed(v)), shown)
    )


def _cost(v: Variable) -> Severity:
    return "reject-row" if v.severity == "reject-row" else "blank-cell"
