"""The command that makes the report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crampstudy.cli.options import Source, listed, progress, say_account


def report(
    source: Source,
    settings: Annotated[list[str] | None, typer.Option("--set", help="A parameter as name=value; repeatable.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the report; default reports/<cohort>.")] = None,
    sections: Annotated[str | None, typer.Option(help="Names of notebooks to run, separated by commas.")] = None,
    notebook: Annotated[Path | None, typer.Option(help="One more notebook, set after the others.")] = None,
) -> None:
    """Run the notebooks on a cohort and make one PDF, one web page, and the tables behind them."""
    from crampstudy.report.build import build

    chosen = listed(sections) if sections else []
    with progress() as shown:
        made = build(source, settings=settings or [], out=out, sections=chosen, notebook=notebook, progress=shown)
    typer.echo(f"The report is in {made.folder}: {made.pdf.name}, {made.html.name}, {made.estimates.name}")
    say_account(made.account, source, aside=False)
