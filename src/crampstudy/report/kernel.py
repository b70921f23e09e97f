"""The kernel of a notebook: one BLAS thread, sockets of its own, and an end that is seen."""

from __future__ import annotations

import os
import subprocess
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from jupyter_client.manager import AsyncKernelManager
from traitlets import Type

from crampstudy import ending, scratch
from crampstudy.cache import KERNEL_VARIABLE
from crampstudy.compute import shared
from crampstudy.report import warm
from crampstudy.sources import handed_on

_SILENCE = 0.05
"""When a kernel that starts has published nothing for so long, it has published all, in seconds."""
_POLL = 0.01
"""How often it is asked whether a kernel that ends has ended, in seconds."""


class _Published(AsyncZMQSocketChannel):
    """What a kernel publishes. Jupyter waits for a fifth of a second of silence before the first cell, this less."""

    async def get_msg(self, timeout: float | None = None) -> dict[str, Any]:  # type: ignore[override]
        return await super().get_msg(None if timeout is None else min(timeout, _SILENCE))


class _Client(AsyncKernelClient):
    iopub_channel_class = Type(_Published)


class Kernel(AsyncKernelManager):
    """A kernel with pinned threads that talks over sockets in a folder of its own, never over a contested port."""

    server: ClassVar[Path | None] = None
    """The socket of a warm server to fork from."""
    helped: ClassVar[bool] = False
    """Whether it may have a helper, forked from the same server."""
    place: ClassVar[str]
    """The folder that it works in."""
    stop: ClassVar[threading.Event | None] = None
    """When set, the kernel ends."""
    cache: ClassVar[Path | None] = None
    """The folder of the cache of findings, if the report uses one."""
    cohorts: ClassVar[Path | None] = None
    """The folder of the cohorts that the report hands on, if it does."""
    ended: ClassVar[list[int]]
    """The code with which its process ended."""

    client_factory = Type(_Client, klass=AsyncKernelClient)

    def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
        if os.name != "posix":
            return super().format_kernel_cmd(extra_arguments)
        return warm.command(self.server, self.connection_file, self._line)

    async def start_kernel(self, **kwargs: Any) -> None:  # type: ignore[override]
        self._held = ExitStack()
        self._line = self._held.enter_context(ending.lifeline())
        folder = self._held.enter_context(scratch.folder())
        self.connection_file = str(folder / "kernel.json")
        # A Unix socket's path is limited to some hundred characters.
        if os.name == "posix" and len(str(folder)) < 80:
            self.transport = "ipc"
            self.ip = str(folder / "k")
        kept = {KERNEL_VARIABLE: str(self.cache or ""), handed_on.VARIABLE: str(self.cohorts or "")}
        kept[shared.VARIABLE] = str(self.server) if self.server and self.helped else ""
        kwargs |= {"env": warm.environment() | kept, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        # Papermill would change the folder of this whole process, in which other notebooks run as well.
        kwargs["cwd"] = self.place
        await super().start_kernel(**kwargs)

    async def _async_finish_shutdown(
        self, waittime: float | None = None, pollinterval: float = _POLL, restart: bool = False
    ) -> None:
        await super()._async_finish_shutdown(waittime, pollinterval, restart)

    async def _async_is_alive(self) -> bool:
        """Say whether the kernel lives, and end one that is not to; asked every second while a cell runs."""
        if self.stop is not None and self.stop.is_set():
            self._held.close()
            return False
        alive = await super()._async_is_alive()
        process = getattr(self.provisioner, "process", None)
        if not alive and process is not None and process.poll() is not None:
            self.ended.append(process.returncode)
        return alive

    is_alive = _async_is_alive

    def cleanup_connection_file(self) -> None:
        super().cleanup_connection_file()
        self._held.close()
