"""The command line. Everything heavy is imported by the command that needs it, so that help answers at once."""

from __future__ import annotations

import contextlib
import errno
import functools
import io
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any

import typer

from crampstudy import ending
from crampstudy.cli import analyse, analyses, crash, data, report, simulate
from crampstudy.errors import CrampstudyError, FolderTaken, OpenQuestion, OutputError

app = typer.Typer(
    name="crampstudy",
    help="Reproducible studies of nocturnal leg cramps: cohorts, models and reports.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
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
    *(analyse.describe, analyse.compare, analyse.fit, analyse.models, analyses.analyse),
    *(data.init, data.try_, data.validate, data.import_),
    simulate.simulate,
    data.fetch,
    report.report,
):
    app.command(command.__name__.rstrip("_"))(_printing(command))


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
    with ending.on_signals():
        try:
            # Typer itself would set an exception hook of its own.
            typer.main.get_command(app)(standalone_mode=True)
        except ending.Ended as ended:
            _say(f"ended by {ended.signal.name}; nothing is left half-written")
            raise
        except FolderTaken as error:
            _say(f"{error}: {shlex.join(['crampstudy', *sys.argv[1:], '--force'])}")
            sys.exit(error.exit_code)
        except OpenQuestion as error:
            _say(f"{error}: {shlex.join(['crampstudy', *sys.argv[1:], *error.answer])}")
            sys.exit(error.exit_code)
        except CrampstudyError as error:
            _say(str(error))
            sys.exit(error.exit_code)
        except OSError as error:
            # Without a number it is none of the system's: a bug.
            if error.errno is None:
                raise
            _say(f"{error.filename}: {error.strerror}; check the path" if error.filename else _lost(error))
            sys.exit(_UNREADABLE)


def _say(text: str) -> None:
    with contextlib.suppress(OSError):
        typer.echo(f"crampstudy: {text}", err=True)


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
