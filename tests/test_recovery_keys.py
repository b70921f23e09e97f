"""Results of recovery are kept for the code that they rest on, and for no other."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import recovery_keys as keys
from recovery_asked import ASKED

MODELS = sorted({asked.model for asked in ASKED})


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the package, which is looked at instead."""
    there = tmp_path / "crampstudy"
    shutil.copytree(keys.PACKAGE, there, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(keys, "PACKAGE", there)
    monkeypatch.setattr(keys, "key", keys.key.__wrapped__)
    return there


def changed(path: Path, text: str = "\nCHANGED = 1\n") -> set[str]:
    before = {model: keys.key(model) for model in MODELS}
    with path.open("a", encoding="utf-8") as file:
        file.write(text)
    return {model for model in MODELS if keys.key(model) != before[model]}


def test_a_change_concerns_those_whose_code_it_is(package: Path) -> None:
    models = package / "models"
    assert changed(models / "nights" / "gee.py") == {"gee-exchangeable", "gee-ar1"}
    assert changed(models / "surveys" / "linearised.py") == {m for m in MODELS if m.startswith(("survey", "interval"))}
    assert changed(models / "inference" / "automatic.py") == set(MODELS)
    assert changed(package / "simulate" / "draw" / "cohort.py") == set(MODELS)
    assert changed(package / "simulate" / "truth" / "tables" / "effects.csv") == set(MODELS)
    assert changed(package / "report" / "blocks.py") == set()


def test_a_door_of_person_time_rests_on_its_own_code_too(package: Path) -> None:
    doors = ("distributed_lag", "within_between", "fit")
    before = {door: keys.key("poisson", door) for door in doors}
    # Beside them the digest has the laws and questions of these exposures.
    assert keys.key("poisson") not in before.values()

    def concerned(name: str) -> set[str]:
        assert changed(package / name) == set()
        return {door for door in doors if keys.key("poisson", door) != before[door]}

    assert concerned("contrasts/distributed_lag.py") == {"distributed_lag"}
    assert concerned("models/bootstrap.py") == {"distributed_lag", "within_between"}
    assert concerned("contrasts/factors.py") == {"distributed_lag", "within_between"}


def test_a_new_module_concerns_all(package: Path) -> None:
    assert changed(package / "models" / "brand_new.py") == set(MODELS)


def test_a_comment_concerns_nobody(package: Path) -> None:
    assert changed(package / "models" / "nights" / "gee.py", "\n# a comment\n") == set()


def test_every_module_that_is_named_is_there() -> None:
    for module in {module for modules in keys.OWN.values() for module in modules}:
        place = keys.PACKAGE / "models" / module
        assert place.is_dir() or place.with_suffix(".py").is_file(), module
    for name in keys.OWN:
        assert any(model.startswith(name) for model in MODELS), name
