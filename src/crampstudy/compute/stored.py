"""Results as bytes that hold data alone: reading them runs nothing, whoever wrote them.

A line of JSON says how a result is built; arrays (NumPy's format, without pickles) and tables (Arrow) follow it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date, datetime, time, timedelta
from io import BytesIO
from typing import Any

import numpy as np

_PLAIN = (type(None), bool, int, float, str)
_CONTAINERS: dict[str, type] = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}
_TIMES: dict[str, type] = {"date": date, "datetime": datetime, "time": time}
ALLOWED = (
    "None, bool, int, float, str, bytes, dates and times, numpy arrays and scalars (not of objects), polars and pandas "
    "tables, and lists, tuples, sets, dicts and the dataclasses named in `kinds` that are made of these"
)


class NotData(Exception):
    """A value that cannot be kept as data, or bytes that are not of this form."""


def encode(value: object, kinds: Collection[type] = ()) -> bytes:
    """Return a value as bytes; ``kinds`` are the dataclasses that may be in it.

    Raises:
        NotData: something in it is none of :data:`ALLOWED`.
    """
    encoder = _Encoder(_named(kinds))
    try:
        tree = json.dumps(encoder.tree(value))
    except RecursionError:
        raise NotData("something nested too deeply, or in itself") from None
    head = json.dumps({"sizes": [len(blob) for blob in encoder.blobs]})
    return b"\n".join((head.encode(), tree.encode(), b"".join(encoder.blobs)))


def decode(content: bytes, kinds: Collection[type] = ()) -> Any:
    """Return the value that :func:`encode` was given.

    Raises:
        NotData: the bytes are not of its making, or hold a dataclass that is none of ``kinds``.
    """
    try:
        head, tree, rest = content.split(b"\n", 2)
        blobs = []
        for size in json.loads(head)["sizes"]:
            blobs.append(rest[:size])
            rest = rest[size:]
        return _value(json.loads(tree), _named(kinds), blobs)
    # What is not of this form fails in one of these ways; Arrow's errors and those of tables are among them.
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, OSError) as problem:
        raise NotData(str(problem)) from None


def _named(kinds: Collection[type]) -> dict[str, type]:
    return {f"{kind.__module__}.{kind.__qualname__}": kind for kind in kinds}


@dataclass(slots=True)
class _Encoder:
    """Turns values into trees of JSON, and what is no JSON into ``blobs`` that the trees number."""

    kinds: dict[str, type]
    blobs: list[bytes] = field(default_factory=list)

    def tree(self, value: Any) -> Any:
        kind = type(value)
        if kind in _PLAIN:
            return value
        if kind in _CONTAINERS.values():
            return {_name(_CONTAINERS, kind): [self.tree(part) for part in value]}
        if kind is dict:
            return {"dict": [[self.tree(key), self.tree(part)] for key, part in value.items()]}
        if kind in (date, datetime, time, timedelta):
            return _moment(value)
        if kind is bytes:
            return self.put("bytes", lambda out: out.write(value))
        if kind is np.ndarray or isinstance(value, np.generic):
            return self.array(value)
        if kind in self.kinds.values() and is_dataclass(kind):
            return self.record(value)
        return _table(value, self.put)

    def put(self, name: str, write: Callable[[BytesIO], object]) -> Any:
        out = BytesIO()
        write(out)
        self.blobs.append(out.getvalue())
        return {name: len(self.blobs) - 1}

    def array(self, value: Any) -> Any:
        if value.dtype.hasobject:
            raise NotData("a numpy array of objects")
        name = "array" if type(value) is np.ndarray else "scalar"
        return self.put(name, lambda out: np.save(out, np.asarray(value), allow_pickle=False))

    def record(self, value: Any) -> Any:
        kind = type(value)
        if late := [each.name for each in fields(kind) if not each.init]:
            raise NotData(f"{kind.__qualname__}, whose {late[0]} is not given when it is made")
        (name,) = _named([kind])
        return {"dataclass": name, "of": {each.name: self.tree(getattr(value, each.name)) for each in fields(kind)}}


def _name(kinds: Mapping[str, type], kind: type) -> str:
    return next(name for name, each in kinds.items() if each is kind)


def _moment(value: Any) -> Any:
    if isinstance(value, timedelta):
        return {"timedelta": [value.days, value.seconds, value.microseconds]}
    # A time zone, and the second of two equal hours, have no place in the text.
    if getattr(value, "tzinfo", None) is not None or getattr(value, "fold", False):
        raise NotData(_type_name(value))
    return {_name(_TIMES, type(value)): value.isoformat()}


def _table(value: Any, put: Callable[[str, Callable[[BytesIO], object]], Any]) -> Any:
    # A table is there only where its library is: nothing is imported to find out.
    pl, pd = sys.modules.get("polars"), sys.modules.get("pandas")
    if pl and type(value) in (pl.DataFrame, pl.Series):
        frame = value if type(value) is pl.DataFrame else value.to_frame()
        if any(dtype.base_type() is pl.Object for dtype in frame.dtypes):
            raise NotData("a polars column of objects")
        return put("polars" if frame is value else "polars series", frame.write_ipc)
    if pd and type(value) is pd.DataFrame:
        import pyarrow as pa

        try:
            table = pa.Table.from_pandas(value)
        except (pa.ArrowException, TypeError) as problem:
            raise NotData(f"a pandas table that is no Arrow table ({str(problem).splitlines()[0]})") from None
        texts = [i for i, dtype in enumerate(value.dtypes) if dtype == pd.StringDtype("python")]
        named = [str(dtype) for dtype in _index_types(value)]
        back = _of_arrow(table, texts, named)
        same = back.dtypes.equals(value.dtypes) and _index_types(back) == _index_types(value)
        if not (same and back.equals(value)):
            raise NotData("a pandas table that Arrow does not give back as it was")
        return {"pandas": [put("table", lambda out: _write_arrow(table, out))["table"], texts, named]}
    raise NotData(_type_name(value))


def _type_name(value: object) -> str:
    return f"a {type(value).__module__}.{type(value).__qualname__}"


def _of_arrow(table: Any, texts: Sequence[int], named: Sequence[str]) -> Any:
    """Return a table of Arrow as one of pandas, with texts of Python in the columns at ``texts``.

    ``named`` are the types of the levels of its index, by their names.
    """
    import pandas as pd

    frame, text = table.to_pandas(), pd.StringDtype("python")
    frame = frame.astype({frame.columns[i]: text for i in texts}) if texts else frame
    if [str(dtype) for dtype in _index_types(frame)] == [*named]:
        return frame
    index, types = frame.index, [text if name == str(text) else name for name in named]
    if isinstance(index, pd.MultiIndex):
        levels: list[Any] = [level.astype(dtype) for level, dtype in zip(index.levels, types, strict=True)]
        return frame.set_axis(index.set_levels(levels))
    return frame.set_axis(index.astype(types[0]))


def _index_types(frame: Any) -> list[Any]:
    """Return the types of the levels of a table's index."""
    return [level.dtype for level in getattr(frame.index, "levels", [frame.index])]


