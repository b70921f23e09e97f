"""The door of the command line, for ``crampstudy`` and for ``python -m crampstudy``."""

from __future__ import annotations

import signal


def main() -> None:
    """Run the command line.

    Until it is imported nothing has begun that could be left half done: an interrupt ends the process at once, without
    a traceback, and no library that is just being imported can swallow it.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from crampstudy.cli import main as run

    run()


if __name__ == "__main__":
    main()
