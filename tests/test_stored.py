"""Results are kept as data: what comes back is what was given, and reading runs nothing."""

from __future__ import annotations

import json
import os
import pickle
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crampstudy.compute import stored


@dataclass(frozen=True, slots=True)
class Row:
    term: str
    estimate: float
    draws: np.ndarray | None = None


@dataclass(frozen=True)
class Other:
    term: str


@dataclass
class Late:
    term: str
    made: int = field(init=False, default=0)


class Colour(IntEnum):
    RED = 1


class Evil:
    """What runs a command when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


def again(value: object, *kinds: type) -> Any:
    return stored.decode(stored.encode(value, kinds), kinds)


def first(moment: Any) -> Any:
    """Of two equal hours the first."""
    return moment.replace(fold=0)


SIMPLE = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.binary()),
    *(st.dates(), st.datetimes().map(first), st.times().map(first), st.timedeltas()),
)
KEYS = st.one_of(st.integers(), st.text(), st.tuples(st.integers(), st.text()))


@given(st.recursive(SIMPLE, lambda v: st.lists(v) | st.tuples(v, v) | st.dictionaries(KEYS, v), max_leaves=8))
def test_plain_values_come_back(value: object) -> None:
    found = again(value)
    assert found == value and repr(found) == repr(value)


@pytest.mark.parametrize(
    "array",
    [
        *(np.arange(6).reshape(2, 3), np.array([np.nan, -0.0, np.inf]), np.array("text"), np.zeros((0, 3), "f4")),
        *(np.array(["2024-01-01"], "datetime64[D]"), np.array([(1, 2.5)], dtype=[("a", "i2"), ("b", "f8")])),
        np.asfortranarray(np.ones((3, 2))),
    ],
    ids=str,
)
def test_arrays_come_back(array: np.ndarray) -> None:
    found = again({"x": [array]})["x"][0]
    assert (found.dtype, found.shape, found.tobytes()) == (array.dtype, array.shape, array.tobytes())


@pytest.mark.parametrize("scalar", [np.float64(0.1), np.int8(3), np.bool_(True), np.str_("a")], ids=repr)
def test_scalars_keep_their_type(scalar: np.generic) -> None:
    assert type(again(scalar)) is type(scalar) and again(scalar) == scalar


def test_tables_come_back() -> None:
    frame = pl.DataFrame(
        {"who": ["a", None], "day": [date(2024, 1, 1)] * 2, "level": pl.Series(["x", "y"], dtype=pl.Enum(["x", "y"]))}
    )
    assert again(frame).equals(frame) and again(frame).schema == frame.schema
    series = pl.Series("n", [1, None], dtype=pl.UInt8)
    assert again(series).equals(series, check_names=True) and again(series).dtype == pl.UInt8
    table = pd.DataFrame({"x": [1.5, np.nan], "c": pd.Categorical(["a", "b"])}, index=pd.Index(["r", "s"], name="id"))
    pd.testing.assert_frame_equal(again(table), table)
    text = pd.StringDtype("python")
    kinds = [pd.Index(["r", "s"], dtype=dtype) for dtype in (text, object, "str")]
    for index in (*kinds, pd.Index([1.5, 2.0]), pd.MultiIndex.from_arrays(kinds, names=["", "b", None])):
        made = again(table.set_axis(index))
        pd.testing.assert_frame_equal(made, table.set_axis(index), check_index_type="exact")
        levels = [[each.dtype for each in getattr(of, "levels", [of])] for of in (made.index, index)]
        assert levels[0] == levels[1]


def test_dataclasses_come_back_where_they_are_expected() -> None:
    row = Row("age", 1.25, np.arange(3.0))
    found = again([row], Row, Other)[0]
    assert (found.term, found.estimate, found.draws.tolist()) == ("age", 1.25, [0, 1, 2])
    with pytest.raises(stored.NotData, match="Other"):
        stored.decode(stored.encode(Other("age"), [Other]), [Row])


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (Row("age", 1.0), "test_stored.Row"),
        (Evil(Path("x")), "Evil"),
        (Colour.RED, "Colour"),
        (OrderedDict(a=1), "OrderedDict"),
        (np.array([object()]), "numpy array of objects"),
        (pl.DataFrame({"x": pl.Series([object()], dtype=pl.Object)}), "polars column of objects"),
        (pd.DataFrame({"x": [1, "a"]}), "pandas table"),
        (datetime(2024, 1, 1, tzinfo=UTC), "datetime"),
        (len, "builtin"),
        (1j, "complex"),
        ({"deep": [(None, {1, 2}, lambda: 1)]}, "function"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_data_is_refused(value: object, told: str) -> None:
    with pytest.raises(stored.NotData, match=told):
        stored.encode(value)


def test_what_holds_itself_or_is_made_late_is_refused() -> None:
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(stored.NotData, match="nested"):
        stored.encode(loop)
    with pytest.raises(stored.NotData, match="made is not given"):
        stored.encode(Late("x"), [Late])


def test_reading_runs_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    code = pickle.dumps(Evil(mark))
    objects = (
        np.lib.format.magic(1, 0) + b"v\x00{'descr': '|O', 'fortran_order': False, 'shape': (), }".ljust(120) + code
    )
    table = stored.encode(np.zeros(1)).replace(b"'<f8'", b"'|O' ")
    for content in (
        code,
        b'{"sizes": [%d]}\n{"array": 0}\n' % len(code) + code,
        b'{"sizes": [%d]}\n{"array": 0}\n' % len(objects) + objects,
        table,
        b'{"sizes": []}\n{"dataclass": "os.mkdir", "of": {"path": "%s"}}\n' % str(mark).encode(),
        b'{"sizes": []}\n{"polars": 0}\n',
        b'{"sizes": [3]}\n{"polars": 0}\nabc',
        b'{"sizes": [3]}\n{"pandas": 0}\nabc',
        b'{"sizes": []}\n' + b"[" * 100_000 + b"\n",
        b'{"sizes": []}\n{"eval": "1"}\n',
        *(b"", b"\n\n", b"null\nnull\n", json.dumps({"sizes": [1]}).encode()),
    ):
        with pytest.raises(stored.NotData):
            stored.decode(content, [Row])
    assert not mark.exists()


def test_times_of_day_and_spans_come_back() -> None:
    assert again((time(23, 59, 1), timedelta(-1, 3))) == (time(23, 59, 1), timedelta(-1, 3))
