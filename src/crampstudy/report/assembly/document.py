"""Notebooks that were run → the document that is made of them, and its files.

What this loads takes a second, and is not needed before the notebooks have run: it is imported while they do.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crampstudy import estimates
from crampstudy.report import glyphs
from crampstudy.report.assembly.subject import Subject
from crampstudy.report.beside.outputs import outputs
from crampstudy.report.collect import Document, collect
from crampstudy.report.front_matter import front_matter

if TYPE_CHECKING:
    from crampstudy.report.assembly.earlier_pages import EarlierPages
    from crampstudy.report.assembly.make import DocumentPlan


def collected(
    plan: DocumentPlan, executed: Mapping[str, Path], later: Collection[str], unheard: Collection[str]
) -> Document:
    """Return the document of executed notebooks, its rows said to be planned or post hoc where there is a plan.

    Those that ran ``later`` drew on others, and on those ``unheard`` none did.

    Raises:
        ReportError: a label or value is defined twice, a value unknown, or a result shown without a block.
    """
    document = collect(plan.outline, executed, later, unheard)
    frozen = plan.values.get("plan")
    if frozen is None:
        return document
    from crampstudy.claims import plan as plans  # what few reports have, and loads what finds claims

    rows = plans.marked(estimates.from_csv(document.estimates), plans.read(frozen))
    return replace(document, estimates=estimates.to_csv(rows))


def typeset(
    plan: DocumentPlan,
    document: Document,
    subject: Subject,
    effective: Mapping[str, Any],
    earlier: EarlierPages | None = None,
) -> tuple[dict[str, bytes], str | None]:
    """Return the files of a document, and what is to be said of characters that the fonts lack, if there are any.

    Args:
        plan: what was run.
        document: what it showed.
        subject: what it is of.
        effective: name to value of the parameters, defaults with them.
        earlier: keeps what the pages are set from.

    Raises:
        ReportError: a reference, citation, heading order or table cannot be set.
    """
    meanings = {parameter.name: parameter.help for parameter in plan.declared}
    front = front_matter(plan.outline, subject, effective, meanings)
    notice = glyphs.notice(document, front.texts)
    if notice:
        front = replace(front, facts=(*front.facts, ("Characters", notice)))
    cache = None if plan.reuse is None else plan.reuse.cache
    keep = None if earlier is None else earlier.keep
    return outputs(document, front, pictures=plan.pictures, cache=cache, keep=keep), notice
