"""What ``crampstudy report --certify`` does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

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
) -> None:
    """Print how often the intervals of the main rows cover the truth in cohorts of the source's own design."""
    from crampstudy.cli.options import bands, opened
    from crampstudy.rerun.certificate import certify, design_of
    from crampstudy.sources.address import with_unlogged

    design = design_of(opened(with_unlogged(source, said)))
    made = certify(design, bands=bands(age_bands), ci_level=ci_level or 0.95, workers=workers)
    _show(made)
    if out is not None:
        from crampstudy.atomic_write import new_file

        new_file(out / FILE, (json.dumps(asdict(made), indent=2) + "\n").encode(), "--out")
        typer.echo(f"Written: {out / FILE}", err=True)


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
