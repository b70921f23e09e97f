"""Named truths: each preset is a truth file of the package, its targets stand in ``targets.csv``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from crampstudy import suggestions
from crampstudy.errors import ParameterError
from crampstudy.simulate.corruption.degrade import Mess
from crampstudy.simulate.scenario import truth_file
from crampstudy.simulate.scenario.truth_file import TruthFile
from crampstudy.simulate.truth.truth import Truth

_FOLDER = files("crampstudy.simulate.scenario")
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Preset:
    """A truth and a mess under a name, with the size that suits them."""

    name: str
    about: str
    truth: Truth
    mess: Mess
    participants: int
    nights: int


def names() -> tuple[str, ...]:
    """Return the names of all presets, the default one first."""
    found = sorted(path.name.removesuffix(".yaml") for path in _FOLDER.iterdir() if path.name.endswith(".yaml"))
    return (DEFAULT, *(name for name in found if name != DEFAULT))


def preset(name: str) -> Preset:
    """Return a preset of the package.

    Raises:
        ParameterError: there is no preset of that name.
    """
    return _built(name, _read(name, "preset"))


def from_file(path: Path, base: str = DEFAULT) -> Preset:
    """Return what a truth file of one's own describes, under the file's name.

    What the file leaves out is as in the preset that it names as its ``base``, or else in ``base``.

    Raises:
        ParameterError: the file cannot be read, or a key or a value in it is not allowed; the message names it.
    """
    file = truth_file.load(path)
    return _built(path.stem, file if file.base else replace(file, base=base))


def _read(name: str, asked_as: str) -> TruthFile:
    if name not in names():
        allowed = f"allowed: {', '.join(names())}"
        raise suggestions.unknown(ParameterError, f"{asked_as} is {name!r}", name, names(), allowed)
    text = _FOLDER.joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    return truth_file.parse(text, f"preset {name}")


def _built(name: str, file: TruthFile) -> Preset:
    chain = [file]
    while (base := chain[0].base) is not None:
        chain.insert(0, _read(base, f"{chain[0].name}, base"))
    truth, mess = Truth(), dict[str, Any]()
    for step in chain:
        truth = step.applied(truth)
        mess |= {key: _plain(value) for key, value in step.mess.items()}
    try:
        made = Mess.from_mapping(mess)
    except ParameterError as error:
        raise ParameterError(f"{file.name}: {error}") from None
    participants, nights = (
        next(size for step in reversed(chain) if (size := getattr(step, item)) is not None)
        for item in ("participants", "nights")
    )
    return Preset(name, file.about, truth, made, participants, nights)


def _plain(cell: Any) -> Any:
    """Read the text of a cell as the number that it looks like."""
    if isinstance(cell, list):
        return [_plain(item) for item in cell]
    for kind in (int, float):
        try:
            return kind(cell)
        except ValueError:
            continue
    return cell
