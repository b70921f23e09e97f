from __future__ import annotations

import gzip
import lzma
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyreadstat
import pytest
from polars.testing import assert_frame_equal

from crampstudy.age_bands import AgeBands
from crampstudy.cleaning import Raw, clean
from crampstudy.cohort import Cohort
from crampstudy.descriptive.prevalence import prevalence
from crampstudy.errors import SourceError
from crampstudy.estimates import frame as estimates_frame
from crampstudy.sources.readers import nhanes
from crampstudy.sources.readers.nhanes import codes as nc

N = 8
SEQN = list(range(31127, 31127 + N))
# Eight invented persons, a column per published column; None is missing.
CELLS: dict[str, dict[str, list[Any]]] = {
    "DEMO": {
        "RIAGENDR": [1, 2, 2, 2, 2, 2, 2, 1],
        "RIDAGEYR": [34, 25, 28, 31, 29, 62, 85, 0],
        "DMDEDUC2": [1, 2, 3, 4, 5, 7, 9, None],
        "RIDEXMON": [1, 2, 1, 2, 1, 2, None, 1],
        "RIDEXPRG": [None, 1, 1, 2, 1, None, None, None],
        "WTINT2YR": [1000.5, 2000, 3000, 4000, 5000, 6000, 7000, 8000],
        "WTMEC2YR": [1100, 2100, 3100, 4100, 5100, 6100, 0, 8100],
        "SDMVSTRA": [44, 44, 44, 44, 45, 45, 45, 45],
        "SDMVPSU": [1, 1, 2, 2, 1, 1, 2, 2],
    },
    "SLQ": {"SLQ160": [0, 1, 2, 3, 4, 7, 9, None], "SLD010H": [7, 12, 77, 99, 6, 5, 4, None]},
    "BMX": {"BMXBMI": [22.5, 30, None, 25, 25, 25, 25, 14], "BMXWT": [70.1, 80, None, 60, 60, 60, 60, 9.3]},
    "BIOPRO": {
        "LBXSNASI": [140] * N,
        "LBXSKSI": [4.1] * N,
        "LBXSCLSI": [102] * N,
        "LBXSC3SI": [24] * N,
        "LBXSCA": [10.0] * N,
        "LBXSPH": [4.0] * N,
        "LBXSAL": [4.2] * N,
    },
    "VID": {"LBDVIDMS": [50.5] * N},
    "B12": {"LBXB12": [500] * N},
    "GHB": {"LBXGH": [5.5, 7.0, None, 5, 5, 5, 5, None]},
    "CRP": {"LBXCRP": [0.25] * N},
    "CBC": {"LBXRBCSI": [4.7] * N},
    "BPQ": {"BPQ020": [1, 2, 7, 9, 1, 1, 1, None]},
    "MCQ": {"MCQ160A": [1, 2, 7, 9, 1, 1, 1, None], "MCQ160B": [2] * N, "MCQ160M": [9] * N},
    "KIQ_U": {"KIQ022": [2, 1, 9, 2, 2, 2, 2, None]},
    # Nine answers, one of them refused, one not known, one not given; others are on depression in the highest degree.
    "DPQ": {
        **{f"DPQ0{item}0": [0, 1, 3, 2, 0, 0, 0, None] for item in range(1, 9)},
        "DPQ090": [0, 3, 3, 7, 9, None, 1, None],
    },
    "DIQ": {"DIQ010": [1, 2, 3, 7, 9, 2, 2, 2]},
    "PAQ": {
        "PAQ180": [1, 2, 3, 4, 7, 9, 1, None],
        "PAD200": [1, 2, 3, 7, 9, 2, 2, None],
        "PAD320": [1, 2, 3, 7, 9, 2, 2, None],
    },
    "DR1TOT": {
        "DR1TMAGN": [300] * N,
        "DR1TPOTA": [2700] * N,
        "DR1TCALC": [900] * N,
        "DR1TSODI": [3400] * N,
        "DR1_320Z": [0, 500, 1000.5, 0, 0, 0, 0, 0],
        "DR1TALCO": [0, 14, 0, 0, 0, 0, 0, 0],
        "WTDRD1": [1200, 2200, 3200, 4200, 5200, 6200, None, 8200],
        "WTDR2D": [1300, None, 3300, 4300, 5300, 6300, None, 8300],
    },
    "SMQ": {"SMQ020": [1, 1, 1, 2, 7, 9, 1, None], "SMQ040": [1, 2, 3, None, None, None, 9, None]},
    "RHQ": {"RHD143": [None, 1, 1, 2, 1, None, None, None], "RHD152": [None, 3, 4, None, 99, None, None, None]},
}
DRUGS: list[tuple[int, int, str | None]] = [
    (0, 1, "HYDROCHLOROTHIAZIDE; TRIAMTERENE"),
    (0, 1, "EZETIMIBE; SIMVASTATIN"),
    (1, 1, "FUROSEMIDE"),
    (1, 1, "HYDROCHLOROTHIAZIDE; LISINOPRIL"),
    (2, 1, "NYSTATIN"),
    (2, 1, "FLUTICASONE; SALMETEROL"),
    (3, 2, None),
    (4, 7, None),
    (5, 1, "99999"),
    (5, 1, "ATORVASTATIN"),
    (6, 1, "DIURETICS - UNSPECIFIED"),
    (7, 1, "FUROSEMIDE"),
]


