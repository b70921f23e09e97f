"""A collected document → all the files that show it, those of different formats made at the same time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from crampstudy.cache import Cache
from crampstudy.report import typeset, word
from crampstudy.report.beside import DOCX, ESTIMATES, HTML, PDF, figures, tables, texts
from crampstudy.report.beside.captions import captions
from crampstudy.report.collect import Document


def outputs(
    document: Document,
    front: typeset.Front,
    *,
    pictures: bool = False,
    cache: Cache | None = None,
    keep: Callable[[typeset.Typescript], None] | None = None,
) -> dict[str, bytes]:
    """Return the files of a report by their names, those in folders with a ``/``.

    Args:
        document: what is shown.
        front: the title page.
        pictures: whether each figure is also a PNG and a TIFF of 600 dots an inch.
        cache: figures that are in it are not printed again.
        keep: is given what the pages are set from.

    Raises:
        ReportError: a reference, citation, heading order or table cannot be set.
    """
    with ThreadPoolExecutor() as pool:
        drawn = pool.submit(lambda: dict(figures.files(document, front.date, pictures=pictures, cache=cache)))
        text = typeset.parsed(document)
        script, page = pool.submit(typeset.typescript, text, front), pool.submit(typeset.web, text, front)
        printed = pool.submit(lambda: typeset.pages(script.result()))
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
    if keep is not None:
        keep(script.result())
    optional = {texts.METHODS: methods.result(), texts.REFERENCES: texts.references(page.result().decode())}
    return made | {name: content for name, content in optional.items() if content is not None}
