"""A collected document → all the files that show it, those of different formats made at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from crampstudy.cache import Cache
from crampstudy.report import typeset, word
from crampstudy.report.beside import DOCX, ESTIMATES, HTML, PDF, figures, tables, texts
from crampstudy.report.beside.captions import captions
from crampstudy.report.collect import Document


def outputs(
    document: Document, front: typeset.Front, *, pictures: bool = False, cache: Cache | None = None
) -> dict[str, bytes]:
    """Return the files of a report by their names, those in folders with a ``/``.

    With ``pictures`` each figure is also a PNG and a TIFF of 600 dots an inch. What is in the ``cache`` is not printed
    again.

    Raises:
        ReportError: a reference, citation, heading order or table cannot be set.
    """
    with ThreadPoolExecutor() as pool:
        drawn = pool.submit(lambda: dict(figures.files(document, front.date, pictures=pictures, cache=cache)))
        text = typeset.parsed(document)
        printed, page = pool.submit(typeset.pdf, text, front), pool.submit(typeset.web, text, front)
        document_of_word, methods = pool.submit(word.docx, text, front, cache), pool.submit(texts.methods, text)
        # The page says how figures and tables are numbered.
        tabled = pool.submit(lambda: dict(tables.files(document, captions(page.result().decode()))))
        made = {
            PDF: printed.result(),
            HTML: page.result(),
            DOCX: document_of_word.result(),
            ESTIMATES: document.estimates.encode(),
            **tabled.result(),
            **drawn.result(),
        }
    optional = {texts.METHODS: methods.result(), texts.REFERENCES: texts.references(page.result().decode())}
    return made | {name: content for name, content in optional.items() if content is not None}
