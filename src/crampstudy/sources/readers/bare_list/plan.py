"""The mapping of a list: how it was understood, written so that it can be read, edited and used again."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from crampstudy.cleaning.unlogged import KEYS, WORD, Unlogged
from crampstudy.sources.readers.bare_list.counts import CrampCells
from crampstudy.sources.readers.bare_list.date_order import SERIALS
from crampstudy.sources.readers.bare_list.listing import ONE_NAME, ONE_PERSON, SHEET, Listing
from crampstudy.sources.readers.bare_list.mapping_text import ColumnPlan, Entry, Keys, MappingPlan, TablePlan, Value
from crampstudy.sources.readers.bare_list.other_columns import OtherColumns
from crampstudy.sources.readers.bare_list.roles import Role
from crampstudy.sources.text import dates
from crampstudy.sources.text.timestamps import WrittenDates

MAPPING = "mapping.yaml"
"""The file of a study that says how its list was understood."""

_REMARKS = (
    "How crampstudy understood {file}. A line that is wrong can be edited; then a study is made by",
    "    {command}",
    "What each key means stands in docs/mapping.md of crampstudy.",
)


@dataclass(frozen=True, slots=True)
class Understood:
    """All that is known of a list: the columns by their roles, how they are written, and what else there is."""

    listing: Listing
    columns: Mapping[Role, str]
    dates: WrittenDates
    written: str
    reason: str
    time_zone: str | None
    counts: CrampCells
    others: OtherColumns
    word: Unlogged | None


def again(file: str, name: str) -> str:
    """Return the command that makes the study ``name`` of a file anew, from its mapping."""
    return shlex.join(
        ["crampstudy", "import", file, "--mapping", f"{name}/{MAPPING}", "--out", f"{name}-2"],
    )


def plan(known: Understood, name: str) -> MappingPlan:
    """Return the mapping of a list, of the cohort ``name``."""
    top: dict[str, Value | Keys] = {"name": name, "clock": {"date": known.dates.clock}}
    top |= {"time_zone": known.time_zone} if known.time_zone else {}
    top |= {"decimal": known.counts.decimal} if known.counts.decimal == "," else {}
    top |= {key: value for key, value in known.listing.keys.items() if key != SHEET}
    top |= _word(known.word)
    file = known.listing.path.name
    remarks = tuple(remark.format(file=file, command=again(file, name)) for remark in _REMARKS)
    return MappingPlan(remarks, top, {"participants": _participants(known), "diary": _diary(known)})


def _sheet(listing: Listing) -> dict[str, Value | Keys]:
    """Return what each table says of the file; the rest holds for all of them."""
    return {key: value for key, value in listing.keys.items() if key == SHEET}


def _word(word: Unlogged | None) -> dict[str, str]:
    if word is None:
        return {}
    said = dict(zip(KEYS, (WORD, word.first, word.last), strict=True))
    return {key: str(value) for key, value in said.items() if value is not None}


def _participants(known: Understood) -> TablePlan:
    day = f"{condition_name(known.columns['date'])} IS NOT NULL"
    rows = {"distinct": "true"} | _where(known.listing.only, day if _of_nobody(known) else None)
    who = _who(known)
    others = known.others
    return TablePlan(
        {**_sheet(known.listing), "rows": rows},
        (who, *others.known["participants"]),
        _short(others.own["participants"]),
    )


def _who(known: Understood) -> ColumnPlan:
    if known.columns["who"] == ONE_PERSON:
        return ColumnPlan("participant_id", {"constant": ONE_NAME}, "all nights are of one person")
    return ColumnPlan("participant_id", known.columns["who"])


def _where(*conditions: str | None) -> dict[str, str]:
    """Return the key that leaves out rows for which one of the conditions does not hold."""
    found = [condition for condition in conditions if condition]
    return {"where": " AND ".join(found)} if found else {}


def _short(own: Sequence[ColumnPlan]) -> tuple[ColumnPlan, ...]:
    """Return own columns with their type alone, where they keep their name and nothing else is to be said."""
    made = []
    for column in own:
        keys = column.keys if isinstance(column.keys, Mapping) else {}
        same = keys.keys() == {"from", "type"} and keys["from"] == column.name
        made.append(replace(column, keys=keys["type"]) if same else column)
    return tuple(made)


def _of_nobody(known: Understood) -> bool:
    """Return whether someone is named on rows without a date alone, as beside the total of a list."""
    listing, who, day = known.listing, known.columns["who"], known.columns["date"]
    if listing.forms or listing.nights is not None:
        return False
    dated = listing.frame.group_by(who).agg(pl.col(day).is_not_null().any())
    return not dated[day].all()


def _diary(known: Understood) -> TablePlan:
    listing, others, day = known.listing, known.others, known.columns["date"]
    keys: dict[str, Entry] = dict(_sheet(listing))
    cramps = known.columns.get("cramps")
    if rows := _where(listing.only, f"{condition_name(day)} IS NOT NULL" if listing.forms else None):
        keys["rows"] = rows
    columns = [_who(known)]
    if listing.nights is None:
        columns.append(ColumnPlan("date", _date(day, known.dates.formats), known.reason))
    else:
        keys["nights"] = listing.nights
    columns.append(_cramps(cramps, known.counts))
    return TablePlan(keys, (*columns, *others.known["diary"]), _short(others.own["diary"]))


def _date(day: str, formats: Sequence[str]) -> str | Keys:
    if formats == (dates.WRITTEN["date"],):
        return day
    if formats == (SERIALS,):
        return {"from": day, "origin": SERIALS.rpartition(" ")[2]}
    return {"from": day, "format": formats[0] if len(formats) == 1 else formats}


def _cramps(column: str | None, counts: CrampCells) -> ColumnPlan:
    if column is None:
        return ColumnPlan("cramps", {"count": "rows"}, "each row is one cramp")
    keys = {"from": column, **counts.keys} if counts.keys else column
    return ColumnPlan("cramps", keys, "a yes is 1: there was at least one cramp" if counts.yes else "")


def condition_name(column: str) -> str:
    """Return a column as the conditions of a mapping name it."""
    return column if re.fullmatch(r"[A-Za-z_]\w*", column) else f"`{column}`"
