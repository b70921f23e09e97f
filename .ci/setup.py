"""Fill .venv with the locked versions and this package. Standard library only: it runs before anything is installed.

Called by make. `.venv/ready` is written last, so a set-up that was cut short is started anew by the next call.
pip does the work (uv would be faster, but does not read pip's configuration: mirrors, proxies, certificates).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "requirements.lock"
LOG = VENV / "setup.log"
READY = VENV / "ready"  # written last: the project's folder, then the digest of all that .venv was made from
FILLED = VENV / "filled"  # the digest of the locked versions that are installed

CAUSES = {
    "No module named ensurepip": "this Python cannot make environments (Debian and Ubuntu: install python3-venv)",
    "ensurepip is not": "this Python cannot make environments (Debian and Ubuntu: install python3-venv)",
    "DO NOT MATCH THE HASHES": "a downloaded file is not the one that requirements.lock names",
    "No space left": "the disk is full",
    "CERTIFICATE_VERIFY_FAILED": "the package index's certificate is not trusted (pip's setting: cert)",
    "NewConnectionError": "the package index cannot be reached; check the network and pip's settings",
    "ConnectTimeoutError": "the package index cannot be reached; check the network and pip's settings",
    "ReadTimeoutError": "the package index answers too slowly; try again",
    "Could not connect": "the package index cannot be reached; check the network and pip's settings",
    "ProxyError": "the proxy of pip's settings cannot be reached",
    "No matching distribution": "the package index lacks a locked version for this Python and platform",
}


class SetupFailed(Exception):
    """The set-up could not be finished; the message says why and what to do."""


def digest(*parts: bytes) -> str:
    """Tell one filling of .venv from another: its folder (scripts name it), Python, locked versions and the parts."""
    place = f"{ROOT}\n{sys.version}\n{sys.base_prefix}".encode()
    return hashlib.sha256(b"\n".join((place, LOCK.read_bytes(), *parts))).hexdigest()


def written(path: Path) -> str:
    """Return a stamp's text, empty where there is none."""
    return path.read_text() if path.exists() else ""


def run(*command: str | Path, may_fail: bool = False) -> None:
    """Run a command with its output in the log; it inherits the lock, so that it holds it even if we are killed."""
    with LOG.open("ab") as log:
        start = log.tell()
        code = subprocess.run(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, close_fds=False
        ).returncode
    if code and not may_fail:
        said = LOG.read_bytes()[start:].decode(errors="replace")
        cause = next((text for mark, text in CAUSES.items() if mark in said), "see the end of the log")
        raise SetupFailed(f"{cause} (log: {LOG.relative_to(ROOT)})")


def fill() -> None:
    """Install the locked versions into a fresh environment, with compiled bytecode."""
    print("setting up .venv (a minute or two, once)", flush=True)
    READY.unlink(missing_ok=True)
    shutil.rmtree(VENV, ignore_errors=True)
    VENV.mkdir()
    run(sys.executable, "-m", "venv", VENV)
    # The locked pip first: it installs the rest in 38 s, where the one that Python 3.11 brings took 66 s.
    pip = VENV / "pip.lock"
    pip.write_text("".join(re.findall(r"^pip==.*(?:\n +--hash=.*)+\n", LOCK.read_text(), re.MULTILINE)))
    # The lock is complete, so pip need not resolve; compiling afterwards uses all cores.
    for locked in (pip, LOCK):
        run(PYTHON, "-m", "pip", "install", "--no-deps", "--no-compile", "--require-hashes", "-r", locked)
    # Packages also carry templates named .py, which do not compile: that is no failure.
    run(PYTHON, "-m", "compileall", "-q", "-j", "0", VENV / "lib", may_fail=True)
    FILLED.write_text(digest())


def take(lock: IO[str]) -> None:
    """Wait until no other set-up is at work in this folder."""
    os.set_inheritable(lock.fileno(), True)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("waiting for another set-up of .venv to end", flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)


def main() -> int:
    """Bring .venv up to date, one process at a time."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        with LOCK.open("r+") as lock:
            take(lock)
            if VENV.is_symlink():
                raise SetupFailed(f".venv is a link to {VENV.resolve()}, and a folder has its own: rm .venv")
            state = f"{ROOT}\n{digest((ROOT / 'pyproject.toml').read_bytes(), Path(__file__).read_bytes())}\n"
            if written(READY) != state or not PYTHON.exists():
                if written(FILLED) != digest() or not PYTHON.exists():
                    fill()
                run(PYTHON, "-m", "pip", "install", "--no-deps", "--no-build-isolation", "--editable", ROOT)
                # Where nobody may write bytecode, every command would otherwise compile the package anew.
                run(PYTHON, "-m", "compileall", "-q", "-j", "0", ROOT / "src")
            READY.write_text(state)
    except (SetupFailed, OSError) as failure:
        print(f"setting up .venv failed: {failure}; then run make again", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
