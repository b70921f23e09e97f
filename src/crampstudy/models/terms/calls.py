"""The inside of a formula's functions: arithmetic and comparisons of columns, and arguments, and nothing else."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping

from crampstudy.models.terms.columns import shown
from crampstudy.models.terms.functions import CODINGS, FUNCTIONS, LARGEST_COUNT, Kind

_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow)
_EQUAL, _ORDERED = (ast.Eq, ast.NotEq), (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


class Refused(Exception):
    """What stands in a function and may not, as the end of a sentence; ``correction`` as that of an error."""

    correction: tuple[str, str] | None = None


def check_call(call: ast.expr, *, within: str | None = None, texts: bool = True) -> None:
    """Check the call of a function, ``within`` another one; ``texts`` says whether these may compare with texts.

    Raises:
        Refused: it is no listed function, or holds anything but arithmetic, comparisons and its own arguments.
    """
    if not isinstance(call, ast.Call) or (name := ast.unparse(call.func)) not in FUNCTIONS:
        raise Refused(f"{_text(call)} calls none of the functions of formulas")
    function = FUNCTIONS[name]
    if within and function.alone:
        raise Refused(f"{name}() stands by itself or in an interaction, such as {name}(x):sex, and not in {within}()")
    if not call.args:
        raise Refused(f"{name}() lacks what it is of; write {function.usage}")
    first, *others = call.args
    _check_expression(first, within=name, texts=texts and function.texts)
    _check_arguments(others, call.keywords, function.arguments, function.usage)


def _check_expression(node: ast.expr, *, within: str, texts: bool) -> None:
    def inner(*parts: ast.expr) -> None:
        for part in parts:
            _check_expression(part, within=within, texts=texts)

    match node:
        case ast.Name(id=name) if name in CODINGS:
            raise Refused(f"{name} codes the levels of C(); a column of this name stands in backticks")
        case ast.Name():
            return
        case ast.Constant(value=int() | float()) if not isinstance(node.value, bool):
            return
        case ast.UnaryOp(op=ast.UAdd() | ast.USub(), operand=operand):
            inner(operand)
        case ast.BinOp(left=left, op=op, right=right) if isinstance(op, _ARITHMETIC):
            # Python's whole numbers have no end: 9 ** 9 ** 9 would take for ever.
            if isinstance(op, ast.Pow) and not any(isinstance(part, ast.Name) for part in ast.walk(node)):
                raise Refused(f"{_text(node)} is a power of numbers alone; write the number")
            inner(left, right)
        case ast.Compare(left=left, ops=[op], comparators=[right]) if isinstance(op, (*_EQUAL, *_ORDERED)):
            compared = [left, right]
            if texts and isinstance(op, _EQUAL) and not all(map(_is_text, compared)):
                compared = [part for part in compared if not _is_text(part)]
            inner(*compared)
        case ast.Call():
            check_call(node, within=within, texts=texts)
        case _:
            raise Refused(f"{_text(node)} is neither a column, a number, arithmetic nor a comparison of two")


def _check_arguments(given: list[ast.expr], named: list[ast.keyword], allowed: Mapping[str, Kind], usage: str) -> None:
    if len(given) > len(allowed):
        raise Refused(f"{_text(given[len(allowed)])} is an argument too many; write {usage}")
    arguments = [*zip(allowed, given, strict=False), *((str(word.arg), word.value) for word in named)]
    names = [name for name, _ in arguments]
    for name, value in arguments:
        if name not in allowed or names.count(name) > 1:
            raise Refused(f"the argument {name}={_text(value)} is unknown or given twice; write {usage}")
        if not _FITS[allowed[name]](value):
            raise Refused(f"{name}={_text(value)} is no {allowed[name]}; write {usage}")


def _text(node: ast.AST) -> str:
    return shown(ast.unparse(node))


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is_yes_or_no(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, bool)


def _is_number(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.UAdd, ast.USub)):
        node = node.operand
    return isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and not _is_yes_or_no(node)


def _is_count(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int) and node.value <= LARGEST_COUNT


def _is_level(node: ast.expr) -> bool:
    return _is_text(node) or _is_yes_or_no(node) or _is_number(node)


def _all_are(fits: Callable[[ast.expr], bool]) -> Callable[[ast.expr], bool]:
    return lambda node: isinstance(node, (ast.List, ast.Tuple)) and all(map(fits, node.elts))


def _is_coding(node: ast.expr) -> bool:
    name = ast.unparse(node.func if isinstance(node, ast.Call) else node)
    if name in CODINGS and isinstance(node, ast.Call):
        _check_arguments(node.args, node.keywords, CODINGS[name], f"{name}({', '.join(CODINGS[name])})")
    return name in CODINGS


_FITS: Mapping[Kind, Callable[[ast.expr], bool]] = {
    "count up to 50": _is_count,
    "number": _is_number,
    "list of numbers": _all_are(_is_number),
    "True or False": _is_yes_or_no,
    "level": _is_level,
    "list of levels": _all_are(_is_level),
    "coding of levels": _is_coding,
    "'center'": lambda node: _is_text(node) and ast.unparse(node) == "'center'",
}
