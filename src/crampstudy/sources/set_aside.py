"""What was set aside of the files that a package was written of, as its ``datapackage.json`` has it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from crampstudy import codebook
from crampstudy.cleaning import gone
from crampstudy.codebook import Severity
from crampstudy.cohort import Cohort, EarlierReading, RuleCount, TableCount
from crampstudy.errors import UsageError

KEY = "set_aside"
_NUMBERS = ("read", "rejected", "blanked", "added")
_RULE = re.compile("[a-z]+(-[a-z]+)*")


def of(cohort: Cohort) -> EarlierReading:
    """Return what was set aside of the files of a cohort, and is in none of its tables.

    Of one that has not all of the rows that were accepted nothing is told: whose the others were is not known.
    """
    known = cohort.attrition
    whole = all(count.rows == cohort.frame(count.table).height for count in known.tables)
    if not whole or not any(count.rejected or count.blanked or count.added for count in known.tables):
        return EarlierReading((), gone(known.rules) if whole else ())
    return EarlierReading(known.tables, gone(known.rules))


def described(found: EarlierReading) -> dict[str, Any]:
    """Return what was set aside as the descriptor has it, without an entry where nothing was."""
    tables = {
        count.table: {"file": count.file} | {name: getattr(count, name) for name in _NUMBERS} for count in found.tables
    }
    rules = [
        {"rule": each.rule, "severity": each.severity, "table": each.table, "n": each.n, "columns": dict(each.columns)}
        for each in found.rules
    ]
    own = {"tables": tables, "rules": rules}
    return {KEY: {key: value for key, value in own.items() if value}} if tables or rules else {}


def stated(entry: Any) -> EarlierReading:
    """Return what was set aside as a descriptor says it.

    Raises:
        UsageError: a part of the entry is impossible.
    """
    entry = _object(entry, KEY, ("tables", "rules"))
    tables = _object(entry.get("tables", {}), f"{KEY}.tables", codebook.TABLES)
    rules = entry.get("rules", [])
    if not isinstance(rules, list):
        raise UsageError(f"{KEY}.rules must be a list, got {rules!r}")
    return EarlierReading(
        tuple(_table(name, each) for name, each in tables.items()),
        tuple(_rule(f"{KEY}.rules, entry {n}", each) for n, each in enumerate(rules, 1)),
    )


def _table(name: str, entry: Any) -> TableCount:
    what = f"{KEY}.tables.{name}"
    entry = _object(entry, what, ("file", *_NUMBERS))
    file = entry.get("file")
    if not isinstance(file, str) or not file.strip():
        raise UsageError(f"{what}.file must be the name of a file, got {file!r}")
    read, rejected, blanked, added = (_count(entry.get(key, 0), f"{what}.{key}") for key in _NUMBERS)
    if rejected > read:
        raise UsageError(f"{what}: {rejected} rows rejected of {read} read; no more can be rejected than were read")
    return TableCount(name, file, read, read - rejected, rejected, blanked, added)


def _rule(what: str, entry: Any) -> RuleCount:
    entry = _object(entry, what, ("rule", "severity", "table", "n", "columns"))
    rule, severity, table = (entry.get(key) for key in ("rule", "severity", "table"))
    if not isinstance(rule, str) or not _RULE.fullmatch(rule):
        raise UsageError(f"{what}: rule must be the name of a rule, such as key-missing, got {rule!r}")
    if severity not in get_args(Severity):
        raise UsageError(f"{what}: severity is {severity!r}; allowed: {', '.join(get_args(Severity))}")
    if table not in codebook.TABLES:
        raise UsageError(f"{what}: table is {table!r}; allowed: {', '.join(codebook.TABLES)}")
    columns = _object(entry.get("columns", {}), f"{what}: columns")
    n = _count(entry.get("n"), f"{what}: n")
    named = tuple(sorted((column, _count(of, f"{what}: columns.{column}")) for column, of in columns.items()))
    if sum(of for _, of in named) > n:
        raise UsageError(f"{what}: n is {n}, and its columns have more; n counts them all")
    return RuleCount(rule, severity, n, named, table)


def _object(entry: Any, what: str, allowed: Iterable[str] = ()) -> Mapping[str, Any]:
    if not isinstance(entry, dict):
        raise UsageError(f"{what} must be an object, got {entry!r}")
    names = tuple(allowed)
    if names and (unknown := next((key for key in entry if key not in names), None)) is not None:
        raise UsageError(f"{what} has {unknown!r}; allowed: {', '.join(names)}")
    return entry


def _count(entry: Any, what: str) -> int:
    if not isinstance(entry, int) or isinstance(entry, bool) or entry < 0:
        raise UsageError(f"{what} must be a whole number from 0 on, got {entry!r}")
    return entry
