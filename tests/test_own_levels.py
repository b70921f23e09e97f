"""A study's own levels are data: each has its participants, whatever its letters."""

from __future__ import annotations

import pytest

from crampstudy import Cohort, describe, open_cohort


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    folder = tmp_path_factory.mktemp("sites")
    names = ["SITE_01", "SITE 01", "site_01"]
    people = "".join(f"P{i:02},{names[i % 3]},{50 + i}\n" for i in range(30))
    (folder / "participants.csv").write_text(f"participant_id,centre_name,age_years\n{people}")
    nights = "".join(f"P{i:02},2024-03-{day:02},{(i + day) % 4 == 0:d}\n" for i in range(30) for day in range(1, 11))
    (folder / "diary.csv").write_text(f"participant_id,date,cramps\n{nights}")
    return open_cohort(folder)


def test_each_level_has_its_participants_whatever_its_letters(sites: Cohort) -> None:
    rows = describe(sites, by="centre_name").estimates
    crude = rows[rows["analysis"] == "incidence rate"].set_index("level")["n_participants"]
    assert crude.drop("all").to_dict() == {"SITE_01": 10, "SITE 01": 10, "site_01": 10} and crude["all"] == 30