def tables(seqn: list[int] = SEQN) -> dict[str, pd.DataFrame]:
    made = {name: pd.DataFrame({"SEQN": seqn, **cells}).astype(float) for name, cells in CELLS.items()}
    made["RXQ_RX"] = pd.DataFrame(
        {
            "SEQN": [float(seqn[i]) for i, _, _ in DRUGS],
            "RXDUSE": [float(use) for _, use, _ in DRUGS],
            "RXDDRUG": [drug or "" for _, _, drug in DRUGS],
        }
    )
    return made


def write_csv(folder: Path, cycle: str = "D", **changed: pd.DataFrame) -> Path:
    folder.mkdir(exist_ok=True)
    for name, table in (tables() | changed).items():
        text = table.to_csv(index=False, na_rep="NA").encode()
        (folder / f"{name}_{cycle}.csv.xz").write_bytes(lzma.compress(text))
    return folder


def one(raw: Raw) -> pl.DataFrame:
    return raw.tables[0].frame


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "nhanes")


def test_codes_become_codebook_values(folder: Path) -> None:
    raw = nhanes.read(folder)
    found = one(raw).to_dict(as_series=False)
    assert (raw.name, raw.kind, raw.as_of) == ("nhanes-D", "survey", date(2006, 12, 31))
    assert [table.name for table in raw.tables] == ["participants"]
    assert found["participant_id"][0] == "31127"
    assert found["recalled_low"] == [0, 1, 2, 5, 16, None, None, None]
    assert found["recalled_high"] == [0, 1, 4, 15, None, None, None, None]
    assert found["body_mass_kg"] == [70.1, 80, None, 60, 60, 60, 60, 9.3]
    assert found["sex"] == ["male", *["female"] * 6, "male"]
    assert found["education"][:7] == [
        "below_9_years",
        "9_to_11_years",
        "secondary",
        "some_college",
        "degree",
        None,
        None,
    ]
    assert found["exam_season"][:2] == ["november_april", "may_october"]
    assert found["diabetes"] == [True, False, False, None, None, False, False, False]
    assert found["arthritis"] == [True, False, None, None, True, True, True, None]
    assert found["thyroid_disease"] == [None] * N
    assert found["usual_activity"][:6] == ["sits", "walks", "carries_light", "heavy_work", None, None]
    assert found["vigorous_activity"][:5] == [True, False, False, None, None]
    assert found["smoking"] == ["current", "current", "former", "never", None, None, None, None]
    assert found["age_years"] == [34, 25, 28, 31, 29, 62, 85, 0]


