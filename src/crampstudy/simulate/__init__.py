"""Cohorts drawn from a known truth, to try methods on: ``simulate(500, 90, seed=1)``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from crampstudy import compute
from crampstudy.cohort import Cohort
from crampstudy.errors import UsageError
from crampstudy.progress import track
from crampstudy.simulate import truth_json
from crampstudy.simulate.chunks import RATES, RECORD_TABLES, Job, draw_chunk, encode_chunk
from crampstudy.simulate.corruption.degrade import CorruptionRecord, Degraded, Mess, degrade
from crampstudy.simulate.draw.cohort import as_cohort, draw
from crampstudy.simulate.estimands.potential_outcomes import DRAWS, Population
from crampstudy.simulate.estimands.registry import answer, as_rows
from crampstudy.simulate.truth.truth import Truth
from crampstudy.sources.writer import About, Format, Writer, writing

__all__ = ["TRUTH_FILE", "Degraded", "Mess", "Truth", "degrade", "draw", "simulate", "write"]

TRUTH_FILE = "truth.json"
_ABOUT = About("simulated", synthetic=True)


def simulate(participants: int, nights: int, seed: int, truth: Truth | None = None, mess: Mess | None = None) -> Cohort:
    """Draw a synthetic diary cohort and its gaps; equal arguments give an equal cohort.

    Args:
        participants: Their number.
        nights: Nights per participant.
        seed: Seed of everything.
        truth: What is drawn; the package's default by default.
        mess: What goes wrong; the usual gaps and lost samples by default.

    Raises:
        ParameterError: ``participants``, ``nights`` or ``seed`` is out of range.
    """
    job = Job.of(participants, nights, seed, truth or Truth(), mess or Mess())
    return as_cohort(draw_chunk(job, range(job.plan.blocks)).tables)


def write(
    folder: Path,
    participants: int,
    nights: int,
    seed: int,
    truth: Truth | None = None,
    mess: Mess | None = None,
    format: Format = "csv",
    *,
    workers: compute.Workers = 1,
    with_rates: bool = False,
    draws: int = DRAWS,
    progress: Callable[[int, int], None] | None = None,
    force: bool = False,
) -> Path | None:
    """Draw a cohort and write it as a data package with ``truth.json`` beside it, whole or not at all.

    Returns where the folder is kept that this one took the place of by ``force``, ``None`` where there was none.

    The files are those of :func:`simulate`, the same bytes with any number of ``workers``, and no more than a few parts
    are in memory, however large the cohort is; only planted mistakes need it whole. What was broken is listed in
    ``truth.json``, and of a cohort in several parts in tables (``truth/participants`` and its like).

    Args:
        folder: Where to write.
        participants: Their number.
        nights: Nights per participant.
        seed: Seed of everything.
        truth: What is drawn.
        mess: What goes wrong.
        format: ``csv`` or ``parquet``.
        workers: Who shares the work: a number of processes, or a cluster, as in :func:`crampstudy.compute.map`.
        with_rates: Whether to add the conditional rate of every night (``truth/rates``).
        draws: Potential outcomes behind the answers in ``truth.json``.
        progress: Told how many of how many parts are written.
        force: Whether a folder that holds something else than an untouched package is kept beside and not refused.

    Raises:
        ParameterError: ``participants``, ``nights`` or ``seed`` is out of range, or ``draws`` are too few.
        UsageError: the format is unknown, or mistakes are to be written as Parquet.
        FolderTaken: the folder holds something else than an untouched package, and there is no ``force``.
        OutputError: the folder cannot be written.
    """
    truth, mess = truth or Truth(), mess or Mess()
    job = Job.of(participants, nights, seed, truth, mess)
    if mess.mistakes.any and format != "csv":
        raise UsageError("mistakes are made in text, and Parquet has types; write such a cohort as csv")
    with writing(folder, _ABOUT, format, beside=[TRUTH_FILE], force=force) as out:
        answers = as_rows(answer(truth, Population(truth, seed, draws, workers)))
        if mess.mistakes.any:
            broken = _with_mistakes(out, job, with_rates)
        else:
            records: list[CorruptionRecord] = []
            chunks = job.chunks()
            drawn = compute.map(partial(encode_chunk, job, format, with_rates), chunks, workers=workers)
            for block, record in track(drawn, "parts drawn", len(chunks)):
                out.add(block)
                records.append(record)
                if progress:
                    progress(len(records), len(chunks))
            whole = CorruptionRecord.joined(records)
            in_parts = {"parameters": mess.as_mapping(), "totals": whole.summary(), "tables": list(RECORD_TABLES)}
            broken = in_parts if len(chunks) > 1 else whole.record()
        stated = {
            "seed": seed,
            "participants": participants,
            "nights": nights,
            "answers": answers,
            "broken": broken,
        }
        out.put(TRUTH_FILE, truth_json.as_json(truth, mess, stated).encode())
    return out.kept


def _with_mistakes(out: Writer, job: Job, with_rates: bool) -> dict[str, Any]:
    whole = draw_chunk(job, range(job.plan.blocks))
    tables, planted = whole.with_errors(job)
    out.add({**tables, RATES: whole.rates} if with_rates else tables)
    return {**whole.broken.record(), "mistakes": planted.to_dict(as_series=False)}
