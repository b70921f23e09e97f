"""What ``crampstudy report --certify`` does."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from crampstudy.cli.output import tell_kept

if TYPE_CHECKING:
    from crampstudy.rerun.certificate import Certificate

FILE = "certificate.json"


def certify_report(
    source: str,
    said: Mapping[str, str],
    age_bands: str | None,
    ci_level: float | None,
    workers: int | str,
    out: Path | None,
    *,
    force: bool,
) -> None:
    """Print how often the intervals of the main rows cover the truth in cohorts of the source's own design.

    Args:
        source: the cohort, a diary.
        said: what is said of nights without a row, and of which cramps count.
        age_bands: as the option has it.
        ci_level: that of the intervals, by default 0.95.
        workers: who shares the work.
        out: the folder that the certificate is written to, if one is named.
        force: whether another folder there is kept beside and not refused.
    """
    from crampstudy.atomic_write import whole_folder
    from crampstudy.cli.options import bands, opened
    from crampstudy.rerun.certificate import certify, design_of
    from crampstudy.sources.address import with_unlogged

    design = design_of(opened(with_unlogged(source, said)))
    with contextlib.ExitStack() as stack:
        # What cannot be written is told before minutes have gone by.
        fresh = stack.enter_context(whole_folder(out, _foreign, force=force)) if out is not None else None
        made = certify(design, bands=bands(age_bands), ci_level=ci_level or 0.95, workers=workers)
        if fresh is not None:
            (fresh.folder / FILE).write_text(json.dumps(asdict(made), indent=2) + "\n", encoding="utf-8")
    _show(made)
    if fresh is not None and out is not None:
        tell_kept(fresh.kept)
        typer.echo(f"Written: {out / FILE}", err=True)


def _foreign(folder: Path) -> str | None:
    """Say what in a folder is not of a certificate, or ``None``."""
    from crampstudy.atomic_write import unrecorded
    from crampstudy.provenance.digests import sha256
    from crampstudy.rerun.certificate import Certificate

    try:
        content = (folder / FILE).read_bytes()
        is_own = json.loads(content).keys() == {field.name for field in fields(Certificate)}
    except (OSError, ValueError, AttributeError, RecursionError):
        is_own = False
    return unrecorded(folder, {FILE: sha256(content)} if is_own else {})


def _show(made: Certificate) -> None:
    typer.echo(
        f"{made.n_cohorts} cohorts of {made.n_participants:,} participants and {made.n_nights:,} observed nights, each "
        f"with its gaps; variance between people {made.between:.3g}, dispersion within their nights {made.within:.3g}; "
        f"seed {made.seed}"
    )
    typer.echo(f"Intervals of {made.ci_level:.0%} that cover the truth, with a 95 % interval of the share:")
    for row in made.rows:
        share = (
            f"{row.covered / row.n:.1%} ({row.low:.1%} to {row.high:.1%}), {row.covered} of {row.n}"
            if row.n
            else "none"
        )
        typer.echo(f"  {row.key}  truth {row.truth:.4g}: {share}")
