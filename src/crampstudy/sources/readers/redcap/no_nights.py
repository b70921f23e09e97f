"""An export that makes no diary: what its instruments hold, and what to do about it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from crampstudy import codebook
from crampstudy.cleaning import RawTable
from crampstudy.errors import SourceError
from crampstudy.sources.readers.redcap.data_dictionary import Dictionary
from crampstudy.sources.readers.redcap.export import ADMINISTRATIVE, FORM, ID, LAYOUT, Export

_STATUS, _TIMESTAMP = "_complete", "_timestamp"
_SHOWN = 8


def check_nights(path: Path, export: Export, described: Dictionary, tables: Sequence[RawTable]) -> None:
    """Refuse an export without a diary, or with one that lacks what every diary needs.

    Raises:
        SourceError: the message names the fields that there are, and the command that reads them.
    """
    diary = next((table for table in tables if table.name == "diary"), None)
    needed = [v.name for v in codebook.variables("diary") if v.required and v.name != ID]
    absent = needed if diary is None else [name for name in needed if name not in diary.frame.columns]
    if not absent:
        return
    what = "holds no nights: no row fills a field of the diary, such as" if diary is None else "has no field"
    given = f"?dictionary={described.file}" if described.file else ""
    command = ["crampstudy", "import", f"redcap:{path}{given}", "--mapping", "mapping.yaml", "--out", "my-study"]
    advice = f"say in a mapping which field is which (docs/mapping.md shows one) and run: {shlex.join(command)}"
    stamps = [name for name in export.frame.columns if name.endswith(_TIMESTAMP) and export.frame[name].count()]
    if "date" in absent and stamps:
        stamped = f"clock: {{date: timestamp}} and date: {stamps[0]}"
        advice += f"; with {stamped} in it, a night is told by the time of its survey"
    if not described.file:
        advice = f"give the project's dictionary: redcap:{path}?dictionary=D.csv; or {advice}"
    raise SourceError(f"{path} {what} {' and '.join(absent)}; {'; '.join(_instruments(export))}; {advice}")


def _instruments(export: Export) -> Iterator[str]:
    """Yield what each repeating instrument has filled, or the whole export where there is none."""
    forms = export.column(FORM)
    names: list[str | None] = forms.drop_nulls().unique(maintain_order=True).to_list()
    for form in names or [None]:
        rows = export.frame if form is None else export.frame.filter(forms == form)
        filled = [
            f"{name} ({rows[name].drop_nulls()[0]!r})"
            for name in rows.columns[1:]
            if rows[name].count() and name not in (*LAYOUT, *ADMINISTRATIVE) and not name.endswith(_STATUS)
        ]
        more = " …" if len(filled) > _SHOWN else ""
        yield f"{f'the instrument {form}' if form else 'it'} has {', '.join(filled[:_SHOWN])}{more}"
