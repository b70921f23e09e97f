"""Commands that analyse a cohort: describe, fit; and the models there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from crampstudy.cli import completion
from crampstudy.cli.options import (
    AsCsv,
    AsJson,
    Bands,
    CaseDefinition,
    CiLevel,
    Cluster,
    Force,
    Graph,
    NWorkers,
    ObservedFrom,
    ObservedTo,
    Source,
    UnloggedNights,
    Weight,
    Where,
    bands,
    causal_graph,
    doubt,
    opened,
    who_works,
    word,
)
from crampstudy.cli.output import Output
from crampstudy.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crampstudy.descriptive import Description
    from crampstudy.models.request import ModelRequest


def describe(
    source: Source,
    by: Annotated[
        str | None,
        typer.Option(
            help="age_band (the default), or a level or yes/no variable of the participants.",
            autocompletion=completion.groupings,
        ),
    ] = None,
    outcome: Annotated[
        Literal["cramps", "relief", "class_30_days"] | None,
        typer.Option(help="Of a diary: cramps (the default), relief by remedy, or the class of 30 nights they imply."),
    ] = None,
    like: Annotated[
        str | None, typer.Option(help="A survey to whose people the shares of class_30_days are standardised.")
    ] = None,
    age_bands: Bands = None,
    standard: Annotated[
        str,
        typer.Option(
            help="Standard population: who, esp2013, none, or a CSV of age_low and people.",
            autocompletion=completion.standards,
        ),
    ] = "who",
    where: Where = None,
    weight: Weight = None,
    ci_level: CiLevel = 0.95,
    unlogged: UnloggedNights = None,
    observed_from: ObservedFrom = None,
    observed_to: ObservedTo = None,
    case_definition: CaseDefinition = None,
    as_json: AsJson = None,
    as_csv: AsCsv = None,
    force: Force = False,
) -> None:
    """Show how common cramps are by group: incidence rates (diary) or prevalence (survey).

    Of a diary also the time to relief, and the class of cramps in 30 nights, which a survey asks for.
    """
    from crampstudy.descriptive import describe
    from crampstudy.sources import open_cohort
    from crampstudy.sources.address import with_unlogged

    output = Output(as_json, as_csv, force)
    source = with_unlogged(source, word(unlogged, observed_from, observed_to, case_definition))
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
    show_described(described, output, [source])
    check_estimated(described)


def fit(
    source: Source,
    model: Annotated[
        str, typer.Option(help="A model by name; an unknown one lists them all.", autocompletion=completion.models)
    ],
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
    age_bands: Bands = None,
    where: Where = None,
    weight: Weight = None,
    ci_level: CiLevel = 0.95,
    margins: Annotated[
        str, typer.Option(help="The ratios between which one is as good as 1 to a verdict, such as 0.8,1.25.")
    ] = "0.8,1.25",
    effect_of: Annotated[
        str | None,
        typer.Option(help="The term whose effect is of interest: notes say whether the others suffice, or do harm."),
    ] = None,
    graph: Graph = None,
    unlogged: UnloggedNights = None,
    observed_from: ObservedFrom = None,
    observed_to: ObservedTo = None,
    case_definition: CaseDefinition = None,
    workers: NWorkers = 1,
    cluster: Cluster = None,
    with_checks: Annotated[
        bool, typer.Option("--check", help="Check the model as well, and say below the table what was found.")
    ] = False,
    second_opinion: Annotated[
        bool, typer.Option("--second-opinion", help="Refit the model by statsmodels on the same rows, and compare.")
    ] = False,
    as_json: AsJson = None,
    as_csv: AsCsv = None,
    force: Force = False,
) -> None:
    """Fit a model and show its estimates.

    With --workers above 1 or --cluster a Parquet diary is read file by file, and taken to be clean. What --json and
    --csv print are the estimates alone: what the second opinion says then goes to standard error.
    """
    from crampstudy import terminal
    from crampstudy.age_bands import AgeBands
    from crampstudy.estimates import compares
    from crampstudy.estimates.verdicts import parse_margins
    from crampstudy.models import answer
    from crampstudy.models.request import ModelOptions, ModelRequest
    from crampstudy.models.validation import default_outcome
    from crampstudy.sources.address import with_unlogged

    output, around_one = Output(as_json, as_csv, force), parse_margins(margins)
    shared = workers != 1 or cluster is not None
    if with_checks:
        _check_asked_for_checks(model, tidy=output.aside, free_terms=free_terms is not None, shared=shared)
    if second_opinion and shared:
        raise UsageError("a second opinion looks at nights one by one; leave --workers and --cluster out")
    source = with_unlogged(source, word(unlogged, observed_from, observed_to, case_definition))
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
        bands=bands(age_bands) or AgeBands(),
        margins=around_one,
        options=ModelOptions(random_slope, zero_terms, free_terms, at_most, near_nightly),
        effect_of=effect_of,
        graph=causal_graph(graph),
    )
    fitted = answer(request, second_opinion=second_opinion)
    accounts = [fitted.account] if fitted.account else []
    output.show(fitted.estimates, lambda: terminal.show(fitted.estimates, accounts), accounts, [source])
    if fitted.second_opinion is not None:
        _say_second_opinion(fitted.second_opinion, aside=output.aside)
    if with_checks:
        _say_checks(request)
    compared = fitted.estimates[compares(fitted.estimates)]
    # A model of which no term was measured converges, and answers nothing of what it was asked.
    if fitted.status != "converged" or (len(compared) and compared["estimate"].isna().all()):
        raise typer.Exit(6)


def models(as_json: AsJson = None, as_csv: AsCsv = None, force: Force = False) -> None:
    """List the models: what each is fitted to, its outcomes, the default first, its covariances and options."""
    from crampstudy import terminal
    from crampstudy.models.registry import listing

    rows = listing()
    Output(as_json, as_csv, force).show(rows, lambda: terminal.show_models(rows))


def show_described(described: Description, output: Output, sources: Sequence[str]) -> None:
    """Print or write the rows of a description, and what they were made of."""
    from crampstudy import terminal

    rows, accounts = described.estimates, described.accounts
    output.show(rows, lambda: terminal.show(rows, accounts), accounts, sources)


def check_estimated(described: Description) -> None:
    """End as an analysis that failed where not one number could be estimated, as a fit without one does."""
    if not described.estimates["estimate"].notna().any():
        raise typer.Exit(6)


def _check_asked_for_checks(model: str, *, tidy: bool, free_terms: bool, shared: bool) -> None:
    from crampstudy.checks import check_model

    if tidy:
        raise UsageError("--check is for readers; --json and --csv print tidy rows alone, or give them a file")
    if free_terms:
        raise UsageError("proportionality is checked of a model without free terms; leave --free-terms or --check out")
    check_model(model)
    if shared:
        raise UsageError("a check looks at nights one by one; leave --workers and --cluster out")


def _in_parts(source: str, workers: int | str) -> Any:
    from crampstudy.models.common.partitions import in_parts

    diary = in_parts(source, workers=workers)
    doubt(diary)
    return diary


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
