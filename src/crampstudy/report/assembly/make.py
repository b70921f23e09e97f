"""What every report has in common once it is known what to run: load, run, collect, typeset, write."""

from __future__ import annotations

import contextlib
import importlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from crampstudy import provenance, scratch
from crampstudy.atomic_write import whole_folder
from crampstudy.cohort.account import Account
from crampstudy.nights import of_cohort
from crampstudy.readable import OneLine
from crampstudy.report import failure, params, run, warm
from crampstudy.report.assembly.recorded import record
from crampstudy.report.assembly.results import results
from crampstudy.report.assembly.reuse import Reuse
from crampstudy.report.assembly.subject import Subject
from crampstudy.report.beside import DOCX, ESTIMATES, HTML, PDF
from crampstudy.report.front_matter import ledger_counts
from crampstudy.report.outline import Outline
from crampstudy.sources.handed_on import hand_on

LEDGER, MANIFEST = "ledger-counts.csv", provenance.MANIFEST
FILES = (PDF, HTML, DOCX, ESTIMATES, LEDGER, MANIFEST)
"""The files of every report, beside which are those of its tables and figures."""
_LATER = ("crampstudy.report.assembly.document", "openpyxl")
"""What is loaded while notebooks run."""
_LONG = ("activity", "sleep", "nutrition", "hydration", "severity", "treatments", "conditions")
"""Notebooks that take long begin before the others, so that none runs alone at the end.

They are in the order in which those that take most memory are not side by side.
"""


@dataclass(frozen=True, slots=True, repr=False)
class Report(OneLine):
    """A finished report: where its files are, how long each stage took, in seconds, and what was read and used.

    ``accounts`` has one of each cohort. ``kept`` is where a folder is kept that it took the place of by force,
    ``notices`` what its reader should know.
    """

    folder: Path
    pdf: Path
    html: Path
    docx: Path
    estimates: Path
    ledger_counts: Path
    manifest: Path
    seconds: Mapping[str, float]
    accounts: tuple[Account, ...]
    kept: Path | None = None
    notices: tuple[str, ...] = ()

    @property
    def account(self) -> Account:
        """What was read and used of the cohort, of several that of the first."""
        return self.accounts[0]


@dataclass(frozen=True, slots=True)
class DocumentPlan:
    """What is run with which values: ``declared`` are all parameters, ``values`` those that were set.

    ``outline_file`` is the file that the outline came from, if there is one. A report that is not whole has ``only``
    these sections. ``printed`` are values that readers are shown in the place of those that notebooks are given. With
    ``pictures`` the figures beside it are pictures as well; ``reuse`` says what need not be run again, and ``holds`` of
    the rows of a document whether it is an answer, which is not made again as long as nothing changes.
    """

    outline: Outline
    outline_file: Path | None
    values: Mapping[str, Any]
    declared: Sequence[params.Parameter]
    only: tuple[str, ...] = ()
    printed: Mapping[str, Any] = field(default_factory=dict)
    pictures: bool = False
    reuse: Reuse | None = None
    holds: Callable[[str], bool] = bool


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a report is written: the folder ``out``, or one of its cohorts' name; by ``force`` also over another.

    A notebook that fails is kept in the folder that is called as this one with ``partial`` behind, if that is given.
    """

    out: Path | None
    force: bool
    partial: str = ""


@dataclass(frozen=True, slots=True)
class Clock:
    """Tells ``progress`` of the stages, and keeps how long each took, in seconds."""

    progress: run.Progress | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Be in a stage while the block lasts."""
        if self.progress is not None:
            self.progress.stage(name)
        begun = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - begun