def test_missing_codes_belong_to_their_variable(folder: Path) -> None:
    found = one(nhanes.read(folder)).to_dict(as_series=False)
    assert found["usual_sleep_hours"] == [7, 12, None, None, 6, 5, 4, None]


def test_depression_is_the_sum_of_nine_answers_and_of_no_fewer(folder: Path) -> None:
    assert one(nhanes.read(folder))["phq9_0_27"].to_list() == [0, 11, 27, None, None, None, 1, None]


def test_units_are_converted(folder: Path) -> None:
    first = one(nhanes.read(folder)).row(0, named=True)
    expected = {
        "serum_calcium_mmol_l": 2.495,
        "serum_phosphate_mmol_l": 1.2916,
        "serum_albumin_g_l": 42.0,
        "vitamin_b12_pmol_l": 369.0,
        "hba1c_mmol_mol": 36.615,
        "crp_mg_l": 2.5,
    }
    assert {name: first[name] for name in expected} == pytest.approx(expected)


def test_pregnancy_needs_a_month_and_no_contradiction(folder: Path, tmp_path: Path) -> None:
    found = one(nhanes.read(folder))["pregnancy_trimester"].to_list()
    assert found == ["none", "first", "second", "none", None, "none", "none", "none"]
    demo = tables()["DEMO"].assign(RIDEXPRG=[np.nan, 2, 3, 1, 1, np.nan, 3, np.nan])
    found = one(nhanes.read(write_csv(tmp_path / "other", DEMO=demo)))["pregnancy_trimester"].to_list()
    assert found == ["none", None, "second", None, None, "none", None, "none"]


def test_medication_is_of_a_class_free_of_it_or_unknown(folder: Path) -> None:
    found = one(nhanes.read(folder)).to_dict(as_series=False)
    assert found["diuretic_class"] == ["potassium_sparing", "thiazide", "none", "none", None, None, None, "loop"]
    assert found["statin"] == [True, False, False, False, None, True, False, False]
    assert found["laba"] == [False, False, True, False, None, None, False, False]


def test_design_and_notices(folder: Path) -> None:
    raw = nhanes.read(folder)
    assert raw.design is not None
    assert raw.design.weights["diet1"] == "weight_diet1"
    assert (raw.design.cycles, raw.design.top_coded_age) == (("D",), 85)
    assert any("85" in notice for notice in raw.notices)
    assert one(raw)["weight_diet2"].to_list()[:2] == [1300, None]
    assert raw.tables[0].lines.to_list() == list(range(2, 2 + N))


def test_pooling_divides_every_weight_and_stacks_lines(folder: Path) -> None:
    shifted = tables([seqn + 20000 for seqn in SEQN])
    shifted["VID"] = shifted["VID"].rename(columns={"LBDVIDMS": "LBXVIDMS"})
    shifted["PAQ"] = shifted["PAQ"].rename(columns={"PAD200": "PAQ650", "PAD320": "PAQ665", "PAQ180": "PAD680"})
    shifted["PAQ"] = shifted["PAQ"].assign(PAQ650=1.0, PAQ665=2.0, PAD680=[0, 7777, 9999, 480, 7, 9, 77, 99])
    write_csv(folder, "E", **shifted)
    alone, pooled = one(nhanes.read(folder, ["d"])), nhanes.read(folder)
    both = one(pooled)
    assert pooled.name == "nhanes-D-E"
    assert both.height == 2 * N
    for name in ("weight_interview", "weight_exam", "weight_diet1", "weight_diet2"):
        np.testing.assert_allclose(
            both[name][:N].fill_null(-2).to_numpy(), alone[name].fill_null(-4).to_numpy() / 2, rtol=1e-12
        )
    assert both["usual_activity"][N:].null_count() == N
    assert both["usual_sitting_min"][N:].to_list() == [0, None, None, 480, 7, 9, 77, 99]
    assert pooled.tables[0].lines.to_list() == [*range(2, 2 + N), *range(3 + N, 3 + 2 * N)]
    assert pooled.tables[0].file == "DEMO_D.csv.xz + DEMO_E.csv.xz"


