"""The command that draws cohorts: presets, truth files, cards, and the same bytes from several workers."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from crampstudy import cli
from crampstudy import simulate as simulator
from crampstudy.simulate.calibration import cards
from crampstudy.simulate.scenario import presets
from crampstudy.sources import open_cohort

Run = Callable[..., tuple[int, str, str]]
SMALL = ("--participants", "20", "--nights", "30")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command in this process, without the answers, which take long: exit code, output, errors."""
    monkeypatch.setattr(simulator, "answer", lambda truth, population: ())

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["crampstudy", "simulate", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


def truth_of(folder: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads((folder / "truth.json").read_text())
    return content


def test_the_default_is_the_default_preset(run: Run, tmp_path: Path) -> None:
    code, out, err = run("--out", str(tmp_path / "x"), *SMALL)
    assert (code, err) == (0, "")
    assert out == f"default: 20 participants, 30 nights each, in {tmp_path / 'x'}\n"
    assert run("--out", str(tmp_path / "y"), *SMALL, "--preset", "default", "--workers", "2")[0] == 0
    for path in (tmp_path / "x").iterdir():
        assert path.read_bytes() == (tmp_path / "y" / path.name).read_bytes()


def test_a_preset_and_a_seed_are_used(run: Run, tmp_path: Path) -> None:
    for name, more in {"a": (), "b": ("--preset", "null"), "c": ("--seed", "2")}.items():
        assert run("--out", str(tmp_path / name), *SMALL, *more)[0] == 0
    assert len({open_cohort(tmp_path / name).digest for name in "abc"}) == 3
    assert truth_of(tmp_path / "c")["seed"] == 2


def test_a_truth_file_is_used(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_text("participants: 7\nnights: 9\ncramps:\n  rate_per_week: 2.5\n")
    code, out, _ = run("--truth", str(file), "--out", str(tmp_path / "x"))
    assert code == 0
    assert out.startswith("my: 7 participants, 9 nights")
    stated = truth_of(tmp_path / "x")
    assert stated["parameters"]["cramps"]["rate_per_week"]["value"] == 2.5  # type: ignore[index]
    file.write_text("cramps:\n  rate_per_week: -1\n")
    code, _, err = run("--truth", str(file), "--out", str(tmp_path / "y"))
    assert code == 5
    assert "rate_per_week" in err and "my.yaml" in err


def test_rates_and_parquet(run: Run, tmp_path: Path) -> None:
    assert run("--out", str(tmp_path), *SMALL, "--with-rates", "--format", "parquet")[0] == 0
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.parquet")} >= {
        *("participants.parquet", "diary.parquet", "truth/rates.parquet")
    }


def test_a_card_is_printed_and_judged(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int, int | None]] = []

    def card(passed: bool) -> Callable[[str, int, int | None], cards.Card]:
        def made(name: str, seed: int, participants: int | None = None) -> cards.Card:
            asked.append((name, seed, participants))
            target = cards.targets("community")[0]
            return cards.Card(name, "about", 10, 20, seed, (cards.Line(target, 0.5, 0.1, passed),))

        return made

    for passed, expected in ((True, 0), (False, 6)):
        monkeypatch.setattr(cards, "draw_card", card(passed))
        code, out, err = run("--preset", "community", "--card", "--seed", "3")
        assert (code, err) == (expected, "")
        assert out.startswith("community\nabout\n")
    assert asked == [("community", 3, None)] * 2


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "--out DIR"),
        (("--card", "--nights", "5"), 2, "leave out --truth and --nights"),
        (("--card", "--truth", "x.yaml"), 2, "leave out --truth and --nights"),
        (("--out", "x", "--preset", "comunity"), 5, "did you mean community"),
        (("--out", "x", "--workers", "0"), 2, "from 1 to"),
        (("--out", "x", "--truth", "none.yaml"), 5, "none.yaml"),
        (("--out", "x", "--participants", "0"), 5, "participants"),
    ],
)
def test_what_cannot_be_is_one_message(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    found, out, err = run(*arguments)
    assert (found, out) == (code, "")
    assert said in err
    assert len(err.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_every_preset_can_be_drawn(run: Run, tmp_path: Path) -> None:
    for name in presets.names():
        assert run("--out", str(tmp_path / name), "--preset", name, "--participants", "20")[0] == 0, name
