"""Names of months in seven languages: whole or cut, in any case, with accents or dots; never one that could be two."""

from __future__ import annotations

import unicodedata
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crampstudy.sources.text import dates, month_names

LANGUAGES = month_names.LANGUAGES
names = st.sampled_from([(n, name) for names in LANGUAGES.values() for n, name in enumerate(names, 1)])
changes = st.sampled_from([str.upper, str.title, str.lower, lambda name: f"{name}.", lambda n: n[:3].title() + n[3:]])


def plain(name: str) -> str:
    return "".join(mark for mark in unicodedata.normalize("NFD", name) if not unicodedata.combining(mark))


def read(cell: str) -> date | None:
    """Return a date by the format that is guessed for it."""
    written = month_names.format_of(cell)
    if written is None:
        return None
    moments, differ = dates.moments(pl.Series([cell]), (written,), timed=False, zone=None)
    assert not differ[0]
    return moments[0].date() if moments[0] else None


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("1. März 2025", "%d. %B %Y"),
        ("01. MÄRZ 2025", "%d. %B %Y"),
        ("1. Mär. 2025", "%d. %B %Y"),
        ("1 mars 2025", "%d %B %Y"),
        ("1er mars 2025", "%d %B %Y"),
        ("1 de marzo de 2025", "%d de %B de %Y"),
        ("1º de março de 2025", "%d de %B de %Y"),
        ("1 maart 2025", "%d %B %Y"),
        ("1-mrt-25", "%d-%B-%y"),
        ("01-Mrz-25", "%d-%B-%y"),
        ("1 Maerz 2025", "%d %B %Y"),
        ("March 1, 2025", "%B %d, %Y"),
        ("Mar. 1st 2025", "%B %d %Y"),
        ("1st of March 2025", "%d of %B %Y"),
        ("01MAR2025", "%d%B%Y"),
        ("2025-Mar-01", "%Y-%B-%d"),
        ("1.MARZO.2025", "%d.%B.%Y"),
        ("1/mar./25", "%d/%B/%y"),
    ],
)
def test_a_date_is_read_as_it_is_written(cell: str, written: str) -> None:
    assert month_names.format_of(cell) == written
    assert read(cell) == date(2025, 3, 1)


@given(names, changes, st.integers(1, 28), st.booleans())
def test_every_name_of_every_language_comes_back(
    named: tuple[int, str], change: object, day: int, accents: bool
) -> None:
    number, name = named
    word = change(name if accents else plain(name))  # type: ignore[operator]
    assert month_names.month(word) == number
    assert read(f"{day} {word} 2024") == date(2024, number, day)
    assert pl.DataFrame({"x": [word]}).select(month_names.number(pl.col("x"))).item() == str(number)


@given(names, st.integers(3, 9))
def test_a_name_that_is_cut_is_its_month_or_none(named: tuple[int, str], letters: int) -> None:
    number, name = named
    meant = {n for names in LANGUAGES.values() for n, other in enumerate(names, 1) if other.startswith(name[:letters])}
    assert month_names.month(name[:letters]) == (number if len(meant) == 1 else None)


@pytest.mark.parametrize("word", ["jui", "ma", "foo", "m", "marx", "", "Tag", "marchh"])
def test_what_is_no_month(word: str) -> None:
    assert month_names.month(word) is None
    assert read(f"1 {word} 2025") is None


def test_the_usual_abbreviations_are_known() -> None:
    short = "Jan Feb Mrz Apr Mai Jun Jul Aug Sep Okt Nov Dez", "gen feb mar apr mag giu lug ago set ott nov dic"
    also = (
        "jan. fev. mar. abr. mai. jun. jul. ago. set. out. nov. dez.",
        "ene feb mar abr may jun jul ago sept oct nov dic",
    )
    french = "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc."
    for months in (*short, *also, french, "jan feb mrt apr mei jun jul aug sep okt nov dec"):
        assert [month_names.month(word) for word in months.split()] == list(range(1, 13))


def test_the_format_of_a_column_is_that_of_most_cells() -> None:
    assert month_names.date_format(["1-Sept-25", "2-Mar-25", None, "", "x"]) == "%d-%B-%y"
    assert month_names.date_format(["1-Sept-25", "x", "y", "z"]) is None
    assert month_names.date_format([None]) is None
    assert month_names.format_of("1. März 2025, 07:15") == "%d. %B %Y"
    assert month_names.format_of("March 25") is None


def test_a_stated_format_reads_names_with_a_time_of_day() -> None:
    cells = pl.Series(["1. März 2025 07:15", "2 Mai 2025 07:15", "3. Mai 2025 19:15", "30. Februar 2025 07:15"])
    made, _ = dates.moments(cells, ("%d. %b %Y %H:%M",), timed=True, zone=None)
    assert made.dt.strftime("%m-%d %H:%M").to_list() == ["03-01 07:15", None, "05-03 19:15", None]
    zoned = pl.Series(["1 Mar 2025 11:30 PM +0000"])
    made, _ = dates.moments(zoned, ("%d %b %Y %I:%M %p %z",), timed=True, zone="Europe/Berlin")
    assert made.dt.strftime("%m-%d %H:%M").to_list() == ["03-02 00:30"]
