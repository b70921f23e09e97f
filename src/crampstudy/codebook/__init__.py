"""The one place where a variable is described.

``variables.csv`` holds a row per variable: name, label, unit, type, range, levels, domain, survey
component, severity of a violation, and source. Validation rules, the data dictionary and every label in
print derive from it. Units are part of the name, so a name never changes its meaning.
"""

from __future__ import annotations

from crampstudy.codebook.lookup import TABLES, VARIABLES, analytes, candidates, find, of_another, variable, variables
from crampstudy.codebook.order import can_move
from crampstudy.codebook.records import COMPONENTS, Component, Severity, Table, Variable, VariableType

__all__ = [
    "COMPONENTS",
    "TABLES",
    "VARIABLES",
    "Component",
    "Severity",
    "Table",
    "Variable",
    "VariableType",
    "analytes",
    "can_move",
    "candidates",
    "find",
    "of_another",
    "variable",
    "variables",
]
