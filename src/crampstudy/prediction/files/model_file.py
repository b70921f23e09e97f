"""The file of a model: JSON with a format, a digest and plain numbers; reading it runs nothing, whoever wrote it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from crampstudy.errors import SourceError
from crampstudy.prediction.files.plain import BoostedTrees, LinearModel, PlainModel, Tree
from crampstudy.readable import OneLine

FORMAT = "crampstudy-model/1"
NEWCOMER = "newcomer"
"""The model of a new participant's rate, beside those of the outcomes of a night."""
_MAKE_ONE = "make one with: crampstudy predict SOURCE --out FILE"


@dataclass(frozen=True, slots=True)
class SimpleRule:
    """The simple rule that a model is compared with: a moving average, and the rates of the age bands behind it."""

    window: int | None
    prior: float
    bands: tuple[int, ...]
    rates: tuple[float, ...]


@dataclass(frozen=True, slots=True, repr=False)
class ModelFile(OneLine):
    """What was learned from a cohort.

    Args:
        cohort: facts of the cohort: its name, digest, participants, nights and dates.
        models: by outcome of a night, and that of a newcomer.
        rules: by outcome of a night, the simple rule it is compared with.
        calibration: by outcome the calibration intercept and slope that cross-validation found.
        scores: what cross-validation found, by outcome and name, as text.
        version: that of the package.
    """

    cohort: Mapping[str, Any]
    models: Mapping[str, PlainModel]
    rules: Mapping[str, SimpleRule]
    calibration: Mapping[str, tuple[float, float]]
    scores: Mapping[str, Mapping[str, str]]
    version: str


def write(model: ModelFile) -> bytes:
    """Return a model as the bytes of its file, the same for the same model."""
    content = asdict(model)
    for name, each in content["models"].items():
        each["kind"] = "regression" if isinstance(model.models[name].body, LinearModel) else "trees"
    return _json({"format": FORMAT, "digest": _digest(content), **content}).encode() + b"\n"


def read(path: Path) -> ModelFile:
    """Return the model of a file.

    Raises:
        SourceError: there is none, it is no such file or of another version, or is not as it was written.
    """
    try:
        content = json.loads(path.read_bytes())
    except OSError as problem:
        raise SourceError(f"{path} cannot be read: {problem.strerror}; {_MAKE_ONE}") from None
    except ValueError:
        raise SourceError(f"{path} is no model of crampstudy: it is not JSON; {_MAKE_ONE}") from None
    found = content.pop("format", None) if isinstance(content, dict) else None
    if found != FORMAT:
        said = f"its format is {found!r}" if found else "it has no format"
        raise SourceError(f"{path} is no model that this version reads: {said}, and {FORMAT!r} is wanted; {_MAKE_ONE}")
    if content.pop("digest", None) != _digest(content):
        raise SourceError(
            f"{path} is not as it was written: its digest does not fit; take a copy of it, or {_MAKE_ONE}"
        )
    return ModelFile(
        content["cohort"],
        {name: _model(each) for name, each in content["models"].items()},
        {name: SimpleRule(**_tuples(each)) for name, each in content["rules"].items()},
        {name: tuple(each) for name, each in content["calibration"].items()},
        content["scores"],
        content["version"],
    )


def _model(content: dict[str, Any]) -> PlainModel:
    kind, body = content.pop("kind"), content.pop("body")
    made: LinearModel | BoostedTrees
    if kind == "regression":
        made = LinearModel(**_tuples(body))
    else:
        made = BoostedTrees(body["start"], tuple(Tree(**_tuples(tree)) for tree in body["trees"]))
    return PlainModel(**_tuples(content), body=made)


def _tuples(content: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(each) if isinstance(each, list) else each for name, each in content.items()}


def _digest(content: Mapping[str, Any]) -> str:
    # Of the text, in which a tuple and a list are the same.
    return hashlib.sha256(_json(content).encode()).hexdigest()


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
