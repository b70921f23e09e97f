"""How the answers and measurements of NHANES become codebook variables, one row per variable and column.

Interview answers are coded; each variable lists its own codes for "refused" and "do not know", since 7
or 77 is an ordinary value elsewhere. Laboratory values are converted from the conventional unit that was
reported, not taken from the SI column beside it: those are rounded (phosphate to 0.001, albumin to 1 g/L).

Source: NHANES 2005-2006 (cycle D) and 2007-2008 (cycle E) codebooks, National Center for Health Statistics.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

from crampstudy.cohort import Credits


@dataclass(frozen=True, slots=True)
class Cycle:
    """A two-year cycle: its years, last day and the age at which ages are top-coded."""

    years: str
    last_day: date
    top_coded_age: int


CREDITS = Credits(
    ("National Center for Health Statistics",),
    ("National Health and Nutrition Examination Survey, public-use files",),
    ("public domain, a work of the United States government",),
)
"""Whose data they are."""
CYCLES: Mapping[str, Cycle] = {
    "D": Cycle("2005-2006", date(2006, 12, 31), 85),
    "E": Cycle("2007-2008", date(2008, 12, 31), 80),
}


@dataclass(frozen=True, slots=True)
class NhanesField:
    """One codebook variable from one published column.

    ``codes`` maps the codes of an answer to values; without it the column is a number, taken times
    ``factor`` plus ``offset``. ``missing`` are the codes that mean refused or do not know. A table may lack an
    ``optional`` column, as in a copy that was made of those that somebody needed.
    """

    name: str
    table: str
    column: str
    codes: Mapping[int, str | bool] | None = None
    missing: tuple[int, ...] = ()
    factor: float = 1.0
    offset: float = 0.0
    cycles: str = "DE"
    optional: bool = False


_YES_NO: Mapping[int, str | bool] = {1: True, 2: False}
_UNABLE_IS_NO: Mapping[int, str | bool] = {1: True, 2: False, 3: False}
_REFUSED = (7, 9)


def _diagnosed(name: str, table: str, column: str) -> NhanesField:
    """A condition that a doctor has told of: 1 yes, 2 no, 7 refused, 9 do not know."""
    return NhanesField(name, table, column, _YES_NO, _REFUSED)


FIELDS: tuple[NhanesField, ...] = (
    NhanesField("age_years", "DEMO", "RIDAGEYR"),
    NhanesField("sex", "DEMO", "RIAGENDR", {1: "male", 2: "female"}),
    NhanesField(
        "education",
        "DEMO",
        "DMDEDUC2",
        {1: "below_9_years", 2: "9_to_11_years", 3: "secondary", 4: "some_college", 5: "degree"},
        _REFUSED,
    ),
    NhanesField("exam_season", "DEMO", "RIDEXMON", {1: "november_april", 2: "may_october"}),
    NhanesField("weight_interview", "DEMO", "WTINT2YR"),
    NhanesField("weight_exam", "DEMO", "WTMEC2YR"),
    NhanesField("stratum", "DEMO", "SDMVSTRA"),
    NhanesField("psu", "DEMO", "SDMVPSU"),
    NhanesField("usual_sleep_hours", "SLQ", "SLD010H", missing=(77, 99)),
    NhanesField("bmi_kg_m2", "BMX", "BMXBMI"),
    NhanesField("body_mass_kg", "BMX", "BMXWT", optional=True),
    NhanesField("serum_sodium_mmol_l", "BIOPRO", "LBXSNASI"),
    NhanesField("serum_potassium_mmol_l", "BIOPRO", "LBXSKSI"),
    NhanesField("serum_chloride_mmol_l", "BIOPRO", "LBXSCLSI"),
    NhanesField("serum_bicarbonate_mmol_l", "BIOPRO", "LBXSC3SI"),
    NhanesField("serum_calcium_mmol_l", "BIOPRO", "LBXSCA", factor=0.2495),  # mg/dL; 40.078 g/mol
    NhanesField("serum_phosphate_mmol_l", "BIOPRO", "LBXSPH", factor=0.3229),  # mg/dL; 30.974 g/mol
    NhanesField("serum_albumin_g_l", "BIOPRO", "LBXSAL", factor=10.0),  # g/dL
    NhanesField("vitamin_d_nmol_l", "VID", "LBDVIDMS", cycles="D"),
    NhanesField("vitamin_d_nmol_l", "VID", "LBXVIDMS", cycles="E"),
    NhanesField("vitamin_b12_pmol_l", "B12", "LBXB12", factor=0.738, cycles="D"),  # pg/mL; 1355 g/mol
    NhanesField("hba1c_mmol_mol", "GHB", "LBXGH", factor=10.93, offset=-23.5),  # NGSP % to IFCC (Hoelzel et al. 2004)
    NhanesField("tsh_miu_l", "THYROD", "LBXTSH1", cycles="E"),
    NhanesField("crp_mg_l", "CRP", "LBXCRP", factor=10.0),  # mg/dL
    NhanesField("red_cell_count_10_12_l", "CBC", "LBXRBCSI"),
    _diagnosed("hypertension", "BPQ", "BPQ020"),
    _diagnosed("arthritis", "MCQ", "MCQ160A"),
    _diagnosed("heart_failure", "MCQ", "MCQ160B"),
    _diagnosed("thyroid_disease", "MCQ", "MCQ160M"),
    _diagnosed("chronic_kidney_disease", "KIQ_U", "KIQ022"),
    NhanesField("diabetes", "DIQ", "DIQ010", {1: True, 2: False, 3: False}, _REFUSED),  # 3 borderline
    NhanesField(
        "usual_activity",
        "PAQ",
        "PAQ180",
        {1: "sits", 2: "walks", 3: "carries_light", 4: "heavy_work"},
        _REFUSED,
        cycles="D",
    ),
    NhanesField("vigorous_activity", "PAQ", "PAD200", _UNABLE_IS_NO, _REFUSED, cycles="D"),
    NhanesField("moderate_activity", "PAQ", "PAD320", _UNABLE_IS_NO, _REFUSED, cycles="D"),
    NhanesField("vigorous_activity", "PAQ", "PAQ650", _YES_NO, _REFUSED, cycles="E"),
    NhanesField("moderate_activity", "PAQ", "PAQ665", _YES_NO, _REFUSED, cycles="E"),
    NhanesField("usual_sitting_min", "PAQ", "PAD680", missing=(7777, 9999), cycles="E"),
    NhanesField("recall_dietary_magnesium_mg", "DR1TOT", "DR1TMAGN"),
    NhanesField("recall_dietary_potassium_mg", "DR1TOT", "DR1TPOTA"),
    NhanesField("recall_dietary_calcium_mg", "DR1TOT", "DR1TCALC"),
    NhanesField("recall_dietary_sodium_mg", "DR1TOT", "DR1TSODI"),
    NhanesField("recall_water_ml", "DR1TOT", "DR1_320Z"),  # g, 1 g taken as 1 mL
    NhanesField("recall_alcohol_g", "DR1TOT", "DR1TALCO"),
    NhanesField("weight_diet1", "DR1TOT", "WTDRD1"),
    NhanesField("weight_diet2", "DR1TOT", "WTDR2D"),
)

PHQ9 = tuple(f"DPQ{item:02}0" for item in range(1, 10))
"""The nine questions on depression, each on how many days of the last two weeks: 0 none to 3 nearly every day."""
PHQ9_SCORES = range(4)

# Columns that need more than a code list, by table; variables.py says what becomes of them.
EXTRA: Mapping[str, tuple[str, ...]] = {
    "DEMO": ("RIDEXPRG",),
    "SLQ": ("SLQ160",),
    "DPQ": PHQ9,
    "SMQ": ("SMQ020", "SMQ040"),
    "RHQ": ("RHD143", "RHD152"),
    "RXQ_RX": ("RXDUSE", "RXDDRUG"),
}
REQUIRED_TABLES = ("DEMO", "SLQ")

RECALLED: Mapping[int, tuple[int, int | None]] = {0: (0, 0), 1: (1, 1), 2: (2, 4), 3: (5, 15), 4: (16, None)}
"""SLQ160, leg cramps in the past month: the 30-day count that each class holds; the last is open."""

EXTRA_CODES: Mapping[str, Collection[int]] = {
    "SLQ160": (*RECALLED, *_REFUSED),
    **dict.fromkeys(PHQ9, (*PHQ9_SCORES, *_REFUSED)),
}
"""The codes of those columns of :data:`EXTRA` that are scores or classes."""

MONTHS: Mapping[int, str] = {m: ("first", "second", "third")[min((m - 1) // 3, 2)] for m in range(1, 11)}
"""RHD152, month of the pregnancy (10 where the ninth is over)."""

UNKNOWN_DRUGS = ("55555", "77777", "99999")


@dataclass(frozen=True, slots=True)
class DrugClass:
    """Ingredients of one class; ``vague`` matches entries that may or may not be one of them."""

    value: str | bool
    ingredients: tuple[str, ...]
    vague: str


_VAGUE_DIURETIC = "^(DIURETICS|ANTIHYPERTENSIVE|CARDIOVASCULAR)"
DIURETICS: tuple[DrugClass, ...] = (  # the strongest published association with cramps first (Garrison et al. 2012)
    DrugClass("potassium_sparing", ("AMILORIDE", "EPLERENONE", "SPIRONOLACTONE", "TRIAMTERENE"), _VAGUE_DIURETIC),
    DrugClass(
        "thiazide",
        (
            *("BENDROFLUMETHIAZIDE", "BENZTHIAZIDE", "CHLOROTHIAZIDE", "CHLORTHALIDONE", "HYDROCHLOROTHIAZIDE"),
            *("HYDROFLUMETHIAZIDE", "INDAPAMIDE", "METHYCLOTHIAZIDE", "METOLAZONE", "POLYTHIAZIDE"),
            *("QUINETHAZONE", "TRICHLORMETHIAZIDE"),
        ),
        _VAGUE_DIURETIC,
    ),
    DrugClass("loop", ("BUMETANIDE", "ETHACRYNIC ACID", "FUROSEMIDE", "TORSEMIDE"), _VAGUE_DIURETIC),
)
STATINS = DrugClass(
    True,
    (
        *("ATORVASTATIN", "CERIVASTATIN", "FLUVASTATIN", "LOVASTATIN"),
        *("PITAVASTATIN", "PRAVASTATIN", "ROSUVASTATIN", "SIMVASTATIN"),
    ),
    "^(ANTIHYPERLIPIDEMIC|CARDIOVASCULAR)",
)
LONG_ACTING_BETA_AGONISTS = DrugClass(
    True, ("ARFORMOTEROL", "FORMOTEROL", "SALMETEROL"), "^(RESPIRATORY|ANTIASTHMATIC|BRONCHODILATORS)"
)
