"""Report parameters: read from the notebooks, checked in full before anything runs.

A notebook declares its parameters in one cell tagged ``parameters``, a line each::

    ci_level: float = 0.95  # coverage of the intervals
    standard: Literal["who", "esp2013", "none"] = "who"  # standard population

Types: ``str``, ``int``, ``float``, ``bool``, ``Literal[…]``, ``list[…]`` of these, and ``… | None``.
``source`` is given by the report itself.
"""

from __future__ import annotations

import ast
import difflib
import io
import json
import math
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from crampstudy import plain_yaml
from crampstudy.age_bands import AgeBands
from crampstudy.cohort import Cohort
from crampstudy.descriptive.prevalence import check_bands
from crampstudy.errors import BandError, ParameterError

SOURCE = "source"
_SCALARS = ("str", "int", "float", "bool")


@dataclass(frozen=True, slots=True)
class Type:
    """A parameter's type: ``kind`` is a scalar's name, ``literal`` or ``list``; ``item`` belongs to ``list``."""

    kind: str
    choices: tuple[str | int | float, ...] = ()
    item: Type | None = None
    optional: bool = False

    def __str__(self) -> str:
        """What is allowed, in words."""
        match self.kind:
            case "literal":
                text = "one of " + ", ".join(map(str, self.choices))
            case "list":
                text = f"a list, e.g. 20,40,60, each {self.item}" if str(self.item) != "text" else "a list, e.g. a,b"
            case "bool":
                text = "true or false"
            case "int":
                text = "a whole number"
            case "float":
                text = "a number"
            case _:
                text = "text"
        return f"{text}, or null" if self.optional else text


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: ``default`` is what the notebooks say, ``help`` the comment on its line."""

    name: str
    type: Type
    default: Any
    help: str
    notebooks: tuple[str, ...]

    @property
    def allowed(self) -> str:
        """What the parameter takes, in words."""
        return str(self.type)


def describe(notebooks: Sequence[Path], own: Path | None = None) -> list[Parameter]:
    """Return the parameters of the notebooks in order of first appearance, without ``source``.

    ``own`` is that of the notebooks which is the reader's: of a name that it shares with others, theirs is the default.

    Raises:
        ParameterError: a notebook has no or several parameters cells, a line of it is not a declaration,
            or two notebooks declare one name differently.
    """
    found: dict[str, Parameter] = {}
    for path in notebooks:
        for parameter in declared(path):
            known = found.get(parameter.name)
            if known and path != own and known.name != SOURCE and not _alike(known, parameter):
                raise ParameterError(
                    f"parameter {parameter.name!r} is {known.allowed} (default {known.default!r}) in "
                    f"{known.notebooks[0]} and {parameter.allowed} (default {parameter.default!r}) in {path.name}; "
                    "declare it the same way in both or rename one"
                )
            names = (*(known.notebooks if known else ()), path.name)
            found[parameter.name] = replace(known or parameter, notebooks=names)
    found.pop(SOURCE, None)
    return list(found.values())


def check(notebooks: Sequence[Path], settings: Sequence[str], own: Path | None = None) -> dict[str, Any]:
    """Return the values that ``name=value`` settings give to the notebooks' parameters.

    Args:
        notebooks: the notebooks that will run.
        settings: for instance ``["ci_level=0.9", "age_bands=20,40,60"]``.
        own: that of the notebooks which is the reader's own; a name that it shares with the others has their value.

    Raises:
        ParameterError: a setting is malformed or given twice, its name unknown (the closest one is
            suggested), or its value impossible (what is allowed is named).
    """
    known = {parameter.name: parameter for parameter in describe(notebooks, own)}
    values: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        name = name.strip()
        if not equals or not name:
            raise ParameterError(f"setting {setting!r}: write name=value, e.g. ci_level=0.9")
        if name == SOURCE:
            raise ParameterError("'source' is the cohort that the report is given; it cannot be set as a parameter")
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known are: {', '.join(sorted(known)) or 'none'}"
            raise ParameterError(f"unknown parameter {name!r}; {hint}")
        if name in values:
            raise ParameterError(f"parameter {name!r} is set twice; give it once")
        values[name] = _value(text, known[name].type, name)
        _possible(name, values[name])
    return values | _shared(known, values, own)


def _alike(one: Parameter, other: Parameter) -> bool:
    return (one.type, one.default) == (other.type, other.default)


def _shared(known: Mapping[str, Parameter], values: Mapping[str, Any], own: Path | None) -> dict[str, Any]:
    """Return the values of the parameters that the reader's own notebook shares with others, but declares otherwise."""
    asked = [parameter for parameter in declared(own) if parameter.name != SOURCE] if own else []
    found: dict[str, Any] = {}
    for parameter in asked:
        shared = known[parameter.name]
        if _alike(shared, parameter):
            continue
        value = found[parameter.name] = values.get(parameter.name, shared.default)
        if not _fits(value, parameter.type):
            raise ParameterError(
                f"parameter {parameter.name!r} is {value!r} in this report, as {shared.notebooks[0]} has it, and "
                f"{parameter.notebooks[0]} takes {parameter.allowed}; declare it the same way there or rename it"
            )
    return found


def suit(cohort: Cohort, values: Mapping[str, Any]) -> None:
    """Check the values against the cohort that they are meant for.

    Raises:
        ParameterError: the last age band begins above the age at which a survey top-codes ages.
    """
    if cohort.kind == "survey" and "age_bands" in values:
        try:
            check_bands(cohort, AgeBands(tuple(values["age_bands"])))
        except BandError as problem:
            raise ParameterError(f"parameter 'age_bands': {problem}") from None


