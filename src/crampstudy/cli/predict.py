"""Commands that learn from a cohort: to foretell cramps, there or in another one, and who of it is alike."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crampstudy.cli.options import (
    AsCsv,
    AsJson,
    Bands,
    CaseDefinition,
    CiLevel,
    Force,
    NWorkers,
    ObservedFrom,
    ObservedTo,
    Source,
    UnloggedNights,
    bands,
    opened,
    word,
)
from crampstudy.cli.output import Output, check_outside_of_reports, say_account, tell_kept
from crampstudy.confidence import check_level
from crampstudy.errors import UsageError

if TYPE_CHECKING:
    from crampstudy.cohort import Cohort
    from crampstudy.prediction.files import Applied, ModelFile

_NOTHING = 6
_OUT, _CARD, _CALENDARS = "--out", "--card", "--calendars"
_PICTURES = (".png", ".svg", ".pdf")


def predict(
    source: Source,
    out: Annotated[
        Path | None,
        typer.Option(
            _OUT,
            metavar="FILE",
            help="Write the model that was learned; with --model the predictions, a row per participant: sensitive.",
        ),
    ] = None,
    model: Annotated[
        Path | None, typer.Option("--model", metavar="FILE", help="Apply this model instead of learning one.")
    ] = None,
    nights: Annotated[
        bool, typer.Option("--nights", help="With --model: a row per logged night, and not per participant.")
    ] = False,
    card: Annotated[
        Path | None, typer.Option(_CARD, metavar="FILE", help="Write the model card (TRIPOD+AI) as Markdown.")
    ] = None,
    age_bands: Bands = None,
    ci_level: CiLevel = 0.95,
    workers: NWorkers = 1,
    unlogged: UnloggedNights = None,
    observed_from: ObservedFrom = None,
    observed_to: ObservedTo = None,
    case_definition: CaseDefinition = None,
    as_json: AsJson = None,
    as_csv: AsCsv = None,
    force: Force = False,
) -> None:
    """Learn to foretell cramps from a diary, or apply a model to one: research output, not medical advice.

    Without --model it learns, shows the scores of cross-validation and writes the model to --out. With --model it shows
    how right that was here, by age band, and writes to --out what it says of the night after each participant's last.
    """
    from crampstudy.atomic_write import check_free
    from crampstudy.compute import check_workers
    from crampstudy.sources.address import with_unlogged

    output = Output(as_json, as_csv, force)
    check_level(ci_level)
    check_workers(workers)
    if model is None and nights:
        raise UsageError("--nights is of predictions by a model; name one with --model FILE, or leave it out")
    if model is None and out is None:
        raise UsageError("name the file of the model to learn, such as --out model.json, or one to apply: --model FILE")
    if model is not None and age_bands is not None:
        raise UsageError("a model has the age bands it was learned with; leave out --age-bands, or learn a new one")
    for file, option in ((out, _OUT), (card, _CARD)):
        if file is not None:
            check_free(file, option, force=force)
    source = with_unlogged(source, word(unlogged, observed_from, observed_to, case_definition))
    if model is None:
        _learn(source, out, card, output, age_bands, workers)
    else:
        _apply(source, model, out, card, output, ci_level, nights=nights)


def phenotypes(
    source: Source,
    out: Annotated[
        Path | None,
        typer.Option(
            _OUT, metavar="FILE", help="Write the group of each participant to this CSV: sensitive, for your eyes only."
        ),
    ] = None,
    calendars: Annotated[
        Path | None,
        typer.Option(
            _CALENDARS, metavar="FILE", help="Draw each participant's nights to this .png, .svg or .pdf: sensitive too."
        ),
    ] = None,
    ci_level: CiLevel = 0.95,
    unlogged: UnloggedNights = None,
    observed_from: ObservedFrom = None,
    observed_to: ObservedTo = None,
    case_definition: CaseDefinition = None,
    as_json: AsJson = None,
    as_csv: AsCsv = None,
    force: Force = False,
) -> None:
    """Look for groups of people whose cramps are alike; that there are no clear ones is an answer as well.

    What is printed is of groups, and so is --json and --csv; --out and --calendars write what is of single people.
    """
    from crampstudy import figures, terminal
    from crampstudy.atomic_write import check_free, csv_text
    from crampstudy.nights import of_cohort
    from crampstudy.phenotypes import SENSITIVE, calendar_nights, grouping_of, people_table, phenotype_rows, traits_of
    from crampstudy.sources.address import with_unlogged

    output = Output(as_json, as_csv, force)
    check_level(ci_level)
    private = [(file, option) for file, option in ((out, _OUT), (calendars, _CALENDARS)) if file is not None]
    if calendars is not None and calendars.suffix not in _PICTURES:
        raise UsageError(
            f"{_CALENDARS} {calendars} has the ending of no picture; allowed: {', '.join(_PICTURES)}, such as "
            f"{_CALENDARS} {calendars.with_suffix('.png')}"
        )
    for file, option in private:
        check_outside_of_reports(file, option)
        check_free(file, option, force=force)
    source = with_unlogged(source, word(unlogged, observed_from, observed_to, case_definition))
    cohort = opened(source)
    for file, option in private:
        check_outside_of_reports(file, option, cohort)
    found, account = grouping_of(traits_of(cohort)), of_cohort(cohort)
    rows = phenotype_rows(cohort, ci_level, found)
    output.show(rows, lambda: terminal.show(rows, [account]))
    if out is not None:
        _put(out, csv_text(people_table(found)).encode(), _OUT, force, private=True)
    if calendars is not None:
        picture = figures.picture(figures.calendars(calendar_nights(cohort, found)), calendars.suffix[1:])
        _put(calendars, picture, _CALENDARS, force, private=True)
    if private:
        named = " and ".join(str(file) for file, _ in private)
        typer.echo(f"{SENSITIVE}, in {named}; only you can read it.", err=True)
    say_account(account, source, aside=output.aside)


def _learn(
    source: str, out: Path | None, card: Path | None, output: Output, age_bands: str | None, workers: int
) -> None:
    from crampstudy import terminal
    from crampstudy.nights import of_cohort
    from crampstudy.prediction import files

    cohort = opened(source)
    made, rows = files.learn(cohort, bands(age_bands), workers=workers)
    account = of_cohort(cohort)
    _put(out, files.write(made), _OUT, output.force)
    _put(card, files.card(made).encode(), _CARD, output.force)
    output.show(rows, lambda: terminal.show(rows, [account]))
    say_account(account, source, aside=output.aside)


def _apply(
    source: str, path: Path, out: Path | None, card: Path | None, output: Output, ci_level: float, *, nights: bool
) -> None:
    from crampstudy import terminal
    from crampstudy.atomic_write import csv_text
    from crampstudy.nights import of_cohort
    from crampstudy.prediction import files

    made = files.read(path)
    if out is not None:
        check_outside_of_reports(out, _OUT)
    cohort = opened(source)
    if out is not None:
        check_outside_of_reports(out, _OUT, cohort)
    whole = files.apply(made, cohort, every_night=True)
    rows, account = files.validation_rows(whole, made, cohort.name, ci_level), of_cohort(cohort)
    applied = whole if nights else files.apply(made, cohort)
    if out is not None:
        content = csv_text(files.predictions(applied, made, every_night=nights)).encode()
        _put(out, content, _OUT, output.force, private=True)
        typer.echo(f"{files.SENSITIVE}, in {out}; only you can read it. {files.READ_AS}.", err=True)
    _put(card, files.card(made).encode(), _CARD, output.force)
    output.show(rows, lambda: terminal.show(rows, [account]))
    for said in _remarks(applied, made, cohort):
        typer.echo(said, err=True)
    say_account(account, source, aside=output.aside)
    if not applied.told.any():
        raise typer.Exit(_NOTHING)


def _remarks(applied: Applied, model: ModelFile, cohort: Cohort) -> Iterator[str]:
    """Yield what a reader is to know of predictions: whom the model learned from, and who has none, and why."""
    from crampstudy import wording

    facts = model.cohort
    learned = f"{facts['name']}, {facts['participants']:,} participants from {facts['first_night']}"
    yield f"Learned from {learned} to {facts['last_night']}."
    if facts["digest"] == cohort.digest:
        yield (
            "note: this is the cohort that the model learned from, so that the scores above flatter it; those of "
            "cross-validation stand in its card (--card FILE)"
        )
    if applied.absent:
        named = wording.listed(applied.absent)
        yield f"note: nobody here has a value of {named}; the model took its median in training, or a branch of its own"
    told = len({*applied.table.person[applied.told].tolist()})
    yield f"Participants with a prediction: {told:,} of {len({*applied.table.person.tolist()}):,}."
    for what, outside in (("one", applied.outside), ("a rate from baseline", applied.outside_baseline)):
        for name, n in applied.counted(outside).items():
            yield f"  without {what}, {name} outside of its range in training: {n:,}"


def _put(file: Path | None, content: bytes, option: str, force: bool, *, private: bool = False) -> None:
    from crampstudy.atomic_write import new_file

    if file is not None:
        tell_kept(new_file(file, content, option, force=force, private=private))
        typer.echo(f"Written: {file}", err=True)
