"""Kernels forked from one process that has imported the libraries: half a second each instead of several.

The server imports once and forks a kernel per request. What Jupyter starts as "the kernel" is a shim
that asks for a fork, passes signals on and lives as long as it; if either dies, so does the other.
Where there is no ``fork``, kernels start the plain way.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

PRELOADED = (
    "ipykernel.kernelapp",
    "matplotlib_inline.backend_inline",
    "seaborn",
    "statsmodels.api",
    "crampstudy.report.blocks",
    "crampstudy.sources",
)

# Runs with -S -E: it needs the standard library alone and starts in hundredths of a second.
_SHIM = """
import json, os, signal, socket, sys
link = socket.socket(socket.AF_UNIX)
link.connect(sys.argv[1])
request = {"connection_file": sys.argv[2], "cwd": os.getcwd(), "env": dict(os.environ)}
link.sendall(json.dumps(request).encode() + b"\\n")
kernel = int(link.makefile().readline())
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda got, frame: os.kill(kernel, got))
link.recv(1)
"""


def command(server: Path, connection_file: str) -> list[str]:
    """Return the command that Jupyter starts in place of a kernel."""
    return [sys.executable, "-S", "-E", "-c", _SHIM, str(server), connection_file]


@contextlib.contextmanager
def server(env: Mapping[str, str]) -> Iterator[Path | None]:
    """Yield the socket of a warm server while the block lasts, or ``None`` where there is no ``fork``."""
    if not hasattr(os, "fork"):
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="crampstudy-") as folder:
        path = Path(folder) / "warm"
        with contextlib.ExitStack() as stack:
            # Bound here, so that a kernel may ask at once and waits until the imports are done.
            listener = stack.enter_context(socket.socket(socket.AF_UNIX))
            listener.bind(str(path))
            listener.listen()
            process = subprocess.Popen(
                [sys.executable, "-m", "crampstudy.report.warm", str(listener.fileno())],
                pass_fds=[listener.fileno()],
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            listener.close()
            try:
                yield path
            finally:
                process.kill()
                process.wait()


def _serve(listener: socket.socket) -> None:
    for module in PRELOADED:
        importlib.import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        link, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            _become_kernel(link)
        link.close()


def _become_kernel(link: socket.socket) -> None:
    from ipykernel.kernelapp import IPKernelApp

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    request = json.loads(link.makefile().readline())
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    # The shim waits for its parent's signals; this process has another parent to outlive.
    os.environ.pop("JPY_PARENT_PID", None)
    link.sendall(f"{os.getpid()}\n".encode())

    def end_with_shim() -> None:
        link.recv(1)
        os._exit(1)

    threading.Thread(target=end_with_shim, daemon=True).start()
    sys.argv = ["ipykernel"]
    IPKernelApp.launch_instance(argv=["-f", request["connection_file"]])
    os._exit(0)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
