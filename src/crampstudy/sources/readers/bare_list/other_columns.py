"""Columns of a list that are neither who, when nor how many: those of the codebook, ages and sexes, and the others."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from crampstudy import codebook
from crampstudy.codebook import Variable, missing, rules
from crampstudy.errors import SourceError
from crampstudy.sources import extra_columns
from crampstudy.sources.extra_columns import MOST, Inferred
from crampstudy.sources.readers import first_age
from crampstudy.sources.readers.bare_list.listing import Listing
from crampstudy.sources.readers.bare_list.mapping_text import ColumnPlan, Keys
from crampstudy.sources.readers.bare_list.words import heading_of, sexes, truth, words
from crampstudy.sources.text import decimals, missing_codes, night_columns, row_index
from crampstudy.sources.text.missing_codes import Codes

_STRUCTURE = r"^redcap_|_complete$|^complete\?( \(\d+\))?$|^repeat instrument$|^repeat instance$"
_TAKEN_BY = ("participants", "diary", "derived")
_NEEDED = ("age_years", "sex")
_UNKNOWN = "not known: fill it in in participants.csv, or name its column here"
_LONGEST, _SHOWN = 100, 4
_MOST_NAMED = 40


@dataclass(frozen=True, slots=True)
class OtherColumns:
    """Where the other columns go: by table those of the codebook and own ones, and notices of all that was guessed."""

    known: Mapping[str, tuple[ColumnPlan, ...]]
    own: Mapping[str, tuple[ColumnPlan, ...]]
    notices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AskedColumns:
    """What is known before the other columns are looked at.

    Attributes:
        who: The column that says who.
        used: The columns that have a role.
        declared: Codes that mean no answer, by columns.
        counted: Whether several rows are one night, and have to agree.
    """

    who: str
    used: Collection[str]
    declared: Codes
    counted: bool = False


@dataclass(frozen=True, slots=True)
class _Contents:
    """What the cells of all columns tell, looked at together: thousands of columns cost little more than ten.

    Attributes:
        types: The type of each column.
        constant: The columns that never change within a participant, where participants have several rows.
    """

    types: Mapping[str, Inferred]
    constant: Collection[str]

    @classmethod
    def of(cls, listing: Listing, columns: Sequence[str], who: str) -> _Contents:
        """Return what the cells of some columns tell."""
        if not columns:
            return cls({}, ())
        frame = listing.frame.select(columns)
        marked = frame.select(pl.all().str.contains("[.,]").any()).row(0, named=True)
        types = extra_columns.infer(frame.with_columns(_settled(listing, c) for c in columns if marked[c]))
        if not _repeated(listing, who):
            return cls(types, ())
        held = listing.frame.group_by(who).agg(pl.col(columns).drop_nulls().n_unique())
        steady = held.select((pl.col(columns) <= 1).all()).row(0, named=True)
        return cls(types, {column for column, is_steady in steady.items() if is_steady})


def understand(listing: Listing, asked: AskedColumns, nights: pl.Series) -> OtherColumns:
    """Return where the columns go that have no role; ``nights`` has that of each row."""
    # An age grows with the nights, in whatever order they stand.
    by_night = nights.arg_sort(nulls_last=True)
    listing = replace(listing, frame=listing.frame[by_night], lines=listing.lines.gather(by_night))
    who, dated = asked.who, nights.gather(by_night) if asked.counted else None
    others = [name for name in listing.frame.columns if name not in asked.used]
    declared = {column: codes for column in others if (codes := asked.declared.columns.get(listing.names[column], ()))}
    coded = (_without(listing.frame[column], codes) for column, codes in declared.items())
    listing = replace(listing, frame=listing.frame.with_columns(coded))
    contents = _Contents.of(listing, others, who)
    known: dict[str, list[ColumnPlan]] = {"participants": [], "diary": []}
    own: dict[str, list[ColumnPlan]] = {"participants": [], "diary": []}
    kept: list[str] = []
    unclear: list[str] = []
    left: dict[str, list[str]] = {}
    taken = {"participant_id", "date", "cramps"}
    for column in others:
        name = listing.names[column]
        codes = declared.get(column, ())
        if why := _useless(listing, column, who, dated):
            left.setdefault(why, []).append(name)
            continue
        if (found := _known(listing, column, who)) and found[1].name not in taken:
            table, plan = found
            known[table].append(_with_codes(plan, codes))
            kept.append(f"{name} as {plan.name}")
        else:
            table, plan, words_ = _own(listing, column, contents, taken)
            own[table].append(_with_codes(plan, codes))
            kept.append(f"{name} as {'' if plan.name == name else plan.name + ', '}{words_}")
            if meant := _meant(listing, column):
                changes = not _steady(listing, column, who, meant)
                unclear.append(_unclear(name, meant, listing.frame[column], changes=changes))
        taken.add(plan.name)
    known["participants"] += [ColumnPlan(name, {"constant": ""}, _UNKNOWN) for name in _NEEDED if name not in taken]
    order = [v.name for v in codebook.VARIABLES]
    return OtherColumns(
        {table: tuple(sorted(plans, key=lambda plan: order.index(plan.name))) for table, plans in known.items()},
        {table: tuple(plans) for table, plans in own.items()},
        (
            *([f"also kept: {_named(kept)}"] if kept else []),
            *unclear,
            *(f"left out, {why}: {', '.join(names)}" for why, names in left.items()),
        ),
    )


def _named(kept: Sequence[str]) -> str:
    """Return what was kept; what is more than anyone would read stands in the mapping alone."""
    more = len(kept) - _MOST_NAMED
    return "; ".join(kept if more <= 0 else [*kept[:_MOST_NAMED], f"and {more:,} more"])


def _useless(listing: Listing, column: str, who: str, nights: pl.Series | None) -> str | None:
    """Return why a column is left out, ``None`` where it is not."""
    name, cells = listing.names[column], listing.frame[column]
    if cells.null_count() == len(cells):
        return "without a value"
    if row_index.perhaps([column]) and row_index.found(listing.frame.select(column)):
        return "the numbers of the rows"
    if column in listing.system or re.search(_STRUCTURE, name.lower()):
        return "of the form itself"
    if nights is not None:
        values = pl.DataFrame({"who": listing.frame[who], "night": nights, "x": cells}).drop_nulls()
        if (values.group_by("who", "night").agg(pl.col("x").n_unique())["x"] > 1).any():
            return "different among the cramps of a night"
    return None


def _without(cells: pl.Series, codes: Sequence[str]) -> pl.Series:
    return cells.set(missing_codes.held(cells, codes), None)


def _with_codes(plan: ColumnPlan, codes: Sequence[str]) -> ColumnPlan:
    """Return the entry of a column with the codes that mean no answer."""
    if not codes:
        return plan
    keys: Keys = plan.keys if isinstance(plan.keys, Mapping) else {"from": plan.keys}
    return replace(plan, keys={**keys, "missing": tuple(codes)})


def _unclear(name: str, meant: str, cells: pl.Series, *, changes: bool) -> str:
    """Return what to say of a column whose heading is that of a variable and whose contents are not."""
    answers = ", ".join(sorted(cells.drop_nulls().unique())[:_SHOWN])
    why = "changes within a participant" if changes else f"is not {codebook.variable(meant, 'participants').allowed}"
    return f"{name} ({answers}) may be {meant}, and {why}; where it is, say so in the mapping"


def _meant(listing: Listing, column: str) -> str | None:
    return next(filter(None, map(heading_of, listing.headings(column))), None)


def _known(listing: Listing, column: str, who: str) -> tuple[str, ColumnPlan] | None:
    """Return the table and the entry of a column that the codebook has, if its contents are as the codebook says."""
    name = "_".join(words(listing.names[column]).split())
    for table in ("participants", "diary"):
        variable = codebook.find(name, table)
        if variable is None and table == "participants" and (other := _meant(listing, column)):
            variable = codebook.find(other, table)
        if variable is None or name in codebook.TABLES[table].key:
            continue
        if table == "participants" and (
            night_columns.is_pattern(column) or not _steady(listing, column, who, variable.name)
        ):
            return None
        keys = _keys(variable, listing, column)
        return None if keys is None else (table, ColumnPlan(variable.name, keys))
    return None


def _keys(v: Variable, listing: Listing, column: str) -> str | Keys | None:
    """Return how a column becomes one of the codebook, ``None`` where its contents are something else."""
    cells = listing.frame[column].drop_nulls()
    answers = [answer for answer in sorted(cells.unique()) if not missing.is_mark(answer)]
    gone = {answer: "" for answer in sorted(cells.unique()) if missing.is_mark(answer)}
    labels = listing.labels.get(column, {})
    said = {answer: labels.get(answer, answer) for answer in answers}
    if v.name == "sex":
        found = sexes(list(said.values()))
        return found and _coded(column, {answer: found[label] for answer, label in said.items()} | gone)
    if v.type == "boolean":
        meanings = {answer: truth(label) for answer, label in said.items()}
        codes = {answer: meaning for answer, meaning in meanings.items() if meaning}
        return _coded(column, codes | gone) if len(codes) == len(answers) else None
    if v.type == "level":
        levels = {answer: "_".join(words(label).split()) for answer, label in said.items()}
        return _coded(column, levels | gone) if set(levels.values()) <= set(v.levels) else None
    plain = _settled(listing, column)
    typed = plain.to_frame(v.name).select(rules.typed(v, pl.String()))
    beyond = rules.out_of_range(v)
    fits = typed.select(pl.col(v.name).is_not_null() & (pl.lit(value=True) if beyond is None else ~beyond)).to_series()
    fits = fits.filter(plain.is_not_null() & ~listing.frame[column].is_in(list(gone)))
    return column if len(fits) and int(fits.sum()) >= MOST * len(fits) else None


def _coded(column: str, codes: Mapping[str, str]) -> str | Keys:
    return column if all(code == value for code, value in codes.items()) else {"from": column, "codes": codes}


def _own(listing: Listing, column: str, contents: _Contents, taken: Collection[str]) -> tuple[str, ColumnPlan, str]:
    """Return the table, the entry and the type in words of a column that is kept under its own name."""
    name = " ".join(listing.names[column].split())[:_LONGEST].lstrip("_ ")
    stem, number = name or "column", 1
    while name in taken or not name or any(codebook.find(name, table) for table in _TAKEN_BY):
        number += 1
        name = f"{stem}_{number}"
    inferred = contents.types[column]
    constant = column in contents.constant and not night_columns.is_pattern(column)
    keys: Keys = {"from": column, "type": inferred.type}
    return "participants" if constant else "diary", ColumnPlan(name, keys), inferred.words


def _settled(listing: Listing, column: str) -> pl.Series:
    """Return the cells with decimal points, as they stand where they are no numbers of one mark."""
    frame = listing.frame[column].to_frame()
    try:
        return decimals.settle(frame, [column], listing.file, listing.lines)[0][column]
    except SourceError:
        # Its message is for those who know that the column has numbers.
        return frame[column]


def _steady(listing: Listing, column: str, who: str, name: str) -> bool:
    """Return whether a column never changes within a participant, empty cells apart; as ``name`` an age may grow."""
    frame = pl.DataFrame({"participant_id": listing.frame[who], name: listing.frame[column]})
    frame, _ = first_age.of_first_nights(frame, pl.int_range(frame.height, eager=True))
    values = frame.group_by("participant_id").agg(pl.exclude("participant_id").drop_nulls().n_unique())
    return bool((values[name] <= 1).all())


def _repeated(listing: Listing, who: str) -> bool:
    return listing.frame[who].n_unique() < listing.frame.height
