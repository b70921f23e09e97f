"""The styles of the Word document: one scale of sizes, two fonts, as data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

SERIF, SANS = "Times New Roman", "Arial"
"""Fonts that Word has, and LibreOffice its own of the same widths: no word of a cell breaks."""
ACCENT, INK, SOFT = "0B4F7D", "222222", "595959"
MAIN = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


@dataclass(frozen=True, slots=True)
class Style:
    """A style of paragraphs; ``before``, ``after`` and the size are in points, ``left`` and ``hanging`` in mm."""

    name: str
    based: str = "Normal"
    font: str | None = None
    size: float | None = None
    colour: str | None = None
    bold: bool = False
    before: float = 0
    after: float = 0
    left: float = 0
    hanging: float = 0
    keep_next: bool = False
    outline: int | None = None
    tabs: tuple[tuple[str, float], ...] = ()

    @property
    def id(self) -> str:
        """The name by which other parts of the document point to it."""
        return self.name.title().replace(" ", "")


_TEXT_MM = 160
PARAGRAPHS = (
    Style("Body Text", after=7),
    Style("First Paragraph", "Body Text", after=7),
    Style("Compact", after=2),
    Style("Title", font=SANS, size=22, bold=True, before=36, after=4, keep_next=True),
    Style("Subtitle", font=SANS, size=13, after=14),
    Style("Author", font=SANS, size=9),
    Style("Date", font=SANS, size=9),
    Style("heading 1", font=SANS, size=14, colour=ACCENT, bold=True, before=22, after=7, keep_next=True, outline=0),
    Style("heading 2", font=SANS, size=11, bold=True, before=16, after=5, keep_next=True, outline=1),
    Style("heading 3", font=SANS, size=10, bold=True, before=12, after=4, keep_next=True, outline=2),
    Style("heading 4", font=SANS, size=10, bold=True, before=10, after=4, keep_next=True, outline=3),
    Style("heading 5", font=SANS, size=10, before=10, after=4, keep_next=True, outline=4),
    Style("TOC Heading", font=SANS, size=11, bold=True, before=14, after=5, keep_next=True),
    Style("toc 1", font=SANS, size=8.5, bold=True, before=4, tabs=(("right", _TEXT_MM),)),
    Style("toc 2", font=SANS, size=8.5, left=6, tabs=(("right", _TEXT_MM),)),
    Style("caption", font=SANS, size=8.5, before=12, after=4),
    Style("Table Caption", "caption", before=12, after=4, keep_next=True),
    Style("Image Caption", "caption", before=4, after=4),
    Style("Captioned Figure", before=12, keep_next=True),
    Style("Table Text", font=SANS, size=7.5),
    Style("Table Head", "Table Text", bold=True, keep_next=True),
    Style("Table Group", "Table Text", bold=True, before=4, keep_next=True),
    Style("Table Kept", "Table Text", keep_next=True),
    Style("Table Summary", "Table Text", bold=True, keep_next=True),
    Style("Table Text Small", "Table Text", size=6.5),
    Style("Table Head Small", "Table Head", size=6.5),
    Style("Table Group Small", "Table Group", size=6.5, before=4),
    Style("Table Kept Small", "Table Kept", size=6.5),
    Style("Table Summary Small", "Table Summary", size=6.5),
    Style("Table Note", font=SANS, size=7.5, colour=SOFT, before=3, after=8),
    Style("Figure Note", "Table Note", before=0, after=8),
    Style("Fact", font=SANS, size=8.5, after=2),
    Style("Fact Name", "Fact", bold=True, after=2),
    Style("Disclaimer", font=SANS, size=8.5, before=8, after=8),
    Style("Equation", before=6, after=8, tabs=(("center", _TEXT_MM / 2), ("right", _TEXT_MM))),
    Style("Block Text", left=8, after=7),
    Style("Source Code", font="Consolas", size=8, after=7),
    Style("Bibliography", size=9, after=4, left=8, hanging=8),
    Style("footnote text", size=8),
    Style("header", font=SANS, size=8, tabs=(("right", _TEXT_MM),)),
    Style("footer", font=SANS, size=8, tabs=(("right", _TEXT_MM),)),
)


def styles() -> str:
    """Return ``word/styles.xml``."""
    return "".join(_parts())


def _parts() -> Iterator[str]:
    yield f'<?xml version="1.0" encoding="UTF-8"?><w:styles xmlns:w="{MAIN}"><w:docDefaults><w:rPrDefault><w:rPr>'
    yield _fonts(SERIF) + _tag("color", val=INK) + _size(10.5) + _tag("lang", val="en-GB")
    yield f"</w:rPr></w:rPrDefault><w:pPrDefault><w:pPr>{_tag('spacing', after=0, line=264, lineRule='auto')}</w:pPr>"
    yield '</w:pPrDefault></w:docDefaults><w:style w:type="paragraph" w:default="1" w:styleId="Normal">'
    yield f"{_tag('name', val='Normal')}{_tag('qFormat')}</w:style>"
    yield from map(_paragraph, PARAGRAPHS)
    for kind, id_, name in (
        ("character", "DefaultParagraphFont", "Default Paragraph Font"),
        ("table", "TableNormal", "Normal Table"),
    ):
        yield f'<w:style w:type="{kind}" w:default="1" w:styleId="{id_}">{_tag("name", val=name)}</w:style>'
    yield _character("Hyperlink", _tag("color", val=ACCENT))
    yield _character("Verbatim Char", _fonts("Consolas") + _size(8))
    yield _character("footnote reference", _tag("vertAlign", val="superscript"))
    yield _table("Table", ruled=True)
    yield _table("Facts", ruled=False)
    yield "</w:styles>"


def _paragraph(style: Style) -> str:
    tabs = "".join(_tag("tab", val=kind, pos=_twips(at)) for kind, at in style.tabs)
    indent = {"left": _twips(style.left)} | ({"hanging": _twips(style.hanging)} if style.hanging else {})
    layout = (
        _tag("keepNext") if style.keep_next else "",
        f"<w:tabs>{tabs}</w:tabs>" if tabs else "",
        _tag("spacing", before=round(style.before * 20), after=round(style.after * 20)),
        _tag("ind", **indent) if style.left else "",
        "" if style.outline is None else _tag("outlineLvl", val=style.outline),
    )
    look = (
        _fonts(style.font) if style.font else "",
        _tag("b") if style.bold else "",
        _tag("color", val=style.colour) if style.colour else "",
        _size(style.size) if style.size else "",
    )
    head = _tag("name", val=style.name) + _tag("basedOn", val=Style(style.based).id) + _tag("qFormat")
    return (
        f'<w:style w:type="paragraph" w:styleId="{style.id}">{head}<w:pPr>{"".join(layout)}</w:pPr>'
        f"<w:rPr>{''.join(look)}</w:rPr></w:style>"
    )


def _character(name: str, look: str) -> str:
    head = _tag("name", val=name) + _tag("basedOn", val="DefaultParagraphFont")
    return f'<w:style w:type="character" w:styleId="{Style(name).id}">{head}<w:rPr>{look}</w:rPr></w:style>'


def _table(name: str, *, ruled: bool) -> str:
    rule = "".join(_tag(side, val="single", sz=8, color=INK) for side in ("top", "bottom"))
    thin = _tag("bottom", val="single", sz=4, color=INK)
    margins = {"top": 30, "left": 60, "bottom": 30, "right": 60}
    padding = "".join(_tag(side, w=twips, type="dxa") for side, twips in margins.items())
    first_row = f"<w:tcPr><w:tcBorders>{thin}</w:tcBorders>{_tag('vAlign', val='bottom')}</w:tcPr>"
    borders, own = "", ""
    if ruled:
        borders = f"<w:tblBorders>{rule}</w:tblBorders>"
        own = f'<w:tblStylePr w:type="firstRow">{first_row}</w:tblStylePr>'
    look = f"<w:tblPr>{borders}<w:tblCellMar>{padding}</w:tblCellMar></w:tblPr>"
    head = _tag("name", val=name) + _tag("basedOn", val="TableNormal")
    return f'<w:style w:type="table" w:styleId="{name}">{head}{look}{own}</w:style>'


def _fonts(name: str) -> str:
    return _tag("rFonts", ascii=name, hAnsi=name, cs=name)


def _size(points: float) -> str:
    return _tag("sz", val=round(points * 2)) + _tag("szCs", val=round(points * 2))


def _tag(name: str, **attributes: str | int) -> str:
    given = "".join(f' w:{key}="{value}"' for key, value in attributes.items())
    return f"<w:{name}{given}/>"


def _twips(millimetres: float) -> int:
    return round(millimetres / 25.4 * 1440)
