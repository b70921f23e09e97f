"""A REDCap data dictionary: which field is which codebook column, and what its choices mean."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from crampstudy import codebook
from crampstudy.codebook import Variable, dictionary, missing
from crampstudy.errors import SourceError
from crampstudy.sources.text.decimals import NUMBERS

# The headings of the file that REDCap exports, and those of its programming interface.
_COLUMNS = {
    "name": ("Variable / Field Name", "field_name"),
    "form": ("Form Name", "form_name"),
    "kind": ("Field Type", "field_type"),
    "label": ("Field Label", "field_label"),
    "choices": ("Choices, Calculations, OR Slider Labels", "select_choices_or_calculations"),
}
_VALIDATION = (
    "validation",
    ("Text Validation Type OR Show Slider Number", "text_validation_type_or_show_slider_number"),
)
_PACKAGE = "the dictionary of the package"
_CHOICE = ("dropdown", "radio", "checkbox")
_BOOLEAN = ("yesno", "truefalse")
_YES_NO = {"yes": "true", "no": "false", "true": "true", "false": "false"}


@dataclass(frozen=True, slots=True)
class RedcapField:
    """One field: ``table`` and ``column`` are where it goes, ``None`` where no table takes it."""

    name: str
    form: str
    kind: str
    label: str
    choices: Mapping[str, str] = field(default_factory=dict)
    table: str | None = None
    column: str = ""
    variable: Variable | None = None
    validation: str = ""

    @property
    def number(self) -> bool:
        """Whether the field holds numbers: the codebook says so, or the project's own validation does."""
        if self.boolean or self.choices:
            return False
        return self.variable.type in NUMBERS if self.variable else self.ungrouped or self.validation == "integer"

    @property
    def ungrouped(self) -> bool:
        """Whether REDCap has let in only numbers without thousands apart: any mark in a cell is a decimal one."""
        return self.kind == "calc" or (self.kind == "text" and self.validation.startswith("number"))

    @property
    def boolean(self) -> bool:
        """Whether the field is a yes or a no without choices of its own."""
        return self.kind in _BOOLEAN or (
            self.variable is not None and self.variable.type == "boolean" and not self.choices
        )

    def level(self, code: str) -> str:
        """Return what a choice stands for: a level, true or false, a number; its label where none of these fits."""
        label = self.choices[code]
        if self.variable is None:
            return label
        if self.variable.type == "boolean":
            return _YES_NO.get(_slug(label), label)
        if not self.variable.levels:
            return label if self.variable.type == "text" else code
        return next((v for v in self.variable.levels if v in (code, _slug(label))), label)


@dataclass(frozen=True, slots=True)
class Dictionary:
    """The fields of a project by name, in their order, and the ``file`` that a project gave."""

    fields: Mapping[str, RedcapField]
    file: Path | None = None

    @property
    def notices(self) -> tuple[str, ...]:
        """How the choices of the fields that the codebook knows differ from its levels.

        Raises:
            SourceError: nothing of a field can be a value of the codebook's column.
        """
        known = ((f, f.variable) for f in self.fields.values() if f.variable is not None)
        return tuple(said for f, variable in known for said in differences(self.title, f, variable))

    @property
    def title(self) -> str:
        """What messages call it."""
        return str(self.file or _PACKAGE)

    def labelled(self, label: str) -> list[RedcapField]:
        """Return the fields with a label, however the two are laid out and set in type."""
        return [f for f in self.fields.values() if same_text(f.label) == same_text(label)]

    def box(self, column: str) -> RedcapField | None:
        """Return one box of a checkbox field, exported as ``name___code``: a yes or no of its own."""
        for f in self.fields.values():
            if f.kind == "checkbox" and column.startswith(f"{f.name}___"):
                return replace(f, name=column, column=column, kind="yesno", choices={})
        return None

    def boxes(self, heading: str) -> list[str]:
        """Return the columns that a labelled heading such as ``Stretched (choice=Calf)`` may mean."""
        boxes = [f for f in self.fields.values() if f.kind == "checkbox"]
        found = [
            box_name(f.name, code)
            for f in boxes
            for code, label in f.choices.items()
            if same_text(heading) == same_text(f"{f.label} (choice={label})")
        ]
        # REDCap adds a box for each missing data code of the project, which no dictionary has.
        label, _, choice = heading.removesuffix(")").rpartition(" (choice=")
        if not found and missing.reads_as_missing(choice):
            return [box_name(f.name, choice) for f in boxes if same_text(f.label) == same_text(label)]
        return found

    def home(self, form: str) -> str | None:
        """Return the table of an instrument, ``None`` where no field of it goes into one."""
        tables = [f.table for f in self.fields.values() if f.table and f.form == form]
        return max(dict.fromkeys(tables), key=tables.count) if tables else None


def box_name(field: str, code: str) -> str:
    """Return the column of a checkbox field's choice; it has only letters, digits and underscores of the code."""
    return f"{field}___{re.sub(r'[^a-z0-9_]', '_', code.lower())}"


