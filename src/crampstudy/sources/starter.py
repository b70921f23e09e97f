"""A new study: a folder of empty tables, their dictionary, and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from crampstudy import codebook, names
from crampstudy.atomic_write import whole_folder
from crampstudy.codebook import dictionary
from crampstudy.errors import UsageError
from crampstudy.sources.readers import package

NEEDED = ("participants", "diary")
"""The tables without which there is no diary cohort."""

_README = """# {name}

A diary study of nocturnal leg cramps. Each table is a CSV file with its header; fill in rows below it.

{tables}

`dictionary.md` says what each column means, in which unit, and what a cell may hold. Keep identifiers free of
names. Only these columns are needed; take out the others that you do not record:

{required}

- Age and sex may be left out too, where they are not recorded: what needs them says so.
- `date` is the calendar date on which the night **begins**.
- A night without an entry is left out, or has `entry_made` false and an empty count. It is never a 0.
- Dates are written 2025-03-01, answers true or false, numbers with a decimal point.
- `redcap.csv` is the same dictionary for a REDCap project; `datapackage.json` describes the folder to programs.

Next steps:

    crampstudy validate {folder}
    crampstudy describe {folder} --by age_band
    crampstudy report {folder}

A file in another layout, or one column of dates in another form, is read through a mapping file: see
`docs/mapping.md` of crampstudy.
"""


def create(folder: Path, tables: Sequence[str] | None = None) -> tuple[Path, ...]:
    """Make ``folder`` the start of a study with the given tables, by default all, and return its files.

    Raises:
        UsageError: a table is unknown, participants or diary is left out, or the folder is not empty.
        OutputError: the folder cannot be written.
    """
    chosen = _chosen(tables)
    if folder.is_dir() and (held := sorted(path.name for path in folder.iterdir())):
        raise UsageError(f"{folder} is not empty (it holds {held[0]}); a new study begins in a new or an empty folder")
    name = folder.resolve().name
    resources = [dictionary.resource(table, f"{table}.csv", codebook.variables(table)) for table in chosen]
    described = {"name": name, "crampstudy": {"kind": "diary"}, "resources": resources}
    files = {f"{table}.csv": ",".join(v.name for v in codebook.variables(table)) + "\n" for table in chosen} | {
        package.DESCRIPTOR: dictionary.to_json(described),
        "dictionary.md": dictionary.markdown(),
        package.REDCAP: dictionary.redcap(),
        "README.md": _readme(name, chosen),
    }
    with whole_folder(folder, lambda _: "it is not empty") as fresh:
        for file, text in files.items():
            (fresh.folder / file).write_text(text, encoding="utf-8", newline="\n")
    return tuple(folder / file for file in files)


def _chosen(tables: Sequence[str] | None) -> list[str]:
    if tables is None:
        return list(codebook.TABLES)
    if unknown := [table for table in tables if table not in codebook.TABLES]:
        raise UsageError(f"no table {unknown[0]!r}; allowed: {', '.join(codebook.TABLES)}")
    if missing := [table for table in NEEDED if table not in tables]:
        raise UsageError(f"a study needs the table {missing[0]}; give at least {','.join(NEEDED)}")
    return [table for table in codebook.TABLES if table in tables]


def _readme(name: str, tables: Sequence[str]) -> str:
    about = "\n".join(f"- `{table}.csv`: a row is {codebook.TABLES[table].row}" for table in tables)
    required = {table: [f"`{v.name}`" for v in codebook.variables(table) if v.required] for table in tables}
    needed = "\n".join(f"- {table}: {', '.join(columns)}" for table, columns in required.items())
    return _README.format(name=names.title(name), folder=shlex.quote(name), tables=about, required=needed)
