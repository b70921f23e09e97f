"""The order of a report, read from ``outline.yaml`` beside the notebooks.

::

    title: Research insights
    parts:
      - title: Cohort
        notebooks: [cohort]
      - title: Current studies
        notebooks: [age-and-muscle, sleep]
      - title: Prediction
        notebooks: [prediction]
        optional: true
      - title: Appendix
        notebooks: [second-opinion]
        appendix: true

A notebook is named by its file without ``.ipynb``. New parts need no code.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from crampstudy import names, plain_yaml, suggestions
from crampstudy.errors import SourceError, UsageError

if TYPE_CHECKING:
    from crampstudy.cohort import Cohort

_VARIABLE = "CRAMPSTUDY_NOTEBOOKS"
OUTLINE = "outline.yaml"
FOLDER = "notebooks"
"""Under this name the notebooks are found in the current folder."""
TEMPLATE = "custom.ipynb"
"""A notebook to begin a section of one's own with; it stands beside those of the outline, and in no report."""
COMPARISON = "compare.ipynb"
"""The notebook that compares cohorts; it stands beside those of the outline, and is a document of its own."""


EVERY = "all"
"""In the place of sections it means every one, also those that are optional."""
REPORTS = Path("reports")
"""Under this name reports stand in the current folder, where no other is given."""


def default_folder(*cohorts: Cohort) -> Path:
    """Return the folder of a report of a cohort, or of several that are compared, where no other is given."""
    return REPORTS / names.slug("-".join(cohort.name for cohort in cohorts))


@dataclass(frozen=True, slots=True)
class OutlinePart:
    """One part of the report; a title of ``None`` leaves the notebooks' headings as they are.

    What stands in an ``appendix`` comes after all that the report has to say; what is ``optional`` is in the report
    only where it is asked for.
    """

    title: str | None
    notebooks: tuple[Path, ...]
    appendix: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Outline:
    """Title and parts of a report, in order."""

    title: str
    parts: tuple[OutlinePart, ...]

    @property
    def notebooks(self) -> tuple[Path, ...]:
        """Every notebook in order."""
        return tuple(path for part in self.parts for path in part.notebooks)

    def only(self, sections: Sequence[str]) -> Outline:
        """Return the outline with these notebooks alone, in its own order.

        For no sections those that are not optional, for ``all`` every one.

        Raises:
            UsageError: a section is not in the outline.
        """
        names = [path.stem for path in self.notebooks]
        if tuple(sections) == (EVERY,):
            return self
        for section in sections:
            if section not in names:
                said, known = f"unknown section {section!r}", f"known are: {', '.join(names)}, or {EVERY} alone"
                raise suggestions.unknown(UsageError, said, section, names, known, closed=True)
        if not sections:
            usual = tuple(part for part in self.parts if not part.optional)
            return self if usual == self.parts else Outline(self.title, usual)
        kept = (replace(part, notebooks=tuple(p for p in part.notebooks if p.stem in sections)) for part in self.parts)
        return Outline(self.title, tuple(part for part in kept if part.notebooks))

    def plus(self, notebook: Path) -> Outline:
        """Return the outline with one more notebook, of the reader's own, at its end.

        Raises:
            SourceError: there is no such file.
            UsageError: it is no notebook by its name, or the outline has one of that name.
        """
        if notebook.suffix != ".ipynb":
            raise UsageError(f"{notebook.name}: no such notebook; give the path of an .ipynb file")
        if not notebook.is_file():
            raise SourceError(f"{notebook}: no such notebook; give the path of an .ipynb file")
        if notebook.stem in (path.stem for path in self.notebooks):
            raise UsageError(f"{notebook.name}: the outline has a notebook of that name; rename yours")
        return Outline(self.title, (*self.parts, OutlinePart(None, (notebook.resolve(),))))


