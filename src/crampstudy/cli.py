"""The command line. Everything heavy is imported by the command that needs it, so that help answers at once."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from crampstudy.errors import CrampstudyError, UsageError

if TYPE_CHECKING:
    import pandas as pd

    from crampstudy.clean import Cleaned, Corrections

app = typer.Typer(
    name="crampstudy",
    help="Reproducible studies of nocturnal leg cramps: cohorts, models and reports.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Source = Annotated[
    str, typer.Argument(help="A data package folder, a workbook, or kind:path such as mapped:FILE.csv?mapping=M.yaml.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the tidy rows as a JSON array.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print the tidy rows as CSV.")]
Where = Annotated[str | None, typer.Option(help='A condition such as "age_years >= 20"; for a survey a domain.')]
Bands = Annotated[str | None, typer.Option("--age-bands", help="Lower limits, e.g. 20,40,60.")]
StandardName = Annotated[Literal["who", "esp2013", "none"], typer.Option(help="Standard population.")]
CiLevel = Annotated[float, typer.Option(help="Confidence level.")]
Rejects = Annotated[
    Path | None, typer.Option(help="Write the ledger and the rejected rows: participants' data, for your eyes only.")
]
Corrected = Annotated[
    Path | None, typer.Option("--corrections", help="Corrections (YAML); by default a package's own corrections.yaml.")
]
Weight = Annotated[str | None, typer.Option(help="Weight column of a survey; by default the most restrictive one.")]


@app.command()
def describe(
    source: Source,
    by: Annotated[str, typer.Option(help="age_band, or a level or yes/no variable of the participants.")] = "age_band",
    age_bands: Bands = None,
    standard: StandardName = "who",
    where: Where = None,
    weight: Weight = None,
    ci_level: CiLevel = 0.95,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show how common cramps are by group: incidence rates (diary) or prevalence (survey)."""
    from crampstudy.contrasts import describe
    from crampstudy.sources import open_cohort

    described = describe(
        open_cohort(source),
        by,
        bands=_bands(age_bands),
        standard=standard,
        where=where,
        weight=weight,
        ci_level=ci_level,
    )
    _show(described.estimates, as_json, as_csv)


@app.command()
def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="The first source.")],
    second: Annotated[str, typer.Argument(metavar="B", help="The second source.")],
    by: Annotated[str, typer.Option(help="What to group by.")] = "age_band",
    age_bands: Bands = None,
    standard: StandardName = "who",
    ci_level: CiLevel = 0.95,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show two cohorts by the same groups, one after the other."""
    from crampstudy.contrasts import compare
    from crampstudy.sources import open_cohort

    cohorts = open_cohort(first), open_cohort(second)
    described = compare(*cohorts, by, bands=_bands(age_bands), standard=standard, ci_level=ci_level)
    _show(described.estimates, as_json, as_csv)
    if cohorts[0].kind != cohorts[1].kind and not (as_json or as_csv):
        typer.echo("A diary's rate and a survey's recalled prevalence are different measures: do not subtract them.")


@app.command()
def fit(
    source: Source,
    model: Annotated[str, typer.Option(help="poisson, negative-binomial or survey-logistic.")],
    terms: Annotated[str, typer.Option(help='A right-hand side such as "age_decade + sex + diabetes".')],
    outcome: Annotated[str | None, typer.Option(help="What to explain; by default the model's first outcome.")] = None,
    exposure: Annotated[str, typer.Option(help="nights or hours_in_bed.")] = "nights",
    covariance: Annotated[
        Literal["cluster", "cluster-hc0", "model"], typer.Option(help="Covariance of a count model's coefficients.")
    ] = "cluster",
    where: Where = None,
    weight: Weight = None,
    ci_level: CiLevel = 0.95,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Fit a model and show its estimates."""
    from crampstudy.models import fit
    from crampstudy.sources import open_cohort

    fitted = fit(
        open_cohort(source),
        model=model,
        terms=terms,
        outcome=outcome,
        exposure=exposure,
        covariance=covariance,
        where=where,
        weight=weight,
        ci_level=ci_level,
    )
    _show(fitted.estimates, as_json, as_csv)
    if fitted.status != "converged":
        raise typer.Exit(6)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or an empty folder.")],
    tables: Annotated[str | None, typer.Option(help="Tables to begin with, e.g. participants,diary.")] = None,
) -> None:
    """Start a new study: empty tables with their headers, the data dictionary, and what to do next."""
    from crampstudy.sources import starter

    files = starter.create(folder, _listed(tables) if tables else None)
    typer.echo(f"{folder} holds {', '.join(path.name for path in files)}")
    typer.echo(f"Fill in participants.csv and diary.csv, then run: crampstudy validate {folder}")


