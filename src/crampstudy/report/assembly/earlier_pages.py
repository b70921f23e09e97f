"""The pages of a report as it was are set while its notebooks run, so that what has not changed is not set again.

Typst remembers within a process how it set each part of a text: where a paragraph has changed, setting it again takes
a tenth of the time. The bytes are the same with and without.
"""

from __future__ import annotations

import contextlib
import json
import threading
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from crampstudy.cache import Cache

if TYPE_CHECKING:
    from crampstudy.report.typeset import Typescript

_KIND = "pages"


@dataclass(frozen=True, slots=True)
class EarlierPages:
    """What is set beforehand: what was last kept in the ``cache`` under a ``key`` of the data, values and software."""

    cache: Cache
    key: str

    def set_again(self) -> threading.Thread:
        """Set the pages that were kept, if there are any, in a thread of their own, which is returned.

        Pages that are to be set meanwhile wait until these are.
        """
        # Not a daemon: Python cannot end before a thread has come back from Typst.
        thread = threading.Thread(target=self._set)
        thread.start()
        return thread

    def keep(self, script: Typescript) -> None:
        """Keep what the pages of a report were set from."""
        self.cache.put(_KIND, self.key, json.dumps(asdict(script)).encode())

    def _set(self) -> None:
        content = self.cache.get(_KIND, self.key)
        if content is None:
            return
        from crampstudy.report import ReportError, typeset

        # Where that fails, as on a full disk, nothing is lost but time: the report's own pages are set in any case.
        with contextlib.suppress(ReportError, OSError):
            typeset.pages(typeset.Typescript(**json.loads(content)))