def read(folder: Path) -> Outline:
    """Return the outline of a folder of notebooks.

    Raises:
        UsageError: the file is not there or malformed, names a notebook twice or one that is not there.
    """
    path = folder / OUTLINE
    try:
        content = plain_yaml.load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        raise UsageError(f"outline.yaml of the notebooks cannot be read: {problem}") from problem
    match content:
        case {"title": str(title), "parts": [*parts]} if parts:
            outline = Outline(title, tuple(_part(part, folder) for part in parts))
        case _:
            raise UsageError("outline.yaml: needs a title and a list of parts, each with a title and notebooks")
    if twice := sorted({p.stem for p in outline.notebooks if outline.notebooks.count(p) > 1}):
        raise UsageError(f"outline.yaml names {', '.join(twice)} twice; a notebook has one place")
    return outline


def comparison(folder: Path) -> Outline:
    """Return the outline of the one notebook that compares cohorts.

    Raises:
        UsageError: it does not stand in the folder.
    """
    path = folder / COMPARISON
    if not path.is_file():
        raise UsageError(f"no {COMPARISON} in {folder}; copy it from those that crampstudy init --notebooks makes")
    return Outline("Cohorts compared", (OutlinePart(None, (path,)),))


def find(folder: Path | None = None) -> Path:
    """Return the folder of the notebooks: the one given, else of ``CRAMPSTUDY_NOTEBOOKS``, else found.

    It is ``notebooks`` in the current folder where that holds an outline, else the one that comes with the package.

    Raises:
        UsageError: none of them holds an outline.
    """
    if folder is not None:
        places = [folder]
    elif named := os.environ.get(_VARIABLE):
        places = [Path(named)]
    else:
        places = [Path.cwd() / FOLDER, *_shipped()]
    for place in places:
        if (place / OUTLINE).is_file():
            return place.resolve()
    raise UsageError(
        f"no notebooks found in {', '.join(map(str, places))}: a folder with {OUTLINE} is needed; make one with "
        f"crampstudy init --notebooks, or let {_VARIABLE} name yours"
    )


def copy(target: Path) -> tuple[Path, ...]:
    """Copy the notebooks that come with the package, their outline, the template and the comparison; return the files.

    Raises:
        UsageError: there is something at ``target``, or the package came without notebooks.
        OutputError: it cannot be written.
    """
    # Imported here, for it loads polars, and whether a report is still as it would be made is told in a moment.
    from crampstudy.atomic_write import whole_folder

    if target.is_file() or (target.is_dir() and any(target.iterdir())):
        raise UsageError(f"{target} is there already and may hold notebooks of yours; move it away, or go on with it")
    shipped = next((place for place in _shipped() if (place / OUTLINE).is_file()), None)
    if shipped is None:
        raise UsageError("this copy of crampstudy has no notebooks; install it anew from a wheel or a checkout")
    files = (shipped / OUTLINE, *read(shipped).notebooks, shipped / TEMPLATE, shipped / COMPARISON)
    with whole_folder(target, lambda _: None) as fresh:
        for path in files:
            (fresh.folder / path.name).write_bytes(path.read_bytes())
    return tuple(target / path.name for path in files)


def _shipped() -> tuple[Path, ...]:
    """Return where the notebooks that come with the package may be: in a wheel, and in a checkout."""
    package = Path(__file__).resolve().parents[1]
    return package / FOLDER, package.parents[1] / FOLDER


def _part(part: object, folder: Path) -> OutlinePart:
    match part:
        case {"title": str(title), "notebooks": [*names], **more} if names and all(isinstance(n, str) for n in names):
            paths = tuple(folder / f"{name}.ipynb" for name in names)
        case _:
            raise UsageError(f"outline.yaml: a part needs a title and a list of notebooks, got {part!r}")
    flags = {name: more.pop(name, "false") for name in ("appendix", "optional")}
    if more or {*flags.values()} - {"true", "false"}:
        raise UsageError(
            f"outline.yaml, part {title!r}: beside title and notebooks it takes appendix: true or false, optional alike"
        )
    if missing := [path.name for path in paths if not path.is_file()]:
        raise UsageError(f"outline.yaml, part {title!r}: no file {', '.join(missing)} beside it")
    return OutlinePart(title, paths, **{name: flag == "true" for name, flag in flags.items()})