@pytest.mark.parametrize("form", [".csv", ".csv.gz", ".XPT"])
def test_every_form_gives_the_same_participants(folder: Path, tmp_path: Path, form: str) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for name, table in tables().items():
        path = other / f"{name}_D{form}"
        if form == ".XPT":
            pyreadstat.write_xport(table, path, file_format_version=5, table_name=name[:8])
        else:
            text = table.to_csv(index=False, na_rep="NA").encode()
            path.write_bytes(gzip.compress(text) if form == ".csv.gz" else text)
    assert_frame_equal(one(nhanes.read(other)), one(nhanes.read(folder)), rel_tol=1e-12)


def test_smallest_transport_number_is_zero(tmp_path: Path) -> None:
    table = pd.DataFrame({"SEQN": [1.0, 2.0, 3.0], "WTMEC2YR": [5.397605346934028e-79, 0.0, 2.5]})
    path = tmp_path / "DEMO_D.xpt"
    pyreadstat.write_xport(table, path, file_format_version=5)
    content = path.read_bytes()
    at = content.index(bytes([0x41, 0x10, 0, 0, 0, 0, 0, 0])) + 8  # the number after SEQN 1.0
    # The publisher's zero is the smallest normalised number of the format.
    path.write_bytes(content[:at] + bytes([0x00, 0x10, 0, 0, 0, 0, 0, 0]) + content[at + 8 :])
    assert 0 < pyreadstat.read_xport(path)[0]["WTMEC2YR"][0] < 1e-78
    assert nhanes.reader._table(path, ["WTMEC2YR"])["WTMEC2YR"].to_list() == [0.0, 0.0, 2.5]


def test_optional_table_may_be_absent(folder: Path) -> None:
    absent = {"BMX": "bmi_kg_m2, body_mass_kg", "RXQ_RX": "diuretic_class, statin, laba", "DR1TOT": None}
    absent |= {"DPQ": "phq9_0_27", "SMQ": "smoking", "RHQ": "pregnancy_trimester"}
    for name in absent:
        (folder / f"{name}_D.csv.xz").unlink()
    raw = nhanes.read(folder)
    for name, variables in absent.items():
        start = f"cycle D lacks the table {name}: {variables} missing" if variables else f"lacks the table {name}: "
        assert any(start in notice for notice in raw.notices)
    assert not {"bmi_kg_m2", "statin", "weight_diet1", "phq9_0_27", "smoking"} & set(one(raw).columns)
    assert raw.design is not None
    assert set(raw.design.weights) == {"interview", "exam"}
    assert sum("lacks the table" in notice for notice in raw.notices) == len(absent)
    assert clean(raw).cohort.frame("participants").height == N


def drop_column(folder: Path) -> None:
    write_csv(folder, MCQ=tables()["MCQ"].drop(columns="MCQ160B"))


def odd_code(folder: Path) -> None:
    write_csv(folder, DIQ=tables()["DIQ"].assign(DIQ010=5.0))


def odd_answer(folder: Path) -> None:
    write_csv(folder, DPQ=tables()["DPQ"].assign(DPQ060=4.0))


def odd_class(folder: Path) -> None:
    write_csv(folder, SLQ=tables()["SLQ"].assign(SLQ160=5.0))


def twice(folder: Path) -> None:
    write_csv(folder, BMX=pd.concat([tables()["BMX"]] * 2))


def half_a_stratum(folder: Path) -> None:
    write_csv(folder, DEMO=tables()["DEMO"].assign(SDMVSTRA=50.5))


def endless_number(folder: Path) -> None:
    write_csv(folder, DEMO=tables()["DEMO"].assign(SEQN=[*SEQN[1:], 1e300]))


def stranger(folder: Path) -> None:
    """Somebody of whom DEMO knows nothing: a number that was damaged."""
    write_csv(folder, SLQ=tables()["SLQ"].assign(SEQN=[*SEQN[1:], 99999]))


