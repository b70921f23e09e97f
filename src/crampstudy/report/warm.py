"""Kernels forked from one process that has imported the libraries: half a second each instead of several.

The server imports once and forks a kernel per request: what every notebook needs before it answers the first, the rest
while nobody asks, unless a single one is to be run. What Jupyter starts as "the kernel" is a shim that asks for a fork,
passes signals on, and ends as the kernel ended, by the same signal or with the same code. A kernel that need not be
alone asks in the same way for a process that helps it (:mod:`crampstudy.compute.shared`). Where there is no ``fork``,
and for a single notebook without a server, kernels start the plain way. Server and kernels are tied to the process that
started them.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NoReturn

from crampstudy import ending, scratch
from crampstudy.loading import without

_KERNEL = ("ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.zmqshell", "ipykernel.debugger")
"""What a kernel loads, if nobody is to debug it."""
PRELOADED = ("crampstudy.report.blocks", "crampstudy.sources")
"""What the notebooks of the report load in any case, beside seaborn."""
_LATER = ("networkx", "scipy.stats", "statsmodels.stats.multitest")
"""What some of them load, in the order of how many."""

# Runs with -S -E: it needs the standard library alone and starts in hundredths of a second.
_SHIM = """
import json, os, resource, signal, socket, sys
link = socket.socket(socket.AF_UNIX)
link.connect(sys.argv[1])
request = {"connection_file": sys.argv[2], "line": sys.argv[3], "cwd": os.getcwd(), "env": dict(os.environ)}
link.sendall(json.dumps(request).encode() + b"\\n")
told = link.makefile()
kernel = int(told.readline())
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda got, frame: os.kill(kernel, got))
code = int(told.readline() or 1)
if code < 0:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if -code != signal.SIGKILL:
        signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
sys.exit(code)
"""
_PLAIN = "import sys; from crampstudy.report import warm; warm.run_kernel(*sys.argv[1:])"

_MOST_KERNELS = 4
_LONGEST = 100
"""Characters that the path of a Unix socket may have, nearly."""

PINNED = {
    # One BLAS thread: sums over several threads come out in another order from run to run.
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"), "1"),
    "MPLBACKEND": "agg",
    "PYTHONHASHSEED": "0",
    "TZ": "UTC",
}
"""What a kernel's environment holds beside that of its parent."""


def kernels() -> int:
    """Return how many kernels run at a time, unless another number is asked for: one per core, at most four."""
    return min(os.cpu_count() or 1, _MOST_KERNELS)


def environment() -> dict[str, str]:
    """Return the environment of a kernel, and of the server that it is forked from."""
    # Kernels that run beside one another share the cores: more threads than that only wait for each other.
    threads = str(max(1, (os.cpu_count() or 1) // kernels()))
    return {"POLARS_MAX_THREADS": threads, **os.environ, **PINNED}


def command(server: Path | None, connection_file: str, line: str) -> list[str]:
    """Return the command that Jupyter starts as a kernel tied to ``line``, forked from a server if there is one."""
    if server is None:
        return [sys.executable, "-c", _PLAIN, connection_file, line]
    return [sys.executable, "-S", "-E", "-c", _SHIM, str(server), connection_file, line]


@contextlib.contextmanager
def server(env: Mapping[str, str], *, single: bool = False) -> Iterator[Path | None]:
    """Yield the socket of a warm server while the block lasts, or ``None`` where there can be none.

    For a ``single`` notebook it loads nothing beside what every one needs: by then that one has begun.
    """
    with contextlib.ExitStack() as stack:
        path = stack.enter_context(scratch.folder()) / "warm"
        if not hasattr(os, "fork") or len(os.fsencode(path)) > _LONGEST:
            yield None
            return
        # Bound here, so that a kernel may ask at once and waits until the imports are done.
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(str(path))
        listener.listen()
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "crampstudy.report.warm"),
                *(str(listener.fileno()), stack.enter_context(ending.lifeline()), *(["single"] if single else [])),
            ],
            pass_fds=[listener.fileno()],
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        stack.callback(process.wait)
        stack.callback(process.kill)
        listener.close()
        yield path


