"""The document that pandoc takes styles, page and running head from, made anew for each report."""

from __future__ import annotations

import io
import zipfile
from html import escape

from crampstudy.report.word.styles import MAIN, styles

_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_PARTS = {"document.main": "document", "styles": "styles", "header": "header1", "footer": "footer1"}
_DECLARED = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)


def reference(title: str, subtitle: str, version: str, synthetic: str) -> bytes:
    """Return a document without text, whose pages are headed by title and subtitle and numbered at their foot.

    The foot of every page also says that a cohort is ``synthetic``, where it is.
    """
    made_by = f"crampstudy {version}{f' · {synthetic}' if synthetic else ''}"
    parts = {
        "[Content_Types].xml": _content_types(),
        "_rels/.rels": _relationships({"rId1": ("officeDocument", "word/document.xml")}),
        "word/document.xml": _document(),
        "word/_rels/document.xml.rels": _relationships(
            {f"rId{at}": (name.rstrip("1"), f"{name}.xml") for at, name in enumerate(list(_PARTS.values())[1:], 1)}
        ),
        "word/styles.xml": styles(),
        "word/header1.xml": _line("hdr", "Header", f"{_run(title)}<w:r><w:tab/></w:r>{_run(subtitle)}"),
        "word/footer1.xml": _line("ftr", "Footer", f"{_run(made_by)}<w:r><w:tab/></w:r>{_page()}"),
    }
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts.items():
            made.writestr(zipfile.ZipInfo(name, _FIRST_DAY), content, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def _content_types() -> str:
    overrides = "".join(
        f'<Override PartName="/word/{name}.xml" ContentType="{_KIND}.{kind}+xml"/>' for kind, name in _PARTS.items()
    )
    return (
        f'{_DECLARED}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f"{overrides}</Types>"
    )


def _relationships(targets: dict[str, tuple[str, str]]) -> str:
    lines = (
        f'<Relationship Id="{id_}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for id_, (kind, target) in targets.items()
    )
    return f'{_DECLARED}<Relationships xmlns="{_PACKAGE}/relationships">{"".join(lines)}</Relationships>'


def _document() -> str:
    """Return an A4 page with the margins of the PDF, whose first page has no running head."""
    page = '<w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="1531" w:right="1417" w:bottom="1417" w:left="1417"'
    section = (
        '<w:sectPr><w:headerReference w:type="default" r:id="rId2"/><w:footerReference w:type="default" r:id="rId3"/>'
        f'<w:footerReference w:type="first" r:id="rId3"/>{page} w:header="709" w:footer="709" w:gutter="0"/>'
        "<w:titlePg/></w:sectPr>"
    )
    return f'{_DECLARED}<w:document xmlns:w="{MAIN}" xmlns:r="{_OFFICE}"><w:body><w:p/>{section}</w:body></w:document>'


def _line(element: str, style: str, runs: str) -> str:
    paragraph = f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr>{runs}</w:p>'
    return f'{_DECLARED}<w:{element} xmlns:w="{MAIN}">{paragraph}</w:{element}>'


def _run(text: str) -> str:
    return f'<w:r><w:t xml:space="preserve">{escape(text)}</w:t></w:r>'


def _page() -> str:
    return f"{_run('Page ')}{_field('PAGE')}{_run(' of ')}{_field('NUMPAGES')}"


def _field(name: str) -> str:
    begin, separate, end = (f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("begin", "separate", "end"))
    return f"{begin}<w:r><w:instrText> {name} </w:instrText></w:r>{separate}{_run('1')}{end}"
