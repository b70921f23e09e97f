"""Exposures of person-time: what of a nightly variable, and of which of a participant's nights, stands in a term.

A term such as ``lag(within(alcohol_units), 1)`` is a column of that name. Lags are of calendar nights; deviations are
from the mean of all logged nights of the participant, the same mean at every lag.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

Part = Literal["within", "between"]

WITHIN: Part = "within"
BETWEEN: Part = "between"
OF_PERSON = (WITHIN, BETWEEN)
SHIFTS = ("lag", "lead")
"""Functions whose argument ``k`` is how many calendar nights earlier, or later, the value is taken."""
WINDOWS = ("mean_last", "days_last", "load_ratio")
"""Functions of several nights; that of the first two is ``n``, the number of nights."""
LONGEST = 366
"""The most nights that a lag or a window may have."""
ACUTE, CHRONIC = 7, 28
"""The nights whose means a load ratio compares: t to t-6 with t-7 to t-34."""
USAGE: Mapping[str, str] = {
    **{name: f"{name}(x), {name}(x, leave_out=True)" for name in OF_PERSON},
    **{name: f"{name}(x, 1)" for name in SHIFTS},
    "mean_last": "mean_last(x, 7)",
    "days_last": "days_last(x, 14)",
    "load_ratio": "load_ratio(x)",
}
_CALL = re.compile(rf"({'|'.join(USAGE)})\((.+?)(?:, (\d+|leave_out=True))?\)")
_NAME = re.compile(r"`([^`]+)`|[^\W\d][\w.]*")
_PART = re.compile(r"(?:within|between)\((`[^`]+`|[^\W\d][\w.]*)(?:, leave_out=True)?\)")


@dataclass(frozen=True, slots=True)
class Exposure:
    """A nightly variable, ``name`` as it is written, as a term takes it.

    ``part`` is the deviation from the participant's mean, or that mean; ``leave_out`` says that the mean is without the
    night of the row itself. ``steps`` are the functions around it, the outermost first, with their nights.
    """

    name: str
    part: Part | None = None
    leave_out: bool = False
    steps: tuple[tuple[str, int | None], ...] = ()

    def __str__(self) -> str:
        """Return it as it is written in a formula, which is the name of its column."""
        text = self.name
        if self.part:
            text = f"{self.part}({text}{', leave_out=True' if self.leave_out else ''})"
        for function, nights in reversed(self.steps):
            text = f"{function}({text})" if nights is None else f"{function}({text}, {nights})"
        return text

    @property
    def variable(self) -> str:
        """The variable, a column of the diary."""
        return self.name.strip("`")

    @property
    def base(self) -> Exposure:
        """The same nights of the variable itself, from which the mean has not been subtracted."""
        return replace(self, part=None, leave_out=False)

    def at_lag(self, nights: int) -> Exposure:
        """Return it so many calendar nights earlier than that of the row, below 0 later."""
        return replace(self, steps=(("lag" if nights >= 0 else "lead", abs(nights)), *self.steps))

    @property
    def shift(self) -> int:
        """How many calendar nights earlier the value is taken than that of the row; below 0 it is later."""
        signs = {"lag": 1, "lead": -1}
        return sum(signs[function] * (nights or 0) for function, nights in self.steps if function in signs)

    @property
    def window(self) -> tuple[str, int | None] | None:
        """The function of several nights that is in it, with their number; ``None`` if there is none."""
        return next((step for step in self.steps if step[0] in WINDOWS), None)

    @property
    def nights(self) -> tuple[int, int]:
        """How many calendar nights before that of the row the last and the first of its nights are."""
        if self.window is None:
            return self.shift, self.shift
        length = ACUTE + CHRONIC if self.window[1] is None else self.window[1]
        return self.shift, self.shift + length - 1

    @property
    def has_own_night(self) -> bool:
        """Whether the night of the row is among its nights, or in its mean."""
        last, first = self.nights
        return self.part is not None or last <= 0 <= first

    @property
    def at_own_night(self) -> bool:
        """Whether the value of the night of the row itself is needed beside the columns of other nights."""
        return self.leave_out or not (self.steps or self.part == BETWEEN)


@lru_cache(maxsize=512)
def find(text: str) -> Exposure | None:
    """Return the exposure of person-time that a term or a column is, ``None`` if it is another one."""
    match = _CALL.fullmatch(text)
    if match is None:
        return None
    function, inside, argument = match.groups()
    if function in OF_PERSON:
        alone = _NAME.fullmatch(inside) and argument in (None, "leave_out=True")
        return Exposure(inside, function, argument is not None) if alone else None
    if (argument is None) != (function == "load_ratio") or argument == "leave_out=True":
        return None
    inner = Exposure(inside) if _NAME.fullmatch(inside) else find(inside)
    nights = None if argument is None else int(argument)
    return inner and replace(inner, steps=((function, nights), *inner.steps))


def unsplit(text: str) -> str:
    """Return a term with the exposure itself in the place of its part within or between participants."""
    return _PART.sub(lambda part: part[1], text)
