"""Units that a cell may be in: what it must be multiplied by, and what must be added, to be in the codebook's unit.

Sources: exact metric relations; molar masses of the elements (IUPAC 2021) for mmol/L; 8 g of pure alcohol
to a unit (UK); HbA1c from % (NGSP) to mmol/mol (IFCC) by the master equation of Hoelzel (2004).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from crampstudy.codebook import Variable


@dataclass(frozen=True, slots=True)
class Conversion:
    """A cell in the codebook's unit is the cell as given, times ``factor``, plus ``offset``."""

    factor: float
    offset: float = 0.0


_SCALES: tuple[Mapping[str, float], ...] = (
    {"ml": 1, "cl": 10, "dl": 100, "l": 1000},
    {"ms": 0.001, "s": 1, "min": 60, "h": 3600},
    {"ug": 1e-6, "mg": 1e-3, "g": 1, "kg": 1e3, "lb": 453.59237, "oz": 28.349523},
    {"0-10": 1, "0-100": 0.1},
)
_OWN: Mapping[str, Mapping[str, Conversion]] = {
    "alcohol_units": {"g": Conversion(0.125)},
    "ambient_temperature_c": {"°f": Conversion(5 / 9, -160 / 9), "k": Conversion(1, -273.15)},
    "serum_sodium_mmol_l": {"meq/l": Conversion(1), "mg/dl": Conversion(1 / 2.299)},
    "serum_potassium_mmol_l": {"meq/l": Conversion(1), "mg/dl": Conversion(1 / 3.910)},
    "serum_calcium_mmol_l": {"meq/l": Conversion(0.5), "mg/dl": Conversion(1 / 4.008)},
    "serum_magnesium_mmol_l": {"meq/l": Conversion(0.5), "mg/dl": Conversion(1 / 2.4305)},
    "serum_phosphate_mmol_l": {"mg/dl": Conversion(1 / 3.097)},
    "serum_chloride_mmol_l": {"meq/l": Conversion(1), "mg/dl": Conversion(1 / 3.545)},
    "serum_bicarbonate_mmol_l": {"meq/l": Conversion(1)},
    "serum_albumin_g_l": {"g/dl": Conversion(10)},
    "vitamin_d_nmol_l": {"ng/ml": Conversion(2.496), "ug/l": Conversion(2.496)},
    "vitamin_b12_pmol_l": {"pg/ml": Conversion(0.7378), "ng/l": Conversion(0.7378)},
    "hba1c_mmol_mol": {"%": Conversion(10.93, -23.5)},
    "tsh_miu_l": {"uiu/ml": Conversion(1), "mu/l": Conversion(1)},
    "crp_mg_l": {"mg/dl": Conversion(10)},
    "red_cell_count_10_12_l": {"10^6/ul": Conversion(1), "10^12/l": Conversion(1)},
}
_SAME = {"hour": "h", "hours": "h", "hr": "h", "minute": "min", "minutes": "min", "mins": "min", "sec": "s"}
_SAME |= {"second": "s", "seconds": "s", "litre": "l", "litres": "l", "liter": "l", "liters": "l", "gram": "g"}
_SAME |= {"grams": "g", "f": "°f", "°c": "°c", "c": "°c", "10¹²/l": "10^12/l"}
# Units that nobody writes by mistake into a column of the other unit.
_UNLIKELY = {"ml": {"cl", "dl"}, "mg": {"kg", "lb", "oz"}, "g": {"ug", "kg", "lb", "oz"}, "kg": {"ug", "mg", "oz"}}
_UNLIKELY |= {"min": {"ms"}, "h": {"ms"}, "s": {"h"}, "0-10": {"0-100"}}
_PRINTED = {"l": "L", "cl": "cL", "dl": "dL", "ml": "mL", "ug": "µg", "°f": "°F", "k": "K", "meq/l": "mEq/L"}
_PRINTED |= {"mg/dl": "mg/dL", "g/dl": "g/dL", "ng/ml": "ng/mL", "ug/l": "µg/L", "pg/ml": "pg/mL", "ng/l": "ng/L"}
_NAMES = frozenset(name for scale in _SCALES for name in scale) | {name for own in _OWN.values() for name in own}


def plain(unit: str) -> str:
    """Return a unit in one spelling: lower case, ``u`` for micro, without per day or per night."""
    short = unit.strip().lower().replace("µ", "u").replace("μ", "u").replace(" per ", "/")
    for period in ("/day", "/d", "/night"):
        # A concentration such as mg/dL only looks like milligrams per day.
        short = short.removesuffix(period)
    return _SAME.get(short, short)


def conversions(variable: Variable) -> dict[str, Conversion]:
    """Return the units that can become the unit of ``variable``, the variable's own among them."""
    if variable.unit is None:
        return {}
    own = plain(variable.unit)
    known = {own: Conversion(1)}
    for scale in _SCALES:
        if own in scale:
            known |= {name: Conversion(size / scale[own]) for name, size in scale.items()}
    return {**known, **_OWN.get(variable.name, {})}


def is_known(unit: str) -> bool:
    """Return whether ``unit`` is a unit of some quantity, so that a stated factor can be held against it."""
    return plain(unit) in _NAMES


def slips(variable: Variable) -> dict[str, Conversion]:
    """Return the units, as printed, that a cell of ``variable`` may have been written in by mistake.

    Units whose numbers are those of the variable's own unit are left out: nothing can go wrong with them, and so
    are those whose numbers are the numbers of another unit in the list.
    """
    if variable.unit is None:
        return {}
    found: dict[Conversion, str] = {}
    for name, conversion in conversions(variable).items():
        if conversion != Conversion(1) and name not in _UNLIKELY.get(plain(variable.unit), ()):
            found.setdefault(conversion, _PRINTED.get(name, name))
    return {name: conversion for conversion, name in found.items()}
