"""A first look at a bare list of nights: rates, coverage and a calendar, without a word on ages."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta

import polars as pl

from crampstudy import wording
from crampstudy.descriptive.incidence import Rate, incidence_rate, mean_person_rate, withheld
from crampstudy.descriptive.rate_intervals import coverage_note
from crampstudy.descriptive.rates import UNIT
from crampstudy.nights import NIGHTS_PER_WEEK, Denominator, spans
from crampstudy.readable import OneLine
from crampstudy.sources.readers.bare_list import NightList
from crampstudy.wording import counted

CI_LEVEL = 0.95
_CALENDARS = 6
_NO_CRAMP = "·"
_WEEK = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")


@dataclass(frozen=True, slots=True, repr=False)
class Person(OneLine):
    """One participant's nights; ``rate`` is in cramps per week, ``None`` without an observed night."""

    participant_id: str = field(repr=False)
    first_night: date
    last_night: date
    nights_expected: int
    nights_observed: int
    longest_gap: int | None
    cramps: int
    cramp_nights: int
    rate: float | None


@dataclass(frozen=True, slots=True, repr=False)
class FirstLook(OneLine):
    """Rates in cramps per person-week, by total person-time and as the mean of persons, and who logged what.

    ``why_not`` is why there is no rate at all.
    """

    nights: NightList
    overall: Rate
    mean_of_persons: Rate
    people: tuple[Person, ...]
    why_not: str | None = None
    window: str | None = None


def first_look(nights: NightList) -> FirstLook:
    """Return rates and coverage; a night with an empty count, or without a row, is unobserved.

    A list of events has no rate.
    """
    frame = nights.frame.with_columns(observed=pl.col("cramps").is_not_null())
    sums = frame.group_by("participant_id").agg(
        pl.col("cramps").sum(), cramp_nights=(pl.col("cramps") > 0).sum().cast(pl.Int64)
    )
    rows = spans(frame).join(sums, on="participant_id").sort("participant_id")
    expected, observed = rows.select("nights_expected", "nights_observed").sum().row(0)
    free = frame.filter(pl.col("cramps") == 0).height
    nights_from, to = rows.select(pl.col("first_night").min(), pl.col("last_night").max()).row(0)
    known = Denominator.of(free, observed, expected - observed, rows=(nights_from, to) if rows.height else None)
    timed = (pl.col("nights_observed") > 0) & (known.why_not is None)
    rate = pl.when(timed).then(pl.col("cramps") / pl.col("nights_observed") * NIGHTS_PER_WEEK)
    people = tuple(Person(**row) for row in rows.with_columns(rate=rate).iter_rows(named=True))
    counts = rows["cramps"].to_numpy(), rows["nights_observed"].to_numpy()
    overall, mean = (withheld(made(*counts, CI_LEVEL), known.why_not) for made in (incidence_rate, mean_person_rate))
    if known.doubt:
        nights = replace(nights, notices=(*nights.notices, known.doubt))
    return FirstLook(nights, overall, mean, people, known.why_not, known.window)


def as_json(look: FirstLook) -> str:
    """Return everything as JSON: the guess, the rates, the participants, the nights and the rows left out."""
    nights = look.nights
    content = {
        "file": nights.file,
        "guess": asdict(nights.guess),
        "unit": UNIT,
        "ci_level": CI_LEVEL,
        "incidence_rate": _plain(look.overall),
        "mean_of_person_rates": _plain(look.mean_of_persons),
        "participants": [asdict(person) for person in look.people],
        "nights": nights.frame.to_dicts(),
        "left_out": [asdict(row) for row in nights.left_out],
        "notices": list(nights.notices),
    }
    return json.dumps(content, indent=1, ensure_ascii=False, default=date.isoformat)


def as_text(look: FirstLook) -> str:
    """Return the guess, the result and a calendar as plain text for a terminal."""
    return "\n".join(
        [*_guess(look.nights), "", *_rates(look), "", *_table(look), *_calendars(look), *_rest(look.nights)]
    )


def _plain(rate: Rate) -> dict[str, float | str | None]:
    # JSON has no number that is not one.
    return {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in asdict(rate).items()}