def run_kernel(connection_file: str, line: str) -> NoReturn:
    """Become a kernel that is tied to ``line``."""
    ending.tie(line)
    _load_kernel()
    from ipykernel.kernelapp import IPKernelApp

    sys.argv = ["ipykernel"]
    # Nobody goes back in what was typed, and its file is the user's own.
    IPKernelApp.launch_instance(argv=["-f", connection_file, "--HistoryManager.enabled=False"])
    os._exit(0)


def _load_kernel() -> None:
    # A tenth of a second for every kernel, though a report has nobody to debug it.
    with without("debugpy"):
        for module in _KERNEL:
            importlib.import_module(module)


def _serve(listener: socket.socket, *, single: bool) -> None:
    # Of the keyboard's signal the process that started us hears as well.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    steps = _loading()
    next(steps)
    woken, wake = socket.socketpair()
    wake.setblocking(False)
    signal.set_wakeup_fd(wake.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    kernels: dict[int, socket.socket] = {}
    loading = not single
    with selectors.DefaultSelector() as ready:
        ready.register(listener, selectors.EVENT_READ)
        ready.register(woken, selectors.EVENT_READ)
        while True:
            asked = {key.fileobj for key, _ in ready.select(0 if loading else None)}
            if woken in asked:
                woken.recv(4096)
                _tell_ends(kernels)
            if listener in asked:
                link, _ = listener.accept()
                kernel = os.fork()
                if kernel == 0:
                    signal.set_wakeup_fd(-1)
                    for inherited in (listener, *kernels.values()):
                        inherited.close()
                    _become_asked(link)
                kernels[kernel] = link
            if not asked:
                loading = next(steps, False)


def _loading() -> Iterator[bool]:
    """Load what kernels begin with, in steps between which they may begin."""
    # What is loaded stays, so nobody looks through it for garbage: not the server meanwhile, nor any kernel.
    gc.disable()
    _load_kernel()
    for module in PRELOADED:
        importlib.import_module(module)
    # It has densities of its own, and those of SciPy take longer to load than all of seaborn.
    with without("scipy.stats"):
        importlib.import_module("seaborn")
    gc.freeze()
    yield True
    from crampstudy.causal import study

    study()
    yield True
    for module in _LATER:
        importlib.import_module(module)
        gc.freeze()
        yield True


def _tell_ends(kernels: dict[int, socket.socket]) -> None:
    """Tell shims how their kernels ended."""
    while kernels:
        number, status = os.waitpid(-1, os.WNOHANG)
        if not number:
            return
        with kernels.pop(number) as link, contextlib.suppress(BrokenPipeError):
            link.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _become_asked(link: socket.socket) -> NoReturn:
    """Become the kernel that a shim asks for, or the helper that a kernel asks for."""
    for number in (signal.SIGCHLD, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    os.setsid()
    with link, link.makefile() as asked:
        # Empty where the shim was killed before it could ask.
        request = json.loads(asked.readline() or "null")
        if request is None:
            os._exit(1)
        ending.tie(request["line"])
        link.sendall(f"{os.getpid()}\n".encode())
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    gc.enable()
    if "work" in request:
        from crampstudy.compute import shared

        # Nothing of the server's is to be cleaned up here, however that ends.
        try:
            shared.help_with(request["work"], request["helps"])
        finally:
            os._exit(0)
    # The shim waits for its parent's signals; this process has another parent to outlive.
    os.environ.pop("JPY_PARENT_PID", None)
    run_kernel(request["connection_file"], "")


if __name__ == "__main__":
    ending.tie(sys.argv[2])
    _serve(socket.socket(fileno=int(sys.argv[1])), single="single" in sys.argv[3:])
