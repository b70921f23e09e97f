"""The data dictionary in the forms that others read: Markdown, Frictionless ``datapackage.json``, REDCap CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from crampstudy import codebook
from crampstudy.codebook import TABLES, Variable, VariableType, contrasts
from crampstudy.codebook.laboratory import reference_ranges

_FRICTIONLESS: dict[VariableType, str] = {
    "identifier": "string",
    "text": "string",
    "level": "string",
    "date": "date",
    "datetime": "datetime",
    "boolean": "boolean",
    "integer": "integer",
    "number": "number",
}
_REDCAP_TEXT: dict[VariableType, str] = {
    "date": "date_ymd",
    "datetime": "datetime_ymd",
    "integer": "integer",
    "number": "number",
}
_REDCAP_HEADER = (
    "Variable / Field Name",
    "Form Name",
    "Section Header",
    "Field Type",
    "Field Label",
    "Choices, Calculations, OR Slider Labels",
    "Field Note",
    "Text Validation Type OR Show Slider Number",
    "Text Validation Min",
    "Text Validation Max",
    "Identifier?",
    "Branching Logic (Show field only if...)",
    "Required Field?",
    "Custom Alignment",
    "Question Number (surveys only)",
    "Matrix Group Name",
    "Matrix Ranking?",
    "Field Annotation",
)


def field(variable: Variable) -> dict[str, Any]:
    """Return a variable as a Frictionless field."""
    limit = int if variable.type == "integer" else float
    constraints: dict[str, Any] = {"required": True} if variable.severity == "reject-row" and variable.required else {}
    if variable.name == "cramps":
        constraints = {}  # An empty count is a night that nobody observed.
    if variable.minimum is not None:
        constraints["minimum"] = limit(variable.minimum)
    if variable.maximum is not None:
        constraints["maximum"] = limit(variable.maximum)
    if variable.levels:
        constraints["enum"] = list(variable.levels)
    described: dict[str, Any] = {
        "name": variable.name,
        "type": _FRICTIONLESS[variable.type],
        "title": variable.heading,
        "description": variable.description,
    }
    if variable.unit:
        described["unit"] = variable.unit
    if constraints:
        described["constraints"] = constraints
    return described


def resource(table: str, path: str, fields: Iterable[Variable]) -> dict[str, Any]:
    """Return a table as a Frictionless resource with its keys."""
    schema: dict[str, Any] = {
        "fields": [field(v) for v in fields],
        "primaryKey": list(TABLES[table].key),
        "missingValues": [""],
    }
    if table != "participants":
        schema["foreignKeys"] = [
            {"fields": "participant_id", "reference": {"resource": "participants", "fields": "participant_id"}}
        ]
    return {
        "name": table,
        "path": path,
        "format": Path(path).suffix[1:],
        "encoding": "utf-8",
        "description": f"A row is {TABLES[table].row}.",
        "schema": schema,
    }


def datapackage() -> str:
    """Return the descriptor of an empty cohort with every table and core column."""
    resources = [resource(name, f"{name}.csv", codebook.variables(name)) for name in TABLES]
    return to_json({"name": "crampstudy-cohort", "resources": resources})


def to_json(content: dict[str, Any]) -> str:
    """Return JSON as this package writes it: indented, in the order given, UTF-8."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def markdown() -> str:
    """Return the dictionary as one Markdown document, a table of variables per cohort table."""
    parts = [
        "# Data dictionary\n",
        "Generated from `src/crampstudy/codebook/variables.csv` by `python -m crampstudy.codebook`. Units are part of "
        "a name; an empty cell is missing; dates are ISO 8601; booleans are true or false. The rules that cells, rows "
        "and tables are cleaned by stand in `docs/cleaning.md`.\n",
    ]
    for table in (*TABLES.values(), None):
        name = table.name if table else "derived"
        about = f"A row is {table.row}; key: {', '.join(table.key)}." if table else "Named in terms, never stored."
        parts.append(f"## {name}\n\n{about}\n")
        parts.append(
            "| name | label | allowed | unit | survey component | source | meaning |\n|---|---|---|---|---|---|---|"
        )
        for v in codebook.variables(name):
            cells = (f"`{v.name}`", v.label, v.allowed, v.unit, v.component, v.source, v.description)
            parts.append("| " + " | ".join((cell or "–").replace("|", "\\|") for cell in cells) + " |")
        parts.append("")
    parts.append(_declared())
    return "\n".join(parts)


def _declared() -> str:
    """Return the declared contrasts, margins and reference ranges."""
    lines = [
        "## Declared contrasts\n",
        "A verdict on the ratio of a number is given on these values alone, and of any other number on its 10th "
        "against its 90th centile, or the 90th against the 10th where a contrast of the same variable has the higher "
        "value first.\n",
    ]
    for c in contrasts.declared():
        printed = c.wording(c.at, c.reference) if c.kind in ("value", "deviation") else c.centiles()
        printed += " of the nights' distances from own mean" if c.kind == "deviation-centile" else ""
        lines.append(f"- `{c.name}`: {printed}. {c.source}.")
    lines += [
        "\n## Declared margins\n",
        "The smallest difference that matters. Of the differences of any other variable a verdict says only whether 0 "
        "is excluded.\n",
        *(f"- `{margin.name}`: {margin.size:g}. {margin.source}." for margin in contrasts.margins()),
        "\n## Reference ranges\n",
        "Of adults.\n",
        *(f"- `{made.name}`: {made.wording}. {made.source}." for made in reference_ranges()),
    ]
    return "\n".join(lines) + "\n"


def redcap() -> str:
    """Return the dictionary as a REDCap data dictionary: an instrument per table, in REDCap's 18 columns."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_REDCAP_HEADER)
    seen: set[str] = set()
    for table in TABLES:
        for v in codebook.variables(table):
            # REDCap knows one field of a name in the whole project, and one record identifier.
            name = v.name if v.name not in seen else f"{table}_{v.name}"
            if v.name != "participant_id" or table == "participants":
                seen.add(name)
                writer.writerow(_redcap_row(v, name))
    return out.getvalue()


def _redcap_row(v: Variable, name: str) -> tuple[str, ...]:
    limit = "{:g}".format
    kind = {"level": "dropdown", "boolean": "yesno"}.get(v.type, "text")
    choices = " | ".join(f"{level}, {level.replace('_', ' ')}" for level in v.levels)
    low = limit(v.minimum) if kind == "text" and v.minimum is not None else ""
    high = limit(v.maximum) if kind == "text" and v.maximum is not None else ""
    required = "y" if v.required and v.name != "cramps" else ""
    note = f"{v.unit}. {v.description}" if v.unit else v.description
    validation = _REDCAP_TEXT.get(v.type, "")
    identifier = "y" if v.type == "identifier" else ""
    head = (name, v.table, "", kind, v.heading, choices, note, validation, low, high, identifier, "", required)
    return (*head, "", "", "", "", "")


def write(folder: Path) -> None:
    """Write the three forms of the dictionary to ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {
        "dictionary.md": markdown(),
        "datapackage.json": datapackage(),
        "redcap.csv": redcap(),
    }.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
