"""The command line. Everything heavy is imported by the command that needs it, so that help answers at once."""

from __future__ import annotations

import sys

import typer

from crampstudy import ending
from crampstudy.cli import analyse, data, report, simulate
from crampstudy.errors import CrampstudyError

app = typer.Typer(
    name="crampstudy",
    help="Reproducible studies of nocturnal leg cramps: cohorts, models and reports.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

for command in (
    *(analyse.describe, analyse.compare, analyse.fit),
    *(data.init, data.try_, data.validate, data.import_),
    simulate.simulate,
    data.fetch,
    report.report,
):
    app.command(command.__name__.rstrip("_"))(command)


def main() -> None:
    """Run the command line; a deliberate error prints one message and exits with the code of its kind."""
    with ending.on_signals():
        try:
            app(standalone_mode=True)
        except ending.Ended as ended:
            typer.echo(f"crampstudy: ended by {ended.signal.name}; nothing is left half-written", err=True)
            raise
        except CrampstudyError as error:
            typer.echo(f"crampstudy: {error}", err=True)
            sys.exit(error.exit_code)