def cut_short(folder: Path) -> None:
    path = folder / "SLQ_D.csv.xz"
    path.write_bytes(path.read_bytes()[:60])


def not_a_transport_file(folder: Path) -> None:
    (folder / "GHB_D.csv.xz").unlink()
    (folder / "GHB_D.xpt").write_bytes(b"<html>not found</html>")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (drop_column, r"MCQ_D\.csv\.xz has no column MCQ160B"),
        (odd_code, r"DIQ_D\.csv\.xz: DIQ010 holds the code 5; its codebook allows 1, 2, 3, 7, 9"),
        (odd_answer, r"DPQ_D\.csv\.xz: DPQ060 holds the code 4; its codebook allows 0, 1, 2, 3, 7, 9"),
        (odd_class, r"SLQ_D\.csv\.xz: SLQ160 holds the code 5"),
        (twice, r"BMX_D\.csv\.xz: a SEQN stands on more than one row"),
        (half_a_stratum, r"DEMO_D\.csv\.xz: SDMVSTRA holds 50\.5, not a whole number"),
        (endless_number, r"DEMO_D\.csv\.xz: SEQN holds 1e\+300, not a whole number"),
        (stranger, r"SLQ_D\.csv\.xz: nobody in DEMO has the SEQN 99999"),
        (cut_short, r"SLQ_D\.csv\.xz cannot be read"),
        (not_a_transport_file, r"GHB_D\.xpt is cut off"),
        (lambda folder: (folder / "SLQ_D.csv.xz").unlink(), "cycle D lacks its table SLQ"),
        (lambda folder: (folder / "DEMO_D.csv.xz").unlink(), "looked for DEMO_D or DEMO_E .* known cycles: D"),
        (shutil.rmtree, "is not a folder"),
    ],
)
def test_what_is_wrong_is_said(folder: Path, damage: Callable[[Path], object], message: str) -> None:
    damage(folder)
    with pytest.raises(SourceError, match=message):
        nhanes.read(folder)


@pytest.mark.parametrize(("cycles", "message"), [(["Z"], "'Z'"), ([], "no NHANES cycle"), (["E"], "cycle E lacks")])
def test_cycles_that_cannot_be(folder: Path, cycles: list[str], message: str) -> None:
    with pytest.raises(SourceError, match=message):
        nhanes.read(folder, cycles)


# The published surveys themselves.


@pytest.fixture(scope="module")
def published(shared: Path) -> dict[str, Cohort]:
    return {cycle: clean(nhanes.read(shared / "data" / "nhanes", [cycle])).cohort for cycle in nc.CYCLES}


@pytest.mark.parametrize(
    ("cycle", "n", "mild", "moderate_severe"),
    [("D", 4971, (24.41, 1.20), (5.79, 0.52)), ("E", 5931, (25.48, 1.20), (6.07, 0.59))],
)
def test_published_prevalence(
    published: dict[str, Cohort], cycle: str, n: int, mild: tuple[float, float], moderate_severe: tuple[float, float]
) -> None:
    rows = estimates_frame(prevalence(published[cycle], AgeBands(), standard="none"))
    adults = rows[rows["population"] == "20+"].set_index("level")
    for level, (percent, error) in {"mild": mild, "moderate-severe": moderate_severe}.items():
        assert int(adults["n_participants"][level]) == n
        assert round(100 * float(adults["estimate"][level]), 2) == percent
        assert round(100 * float(adults["std_error"][level]), 2) == error


def test_a_copy_without_the_body_mass_says_so(folder: Path) -> None:
    write_csv(folder, BMX=tables()["BMX"].drop(columns="BMXWT"))
    raw = nhanes.read(folder)
    assert "BMX_D.csv.xz has no column BMXWT: body_mass_kg missing" in raw.notices
    assert "bmi_kg_m2" in one(raw).columns and "body_mass_kg" not in one(raw).columns
