"""What takes long says in a terminal how far it is and how long it still takes, and elsewhere nothing."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from crampstudy import progress, terminal
from crampstudy.models import fit
from crampstudy.models.bootstrap import resample
from crampstudy.progress import Meter, track
from crampstudy.sources import open_cohort

DIARY = str(Path(__file__).parent / "parity" / "diary")
Run = Callable[..., tuple[int, str, str]]


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True

    @property
    def lines(self) -> list[str]:
        """What was to be read on it, one after the other."""
        return self.getvalue().split("\r\x1b[2K")[1:]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let time pass only where it is said: its last element is now."""
    now = [0.0]
    of_meter = Meter.__init__

    def init(self: Meter, stream: io.StringIO, clock: Callable[[], float] = lambda: now[-1]) -> None:
        of_meter(self, stream, clock)

    monkeypatch.setattr(Meter, "__init__", init)
    return now


def slowly(clock: list[float], seconds: float, n: int) -> Iterator[int]:
    """Yield numbers, each of which takes a time."""
    for number in range(n):
        clock.append(clock[-1] + seconds)
        yield number


def test_after_some_seconds_a_line_says_how_far_it_is_and_how_long_it_takes(clock: list[float]) -> None:
    screen = Screen()
    with progress.on_terminal(screen):
        assert list(track(slowly(clock, 2.0, 5), "replicates", 5)) == [0, 1, 2, 3, 4]
    assert screen.lines == [
        "replicates: 1 of 5, about 16 s left",
        "replicates: 2 of 5, about 9 s left",
        "replicates: 3 of 5, about 5 s left",
        "replicates: 4 of 5, about 2 s left",
        "",
    ]


def test_what_is_soon_done_says_nothing(clock: list[float]) -> None:
    screen = Screen()
    with progress.on_terminal(screen):
        assert sum(track(slowly(clock, 0.5, 5), "replicates", 5)) == 10
    assert screen.getvalue() == ""


def test_a_line_is_not_drawn_faster_than_it_is_read(clock: list[float]) -> None:
    screen = Screen()
    with progress.on_terminal(screen):
        assert len(list(track(slowly(clock, 0.01, 1000), "files", 1000))) == 1000
    # Ten seconds, of which three are quiet, and five lines a second.
    assert 30 <= len(screen.lines) <= 36


@pytest.mark.parametrize(
    ("items", "of", "lines"),
    [
        # The length of what has one is taken.
        ([0] * 3, None, ["rows: 1 of 3, about 10 s left", "rows: 2 of 3, about 5 s left", ""]),
        (iter([0] * 3), None, ["rows: 1", "rows: 2", ""]),
        # More than there should be are no share of them.
        (iter([0] * 3), 1, ["rows: 1 of 1, about 1 s left", "rows: 2", ""]),
    ],
)
def test_the_time_left_needs_a_number(clock: list[float], items: list[int], of: int | None, lines: list[str]) -> None:
    screen = Screen()
    with progress.on_terminal(screen):
        for _ in track(items, "rows", of):
            clock.append(clock[-1] + 5.0)
    assert screen.lines == lines


@pytest.mark.parametrize(
    ("seconds", "left"),
    [(0.2, "1 s"), (59.4, "59 s"), (60, "1 min"), (3540, "59 min"), (3600, "1 h 0 min"), (9000, "2 h 30 min")],
)
def test_times_are_rounded(seconds: float, left: str) -> None:
    assert progress._duration(seconds) == left


def test_of_works_within_one_another_the_outermost_is_told(clock: list[float]) -> None:
    screen = Screen()
    with progress.on_terminal(screen):
        for _ in track(range(2), "models"):
            list(track(slowly(clock, 5.0, 3), "participants left out", 3))
        list(track(slowly(clock, 5.0, 2), "files", 2))
    assert screen.lines == [
        "models: 1 of 2, about 15 s left",
        "",
        "files: 0 of 2",
        "files: 1 of 2, about 10 s left",
        "",
    ]


def test_the_line_is_cleared_when_a_work_fails(clock: list[float]) -> None:
    screen = Screen()
    with pytest.raises(ZeroDivisionError), progress.on_terminal(screen):
        for number in track(slowly(clock, 5.0, 3), "files", 3):
            assert 1 / (1 - number)
    assert screen.lines[-1] == "" and len(screen.lines) == 3


def test_elsewhere_than_in_a_terminal_nothing_is_said(clock: list[float]) -> None:
    stream = io.StringIO()
    with progress.on_terminal(stream):
        assert list(track(slowly(clock, 60.0, 3), "files", 3)) == [0, 1, 2]
    assert list(track(slowly(clock, 60.0, 3), "files", 3)) == [0, 1, 2]
    assert stream.getvalue() == ""


def test_a_terminal_that_has_gone_ends_no_work(clock: list[float]) -> None:
    class Gone(Screen):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    with progress.on_terminal(Gone()):
        assert len(list(track(slowly(clock, 60.0, 3), "files", 3))) == 3


def test_a_bootstrap_is_tracked(clock: list[float]) -> None:
    screen = Screen()

    def statistic(times: np.ndarray) -> np.ndarray:
        clock.append(clock[-1] + 0.2)
        return times[:1].astype(float)

    with progress.on_terminal(screen):
        resample(statistic, 5, replicates=100, rng=np.random.default_rng(1))
    assert screen.lines[0] == "batches of 25 replicates: 0 of 4"
    assert screen.lines[-2] == "batches of 25 replicates: 3 of 4, about 7 s left"


def test_a_fit_tells_its_steps_whose_number_nobody_knows(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    from crampstudy.models.optimise import newton

    solve = newton.solve

    def slow(*arguments: np.ndarray) -> np.ndarray | None:
        clock.append(clock[-1] + 4.0)
        return solve(*arguments)

    monkeypatch.setattr(newton, "solve", slow)
    screen = Screen()
    with progress.on_terminal(screen):
        cohort = open_cohort(DIARY)
        fitted = fit(cohort, model="poisson", terms="sex")
        assert fitted.status == "converged"
        # A loop that is left early gives the meter back.
        assert list(track(slowly(clock, 4.0, 2), "files")) == [0, 1]
    assert screen.lines[:2] == ["steps of the fit: 1", "steps of the fit: 2"]
    assert screen.lines[-3:] == ["files: 0", "files: 1", ""]


@pytest.mark.parametrize(
    ("module", "what", "command"),
    [
        ("crampstudy.simulate", "parts drawn", ("simulate", "--participants", "5", "--nights", "5", "--out", "new")),
        ("crampstudy.simulate.estimands.potential_outcomes", "batches of people", ("simulate", "--out", "new")),
        ("crampstudy.contrasts.people.muscle_and_joints", "models of age", ("analyse", "age-and-muscle", DIARY)),
        ("crampstudy.compute.shared", "models fitted twice", ("analyse", "second-opinion", DIARY)),
    ],
)
def test_commands_that_take_long_are_tracked(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, module: str, what: str, command: tuple[str, ...]
) -> None:
    class Tracked(Exception):
        """The work began."""

    def tracked(items: object, said: str, of: int | None = None) -> Iterator[object]:
        assert said.startswith(what) and (of or items is not None)
        raise Tracked

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(f"{module}.track", tracked)
    with pytest.raises(Tracked):
        run(*command)


def test_a_report_shows_bars_in_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal.progress() as shown:
        assert shown is None
    monkeypatch.setattr("sys.stderr", Screen())
    with terminal.progress() as bars:
        assert isinstance(bars, terminal.Bars)
