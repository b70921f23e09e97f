"""The command line. Everything heavy is imported by the command that needs it, so that help answers at once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from crampstudy.errors import CrampstudyError

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer(
    name="crampstudy",
    help="Reproducible studies of nocturnal leg cramps: cohorts, models and reports.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Source = Annotated[str, typer.Argument(help="A data package folder, or kind:path such as nhanes:DIR?cycles=D,E.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the tidy rows as a JSON array.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print the tidy rows as CSV.")]
Where = Annotated[str | None, typer.Option(help="A condition such as \"age_years >= 20\"; for a survey a domain.")]
Bands = Annotated[str | None, typer.Option("--age-bands", help="Lower limits, e.g. 20,40,60.")]
StandardName = Annotated[Literal["who", "esp2013", "none"], typer.Option(help="Standard population.")]
CiLevel = Annotated[float, typer.Option(help="Confidence level.")]
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
    covariance: Annotated[str, typer.Option(help="cluster, cluster-hc0 or model.")] = "cluster",
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
def validate(
    source: Source,
    rejects: Annotated[Path | None, typer.Option(help="Write the ledger, which holds participants' data.")] = None,
    strict: Annotated[bool, typer.Option(help="Exit with 3 when a row was rejected or a cell blanked.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read and clean a source and say what was accepted, rejected and blanked, and why."""
    from crampstudy import validation
    from crampstudy.errors import RejectedRows
    from crampstudy.sources import load

    loaded = load(source)
    summary = validation.summarise(loaded)
    typer.echo(validation.as_json(summary) if as_json else validation.as_text(summary))
    if rejects:
        from crampstudy.output import whole_file

        whole_file(rejects, loaded.ledger.write_csv().encode())
        typer.echo(f"The ledger, with participants' values, is in {rejects}.", err=True)
    if strict and summary.costly:
        raise RejectedRows(f"{summary.costly} rows or cells were rejected or blanked, and --strict allows none")


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
    made = build(source, settings=settings or [], out=out, sections=chosen, notebook=notebook, progress=_progress())
    typer.echo(f"The report is in {made.folder}: {made.pdf.name}, {made.html.name}, {made.estimates.name}")


def main() -> None:
    """Run the command line; a deliberate error prints one message and exits with the code of its kind."""
    try:
        app(standalone_mode=True)
    except CrampstudyError as error:
        typer.echo(f"crampstudy: {error}", err=True)
        sys.exit(error.exit_code)


def _bands(text: str | None) -> Any:
    from crampstudy.bands import AgeBands

    return AgeBands.parse(text) if text else None


def _show(rows: pd.DataFrame, as_json: bool, as_csv: bool) -> None:
    from crampstudy import estimates

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
