"""Commands that analyse a cohort: describe, compare, fit; and the models there are."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from crampstudy.cli.options import (
    AsCsv,
    AsJson,
    Bands,
    CiLevel,
    Cluster,
    NWorkers,
    ObservedFrom,
    ObservedTo,
    Source,
    StandardName,
    UnloggedNights,
    Weight,
    Where,
    bands,
    check_one_format,
    doubt,
    opened,
    show,
    who_works,
    word,
)
from crampstudy.errors import UsageError

if TYPE_CHECKING:
    from crampstudy.models.request import ModelRequest


def describe(
    source: Source,
    by: Annotated[
        str | None, typer.Option(help="age_band (the default), or a level or yes/no variable of the participants.")
    ] = None,
    outcome: Annotated[
        Literal["cramps", "relief", "class_30_days"] | None,
        typer.Option(help="Of a diary: cramps (the default), relief by remedy, or the class of 30 nights they imply."),
    ] = None,
    like: Annotated[
        str | None, typer.Option(help="A survey to whose people the shares of class_30_days are standardised.")
    ] = None,
    age_bands: Bands = None,
    standard: StandardName = "who",
    where: Where = None,
    weight: Weight = None,
    ci_level: CiLevel = 0.95,
    unlogged: UnloggedNights = None,
    observed_from: ObservedFrom = None,
    observed_to: ObservedTo = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show how common cramps are by group: incidence rates (diary) or prevalence (survey).

    Of a diary also the time to relief, and the class of cramps in 30 nights, which a survey asks for.
    """
    from crampstudy.descriptive import describe
    from crampstudy.sources import open_cohort
    from crampstudy.sources.address import with_unlogged

    source = with_unlogged(source, word(unlogged, observed_from, observed_to))
    described = describe(
        opened(source),
        by,
        outcome=outcome,
        like=open_cohort(like) if like else None,
        bands=bands(age_bands),
        standard=standard,
        where=where,
        weight=weight,
        ci_level=ci_level,
    )
    show(described.estimates, as_json, as_csv, described.accounts, [source])


