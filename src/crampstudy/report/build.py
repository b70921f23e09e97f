"""A report from a source: check, load, run, collect, typeset, write."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from crampstudy import scratch, sources
from crampstudy.atomic_write import whole_folder
from crampstudy.cohort.account import Account
from crampstudy.nights import of_cohort
from crampstudy.readable import OneLine
from crampstudy.report import glyphs, params, provenance, run, typeset, warm
from crampstudy.report import outline as outlines
from crampstudy.report.collect import collect
from crampstudy.report.front_matter import front_matter, ledger_counts, source_date
from crampstudy.report.kernel import PINNED

PDF, HTML, ESTIMATES, LEDGER = "report.pdf", "report.html", "estimates.csv", "ledger-counts.csv"
MANIFEST = provenance.MANIFEST
FILES = (PDF, HTML, ESTIMATES, LEDGER, MANIFEST)
_MOST_KERNELS = 4


@dataclass(frozen=True, slots=True, repr=False)
class Report(OneLine):
    """A finished report: where its files are, how long each stage took, in seconds, and what was read and used.

    ``kept`` is where a folder is kept that it took the place of by force, ``notices`` what its reader should know.
    """

    folder: Path
    pdf: Path
    html: Path
    estimates: Path
    ledger_counts: Path
    manifest: Path
    seconds: Mapping[str, float]
    account: Account
    kept: Path | None = None
    notices: tuple[str, ...] = ()


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
) -> Report:
    """Build the report of a cohort; its files appear together, or none does and an older report stays.

    A report of the same source is replaced, but not a whole one by some of its sections.

    Args:
        source: what ``open_cohort`` takes.
        settings: ``name=value`` for the notebooks' parameters.
        out: the folder of the report; by default one of the cohort's name in ``reports`` under the current one.
        sections: notebooks of the outline to build alone, by name.
        notebook: a notebook of one's own, run and set after the others.
        notebooks_dir: the folder of notebooks with ``outline.yaml``; found by itself where not given.
        jobs: kernels at a time; by default one per core, at most four.
        cell_seconds: the time that a cell may take.
        progress: hears of stages and cells.
        force: whether what the report may not replace is kept beside it and not refused.

    Raises:
        UsageError: notebooks, outline or sections are not there.
        FolderTaken: the folder holds the report of another source, more sections or other files.
        OutputError: the folder cannot be written.
        ParameterError: a setting is unknown or impossible.
        SourceError: the source cannot be read.
        AnalysisError: a notebook failed, or what it shows cannot be made into a report.
    """
    seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def stage(name: str) -> Iterator[None]:
        if progress is not None:
            progress.stage(name)
        begun = time.perf_counter()
        yield
        seconds[name] = time.perf_counter() - begun

    with stage("check"):
        folder = outlines.find(notebooks_dir)
        outline = outlines.read(folder).only(sections)
        if notebook is not None:
            outline = outline.plus(notebook)
        own = notebook.resolve() if notebook is not None else None
        values = params.check(outline.notebooks, settings, own)
        declared = params.describe(outline.notebooks, own)
        source_date()
    with contextlib.ExitStack() as stack:
        # The server imports while the source is read. A single notebook gains nothing from it.
        several = len(outline.notebooks) > 1
        server = stack.enter_context(warm.server({**os.environ, **PINNED})) if several else None
        with stage("load"):
            cohort = sources.load(source).cohort
        params.suit(cohort, values)
        target = out if out is not None else outlines.default_folder(cohort)
        origin = _origin(source, target)
        only = [path.stem for path in outline.notebooks] if sections else []
        fresh = stack.enter_context(whole_folder(target, lambda old: origin.foreign(old, only), force=force))
        work = stack.enter_context(scratch.folder())
        with stage("run"):
            options = run.Options(work / "cwd", server, progress, threading.Event(), cell_seconds)
            # A kernel runs in another folder.
            absolute = str(sources.Address.parse(source).absolute())
            given = {path: params.for_notebook(path, values, absolute) for path in outline.notebooks}
            executed = _run(given, work, jobs, options)
        with stage("collect"):
            document = collect(outline, executed)
        effective = {parameter.name: values.get(parameter.name, parameter.default) for parameter in declared}
        meanings = {parameter.name: parameter.help for parameter in declared}
        with stage("typeset"):
            front = front_matter(outline, cohort, effective, meanings)
            notice = glyphs.notice(document, front.texts)
            if notice:
                front = replace(front, facts=(*front.facts, ("Characters", notice)))
            outputs = {
                PDF: typeset.pdf(document, front),
                HTML: typeset.web(document, front),
                ESTIMATES: document.estimates.encode(),
                LEDGER: ledger_counts(cohort),
            }
        with stage("write"):
            for name, content in outputs.items():
                (fresh.folder / name).write_bytes(content)
        made = provenance.manifest(
            cohort,
            origin=origin,
            parameters=effective,
            notebooks=outline.notebooks,
            outline=folder / "outline.yaml",
            outputs=outputs,
            seconds=seconds,
        )
        (fresh.folder / MANIFEST).write_bytes(made)
    pdf, html, estimates, ledger, made_of = (target / name for name in FILES)
    notices, used = (notice,) if notice else (), of_cohort(cohort)
    return Report(target, pdf, html, estimates, ledger, made_of, seconds, used, fresh.kept, notices)


def _run(
    given: Mapping[Path, Mapping[str, Any]], work: Path, jobs: int | None, options: run.Options
) -> dict[str, Path]:
    """Run notebooks with the values that each is given, and return where they are, executed, by name."""
    options.cwd.mkdir()
    executed = {path.stem: work / path.name for path in given}
    with ThreadPoolExecutor(max_workers=jobs or min(os.cpu_count() or 1, _MOST_KERNELS)) as pool:
        tasks = [pool.submit(run.execute, path, executed[path.stem], its, options) for path, its in given.items()]
        try:
            wait(tasks, return_when=FIRST_EXCEPTION)
        finally:
            # After a failure or a signal the other notebooks end as well; otherwise all are through already.
            if options.stop is not None:
                options.stop.set()
    problems = [problem for problem in (task.exception() for task in tasks) if problem is not None]
    for problem in sorted(problems, key=lambda problem: isinstance(problem, run.Stopped)):
        raise problem
    return executed


def _origin(source: str, target: Path) -> provenance.Origin:
    address = sources.Address.parse(source)
    identity = address.identity(seen_from=target).encode(errors="surrogateescape")
    return provenance.Origin(address.title, provenance.sha256(identity))
