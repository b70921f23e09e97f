"""The document of a comparison: cohorts from their sources, one notebook, and the same files as a report's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from crampstudy import estimates
from crampstudy.age_bands import AgeBands
from crampstudy.analyses.comparison import ComparisonSettings, as_compared, compares_anything, part
from crampstudy.cache import Cache
from crampstudy.cohort import subpopulation
from crampstudy.contrasts.cohorts.asked import check_ages
from crampstudy.report import outline as outlines
from crampstudy.report import params, run
from crampstudy.report.assembly.make import Clock, Destination, DocumentPlan, Report, make
from crampstudy.report.assembly.reuse import Reuse
from crampstudy.report.assembly.subject import Subject, absolute
from crampstudy.report.freshness import ReportRequest, ask_comparison
from crampstudy.report.front_matter import source_date
from crampstudy.sources import open_cohort


def build_comparison(
    sources: Sequence[str],
    settings: ComparisonSettings | None = None,
    *,
    names: Sequence[str] | None = None,
    split: str | None = None,
    out: Path | None = None,
    progress: run.Progress | None = None,
    server: Path | None = None,
    force: bool = False,
    figures: bool = False,
    cache: Cache | None = None,
    request: ReportRequest | None = None,
    partial: str = "",
) -> Report:
    """Build the document that compares cohorts; its files appear together, or none does and an older one stays.

    Args:
        sources: two or more, each as ``open_cohort`` takes it; or that of one diary, with ``split``.
        settings: what is compared; by default as :class:`ComparisonSettings` has it.
        names: what the cohorts are called; by default as they are.
        split: a variable of the participants by whose levels the one diary is made several cohorts.
        out: the folder of the document; by default one of the cohorts' names in ``reports`` under the current one.
        progress: hears of stages and cells.
        server: the socket of a warm server to fork the notebook's kernel from, as :func:`warm.server` yields it.
        force: whether what the document may not replace is kept beside it and not refused.
        figures: whether each figure is also written as PNG and TIFF of 600 dots an inch.
        cache: where a comparison is looked for that was run on the same before; by default it is run.
        request: what was asked for, as it is remembered; by default it follows from the other arguments.
        partial: where a notebook that fails is kept, as :func:`crampstudy.report.build.build` takes it.

    Raises:
        UsageError: the notebook is not there, or the settings do not suit the cohorts.
        FolderTaken: the folder holds the report of other sources, or other files.
        OutputError: the folder cannot be written.
        SourceError: a source cannot be read.
        AnalysisError: the notebook failed, or what it shows cannot be made into a document.
    """
    asked, clock = settings or ComparisonSettings(), Clock(progress)
    with clock.stage("check"):
        outline = outlines.comparison(outlines.find())
        file = asked.file
        values: dict[str, Any] = {field.name: getattr(asked, field.name) for field in fields(asked)}
        values |= {"age_bands": list(asked.age_bands), "names": list(names or ()), "split": split}
        if file is not None:
            values["standard"] = str(file.resolve())
        declared = params.describe(outline.notebooks)
        source_date()
    printed = {} if file is None else {"standard": file.name}

    def load() -> Subject:
        opened = [open_cohort(source) for source in sources]
        bands = AgeBands(tuple(asked.age_bands))
        cohorts = as_compared(opened, sources, names=names, split=split, bands=bands)
        asked.check(cohorts)
        check_ages(cohorts, asked.by, bands)
        young = [subpopulation.too_young(cohort, bands.limits[0]) for cohort in cohorts]
        for cohort, said in zip(cohorts, young, strict=True):
            # Whom a condition or the bands leave in which cohort is what a comparison says.
            if not said:
                params.suit(cohort, {"age_bands": values["age_bands"]})
        # A kernel runs in another folder.
        places = absolute(sources)
        analysed = part.of_part(cohorts, asked) if asked.where else ()
        accounts = tuple(part.account(cohort, asked) for cohort in cohorts)
        known = dict(zip(places, opened, strict=True))
        return Subject(cohorts, tuple(sources), {"sources": places}, known, analysed, accounts)

    reuse = None
    if cache is not None:
        known = request or ask_comparison(sources, out, values, figures=figures)
        reuse = Reuse.of(cache, known, outline.notebooks, None)
    plan = DocumentPlan(
        outline,
        None,
        values,
        declared,
        printed=printed,
        pictures=figures,
        reuse=reuse,
        holds=lambda rows: compares_anything(estimates.from_csv(rows)),
    )
    return make(plan, load, clock, Destination(out, force, partial), server=server)
