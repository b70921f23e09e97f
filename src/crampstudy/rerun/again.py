"""A report made again from its record: the same sections with the same parameters, by what is installed here."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from crampstudy.analyses.comparison import ComparisonSettings
from crampstudy.errors import UsageError
from crampstudy.report import outline as outlines
from crampstudy.report import run as running
from crampstudy.report.assembly.comparison import build_comparison
from crampstudy.report.build import Report, build
from crampstudy.rerun.origins import Run
from crampstudy.sources import Address

_EPOCH = "SOURCE_DATE_EPOCH"


def make_again(run: Run, sources: tuple[str, ...], out: Path, progress: running.Progress | None = None) -> Report:
    """Make the report of a run again, of these sources, in another folder.

    Raises:
        UsageError: a notebook of the run is not here.
        CrampstudyError: as :func:`crampstudy.report.build.build`.
    """
    with _date(run.record.settled.get(_EPOCH)):
        if run.is_comparison:
            return _comparison(run, sources, out, progress)
        notebooks = run.record.notebooks
        outline = outlines.read(outlines.find())
        outlined, usual = ([path.stem for path in each.notebooks] for each in (outline, outline.only(())))
        others = [name for name in notebooks if name not in outlined]
        own = run.own_notebook
        if others and (own is None or own.stem not in others or len(others) > 1):
            lacking = ", ".join(name for name in others if own is None or name != own.stem)
            raise UsageError(
                f"the report has sections that are not among the notebooks here: {lacking}; "
                "name the file of one's own with --notebook FILE"
            )
        chosen = [name for name in outlined if name in notebooks]
        return build(
            sources[0],
            settings=[setting(name, value) for name, value in run.record.parameters.items()],
            out=out,
            sections=() if chosen == usual else (outlines.EVERY,) if chosen == outlined else chosen,
            notebook=own if others else None,
            progress=progress,
            figures=_with_pictures(run),
        )


def as_recorded(run: Run, sources: tuple[str, ...], place: Path) -> tuple[str, ...]:
    """Return sources under the names that are recorded of them, linked into a folder where they now have others.

    A cohort that has no name of its own is called by its folder, and so are its rows.
    """
    pairs = zip(sources, run.record.sources, strict=True)
    return tuple(_named(source, told, place / str(number)) for number, (source, told) in enumerate(pairs))


def _named(source: str, told: str, place: Path) -> str:
    address, name = Address.parse(source), Address.parse(told).path.name
    if address.path.name == name:
        return source
    place.mkdir(parents=True)
    copy = partial(shutil.copytree, copy_function=_link) if address.path.is_dir() else _link
    copy(str(address.path), str(place / name))
    return str(replace(address, path=place / name))


def _link(source: str, target: str) -> None:
    """Link a file, or copy it where its disk is another one."""
    try:
        os.link(Path(source).resolve(), target)
    except OSError:
        shutil.copy(source, target)


def setting(name: str, value: Any) -> str:
    """Return a parameter's value as ``name=value``."""
    return f"{name}=" + (f'"{value}"' if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _comparison(run: Run, sources: tuple[str, ...], out: Path, progress: running.Progress | None) -> Report:
    values = dict(run.record.parameters)
    own = {field.name: values[field.name] for field in fields(ComparisonSettings) if field.name in values}
    return build_comparison(
        sources,
        ComparisonSettings(**own),
        names=values["names"],
        split=values["split"],
        out=out,
        progress=progress,
        figures=_with_pictures(run),
    )


def _with_pictures(run: Run) -> bool:
    """Say whether the figures beside a report are pictures as well."""
    return any(name.endswith(".tiff") for name in run.record.outputs)


@contextlib.contextmanager
def _date(epoch: str | None) -> Iterator[None]:
    """Date a report as it was dated: by the word of its environment, or by its data."""
    before = os.environ.pop(_EPOCH, None)
    if epoch is not None:
        os.environ[_EPOCH] = epoch
    try:
        yield
    finally:
        os.environ.pop(_EPOCH, None)
        if before is not None:
            os.environ[_EPOCH] = before
