"""A summary as it is printed."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date

from crampstudy import wording
from crampstudy.validation.summary import Summary
from crampstudy.wording import counted


def as_json(summary: Summary) -> str:
    """Return the summary as JSON."""
    content = asdict(summary)
    for table in content["tables"]:
        if not table["added"]:
            del table["added"]
    return json.dumps(content, indent=1, ensure_ascii=False, default=date.isoformat)


def as_text(summary: Summary) -> str:
    """Return the summary as plain text for a terminal."""
    digest = f"digest {summary.digest[:12]}" if summary.digest else "read in parts, without a digest"
    lines = [f"{summary.cohort} ({summary.kind}), {digest}", ""]
    lines.append(f"{'table':<14}{'read':>10}{'accepted':>10}{'rejected':>10}")
    lines += [f"{t.table:<14}{t.read:>10,}{t.accepted:>10,}{t.rejected:>10,}" for t in summary.tables]
    lines.append("")
    if not summary.rules:
        lines.append("No rule was broken.")
    for r in summary.rules:
        cell = "is empty" if r.value is None else f"= {r.value!r}"
        where = f"{r.file} line {r.line}" + (f", {r.column} {cell}" if r.column else "")
        lines.append(f"{r.n:>8,} x {r.rule} ({r.severity}); first: {where}: {r.hint}")
    if summary.nights:
        n = summary.nights
        share = f"{wording.number(100 * n.observed / n.expected, 1)} %" if n.expected else "none"
        lines += [
            "",
            f"nights: {n.expected:,} expected, {n.observed:,} observed ({share}), {n.missing:,} missing",
            f"  observed: {n.with_cramp:,} with a cramp, {n.without_cramp:,} without (0); "
            f"missing (never 0): {counted(n.without_count, 'rows')} without entry or count, "
            f"{n.without_row:,} without a row",
        ]
        # A gap lies between observed nights.
        lines += [
            f"longest gap per participant: median {n.longest_gap_median:g}, 90th centile "
            f"{n.longest_gap_90th_centile:g}, longest {counted(n.longest_gap, 'nights')}",
            "  participants by longest gap: " + ", ".join(f"{gap}: {k:,}" for gap, k in n.longest_gaps.items()),
        ] * bool(n.observed)
    lines += [f"note: {notice}" for notice in summary.notices]
    if summary.nights and (window := summary.nights.denominator.window):
        lines.append(f"note: {window}")
    return "\n".join(lines)