def _guess(nights: NightList) -> Iterator[str]:
    guess = nights.guess
    yield f"{nights.file}, {'with' if guess.header else 'without'} a header:"
    yield f"  who     {guess.who}"
    yield f"  date    {guess.date}, read as {guess.date_format} ({guess.reason})"
    how = ", with decimal commas" if guess.decimal == "," else ", a yes is at least one" if guess.yes else ""
    yield f"  cramps  {guess.cramps}{how}"


def _rates(look: FirstLook) -> Iterator[str]:
    rate = look.overall
    yield (
        f"{counted(rate.cramps, 'cramps')} in {counted(rate.nights, 'observed nights')} of "
        f"{counted(rate.participants, 'participants')}"
    )
    for name, made in (("incidence rate", rate), ("mean of person rates", look.mean_of_persons)):
        shown = wording.estimate({k: getattr(made, k) for k in ("status", "estimate", "ci_low", "ci_high")})
        unit = "" if math.isnan(made.estimate) else f" {UNIT}"
        yield f"  {name:<21} {shown}{unit}" + (f" ({made.note})" if made.note and made.note != look.why_not else "")
    if look.why_not:
        yield f"  {look.why_not}"
        yield f"  {look.window}"
        return
    aged = look.nights.loaded.cohort.frame("participants")["age_years"].count()
    standardised = "nothing here is age-standardised" if aged else "without ages nothing is age-standardised"
    yield f"  intervals at {100 * CI_LEVEL:.0f} %, participants as clusters; {standardised}"
    if rate.cramps and not math.isnan(rate.ci_high) and (said := coverage_note(rate.participants)):
        yield f"  {said}"


def _table(look: FirstLook) -> Iterator[str]:
    width = max(11, *(len(person.participant_id) for person in look.people)) if look.people else 11
    yield (
        f"{'participant':<{width}}  {'first':<10}  {'last':<10} {'nights':>7} {'observed':>14} {'longest gap':>12} "
        f"{'cramps':>7} {'per week':>9}"
    )
    for person in look.people:
        share = f"{person.nights_observed} ({100 * person.nights_observed / person.nights_expected:.0f} %)"
        gap = wording.DASH if person.longest_gap is None else person.longest_gap
        rate = wording.DASH if person.rate is None else wording.number(person.rate)
        yield (
            f"{person.participant_id:<{width}}  {person.first_night}  {person.last_night} {person.nights_expected:>7} "
            f"{share:>14} {gap:>12} {person.cramps:>7} {rate:>9}"
        )


def _calendars(look: FirstLook) -> Iterator[str]:
    for person in look.people[:_CALENDARS]:
        counts = {night: n for who, night, n in look.nights.frame.iter_rows() if who == person.participant_id}
        yield ""
        yield f"{person.participant_id}: cramps per night ({_NO_CRAMP} none, blank not observed)"
        yield f"  {'week of':<10}  " + " ".join(f"{day:>3}" for day in _WEEK)
        monday = person.first_night - timedelta(days=person.first_night.weekday())
        while monday <= person.last_night:
            week = (counts.get(monday + timedelta(days=day)) for day in range(len(_WEEK)))
            cells = " ".join(f"{'' if n is None else n or _NO_CRAMP:>3}" for n in week)
            yield f"  {monday}  {cells}".rstrip()
            monday += timedelta(days=len(_WEEK))
    if (more := len(look.people) - _CALENDARS) > 0:
        yield ""
        yield f"and {counted(more, 'more participants')}, whose nights --json lists"


def _rest(nights: NightList) -> Iterator[str]:
    if nights.left_out:
        yield ""
        yield f"{counted(len(nights.left_out), 'rows')} left out:"
        for row in nights.left_out[:_CALENDARS]:
            yield f"  line {row.line}, {row.column} = {row.value or ''!r}: {row.reason}"
        if len(nights.left_out) > _CALENDARS:
            yield f"  and {len(nights.left_out) - _CALENDARS} more, which --json lists"
    yield from (f"note: {notice}" for notice in nights.notices)