def package_dictionary() -> Dictionary:
    """Return the package's own dictionary."""
    described = _parse(None, dictionary.redcap())
    # Nobody has said that the project validates its fields as this dictionary does.
    return replace(described, fields={n: replace(f, validation="") for n, f in described.fields.items()})


def load(path: Path) -> Dictionary:
    """Read a data dictionary as REDCap exports it.

    Raises:
        SourceError: the file is missing, is no data dictionary, or a field contradicts the codebook.
    """
    try:
        return _parse(path, path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise SourceError(f"there is no data dictionary {path}; export it from the project in REDCap") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} cannot be read as CSV in UTF-8 ({error}); export the dictionary again") from None


def columns() -> Mapping[str, Variable]:
    """Return the codebook variable behind each field name of the package's own dictionary."""
    named: dict[str, Variable] = {}
    for table in codebook.TABLES:
        for v in codebook.variables(table):
            if v.name != "participant_id" or table == "participants":
                named[v.name if v.name not in named else f"{table}_{v.name}"] = v
    return named


def plain_text(label: str) -> str:
    """Return a label without what an editor of rich text writes into it."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", label)).split())


def same_text(label: str) -> str:
    """Return what two labels have in common that differ only in how they are laid out."""
    return re.sub(r"\s+", "", plain_text(label))


def _parse(file: Path | None, text: str) -> Dictionary:
    where = str(file or _PACKAGE)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    headings = _headings(where, reader.fieldnames or ())
    known = columns()
    fields: dict[str, RedcapField] = {}
    for row in reader:
        cells = {key: (row.get(heading) or "").strip() for key, heading in headings.items()}
        if not cells["name"] or cells["kind"] == "descriptive":
            continue
        if cells["name"] in fields:
            raise SourceError(f"{where}, line {reader.line_num}: the field {cells['name']!r} stands twice")
        fields[cells["name"]] = _field(cells, known)
    return Dictionary(_with_homes(fields), file)


def _headings(where: str, present: Sequence[str]) -> dict[str, str]:
    """Return what each column of the dictionary is called; the validation may be missing."""
    found = {key: next((n for n in names if n in present), None) for key, names in (*_COLUMNS.items(), _VALIDATION)}
    if absent := [names[0] for key, names in _COLUMNS.items() if found[key] is None]:
        raise SourceError(
            f"{where} is not a REDCap data dictionary: it has no column {absent[0]!r}; export it from the project"
        )
    return {key: heading or "" for key, heading in found.items()}


def _field(cells: Mapping[str, str], known: Mapping[str, Variable]) -> RedcapField:
    """Return the field that a line describes; one that the codebook knows has its table already."""
    choices = _choices(cells["choices"]) if cells["kind"] in _CHOICE else {}
    made = RedcapField(
        cells["name"], cells["form"], cells["kind"], plain_text(cells["label"]), choices, validation=cells["validation"]
    )
    variable = known.get(made.name) if made.kind != "checkbox" else None
    if variable is None:
        return made
    return replace(made, table=variable.table, column=variable.name, variable=variable)


def _with_homes(fields: Mapping[str, RedcapField]) -> dict[str, RedcapField]:
    """Return the fields, those that the codebook does not know in the table of their instrument."""
    known = Dictionary(fields)
    return {
        name: replace(made, table=known.home(made.form), column=name) if made.table is None else made
        for name, made in fields.items()
    }


def _delimiter(text: str) -> str:
    """Return what separates the headings: the longest known one holds commas, and counts as a whole."""
    header = text.lstrip().partition("\n")[0]
    for heading in _COLUMNS["choices"]:
        header = header.replace(heading, "")
    return max(",;\t|", key=header.count)


def _choices(text: str) -> dict[str, str]:
    pairs = (part.partition(",") for part in text.split("|") if part.strip())
    return {code.strip(): plain_text(label) for code, _, label in pairs}


def differences(where: str, made: RedcapField, variable: Variable) -> list[str]:
    """Return how the choices of a field differ from the codebook's levels.

    Raises:
        SourceError: nothing of the field can be a value of the codebook's column.
    """
    place = f"{where}, field {made.name}"
    levels = ("true", "false") if variable.type == "boolean" else variable.levels
    if not levels or made.kind in (*_BOOLEAN, "calc"):
        return []
    if not made.choices:
        return [f"{place}: it has no choices; only {', '.join(levels)} are kept"]
    strange = [code for code in made.choices if made.level(code) not in levels]
    if len(strange) == len(made.choices):
        raise SourceError(
            f"{place}: none of its choices ({', '.join(made.choices.values())}) is one of {', '.join(levels)}; "
            "say in a mapping what each stands for (redcap:FILE?dictionary=D.csv&mapping=M.yaml), or rename the choices"
        )
    named = (f"{code}, {made.choices[code]}" for code in strange)
    return [f"{place}: the choice {name!r} is none of {', '.join(levels)}; such cells are blanked" for name in named]


def _slug(label: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")
