"""What is known of a night before it begins, and of a participant before the diary does."""

from crampstudy.prediction.features.baseline import baseline_columns, directions, with_levels
from crampstudy.prediction.features.history import WINDOWS, History, history
from crampstudy.prediction.features.table import FeatureTable, domain_of, newcomers, nights_of

__all__ = [
    "WINDOWS",
    "FeatureTable",
    "History",
    "baseline_columns",
    "directions",
    "domain_of",
    "history",
    "newcomers",
    "nights_of",
    "with_levels",
]
