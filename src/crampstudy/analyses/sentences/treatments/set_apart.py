"""Which designs count the nights that were asked to be set apart as of a build-up or a washout."""

from __future__ import annotations

from collections.abc import Sequence

from crampstudy import wording
from crampstudy.treatments.designs import TreatmentDesign
from crampstudy.treatments.question import TreatmentQuestion

_IN_WORDS = {"open use": "open use", "parallel": "parallel arms"}


def counted_all_the_same(found: Sequence[TreatmentDesign], asked: TreatmentQuestion) -> str:
    """Return in which designs no night is set apart though it was asked for, empty where nothing was or all do."""
    spans = (("build-up", asked.build_up, ("open use",)), ("washout", asked.washout, ("open use", "parallel")))
    said = []
    for name, nights, designs in spans:
        names = [_IN_WORDS[kind] for kind in designs if any(design.kind == kind for design in found)]
        if nights and names:
            said.append(f"No night of a {name} is set apart in {wording.listed(names)}")
    return (
        f"{'; '.join([*said[:1], *map(wording.small, said[1:])])}: all nights from time zero on count." if said else ""
    )
