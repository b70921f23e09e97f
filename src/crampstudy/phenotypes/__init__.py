"""Groups of people whose cramps are alike: whether there are any, and what each is like."""

from crampstudy.phenotypes.groups import Grouping, grouping_of
from crampstudy.phenotypes.people import SENSITIVE, calendar_nights, people_table
from crampstudy.phenotypes.rows import phenotype_rows
from crampstudy.phenotypes.traits import TraitTable, traits_of

__all__ = [
    "SENSITIVE",
    "Grouping",
    "TraitTable",
    "calendar_nights",
    "grouping_of",
    "people_table",
    "phenotype_rows",
    "traits_of",
]
