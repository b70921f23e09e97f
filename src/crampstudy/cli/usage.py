"""A call that cannot be parsed, said in one line as every other error is, with what may have been meant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import typer

from crampstudy import suggestions
from crampstudy.errors import UsageError

Unparsed: type[Exception] = typer.BadParameter.__mro__[1]
"""What is raised of words that are none of a command's: the parser's own class has no public name."""
_NO_CHOICE = re.compile(r"(?:Value error, )?'(.+)' is not one of (.+?)\.?", re.DOTALL)
_NO_COMMAND = re.compile(r"No such command '(.+?)'.*", re.DOTALL)


def error_of(unparsed: Any) -> UsageError:
    """Return what is said of a call that cannot be parsed: which word is wrong, what is meant or allowed, and help."""
    command: Any = getattr(unparsed, "cmd", None)
    context: Any = getattr(unparsed, "ctx", None)
    look = f"see {context.command_path if context else 'crampstudy'} --help"
    if name := getattr(unparsed, "option_name", None) if hasattr(unparsed, "possibilities") else None:
        known = [each for option in command.params for each in option.opts if each.startswith("--")]
        return _no("option", name, known, look)
    if found := _NO_CHOICE.fullmatch(unparsed.message):
        choices = re.findall(r"'(.+?)'", found[2])
        said = f"{_option(unparsed.param)} is {found[1]!r}"
        return suggestions.unknown(UsageError, said, found[1], choices, f"allowed: {', '.join(choices)}")
    if found := _NO_COMMAND.fullmatch(unparsed.message):
        return _no("command", found[1], list(command.commands), look)
    said = unparsed.format_message().strip().rstrip(".")
    return UsageError(f"{said[:1].lower()}{said[1:]}; {look}")


def help_of(unparsed: Any) -> str:
    """Return the help that a call without a command is answered with."""
    return str(unparsed.format_message())


def _no(what: str, name: str, known: Sequence[str], look: str) -> UsageError:
    return suggestions.unknown(
        UsageError, f"no {what} {name!r}", name, known, "" if suggestions.closest(name, known) else look
    )


def _option(parameter: Any) -> str:
    return str(parameter.opts[0]) if parameter.param_type_name == "option" else str(parameter.name)
