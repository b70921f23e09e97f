"""Types of parameters: read from annotations, and values of them from text."""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass
from typing import Any

import yaml

from crampstudy import plain_yaml
from crampstudy.errors import ParameterError

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


def read_type(node: ast.expr, where: str) -> Type:
    """Return the type that an annotation names; ``where`` is its place for a message.

    Raises:
        ParameterError: it is none of those that a parameter can have.
    """
    match node:
        case ast.Name(id=name) if name in _SCALARS:
            return Type(name)
        case ast.Subscript(value=ast.Name(id="list"), slice=item):
            return Type("list", item=read_type(item, where))
        case ast.Subscript(value=ast.Name(id="Literal"), slice=ast.Tuple(elts=elements)):
            return Type("literal", choices=tuple(ast.literal_eval(element) for element in elements))
        case ast.Subscript(value=ast.Name(id="Literal"), slice=ast.Constant(value=str() | int() | float() as choice)):
            return Type("literal", choices=(choice,))
        case ast.BinOp(left=left, op=ast.BitOr(), right=ast.Constant(value=None)):
            inner = read_type(left, where)
            return Type(inner.kind, inner.choices, inner.item, optional=True)
    raise ParameterError(
        f"{where}: type {ast.unparse(node)!r} is not known; use str, int, float, bool, Literal[…], list[…] or … | None"
    )


def fits(value: object, kind: Type) -> bool:
    """Whether a value is of a type."""
    if value is None:
        return kind.optional
    match kind.kind:
        case "literal":
            return value in kind.choices
        case "list":
            return isinstance(value, list) and kind.item is not None and all(fits(each, kind.item) for each in value)
        case "bool":
            return isinstance(value, bool)
        case "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case "float":
            return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        case _:
            return isinstance(value, str)


def parse(text: str, kind: Type, name: str) -> Any:
    """Return the value that a text gives to the parameter ``name``.

    Raises:
        ParameterError: the text is no value of the type.
    """
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
        return [parse(item, kind.item, name) for item in items]
    value = _scalar(text, kind)
    if value is None or not fits(value, kind):
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
