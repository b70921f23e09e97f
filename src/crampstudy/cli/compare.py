"""The command that compares cohorts: in the terminal, as tidy rows, and as a document."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from crampstudy.cli import completion
from crampstudy.cli.analyse import check_estimated, show_described
from crampstudy.cli.options import (
    AsCsv,
    AsJson,
    Bands,
    CaseDefinition,
    CiLevel,
    Figures,
    Force,
    NoCache,
    ObservedFrom,
    ObservedTo,
    OutOrDefault,
    UnloggedNights,
    Where,
    bands,
    listed,
    opened,
    progress,
    word,
)
from crampstudy.cli.output import FAILED, Output, say_account, tell_kept
from crampstudy.cli.rerun.unchanged import AnnouncingProgress, cache_of_user, is_unchanged
from crampstudy.errors import AnalysisError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from crampstudy.age_bands import AgeBands
    from crampstudy.cohort import Cohort
    from crampstudy.report.assembly.make import Report


def compare(
    sources: Annotated[
        list[str], typer.Argument(metavar="A B [C …]", help="Sources of the cohorts; of one alone see --split.")
    ],
    by: Annotated[
        str,
        typer.Option(
            help="What to group by: age_band, or a level or yes/no variable.", autocompletion=completion.groupings
        ),
    ] = "age_band",
    name: Annotated[
        str | None, typer.Option(metavar="A,B,…", help="Names of all; of two cohorts of one name by default A,B,….")
    ] = None,
    reference: Annotated[
        str | None, typer.Option(help="Name of the cohort that the others are compared with; the first by default.")
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="Compare the parts of one diary, such as sex: its levels.", autocompletion=completion.groupings
        ),
    ] = None,
    age_bands: Bands = None,
    standard: Annotated[
        str,
        typer.Option(
            help="Standard population: who, esp2013, none, the name of a cohort, or a CSV of age_low and people.",
            autocompletion=completion.standards,
        ),
    ] = "who",
    where: Where = None,
    adjust: Annotated[
        str, typer.Option(help='Also at the same people, adjusted for these terms beside the groups, such as "sex".')
    ] = "",
    average_over: Annotated[
        Literal["all", "reference"],
        typer.Option(help="With --adjust: whose participants are the same people, of all cohorts or the reference's."),
    ] = "all",
    pool: Annotated[
        bool,
        typer.Option("--pool", help="Also take the cohorts of one kind together, each a stratum."),
    ] = False,
    few_events: Annotated[
        Literal["gamma", "dobson", "log"] | None,
        typer.Option(help="Also give diaries' standardised rates this interval of few events; the row names it."),
    ] = None,
    bootstrap: Annotated[
        int,
        typer.Option(
            metavar="TIMES", help="Also draw the participants of diaries so often, for the standardised ratios."
        ),
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of --bootstrap; the same seed gives the same bytes.")] = 1,
    factors: Annotated[
        Literal["main", "all", "none"],
        typer.Option(
            help="Of which factors the document compares the ratios: main ones, or all with a declared contrast."
        ),
    ] = "main",
    ci_level: CiLevel = 0.95,
    unlogged: UnloggedNights = None,
    observed_from: ObservedFrom = None,
    observed_to: ObservedTo = None,
    case_definition: CaseDefinition = None,
    out: OutOrDefault = None,
    as_report: Annotated[
        bool, typer.Option("--report", help="Make the document as with --out, in reports/ under the cohorts' names.")
    ] = False,
    figures: Figures = False,
    as_json: AsJson = None,
    as_csv: AsCsv = None,
    no_cache: NoCache = False,
    force: Force = False,
) -> None:
    """Compare cohorts group by group: what each has, then ratios, differences and tests between them.

    With --out or --report the comparison is a PDF, a web page and a document of Word, with the rows behind it.
    --unlogged holds for all sources; for one alone write it into it, as in "package:A?unlogged=zero".
    """
    from crampstudy.report.freshness import ask_comparison
    from crampstudy.sources.address import with_unlogged

    output = Output(as_json, as_csv, force)
    said, names = word(unlogged, observed_from, observed_to, case_definition), listed(name) if name else None
    asked = [with_unlogged(source, said) for source in sources]
    if out is not None or as_report:
        further = {
            "--pool": pool,
            f"--few-events {few_events}": few_events,
            f"--bootstrap {bootstrap}": bootstrap,
        }
        if which := next((option for option, value in further.items() if value), None):
            raise UsageError(
                f"{which} gives further rows, which the document has no place for; leave out --out, --report"
            )
        cache = cache_of_user(no_cache)
        request = ask_comparison(
            asked,
            out,
            {
                "by": by,
                "names": names,
                "split": split,
                "reference": reference,
                "age_bands": age_bands,
                "standard": standard,
                "where": where,
                "adjust": adjust,
                "average_over": average_over,
                "ci_level": ci_level,
                "factors": factors,
            },
            figures=figures,
        )
        notes: list[str] = []
        done = is_unchanged(cache, request, aside=output.aside, again=notes.append) if cache is not None else None
        if done is None:
            from crampstudy.report import warm

            with progress() as shown, warm.server(warm.environment(), single=True) as server:
                # What the notebook needs is imported in the server while this process imports as well.
                from crampstudy.age_bands import AgeBands
                from crampstudy.analyses.comparison import ComparisonSettings
                from crampstudy.report.assembly.comparison import build_comparison

                own = bands(age_bands) or AgeBands()
                settings = ComparisonSettings(
                    by, own.limits, standard, where, reference, adjust, average_over, ci_level, factors
                )
                made = build_comparison(
                    asked,
                    settings,
                    names=names,
                    split=split,
                    out=out,
                    progress=AnnouncingProgress(shown, notes),
                    server=server,
                    force=force,
                    figures=figures,
                    cache=cache,
                    request=request,
                    partial=FAILED,
                )
            _tell(made, asked, aside=output.aside)
            done = made.folder
            _check_document(done)
        if output.as_json or output.as_csv:
            _show_rows(done, output)
        return
    from crampstudy.age_bands import AgeBands
    from crampstudy.contrasts.cohorts.asked import check_ages
    from crampstudy.contrasts.cohorts.compare import compare

    limits, rng = bands(age_bands), _draws(seed) if bootstrap else None
    question = {"by": by, "bands": limits, "where": where, "adjust": adjust}
    cohorts = _cohorts(asked, names, split, question)
    check_ages(cohorts, by, limits or AgeBands())
    _check_adjusted(cohorts, adjust, limits, reference)
    first, second, *others = cohorts
    described = compare(
        first,
        second,
        by,
        others=others,
        bands=limits,
        standard=standard,
        where=where,
        reference=reference,
        adjust=adjust,
        average_over=average_over,
        pool=pool,
        few_events=few_events,
        bootstrap=bootstrap,
        rng=rng,
        ci_level=ci_level,
    )
    show_described(described, output, sources if split is None else [*sources] * len(cohorts))
    if len({cohort.kind for cohort in cohorts}) > 1 and not output.aside:
        typer.echo("A diary's rate and a survey's recalled prevalence are different measures: do not subtract them.")
    check_estimated(described)


def _cohorts(
    sources: Sequence[str], names: Sequence[str] | None, split: str | None, question: dict[str, Any]
) -> tuple[Cohort, ...]:
    """Return the cohorts to compare; of one that is split only the parts are held any longer, and what they need."""
    from crampstudy.contrasts.cohorts.asked import numbers_of_nights
    from crampstudy.contrasts.cohorts.parts import several

    found = [opened(source) for source in sources]
    numbers = numbers_of_nights(found[0], **question) if split is not None else None
    bands = question["bands"]
    return several(found, names=names, split=split, bands=bands, source=sources[0], numbers=numbers)


def _check_adjusted(cohorts: Sequence[Cohort], adjust: str, limits: AgeBands | None, reference: str | None) -> None:
    """Refuse terms of which no cohort has a value, and say which cohorts have none of the others, and what follows."""
    from crampstudy.age_bands import AgeBands
    from crampstudy.contrasts.cohorts.asked import check_adjusted, reference_of
    from crampstudy.wording import listed as said

    if not (lacking := check_adjusted(cohorts, adjust, limits or AgeBands())):
        return
    out = dict.fromkeys(cohort for of in lacking.values() for cohort in of)
    none = reference_of(cohorts, reference) in out or len(cohorts) - len(out) < 2
    left = "no ratio is adjusted" if none else f"{said(out)} {'are' if len(out) > 1 else 'is'} in no adjusted ratio"
    why = said(f"no participant of {said(of)} has a value of {name}" for name, of in lacking.items())
    typer.echo(f"note: {left}: {why}", err=True)


def _draws(seed: int) -> Any:
    import numpy as np

    return np.random.default_rng(seed)


def _show_rows(folder: Path, output: Output) -> None:
    """Print or write the rows of a document that are those of the comparison without one."""
    from crampstudy import estimates
    from crampstudy.analyses.comparison import compared_rows

    output.show(compared_rows(_rows(folder))[list(estimates.COLUMNS)], lambda: None)


def _check_document(folder: Path) -> None:
    """End as the comparison without a document does where nothing could be estimated; the document says why."""
    from crampstudy.analyses.comparison import compares_anything

    if not compares_anything(_rows(folder)):
        raise AnalysisError("nothing could be estimated but who the cohorts are; the document says why")


def _rows(folder: Path) -> pd.DataFrame:
    from crampstudy import estimates

    return estimates.from_csv((folder / "estimates.csv").read_text(encoding="utf-8"))


def _tell(made: Report, sources: list[str], *, aside: bool) -> None:
    for notice in made.notices:
        typer.echo(notice, err=True)
    tell_kept(made.kept)
    files = ", ".join(file.name for file in (made.pdf, made.html, made.docx, made.estimates))
    typer.echo(f"The comparison is in {made.folder}: {files}", err=aside)
    for account, source in zip(made.accounts, sources * (len(made.accounts) // len(sources)), strict=True):
        say_account(account, source, aside=aside)
