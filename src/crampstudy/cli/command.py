"""A command whose options --json and --csv may stand alone or with a file, in any order with its arguments.

A call that cannot be parsed is said in one line as every other error is, with what may have been meant.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperCommand

from crampstudy import suggestions
from crampstudy.errors import UsageError

STDOUT = "-"
Unparsed: type[Exception] = typer.BadParameter.__mro__[1]
"""What is raised of words that are none of a command's: the parser's own class has no public name."""
_NO_CHOICE = re.compile(r"(?:Value error, )?'(.+)' is not one of (.+?)\.?", re.DOTALL)
_NO_COMMAND = re.compile(r"No such command '(.+?)'.*", re.DOTALL)


class Command(TyperCommand):
    """A command of this package; what its options of output are given is told from its arguments by their number."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Attach to each option of output what it is given, and parse the arguments as ever."""
        options = [each for each in self.params if each.param_type_name == "option"]
        outputs = {name for each in options if is_output(each) for name in each.opts}
        valued = {name for each in options if not getattr(each, "is_flag", False) for name in each.opts} - outputs
        positional = [each for each in self.params if each.param_type_name == "argument"]
        many = any(each.nargs == -1 for each in positional)
        return super().parse_args(ctx, attached(args, outputs, valued, len(positional), many=many))


def is_output(option: Any) -> bool:
    """Say whether an option is one of output: the only ones that say that their value may be left out."""
    return str(option.metavar or "").startswith("[")


def attached(
    arguments: Sequence[str], outputs: set[str], valued: set[str], positional: int, *, many: bool = False
) -> list[str]:
    """Return the arguments with the value of each option of output attached to it: a file, or standard output.

    What follows such an option is its file, unless the command then had too few arguments: in ``describe --json study``
    the one argument is the source, in ``describe --json rows.json study`` there is one more. Where two options could
    have the one word that is more, it is the file of that whose name ends it, as in ``rows.csv``, else of the last.
    Where a command has any number of arguments, a word is the file if its ending says so, or if two arguments and more
    stand before it: ``compare A B --csv rows``, but ``compare --csv A B C``.

    Args:
        arguments: the words after the command's name.
        outputs: names of the options of output.
        valued: names of the options that take the next word in any case.
        positional: how many arguments the command has.
        many: whether the last of them may be several.
    """
    places, bare, end = _places(arguments, outputs, valued)
    follow = {i: arguments[i + 1] for i in places if i + 1 < end}
    claims = [i for i, word in follow.items() if word != STDOUT and not word.startswith("-")]
    ends = {i: word.casefold().endswith(f".{arguments[i].lstrip('-')}") for i, word in follow.items()}
    if many:
        claims = [i for i in claims if ends[i] or places[i] > positional]
        spare = len(claims)
    else:
        claims.sort(key=lambda i: (ends[i], i))
        spare = min(max(bare - positional, 0), len(claims))
    files = {i: follow[i] for i in claims[len(claims) - spare :]} | {i: w for i, w in follow.items() if w == STDOUT}
    return [
        f"{word}={files.get(i, STDOUT)}" if i in places else word
        for i, word in enumerate(arguments)
        if i - 1 not in files
    ]


def _places(arguments: Sequence[str], outputs: set[str], valued: set[str]) -> tuple[dict[int, int], int, int]:
    """Return the places of the options of output, each with the number of words before it that belong to no other.

    Beside them how many such words there are in all, and where options end.
    """
    places, bare, place = dict[int, int](), 0, 0
    while place < len(arguments) and (word := arguments[place]) != "--":
        if word in outputs:
            places[place] = bare
            # A dash after it is its value, and none of the command's arguments.
            place += arguments[place + 1 : place + 2] == [STDOUT]
        elif word in valued:
            place += 1
        else:
            bare += word == STDOUT or not word.startswith("-")
        place += 1
    return places, bare + max(len(arguments) - place - 1, 0), place


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
        return suggestions.unknown(UsageError, said, found[1], choices, f"allowed: {', '.join(choices)}", closed=True)
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
