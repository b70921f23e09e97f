"""Presets: each can be built and drawn, says where it comes from, and takes changes from a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from crampstudy.errors import ParameterError
from crampstudy.simulate.calibration.cards import targets
from crampstudy.simulate.corruption.degrade import Mess
from crampstudy.simulate.scenario import presets

NAMES = ("default", "community", "magnesium-trial", "null", "older-adults", "recruited")


def test_names() -> None:
    assert set(presets.names()) == set(NAMES)
    assert presets.names()[0] == "default"


@pytest.mark.parametrize("name", NAMES)
def test_every_preset_is_whole(name: str) -> None:
    made = presets.preset(name)
    assert made.name == name
    assert made.about.endswith(".")
    assert made.participants >= 50
    assert made.nights >= 30
    assert targets(name), "a preset without targets has no card"


def test_unknown_names_are_refused_with_the_nearest() -> None:
    with pytest.raises(ParameterError, match=r"preset is 'comunity'; did you mean community\? allowed: default"):
        presets.preset("comunity")


def test_a_file_changes_its_base(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("base: 'null'\nnights: 44\nmess: {adherence_mean: 0.7}\neffects: {diabetes: 0.5}\n", "utf-8")
    made, base = presets.from_file(path), presets.preset("null")
    assert (made.name, made.nights, made.participants) == ("mine", 44, base.participants)
    assert made.mess.gaps.adherence_mean == 0.7
    assert [e.term for e in made.truth.effects if e.log_rate_ratio] == ["diabetes"]
    assert made.truth.cramps == base.truth.cramps


def test_a_file_without_base_changes_what_it_is_laid_over(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("about: nothing else\n", encoding="utf-8")
    assert presets.from_file(path).truth == presets.preset("default").truth
    over = presets.from_file(path, base="recruited")
    assert over.truth == presets.preset("recruited").truth
    assert over.mess == presets.preset("recruited").mess


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("base: comunity", r"mine.yaml, base is 'comunity'; did you mean community\?"),
        ("mess: {adherence_meen: 0.5}", r"mine.yaml: .*adherence_mean"),
        ("mess: {adherence_mean: 3}", r"mine.yaml: .*adherence_mean is 3"),
        ("cramps: {rate_per_week: -1}", r"mine.yaml: cramps.rate_per_week is -1"),
    ],
)
def test_errors_name_the_file(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ParameterError, match=says):
        presets.from_file(path)


def test_null_has_no_effect_anywhere() -> None:
    truth = presets.preset("null").truth
    assert all(e.log_rate_ratio == 0 for e in truth.effects)
    assert truth.cramps.season_amplitude == 0
    assert truth.cramps.sleep_feedback == 0
    assert truth.cramps.natural_history_log == 0
    assert presets.preset("null").mess != Mess.none(), "gaps stay: they are no effect"