@app.command("try")
def try_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file with three columns: who, date, cramps.")],
    who: Annotated[str | None, typer.Option(help="Name or number of the column that says who.")] = None,
    date: Annotated[str | None, typer.Option(help="Name or number of the column of dates.")] = None,
    cramps: Annotated[str | None, typer.Option(help="Name or number of the column of counts.")] = None,
    date_format: Annotated[str | None, typer.Option(help="How dates are written, e.g. %d/%m/%Y.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Take a first look at a bare diary: rates, coverage and a calendar, and how the file was understood."""
    from crampstudy.contrasts import first_look
    from crampstudy.sources import quick

    stated: dict[quick.Role, str | None] = {"who": who, "date": date, "cramps": cramps}
    columns = {role: name for role, name in stated.items() if name is not None}
    look = first_look.first_look(quick.read(file, columns=columns, date_format=date_format))
    typer.echo(first_look.as_json(look) if as_json else first_look.as_text(look))


@app.command()
def validate(
    source: Source,
    rejects: Rejects = None,
    corrections: Corrected = None,
    strict: Annotated[bool, typer.Option(help="Exit with 3 when a row was rejected or a cell blanked.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read and clean a source and say what was accepted, rejected and blanked, and why."""
    from crampstudy import parts, validation
    from crampstudy.errors import RejectedRows
    from crampstudy.sources import load

    # A correction is checked against the whole table.
    summary = None if corrections else parts.validate(source, today=date.today(), rejects=rejects)
    if summary is None:
        loaded = load(source, today=date.today(), corrections=_corrections(corrections))
        summary = validation.summarise(loaded)
        _write_rejects(loaded, rejects)
    elif rejects:
        _warn_of(rejects)
    typer.echo(validation.as_json(summary) if as_json else validation.as_text(summary))
    if strict and summary.costly:
        raise RejectedRows(f"{summary.costly} rows or cells were rejected or blanked, and --strict allows none")


@app.command("import")
def import_(
    source: Source,
    out: Annotated[Path, typer.Option(help="Folder of the data package to write.")],
    mapping: Annotated[Path | None, typer.Option(help="Mapping file (YAML) that describes the source's files.")] = None,
    format: Annotated[Literal["csv", "parquet"], typer.Option(help="File format of the tables.")] = "csv",
    rejects: Rejects = None,
    corrections: Corrected = None,
) -> None:
    """Read and clean any source and write what was accepted as a data package."""
    from crampstudy import validation
    from crampstudy.sources import load, package

    loaded = load(source, mapping, today=date.today(), corrections=_corrections(corrections))
    package.write(loaded.cohort, out, format)
    typer.echo(validation.as_text(validation.summarise(loaded)))
    typer.echo(f"The accepted rows are in {out}.", err=True)
    _write_rejects(loaded, rejects)


@app.command()
def simulate(
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    participants: Annotated[int, typer.Option(help="Number of participants.")] = 500,
    nights: Annotated[int, typer.Option(help="Nights per participant.")] = 90,
    seed: Annotated[int, typer.Option(help="Seed; the same seed gives the same bytes.")] = 1,
    format: Annotated[Literal["csv", "parquet"], typer.Option(help="File format of the tables.")] = "csv",
) -> None:
    """Draw a synthetic diary cohort from a known truth, stated beside it in truth.json."""
    from crampstudy import simulate as simulator

    cohort = simulator.write(out, participants, nights, seed, format=format)
    typer.echo(f"{cohort.name}: {participants} participants, {nights} nights each, in {out}")


@app.command()
def fetch(
    what: Annotated[Literal["nhanes"], typer.Argument(help="nhanes, the survey's public transport files.")],
    out: Annotated[Path, typer.Option(help="Folder of the files; one that was cut off is gone on with.")],
    cycles: Annotated[str | None, typer.Option(help="Letters of the cycles, e.g. D,E; by default all known.")] = None,
    base_url: Annotated[str | None, typer.Option(help="Another address that has the publisher's folders.")] = None,
    refresh: Annotated[bool, typer.Option(help="Download again and renew the recorded digests.")] = False,
) -> None:
    """Download a public survey's files, with their digests on record."""
    from crampstudy.sources import fetch

    files = fetch.nhanes(
        out,
        cycles.split(",") if cycles else None,
        base_url=base_url or fetch.PUBLISHER,
        refresh=refresh,
        progress=fetch.lines_to(sys.stderr),
    )
    new = sum(file.downloaded for file in files)
    typer.echo(f"{len(files)} files, {new} of them new, in {out}: open them as nhanes:{out}")


@app.command()
def report(
    source: Source,
    settings: Annotated[list[str] | None, typer.Option("--set", help="A parameter as name=value; repeatable.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the report; default reports/<cohort>.")] = None,
    sections: Annotated[str | None, typer.Option(help="Names of notebooks to run, separated by commas.")] = None,
    notebook: Annotated[Path | None, typer.Option(help="One more notebook, set after the others.")] = None,
) -> None:
    """Run the notebooks on a cohort and make one PDF, one web page, and the tables behind them."""
    from crampstudy.report.build import build

    chosen = [name.strip() for name in sections.split(",")] if sections else []
    with _progress() as progress:
        made = build(source, settings=settings or [], out=out, sections=chosen, notebook=notebook, progress=progress)
    typer.echo(f"The report is in {made.folder}: {made.pdf.name}, {made.html.name}, {made.estimates.name}")


def main() -> None:
    """Run the command line; a deliberate error prints one message and exits with the code of its kind."""
    try:
        app(standalone_mode=True)
    except CrampstudyError as error:
        typer.echo(f"crampstudy: {error}", err=True)
        sys.exit(error.exit_code)


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


def _corrections(file: Path | None) -> Corrections | None:
    from crampstudy.clean.corrections import load

    return load(file) if file else None


def _write_rejects(loaded: Cleaned, file: Path | None) -> None:
    if file:
        from crampstudy import validation
        from crampstudy.output import csv_text, whole_file

        whole_file(file, csv_text(validation.rejects(loaded)).encode(), private=True)
        _warn_of(file)


def _warn_of(rejects: Path) -> None:
    typer.echo(f"SENSITIVE: {rejects} holds participants' values and rows; only you can read it.", err=True)


def _bands(text: str | None) -> Any:
    from crampstudy.bands import AgeBands

    return AgeBands.parse(text) if text else None


def _show(rows: pd.DataFrame, as_json: bool, as_csv: bool) -> None:
    from crampstudy import estimates

    if as_json and as_csv:
        raise UsageError("choose one of --json and --csv")
    if as_json:
        typer.echo(estimates.to_json(rows))
    elif as_csv:
        typer.echo(estimates.to_csv(rows), nl=False)
    else:
        from crampstudy import terminal

        terminal.show(rows)


def _progress() -> Any:
    from crampstudy import terminal

    return terminal.progress()