def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="The first source.")],
    second: Annotated[str, typer.Argument(metavar="B", help="The second source.")],
    by: Annotated[str, typer.Option(help="What to group by.")] = "age_band",
    age_bands: Bands = None,
    standard: StandardName = "who",
    ci_level: CiLevel = 0.95,
    unlogged: UnloggedNights = None,
    observed_from: ObservedFrom = None,
    observed_to: ObservedTo = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show two cohorts by the same groups, one after the other.

    --unlogged holds for both; for one alone write it into its source, as in "package:A?unlogged=zero".
    """
    from crampstudy.descriptive import compare
    from crampstudy.sources.address import with_unlogged

    said = word(unlogged, observed_from, observed_to)
    cohorts = opened(with_unlogged(first, said)), opened(with_unlogged(second, said))
    described = compare(*cohorts, by, bands=bands(age_bands), standard=standard, ci_level=ci_level)
    show(described.estimates, as_json, as_csv, described.accounts, [first, second])
    if cohorts[0].kind != cohorts[1].kind and not (as_json or as_csv):
        typer.echo("A diary's rate and a survey's recalled prevalence are different measures: do not subtract them.")


def fit(
    source: Source,
    model: Annotated[str, typer.Option(help="A model by name; an unknown one lists them all.")],
    terms: Annotated[
        str,
        typer.Option(
            help='Such as "age_decade + sex + diabetes"; within(x), between(x) and lag(x, 1) are of a nightly x.'
        ),
    ],
    outcome: Annotated[
        str | None,
        typer.Option(
            help="What to explain, for linear models any number of the diary; else the first outcome by default."
        ),
    ] = None,
    exposure: Annotated[str, typer.Option(help="nights or hours_in_bed.")] = "nights",
    covariance: Annotated[
        Literal["auto", "cluster", "cluster-hc0", "cluster-small", "cluster-joint", "model"],
        typer.Option(help="Covariance of the coefficients; auto chooses the one that covers with these participants."),
    ] = "auto",
    random_slope: Annotated[
        str | None, typer.Option(help="Term of a mixed model whose slope differs between participants.")
    ] = None,
    zero_terms: Annotated[
        str | None, typer.Option(help="Terms of the zero part of a zero-inflated or hurdle model; none by default.")
    ] = None,
    free_terms: Annotated[
        str | None, typer.Option(help="Terms of an ordinal model whose odds ratios may differ between classes.")
    ] = None,
    at_most: Annotated[
        int | None, typer.Option(help="interval-count: answers count nights with a cramp, at most so many (30).")
    ] = None,
    near_nightly: Annotated[
        bool, typer.Option(help="interval-count: also estimate the share of people who cramp night after night.")
    ] = False,
    where: Where = None,
    weight: Weight = None,
    ci_level: CiLevel = 0.95,
    margins: Annotated[
        str, typer.Option(help="The ratios between which one is as good as 1 to a verdict, such as 0.8,1.25.")
    ] = "0.8,1.25",
    unlogged: UnloggedNights = None,
    observed_from: ObservedFrom = None,
    observed_to: ObservedTo = None,
    workers: NWorkers = 1,
    cluster: Cluster = None,
    with_checks: Annotated[
        bool, typer.Option("--check", help="Check the model as well, and say below the table what was found.")
    ] = False,
    second_opinion: Annotated[
        bool, typer.Option("--second-opinion", help="Refit the model by statsmodels on the same rows, and compare.")
    ] = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Fit a model and show its estimates.

    With --workers above 1 or --cluster a Parquet diary is read file by file, and taken to be clean. With --json and
    --csv the rows are the estimates alone: what the second opinion says goes to standard error.
    """
    from crampstudy.estimates.verdicts import parse_margins
    from crampstudy.models import answer
    from crampstudy.models.request import ModelOptions, ModelRequest
    from crampstudy.models.validation import default_outcome
    from crampstudy.sources.address import with_unlogged

    around_one = parse_margins(margins)
    shared = workers != 1 or cluster is not None
    if with_checks:
        _check_asked_for_checks(model, tidy=as_json or as_csv, free_terms=free_terms is not None, shared=shared)
    if second_opinion and shared:
        raise UsageError("a second opinion looks at nights one by one; leave --workers and --cluster out")
    source = with_unlogged(source, word(unlogged, observed_from, observed_to))
    request = ModelRequest(
        _in_parts(source, who_works(workers, cluster)) if shared else opened(source),
        model,
        terms,
        default_outcome(model, outcome),
        exposure=exposure,
        covariance=covariance,
        where=where,
        weight=weight,
        ci_level=ci_level,
        margins=around_one,
        options=ModelOptions(random_slope, zero_terms, free_terms, at_most, near_nightly),
    )
    fitted = answer(request, second_opinion=second_opinion)
    if shared and sys.stderr.isatty():
        sys.stderr.write("\n")
    show(fitted.estimates, as_json, as_csv, [fitted.account] if fitted.account else [], [source])
    if fitted.second_opinion is not None:
        _say_second_opinion(fitted.second_opinion, aside=as_json or as_csv)
    if with_checks:
        _say_checks(request)
    if fitted.status != "converged":
        raise typer.Exit(6)


def models(as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """List the models: what each is fitted to, its outcomes, the default first, its covariances and options."""
    from crampstudy import estimates
    from crampstudy.models.registry import listing

    check_one_format(as_json, as_csv)
    rows = listing()
    if as_json:
        typer.echo(estimates.to_json(rows))
    elif as_csv:
        typer.echo(estimates.to_csv(rows), nl=False)
    else:
        from crampstudy import terminal

        terminal.show_models(rows)


def _check_asked_for_checks(model: str, *, tidy: bool, free_terms: bool, shared: bool) -> None:
    from crampstudy.checks import check_model

    if tidy:
        raise UsageError("--check is for readers; --json and --csv print tidy rows alone")
    if free_terms:
        raise UsageError("proportionality is checked of a model without free terms; leave --free-terms or --check out")
    check_model(model)
    if shared:
        raise UsageError("a check looks at nights one by one; leave --workers and --cluster out")


def _in_parts(source: str, workers: int | str) -> Any:
    from crampstudy.models.common.partitions import in_parts

    diary = in_parts(source, workers=workers, progress=_parts_read if sys.stderr.isatty() else None)
    doubt(diary)
    return diary


def _parts_read(done: int) -> None:
    from crampstudy.wording import counted

    sys.stderr.write(f"\r{counted(done, 'parts')} read")
    sys.stderr.flush()


def _say_second_opinion(rows: Any, *, aside: bool) -> None:
    from crampstudy import tables, terminal

    if not aside:
        terminal.show_second_opinion(rows)
    typer.echo(tables.agreement(rows), err=aside)


def _say_checks(request: ModelRequest) -> None:
    import numpy as np

    from crampstudy.checks import of_request

    # A seed of its own, so that the same command says the same.
    for found in of_request(request, np.random.default_rng(1)):
        typer.echo(f"{found.name}: {found.verdict}. {found.text}")
