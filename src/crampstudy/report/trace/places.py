"""Which sections, tables and figures of a report show a row of the estimates."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

WHERE = "where"
"""The column that a report's estimates have beside those of every table of rows."""


def keys_of(table: str) -> list[str]:
    """Return the keys of rows that are given as CSV; none of other tables."""
    return [row["key"] for row in csv.DictReader(io.StringIO(table)) if row.get("key")]


@dataclass(frozen=True, slots=True)
class RowPlaces:
    """The places of each row, by its key: sections by the names of their notebooks, figures and tables by label."""

    by_key: dict[str, list[str]] = field(default_factory=dict)

    def add(self, place: str, keys: Iterable[str]) -> None:
        """Note that a place shows rows."""
        for key in keys:
            places = self.by_key.setdefault(key, [])
            if place not in places:
                places.append(place)

    def of(self, key: str) -> str:
        """Return the places of a row, sections first: ``frequency; tbl-frequency; fig-distribution``."""
        places = sorted(self.by_key.get(key, ()), key=lambda place: place.startswith(("tbl-", "fig-")))
        return "; ".join(places)

    def beside(self, tables: Sequence[tuple[str, bool]]) -> str:
        """Return tables of rows as one, with the places that show each row.

        Each comes with whether it says ``again`` what others recorded: such a row stands once, where it was made.
        """
        target = io.StringIO(newline="")
        writer = csv.writer(target, lineterminator="\n")
        writer.writerows(self._lines(tables))
        return target.getvalue()

    def _lines(self, tables: Sequence[tuple[str, bool]]) -> Iterator[list[str]]:
        read = [(list(csv.reader(io.StringIO(table, newline=""))), again) for table, again in tables]
        made = {tuple(row) for (_, *rows), again in read if not again for row in rows}
        for position, ((head, *rows), again) in enumerate(read):
            if not position:
                yield [*head, WHERE]
            key = head.index("key")
            for row in rows:
                if again and tuple(row) in made:
                    continue
                if again:
                    made.add(tuple(row))
                yield [*row, self.of(row[key])]
