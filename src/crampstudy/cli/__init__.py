"""The command line. Everything heavy is imported by the command that needs it, so that help answers at once."""

from __future__ import annotations

import contextlib
import errno
import functools
import io
import os
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, NoReturn

import typer

from crampstudy import ending, progress
from crampstudy.cli import (
    adjust,
    analyse,
    analyses,
    compare,
    crash,
    data,
    evidence,
    predict,
    report,
    rerun,
    simulate,
    triage,
)
from crampstudy.cli.command import Command, Unparsed, error_of, help_of
from crampstudy.errors import CrampstudyError, FileTaken, FolderTaken, OpenQuestion, OutputError, UsageError

app = typer.Typer(
    name="crampstudy",
    help="Reproducible studies of nocturnal leg cramps: cohorts, models and reports.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # Plain help: to draw boxes takes as long as all the rest of it.
    rich_markup_mode=None,
)

_UNREADABLE = 4


def _tell_version(asked: bool) -> None:
    if asked:
        from crampstudy import __version__

        typer.echo(f"crampstudy {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_tell_version, is_eager=True)
    ] = False,
) -> None:
    """Take the options that stand before a command."""


def _printing(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command that says so when its output cannot be printed."""

    @functools.wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
            sys.stdout.flush()
        except OSError as error:
            # Typer would end without a word when what reads a pipe has ended.
            if error.filename is None and error.errno is not None:
                raise OutputError(_lost(error)) from error
            raise

    return run


for command in (
    *(analyse.describe, compare.compare, analyse.fit, analyse.models, adjust.adjust, analyses.analyse),
    evidence.evidence,
    evidence.claims,
    triage.triage,
    *(predict.predict, predict.phenotypes),
    *(data.init, data.try_, data.validate, data.import_),
    simulate.simulate,
    data.fetch,
    report.report,
    *(rerun.verify, rerun.diff, rerun.cache),
):
    app.command(command.__name__.rstrip("_"), cls=Command)(_printing(command))


def main() -> None:
    """Run the command line; a deliberate error prints one message and exits with the code of its kind."""
    sys.excepthook = _tell_of_bug
    if sys.stdout is None:
        _say("standard output is closed; run it again with an open one, such as > output.txt")
        sys.exit(_UNREADABLE)
    for stream in (sys.stdout, sys.stderr):
        # A terminal of another encoding shows the code of what it lacks.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        # Typer itself would set an exception hook of its own.
        with ending.on_signals(), progress.on_terminal():
            code = typer.main.get_command(app)(prog_name="crampstudy", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except Unparsed as unparsed:
        if len(sys.argv) == 1:
            # Without a word of a command its message is the help.
            typer.echo(help_of(unparsed), err=True)
            sys.exit(UsageError.exit_code)
        _refuse(error_of(unparsed))
    except ending.Ended as ended:
        _say(f"ended by {ended.signal.name}; nothing is left half-written")
        raise
    except (FolderTaken, FileTaken) as error:
        _say(f"{error}: {shlex.join(['crampstudy', *sys.argv[1:], '--force'])}")
        sys.exit(error.exit_code)
    except OpenQuestion as error:
        _say(f"{error}: {shlex.join(['crampstudy', *sys.argv[1:], *error.answer])}")
        sys.exit(error.exit_code)
    except CrampstudyError as error:
        _refuse(error)
    except OSError as error:
        # Without a number it is none of the system's: a bug.
        if error.errno is None:
            raise
        _say(f"{error.filename}: {error.strerror}; check the path" if error.filename else _lost(error))
        sys.exit(_UNREADABLE)


_EVERYBODY = "where=null"


def _refuse(error: CrampstudyError) -> NoReturn:
    of_option = isinstance(error, OutputError)
    command = _corrected(sys.argv[1:], error.correction, of_option=of_option) if error.correction else None
    written = error.correction[0] if error.correction else ""
    others = (_corrected(sys.argv[1:], (written, each), of_option=of_option) for each in error.others)
    command = ", or: ".join(filter(None, (command, *others))) if command else None
    if command is None and (then := (*sys.argv[1:], *error.answer) if error.answer else error.instead):
        command = shlex.join(["crampstudy", *then])
    end = " " if str(error).endswith("?") else "; "
    # A command that leaves a condition out asks another question, and says so.
    end += "without the condition, of everybody, " if error.correction and error.correction[1] == _EVERYBODY else ""
    _say(f"{error}{end}run: {command}" if command else str(error))
    sys.exit(error.exit_code)


def _say(text: str) -> None:
    with contextlib.suppress(OSError):
        typer.echo(f"crampstudy: {text}", err=True)


def _corrected(arguments: Sequence[str], correction: tuple[str, str], *, of_option: bool = False) -> str | None:
    """Return the command with the name that was meant, ``None`` where it is not clear which argument to correct.

    Where it is ``of_option``, an argument that follows an option comes before others.
    """
    written, meant = correction
    if (short := _of_option(arguments, written, meant)) is not None:
        return shlex.join(["crampstudy", *short])
    word = re.compile(rf"(?<![\w-]){re.escape(written)}(?![\w-])")
    places = [i for i, each in enumerate(arguments) if each == written]
    places = places or [i for i, each in enumerate(arguments) if word.search(each)]
    if not places and (number := _number(written)) is not None:
        # A number may be written in another way than it is told.
        alike = {i: said for i, each in enumerate(arguments) if _number(said := each.rpartition("=")[2]) == number}
        places, word = (
            [*alike],
            re.compile("|".join(rf"(?<![^=]){re.escape(said)}$" for said in alike.values()) or "$^"),
        )
    if of_option and len(places) > 1:
        places = [i for i in places if i and arguments[i - 1].startswith("--")]
    if len(places) != 1:
        return None
    corrected = [word.sub(lambda _: meant, each) if i in places else each for i, each in enumerate(arguments)]
    return shlex.join(["crampstudy", *corrected])


def _of_option(arguments: Sequence[str], written: str, meant: str) -> list[str] | None:
    """Return the arguments with a parameter that has an option of its own corrected, ``None`` where none is it.

    ``where=x`` may be written as ``--where x`` or ``--where=x``; without a value the option goes.
    """
    (name, sign, value), instead = written.partition("="), meant.partition("=")[2]
    option = f"--{name.replace('_', '-')}"
    for i, each in enumerate(arguments):
        alone = each == option
        given = "".join(arguments[i + 1 : i + 2]) if alone else each.removeprefix(f"{option}=")
        if not sign or not (alone or given != each):
            continue
        if given == value or (_number(value) is not None and _number(given) == _number(value)):
            rest = arguments[i + 1 + alone :]
            return [*arguments[:i], *([] if instead == "null" else [option, instead]), *rest]
    return None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _lost(error: OSError) -> str:
    """Return what to say of an error that no file is named with: what is written under a name has its own message."""
    from crampstudy.atomic_write import refusal

    # What is still to be printed goes nowhere, or Python would try again at its end and complain.
    with contextlib.suppress(OSError), Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
    return refusal(error, "standard output" if error.errno == errno.EPIPE else "standard output or a temporary file")


def _tell_of_bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    group = typer.main.get_command(app)
    commands = getattr(group, "commands", {})
    options = {name for each in commands.values() for option in each.params for name in option.opts}
    _say(crash.tell(kind, error, trace, {*commands, *options}))
