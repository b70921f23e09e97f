"""The table of the rules for the documentation."""

from __future__ import annotations

from crampstudy.cleaning.rules import RULES

BEGIN, END = "<!-- rules: begin -->", "<!-- rules: end -->"
"""What the generated table stands between in docs/cleaning.md."""


def markdown() -> str:
    """Return the table of the rules for the documentation."""
    lines = (
        f"| `{rule.name}` | {f'{rule.unless}, else ' if rule.unless else ''}{rule.severity} | {rule.when} |"
        for rule in RULES
    )
    return "\n".join(("| rule | severity | speaks when |", "|---|---|---|", *lines))


def renewed(text: str) -> str:
    """Return a page of the documentation with its table of the rules written anew."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{markdown()}\n\n{END}{rest.partition(END)[2]}"
