"""The door of the command line, for ``crampstudy`` and for ``python -m crampstudy``."""

from __future__ import annotations

import atexit
import gc
import signal

_CONTAINERS = 20_000
"""So many more of them are there when they are looked through for garbage."""


def main() -> None:
    """Run the command line.

    Until it is imported nothing has begun that could be left half done: an interrupt ends the process at once, without
    a traceback, and no library that is just being imported can swallow it.

    The libraries of a report make two hundred thousand objects that stay until the end. They are seldom looked through
    for garbage while they are loaded, and not once more at the end: each takes half a second.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.set_threshold(_CONTAINERS, *gc.get_threshold()[1:])
    atexit.register(gc.freeze)
    from crampstudy.cli import main as run

    run()


if __name__ == "__main__":
    main()
