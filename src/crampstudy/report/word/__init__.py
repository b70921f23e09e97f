"""A collected document → the Word document: the same text, with fields, real tables and pictures."""

from __future__ import annotations

import json
from importlib.resources import as_file

from crampstudy import scratch
from crampstudy.cache import Cache
from crampstudy.export import dateless
from crampstudy.report import glyphs, typeset
from crampstudy.report.beside.pictures import Size, millimetres, printer
from crampstudy.report.word.reference import reference

_DPI = 220
_TEXT_MM = 160


def docx(text: typeset.Parsed, front: typeset.Front, cache: Cache | None = None) -> bytes:
    """Return the report as a document of Word, the same bytes for the same document.

    Pictures that are in the ``cache`` are not printed again.

    Raises:
        ReportError: it cannot be set.
    """
    shown = text.document.blocks
    svgs = {label: str(block["svg"]) for label, block in shown.items() if block["kind"] == "figure"}
    widths = {label: min(millimetres(svg), _TEXT_MM) for label, svg in svgs.items()}
    blocks = {
        label: {name: value for name, value in block.items() if name != "svg"} | {"millimetres": widths.get(label)}
        for label, block in shown.items()
    }
    with scratch.folder() as folder, as_file(typeset.ASSETS) as assets, printer(svgs, cache) as drawn:
        for label, width in widths.items():
            (folder / f"{label}.png").write_bytes(drawn.png(label, Size(width, width), _DPI))
        for name, content in (("blocks", blocks), ("report", typeset.facts(front))):
            (folder / f"{name}.json").write_text(json.dumps(glyphs.shown(content)), encoding="utf-8")
        head = (front.title, front.subtitle, front.version, front.synthetic)
        (folder / "reference.docx").write_bytes(reference(*map(glyphs.shown, head)))
        made = typeset.pandoc(
            text.shown,
            "docx",
            assets,
            folder,
            f"--lua-filter={assets / 'docx-front.lua'}",
            "--reference-doc=reference.docx",
            f"--metadata=title:{glyphs.shown(front.title)}",
            f"--metadata=subtitle:{glyphs.shown(front.subtitle)}",
            "--output=-",
            day=front.date,
        )
    return dateless(made)
