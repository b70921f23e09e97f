"""A report from a source: what is asked is checked before anything is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from crampstudy import sources
from crampstudy.cache import Cache
from crampstudy.report import outline as outlines
from crampstudy.report import params, run
from crampstudy.report.assembly.make import FILES, LEDGER, MANIFEST, Clock, Destination, DocumentPlan, Report, make
from crampstudy.report.assembly.reuse import Reuse
from crampstudy.report.assembly.subject import Subject, absolute
from crampstudy.report.beside import DOCX, ESTIMATES, HTML, PDF
from crampstudy.report.freshness import ask
from crampstudy.report.front_matter import source_date

PLAN = "plan"
"""The parameter that names a plan of claims."""

__all__ = ["DOCX", "ESTIMATES", "FILES", "HTML", "LEDGER", "MANIFEST", "PDF", "Report", "build"]


def build(
    source: str,
    *,
    settings: Sequence[str] = (),
    out: Path | None = None,
    sections: Sequence[str] = (),
    notebook: Path | None = None,
    notebooks_dir: Path | None = None,
    jobs: int | None = None,
    cell_seconds: int = run.CELL_SECONDS,
    progress: run.Progress | None = None,
    force: bool = False,
    figures: bool = False,
    cache: Cache | None = None,
    partial: str = "",
    server: Path | None = None,
) -> Report:
    """Build the report of a cohort; its files appear together, or none does and an older report stays.

    A report of the same source is replaced, but not a whole one by some of its sections.

    Args:
        source: what ``open_cohort`` takes.
        settings: ``name=value`` for the notebooks' parameters.
        out: the folder of the report; by default one of the cohort's name in ``reports`` under the current one.
        sections: notebooks of the outline to build alone, by name; by default all but the optional ones, ``all`` for
            every one.
        notebook: a notebook of one's own, run and set after the others.
        notebooks_dir: the folder of notebooks with ``outline.yaml``; found by itself where not given.
        jobs: kernels at a time; by default one per core, at most four.
        cell_seconds: the time that a cell may take.
        progress: hears of stages and cells.
        force: whether what the report may not replace is kept beside it and not refused.
        figures: whether each figure is also written as PNG and TIFF of 600 dots an inch.
        cache: where sections are looked for that were run on the same before; by default all are run.
        partial: what stands behind the name of the report's folder in that of the one in which a notebook that fails
            is kept as far as it was run, such as ``.failed``; by default none is kept.
        server: the socket of a warm server to fork kernels from, as :func:`warm.server` yields it; by default its own.

    Raises:
        UsageError: notebooks, outline or sections are not there.
        FolderTaken: the folder holds the report of another source, more sections or other files.
        OutputError: the folder cannot be written.
        ParameterError: a setting is unknown or impossible.
        SourceError: the source cannot be read.
        AnalysisError: a notebook failed, or what it shows cannot be made into a report.
    """
    clock = Clock(progress)
    with clock.stage("check"):
        folder = outlines.find(notebooks_dir)
        every = outlines.read(folder)
        outline = every.only(sections)
        if notebook is not None:
            outline = outline.plus(notebook)
        own = notebook.resolve() if notebook is not None else None
        left_out = [path for path in every.notebooks if path not in outline.notebooks]
        values = params.check(outline.notebooks, settings, own, left_out=left_out)
        printed = {}
        if (frozen := values.get(PLAN)) is not None:
            # A kernel runs in another folder, and the name of the file is all that readers are to see of its path.
            from crampstudy import claims

            claims.read_plan(frozen)
            values, printed = {**values, PLAN: str(Path(frozen).resolve())}, {PLAN: Path(frozen).name}
        declared = params.describe(outline.notebooks, own)
        source_date()
    some = sections and tuple(sections) != (outlines.EVERY,)
    only = tuple(path.stem for path in outline.notebooks) if some else ()
    plan = DocumentPlan(
        outline, folder / outlines.OUTLINE, values, declared, only=only, printed=printed, pictures=figures
    )
    if cache is not None:
        asked = ask((source,), out, settings=settings, sections=sections, figures=figures)
        plan = replace(plan, reuse=Reuse.of(cache, asked, outline.notebooks, plan.outline_file))

    def load() -> Subject:
        cohort = sources.open_cohort(source)
        inside = params.suit(cohort, values)
        # A kernel runs in another folder.
        (place,) = absolute([source])
        analysed = (inside,) if inside is not cohort else ()
        return Subject((cohort,), (source,), {params.SOURCE: place}, {place: cohort}, analysed)

    return make(
        plan, load, clock, Destination(out, force, partial), jobs=jobs, cell_seconds=cell_seconds, server=server
    )
