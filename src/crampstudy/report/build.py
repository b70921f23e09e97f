"""A report from a source: check, load, run, collect, typeset, write."""

from __future__ import annotations

import contextlib
import csv
import datetime
import io
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crampstudy import sources
from crampstudy.account import Account
from crampstudy.cohort import Cohort
from crampstudy.errors import UsageError
from crampstudy.nights import of_cohort
from crampstudy.output import whole_folder
from crampstudy.report import outline as outlines
from crampstudy.report import params, provenance, run, typeset, warm
from crampstudy.report.collect import collect
from crampstudy.report.outline import Outline

PDF, HTML, ESTIMATES, LEDGER, MANIFEST = (
    *("report.pdf", "report.html", "estimates.csv", "ledger-counts.csv", "manifest.json"),
)
FILES = (PDF, HTML, ESTIMATES, LEDGER, MANIFEST)
_MOST_KERNELS = 4


@dataclass(frozen=True, slots=True)
class Report:
    """A finished report: where its files are, how long each stage took, in seconds, and what was read and used."""

    folder: Path
    pdf: Path
    html: Path
    estimates: Path
    ledger_counts: Path
    manifest: Path
    seconds: Mapping[str, float]
    account: Account


def build(
    source: str,
    *,
    settings: Sequence[str] = (),
    out: Path | None = None,
    sections: Sequence[str] = (),
    notebook: Path | None = None,
    notebooks_dir: Path | None = None,
    jobs: int | None = None,
    progress: run.Progress | None = None,
) -> Report:
    """Build the report of a cohort; its files appear together, or none does and an older report stays.

    Args:
        source: what ``open_cohort`` takes.
        settings: ``name=value`` for the notebooks' parameters.
        out: the folder of the report; by default ``reports/<cohort>`` under the current one.
        sections: notebooks of the outline to build alone, by name.
        notebook: a notebook of one's own, run and set after the others.
        notebooks_dir: the folder of notebooks with ``outline.yaml``; found by itself where not given.
        jobs: kernels at a time; by default one per core, at most four.
        progress: hears of stages and cells.

    Raises:
        UsageError: notebooks, outline or sections are not there, or ``out`` holds other files.
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
        values = params.check(outline.notebooks, settings)
        declared = params.describe(outline.notebooks)
        _epoch()
    with contextlib.ExitStack() as stack:
        # The server imports while the source is read. A single notebook gains nothing from it.
        several = len(outline.notebooks) > 1
        server = stack.enter_context(warm.server({**os.environ, **run.PINNED})) if several else None
        with stage("load"):
            cohort = sources.load(source).cohort
        params.suit(cohort, values)
        target = out if out is not None else Path("reports") / cohort.name
        fresh = stack.enter_context(whole_folder(target, FILES.__contains__))
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="crampstudy-")))
        with stage("run"):
            executed = _run(outline, values, _absolute(source), work, server, jobs, progress)
        with stage("collect"):
            document = collect(outline, executed)
        effective = {parameter.name: values.get(parameter.name, parameter.default) for parameter in declared}
        meanings = {parameter.name: parameter.help for parameter in declared}
        with stage("typeset"):
            front = _front(outline, cohort, effective, meanings)
            outputs = {
                PDF: typeset.pdf(document, front),
                HTML: typeset.web(document, front),
                ESTIMATES: document.estimates.encode(),
                LEDGER: _ledger_counts(cohort),
            }
        with stage("write"):
            for name, content in outputs.items():
                (fresh / name).write_bytes(content)
        made = provenance.manifest(
            cohort,
            parameters=effective,
            notebooks=outline.notebooks,
            outline=folder / "outline.yaml",
            outputs=outputs,
            seconds=seconds,
        )
        (fresh / MANIFEST).write_bytes(made)
    pdf, html, estimates, ledger, made_of = (target / name for name in FILES)
    return Report(target, pdf, html, estimates, ledger, made_of, seconds, of_cohort(cohort))


def _run(
    outline: Outline,
    values: Mapping[str, Any],
    source: str,
    work: Path,
    server: Path | None,
    jobs: int | None,
    progress: run.Progress | None,
) -> dict[str, Path]:
    place = work / "cwd"
    place.mkdir()
    executed = {path.stem: work / path.name for path in outline.notebooks}
    stop = threading.Event()
    most = jobs or min(os.cpu_count() or 1, _MOST_KERNELS)
    with ThreadPoolExecutor(max_workers=most) as pool:
        tasks = [
            pool.submit(
                run.execute,
                path,
                executed[path.stem],
                params.for_notebook(path, values, source),
                cwd=place,
                server=server,
                progress=progress,
                stop=stop,
            )
            for path in outline.notebooks
        ]
        try:
            wait(tasks, return_when=FIRST_EXCEPTION)
        finally:
            # After a failure or an interrupt no further cell begins; otherwise all are through already.
            stop.set()
    problems = [problem for problem in (task.exception() for task in tasks) if problem is not None]
    for problem in sorted(problems, key=lambda problem: isinstance(problem, run.Stopped)):
        raise problem
    return executed


def _absolute(source: str) -> str:
    """Return the source with its path absolute: a kernel runs in another folder."""
    if Path(source).exists():
        return str(Path(source).resolve())
    kind, colon, rest = source.partition(":")
    path, mark, query = rest.partition("?")
    return f"{kind}{colon}{Path(path).resolve()}{mark}{query}"


def _front(
    outline: Outline, cohort: Cohort, effective: Mapping[str, Any], meanings: Mapping[str, str]
) -> typeset.Front:
    day = _epoch() or cohort.date_of_data
    people = cohort.frame("participants").height
    nights = cohort.frame("diary")["cramps"].count()
    size = f"{people:,} participants" + (f", {nights:,} observed nights" if cohort.kind == "diary" else "")
    cycles = f", cycles {', '.join(cohort.design.cycles)}" if cohort.design and cohort.design.cycles else ""
    facts = (
        ("Cohort", cohort.name),
        ("Kind", f"{cohort.kind}{cycles}{', synthetic' if cohort.synthetic else ''}"),
        ("Size", size),
        ("Date", f"{day.day} {day:%B %Y}"),
        ("Digest (SHA-256)", cohort.digest),
        ("Version", f"crampstudy {provenance.version()}"),
    )
    parameters = tuple((name, _said(value), meanings[name]) for name, value in effective.items())
    return typeset.Front(outline.title, cohort.name, day, provenance.version(), facts, parameters)


def _said(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_said, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value is None else str(value)


def _epoch() -> datetime.date | None:
    text = os.environ.get("SOURCE_DATE_EPOCH")
    if not text:
        return None
    try:
        return datetime.datetime.fromtimestamp(int(text), datetime.UTC).date()
    except (ValueError, OverflowError, OSError) as problem:
        raise UsageError(f"SOURCE_DATE_EPOCH={text!r}: give whole seconds since 1970, or unset it") from problem


def _ledger_counts(cohort: Cohort) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("rule", "severity", "n"))
    writer.writerows((count.rule, count.severity, count.n) for count in cohort.attrition.rules)
    return text.getvalue().encode()