def _write_arrow(table: Any, out: BytesIO) -> None:
    import pyarrow as pa

    with pa.ipc.new_file(out, table.schema) as writer:
        writer.write_table(table)


def _value(tree: Any, kinds: dict[str, type], blobs: list[bytes]) -> Any:
    if type(tree) in _PLAIN:
        return tree
    if "dataclass" in tree:
        return kinds[tree["dataclass"]](**{name: _value(part, kinds, blobs) for name, part in tree["of"].items()})
    ((name, held),) = tree.items()
    if name in _CONTAINERS:
        return _CONTAINERS[name](_value(part, kinds, blobs) for part in held)
    if name in _TIMES:
        return _TIMES[name].fromisoformat(held)  # type: ignore[attr-defined]
    match name:
        case "timedelta":
            return timedelta(*held)
        case "dict":
            return {_value(key, kinds, blobs): _value(part, kinds, blobs) for key, part in held}
        case "bytes":
            return blobs[held]
        case "array":
            return np.lib.format.read_array(BytesIO(blobs[held]), allow_pickle=False)
        case "scalar":
            return np.lib.format.read_array(BytesIO(blobs[held]), allow_pickle=False)[()]
        case "polars" | "polars series":
            import polars as pl

            try:
                frame = pl.read_ipc(BytesIO(blobs[held]))
            except pl.exceptions.PolarsError as problem:
                raise NotData(str(problem)) from None
            return frame if name == "polars" else frame.to_series()
        case "pandas":
            import pyarrow as pa

            place, texts, named = held
            return _of_arrow(pa.ipc.open_file(pa.BufferReader(blobs[place])).read_all(), texts, named)
    raise NotData(f"unknown form {name!r}")