def _possible(name: str, value: Any) -> None:
    """Refuse a value of the right type that no analysis can use, for the names that mean the same everywhere."""
    if name == "age_bands":
        try:
            AgeBands(tuple(value))
        except BandError as problem:
            raise ParameterError(f"parameter 'age_bands': {problem}") from None
    if name == "ci_level" and not 0 < value < 1:
        raise ParameterError(f"parameter 'ci_level': {value:g} is not allowed; it lies between 0 and 1, such as 0.95")


def for_notebook(path: Path, values: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Return the values that one notebook takes, ``source`` with them where it declares it."""
    names = {parameter.name for parameter in declared(path)}
    return {name: value for name, value in {**values, SOURCE: source}.items() if name in names}


def declared(path: Path) -> list[Parameter]:
    """Return the declarations of one notebook in order, ``source`` with them.

    Raises:
        ParameterError: as for :func:`describe`.
    """
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise ParameterError(f"{path.name} cannot be read as a notebook: {problem}") from problem
    tagged = [cell for cell in cells if "parameters" in cell.get("metadata", {}).get("tags", ())]
    if len(tagged) != 1:
        raise ParameterError(
            f"{path.name} has {len(tagged)} cells tagged 'parameters'; tag exactly one (it may hold only source)"
        )
    code = "".join(tagged[0]["source"])
    try:
        tree = ast.parse(code)
        comments = {
            token.start[0]: token.string.lstrip("# ").strip()
            for token in tokenize.generate_tokens(io.StringIO(code).readline)
            if token.type == tokenize.COMMENT
        }
    except (SyntaxError, tokenize.TokenError) as problem:
        raise ParameterError(f"{path.name}, parameters cell: not Python: {problem}") from problem
    return [
        _declaration(node, comments, path.name)
        for node in tree.body
        if not isinstance(node, ast.Import | ast.ImportFrom)
    ]


def _declaration(node: ast.stmt, comments: Mapping[int, str], notebook: str) -> Parameter:
    where = f"{notebook}, parameters cell, line {node.lineno}"
    if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name) or node.value is None:
        raise ParameterError(f"{where}: write 'name: type = default  # help', e.g. 'ci_level: float = 0.95'")
    name, kind = node.target.id, _type(node.annotation, where)
    try:
        default = ast.literal_eval(node.value)
    except ValueError as problem:
        raise ParameterError(f"{where}: the default of {name!r} must be a plain literal") from problem
    if not _fits(default, kind):
        raise ParameterError(f"{where}: the default {default!r} of {name!r} is not {kind}")
    return Parameter(name, kind, default, comments.get(node.end_lineno or node.lineno, ""), (notebook,))


def _type(node: ast.expr, where: str) -> Type:
    match node:
        case ast.Name(id=name) if name in _SCALARS:
            return Type(name)
        case ast.Subscript(value=ast.Name(id="list"), slice=item):
            return Type("list", item=_type(item, where))
        case ast.Subscript(value=ast.Name(id="Literal"), slice=ast.Tuple(elts=elements)):
            return Type("literal", choices=tuple(ast.literal_eval(element) for element in elements))
        case ast.Subscript(value=ast.Name(id="Literal"), slice=ast.Constant(value=str() | int() | float() as choice)):
            return Type("literal", choices=(choice,))
        case ast.BinOp(left=left, op=ast.BitOr(), right=ast.Constant(value=None)):
            inner = _type(left, where)
            return Type(inner.kind, inner.choices, inner.item, optional=True)
    raise ParameterError(
        f"{where}: type {ast.unparse(node)!r} is not known; use str, int, float, bool, Literal[…], list[…] or … | None"
    )


def _fits(value: object, kind: Type) -> bool:
    if value is None:
        return kind.optional
    match kind.kind:
        case "literal":
            return value in kind.choices
        case "list":
            return isinstance(value, list) and kind.item is not None and all(_fits(each, kind.item) for each in value)
        case "bool":
            return isinstance(value, bool)
        case "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case "float":
            return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        case _:
            return isinstance(value, str)


def _value(text: str, kind: Type, name: str) -> Any:
    text = text.strip()
    if kind.optional and text.lower() in ("null", "none"):
        return None
    if kind.kind == "list":
        # BaseLoader leaves every scalar a string, so 010, no and 1:30 mean what they say.
        try:
            items = plain_yaml.load(text if text.startswith("[") else f"[{text}]")
        except yaml.YAMLError as problem:
            raise ParameterError(f"parameter {name!r}: {text!r} is not {kind}") from problem
        if not items or kind.item is None or not all(isinstance(item, str) for item in items):
            raise ParameterError(f"parameter {name!r}: {text!r} is not {kind}")
        return [_value(item, kind.item, name) for item in items]
    value = _scalar(text, kind)
    if value is None or not _fits(value, kind):
        raise ParameterError(f"parameter {name!r}: {text!r} is not allowed; it takes {kind}")
    return value


def _scalar(text: str, kind: Type) -> str | int | float | bool | None:
    bare = text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text
    match kind.kind:
        case "literal":
            return next((choice for choice in kind.choices if str(choice) == bare), None)
        case "bool":
            return {"true": True, "yes": True, "false": False, "no": False}.get(text.lower())
        case "int" | "float":
            try:
                return int(text) if kind.kind == "int" else float(text)
            except ValueError:
                return None
        case _:
            return bare
