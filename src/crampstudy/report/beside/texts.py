"""The methods of a report as text, and the works that it cites."""

from __future__ import annotations

import json
import re
from importlib.resources import as_file

from crampstudy import scratch
from crampstudy.report import typeset

METHODS, REFERENCES = "methods.md", "references.bib"
_MARKDOWN = "gfm-raw_html-tex_math_gfm+tex_math_dollars"
_CITED = re.compile(r'id="ref-([^"]+)"')
_ENTRY = re.compile(r"^@\w+\{(\S+?),.*?^\}\n", re.MULTILINE | re.DOTALL)


def methods(text: typeset.Parsed) -> bytes | None:
    """Return the section ``methods`` as Markdown, with figures and tables numbered as in the whole report.

    ``None`` where the report has no such section.
    """
    if not typeset.has_methods(text.document):
        return None
    with scratch.folder() as folder, as_file(typeset.ASSETS) as assets:
        shown = {label: block for label, block in text.document.blocks.items() if block["kind"] == "table"}
        (folder / "blocks.json").write_text(json.dumps(shown), encoding="utf-8")
        return typeset.pandoc(text.shown, _MARKDOWN, assets, folder)


def references(page: str) -> bytes | None:
    """Return the BibTeX entries of the works that a web page by pandoc cites; ``None`` where it cites none."""
    cited = set(_CITED.findall(page))
    entries = _ENTRY.finditer((typeset.ASSETS / "references.bib").read_text(encoding="utf-8"))
    return "\n".join(entry[0] for entry in entries if entry[1] in cited).encode() or None