def make(
    plan: DocumentPlan,
    load: Callable[[], Subject],
    clock: Clock,
    place: Destination,
    *,
    jobs: int | None = None,
    cell_seconds: int = run.CELL_SECONDS,
    server: Path | None = None,
) -> Report:
    """Make a report; its files appear together, or none does and an older report stays.

    Args:
        plan: what is run.
        load: reads the cohorts.
        clock: hears of stages and cells.
        place: where it is written.
        jobs: kernels at a time; by default one per core, at most four.
        cell_seconds: the time that a cell may take.
        server: the socket of a warm server that there is already.

    Raises:
        FolderTaken: the folder holds the report of another source, more sections or other files.
        OutputError: the folder cannot be written.
        ParameterError: a setting does not suit the cohorts.
        SourceError: a source cannot be read.
        AnalysisError: a notebook failed, or what it shows cannot be made into a report.
    """
    outline = plan.outline
    first, between, last = _waves(outline)
    with contextlib.ExitStack() as stack:
        # The server imports while the source is read. A single notebook gains nothing from it.
        if server is None and len(outline.notebooks) > 1:
            server = stack.enter_context(warm.server(warm.environment()))
        with clock.stage("load"):
            subject = load()
        target = place.out if place.out is not None else subject.folder
        origin = subject.origin(target)
        fresh = stack.enter_context(
            whole_folder(target, lambda old: provenance.foreign(old, origin, plan.only), force=place.force)
        )
        work = stack.enter_context(scratch.folder())
        with clock.stage("run"):
            cached = None if plan.reuse is None else plan.reuse.cache.folder
            options = run.Options(
                work / "cwd", server, clock.progress, threading.Event(), cell_seconds, cached, work / "cohorts"
            )
            options.cwd.mkdir()
            hand_on(subject.opened, work / "cohorts")
            given = {path: params.for_notebook(path, plan.values, subject.given) for path in outline.notebooks}
            earlier = None if plan.reuse is None else plan.reuse.earlier_pages(subject, plan.values)
            # After all that a kernel waits for: beside what is being loaded each step of this thread takes long.
            if earlier is not None:
                earlier.set_again()
            threading.Thread(target=lambda: [*map(importlib.import_module, _LATER)], daemon=True).start()
            execute = run.execute if plan.reuse is None else partial(plan.reuse.execute, subject)
            with failure.kept(work, Path(f"{target}{place.partial}") if place.partial else None):
                executed = _run({path: given[path] for path in first}, work, jobs, options, execute)
                for wave in (between, last):
                    heard = executed if first else {}
                    again = _given_results({path: given[path] for path in wave}, heard, work)
                    executed |= _run(again, work, jobs, options, execute)
        from crampstudy.report.assembly import document

        with clock.stage("collect"):
            later, unheard = (*between, *last), last if first else (*between, *last)
            names = [[path.stem for path in paths] for paths in (later, unheard)]
            shown = document.collected(plan, executed, *names)
        effective = {each.name: plan.values.get(each.name, each.default) for each in plan.declared} | dict(plan.printed)
        with clock.stage("typeset"):
            files, notice = document.typeset(plan, shown, subject, effective, earlier)
            made = files | {LEDGER: ledger_counts(subject.cohorts)}
        with clock.stage("write"):
            for name, content in made.items():
                (fresh.folder / name).parent.mkdir(exist_ok=True)
                (fresh.folder / name).write_bytes(content)
        recorded = provenance.write(record(plan, subject, origin, effective, made))
        (fresh.folder / MANIFEST).write_bytes(recorded)
    if plan.reuse is not None and plan.holds(shown.estimates):
        plan.reuse.remember(target)
    pdf, html, docx, estimates, ledger, made_of = (target / name for name in FILES)
    accounts = subject.accounts or tuple(map(of_cohort, subject.inside))
    notices = tuple(filter(None, (notice, *_doubts(subject))))
    return Report(target, pdf, html, docx, estimates, ledger, made_of, clock.seconds, accounts, fresh.kept, notices)


def _doubts(subject: Subject) -> list[str]:
    """Return what cleaning doubted of the cohorts; analyses, which take long to load, are asked where it did alone."""
    doubtful = [cohort for cohort in subject.inside if cohort.attrition.rules]
    if not doubtful:
        return []
    from crampstudy.analyses import doubts

    return [f"{cohort.name}: {said}" for cohort in doubtful for said in doubts.of_cohort(cohort)]


def _waves(outline: Outline) -> tuple[list[Path], list[Path], list[Path]]:
    """Return the notebooks that draw on no other, those of optional parts that do, and the others that do.

    A prediction draws on the sections, and the summary and the methods are of both.
    """
    optional = {path for part in outline.parts if part.optional for path in part.notebooks}
    later = [path for path in outline.notebooks if params.draws_on_others(path)]
    first = [path for path in outline.notebooks if path not in later]
    return first, [path for path in later if path in optional], [path for path in later if path not in optional]


def _given_results(
    given: Mapping[Path, Mapping[str, Any]], executed: Mapping[str, Path], work: Path
) -> dict[Path, Mapping[str, Any]]:
    """Return the values of notebooks that draw on others, with what those that were executed found.

    Where none was, they find out what they need themselves.
    """
    if not (given and executed):
        return dict(given)
    handed_on = work / "results.json"
    handed_on.write_text(results(executed), encoding="utf-8")
    return {path: {**its, params.RESULTS: str(handed_on)} for path, its in given.items()}


def _run(
    given: Mapping[Path, Mapping[str, Any]],
    work: Path,
    jobs: int | None,
    options: run.Options,
    execute: Callable[..., None],
) -> dict[str, Path]:
    """Run notebooks with the values that each is given, and return where they are, executed, by name.

    Args:
        given: the values of each notebook.
        work: the folder that they are written to.
        jobs: how many run at a time.
        options: how they are run.
        execute: runs one, as :func:`run.execute` does.
    """
    executed = {path.stem: work / path.name for path in given}
    jobs = jobs or warm.kernels()
    # Where there is a core for every notebook and for as many helpers, each has one.
    options = replace(options, helped=2 * len(given) <= jobs)
    begun = sorted(given, key=lambda path: _LONG.index(path.stem) if path.stem in _LONG else len(_LONG))
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        tasks = [pool.submit(execute, path, executed[path.stem], given[path], options) for path in begun]
        try:
            wait(tasks, return_when=FIRST_EXCEPTION)
        finally:
            # After a failure or a signal the other notebooks end as well; otherwise all are through already.
            if options.stop is not None and any(not task.done() or task.exception() for task in tasks):
                options.stop.set()
    problems = [problem for problem in (task.exception() for task in tasks) if problem is not None]
    for problem in sorted(problems, key=lambda problem: isinstance(problem, run.Stopped)):
        raise problem
    return executed
