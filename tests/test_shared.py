"""Work of which a second process makes some: the same results, whoever makes what, and whatever the helper does."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crampstudy import analyses, open_cohort
from crampstudy.analyses import helper
from crampstudy.analyses.findings import Findings, attempt
from crampstudy.cohort import Cohort
from crampstudy.compute import shared, stored
from crampstudy.report import warm
from crampstudy.simulate import simulate
from crampstudy.sources import handed_on
from crampstudy.sources.readers import package


def _both(folder: Path, work: Callable[[list[str]], list[object]]) -> tuple[list[object], list[object], list[str]]:
    """Do work in two threads that share a folder; return what each has of it, and who made which steps."""
    made: dict[str, list[str]] = {"one": [], "other": []}
    found: dict[str, list[object]] = {}

    def take_part(who: str) -> None:
        with shared._as(shared._Share(folder, backwards=who == "other", lives=lambda: True)):
            found[who] = work(made[who])

    threads = [threading.Thread(target=take_part, args=(who,)) for who in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return found["one"], found["other"], made["one"] + made["other"]


def _called(functions: Sequence[Callable[[], object]]) -> list[object]:
    return [function() for function in functions]


def _step(made: list[str], name: str, seconds: float = 0.0) -> str:
    time.sleep(seconds)
    made.append(name)
    return name


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.sampled_from((0.0, 0.001, 0.004)), max_size=6), min_size=1, max_size=4))
def test_both_have_every_result_in_order_and_each_step_is_made_once(
    tmp_path_factory: pytest.TempPathFactory, calls: list[list[float]]
) -> None:
    def work(made: list[str]) -> list[object]:
        return [
            text
            for call, steps in enumerate(calls)
            for text in shared.each([partial(_step, made, f"{call}.{i}", wait) for i, wait in enumerate(steps)])
        ]

    one, other, made = _both(tmp_path_factory.mktemp("work"), work)
    expected = [f"{call}.{i}" for call, steps in enumerate(calls) for i in range(len(steps))]
    # A single step is made by both: handing it over takes as long.
    twice = [f"{call}.0" for call, steps in enumerate(calls) if len(steps) == 1]
    assert one == other == expected
    assert sorted(made) == sorted(expected + twice)


def test_what_is_no_data_each_makes_for_itself(tmp_path: Path) -> None:
    # Functions are no data.
    one, other, made = _both(
        tmp_path, lambda made: _called(shared.each([lambda: partial(_step, made, "a"), lambda: lambda: 2]))
    )
    assert one == other == ["a", 2]
    assert made == ["a", "a"]


def test_steps_of_steps_are_not_shared(tmp_path: Path) -> None:
    def work(made: list[str]) -> list[object]:
        def inner() -> object:
            return shared.each([partial(_step, made, "x"), partial(_step, made, "y")])

        steps: list[Callable[[], object]] = [inner, partial(_step, made, "z", 0.01)]
        return shared.each(steps)

    one, other, made = _both(tmp_path, work)
    assert one == other == [["x", "y"], "z"]
    assert sorted(made) == ["x", "y", "z"]


@pytest.mark.parametrize("left", ["taken", "new"])
def test_what_a_helper_that_died_has_taken_is_made_here(tmp_path: Path, left: str) -> None:
    (tmp_path / "1-1.taken").touch()
    # Half a result, of which nothing is believed.
    (tmp_path / f"1-1.{left}").write_bytes(stored.encode("whole")[:5])
    made: list[str] = []
    with shared._as(shared._Share(tmp_path, backwards=False, lives=lambda: False)):
        assert shared.each([partial(_step, made, name) for name in "abc"]) == ["a", "b", "c"]
    assert made == ["a", "c", "b"]


def test_what_a_helper_gave_before_it_ended_is_taken(tmp_path: Path) -> None:
    (tmp_path / "1-1.taken").touch()

    def lives() -> bool:
        # It gives its result and ends between two looks.
        (tmp_path / "1-1.given").write_bytes(stored.encode("of the helper"))
        return False

    with shared._as(shared._Share(tmp_path, backwards=False, lives=lives)):
        assert shared.each([lambda: "own", lambda: "own"]) == ["own", "of the helper"]


def test_an_error_is_raised_where_the_step_is_made(tmp_path: Path) -> None:
    def wrong() -> str:
        raise ZeroDivisionError("in a step")

    with (
        shared._as(shared._Share(tmp_path, backwards=False, lives=lambda: False)),
        pytest.raises(ZeroDivisionError, match="in a step"),
    ):
        shared.each([lambda: "a", wrong])


def test_alone_nothing_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(shared.VARIABLE, raising=False)

    def ask() -> bytes:
        raise AssertionError("nobody could answer")

    with shared.offered(ask, "nobody:helps"):
        shared.begin()
        assert shared.each([lambda: 1, lambda: 2]) == [1, 2]


def test_a_server_that_has_gone_leaves_the_work_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(shared.VARIABLE, str(tmp_path / "nobody"))
    with shared.offered(lambda: b"asked", "nobody:helps"):
        assert shared.each([lambda: 1, lambda: 2]) == [1, 2]


@pytest.fixture
def handed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cohort:
    """Return a cohort of 40 people as the kernel of a report has it."""
    source = str(tmp_path / "cohort")
    package.write(simulate(40, 28, seed=5), tmp_path / "cohort", "csv")
    handed_on.hand_on({source: open_cohort(source)}, tmp_path / "handed")
    monkeypatch.setenv(handed_on.VARIABLE, str(tmp_path / "handed"))
    cohort: Cohort = open_cohort(source)
    return cohort


@pytest.mark.skipif(not hasattr(os, "fork"), reason="helpers are forked")
@pytest.mark.parametrize("dies", [False, True], ids=["lives", "dies"])
def test_an_analysis_with_a_helper_finds_the_same(
    handed: Cohort, monkeypatch: pytest.MonkeyPatch, *, dies: bool
) -> None:
    alone = analyses.run("severity", handed)
    given: list[bytes] = []
    of_other = shared._Share._given

    def counted(share: shared._Share, step: int) -> bytes:
        given.append(of_other(share, step))
        return given[-1]

    def slowly(labels: Sequence[str], part: Callable[[], Findings]) -> Findings:
        # So that the helper, whatever the machine is at, makes some.
        time.sleep(2)
        return attempt(labels, part)

    monkeypatch.setattr(shared._Share, "_given", counted)
    monkeypatch.setattr("crampstudy.analyses.attempts.attempt", slowly)
    if dies:
        # It cannot read what it is asked for.
        monkeypatch.setattr(helper, "_asked", lambda *_: b"spoilt")
    with warm.server(warm.environment()) as server:
        monkeypatch.setenv(shared.VARIABLE, str(server))
        helped = analyses.run("severity", handed)
    pd.testing.assert_frame_equal(helped.estimates, alone.estimates)
    assert dict(helped.values) == dict(alone.values)
    assert [*helped.tables] == [*alone.tables]
    for label, table in alone.tables.items():
        made = pd.DataFrame(helped.tables[label].frame)
        pd.testing.assert_frame_equal(made, pd.DataFrame(table.frame), check_index_type=False, check_column_type=False)
    assert any(given) is not dies
