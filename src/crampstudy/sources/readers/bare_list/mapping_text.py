"""A mapping as text that people read and edit: what a list was taken to be, with a remark beside what was guessed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

Value = str | Sequence[str] | Mapping[str, str]
Keys = Mapping[str, Value]
"""The entries of a mapping below a key."""
Entry = Value | Keys | Mapping[str, Value | Keys]
_PLAIN = re.compile(r"\w[\w./-]*(?: [\w./-]+)*")


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """How one column of a table comes about, and the ``remark`` beside it."""

    name: str
    keys: Value | Keys
    remark: str = ""


@dataclass(frozen=True, slots=True)
class TablePlan:
    """The entries of one table: keys of its rows, columns of the codebook, and columns of the file's own."""

    keys: Mapping[str, Entry]
    columns: tuple[ColumnPlan, ...]
    own: tuple[ColumnPlan, ...] = ()


@dataclass(frozen=True, slots=True)
class MappingPlan:
    """A mapping to be written: its first ``remarks``, its top keys, its tables."""

    remarks: tuple[str, ...]
    top: Mapping[str, Value | Keys]
    tables: Mapping[str, TablePlan] = field(default_factory=dict)

    def text(self) -> str:
        """Return the mapping as YAML."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield from (f"# {remark}".rstrip() for remark in self.remarks)
        yield "version: 1"
        for key, value in self.top.items():
            yield f"{key}: {_flow(value)}"
        yield "tables:"
        for name, table in self.tables.items():
            yield f"  {name}:"
            for key, entry in table.keys.items():
                yield f"    {key}: {_flow(entry)}"
            for key, columns in (("columns", table.columns), ("own", table.own)):
                yield from _columns(key, columns)


def _columns(key: str, columns: Sequence[ColumnPlan]) -> Iterator[str]:
    if columns:
        yield f"    {key}:"
    for column in columns:
        remark = f"  # {' '.join(column.remark.split())}" if column.remark else ""
        yield f"      {_scalar(column.name)}: {_flow(column.keys)}{remark}"


def _flow(value: Entry) -> str:
    if isinstance(value, str):
        return _scalar(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(key)}: {_flow(inner)}" for key, inner in value.items()) + "}"
    return "[" + ", ".join(map(_scalar, value)) + "]"


def _scalar(text: str) -> str:
    """Return a text as YAML has it, in quotation marks where it is more than words."""
    if _PLAIN.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'
