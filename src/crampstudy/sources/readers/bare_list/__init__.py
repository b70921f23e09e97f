"""A bare list of nights: which column says who, which says when, and which counts the cramps."""

from __future__ import annotations

from crampstudy.sources.readers.bare_list.nights import Guess, NightList, UnusedRow
from crampstudy.sources.readers.bare_list.reader import StatedList, read
from crampstudy.sources.readers.bare_list.roles import ONE, ROLES, ROWS, Role

__all__ = ["ONE", "ROLES", "ROWS", "Guess", "NightList", "Role", "StatedList", "UnusedRow", "read"]
