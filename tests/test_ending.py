"""Processes end on a signal with their cleaning up done, and with the process that started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from crampstudy import ending

pytestmark = pytest.mark.skipif(os.name != "posix", reason="named pipes and signals are those of POSIX")
CLEANED = """
import sys, time
from crampstudy import ending
with ending.on_signals():
    try:
        print("begun", flush=True)
        time.sleep(60)
    finally:
        print("cleaned", flush=True)
"""
# The signal comes while an object is let go of, where Python drops what is raised.
LOST = """
import os, signal, sys, time
from crampstudy import ending
class Held:
    def __del__(self):
        os.kill(os.getpid(), getattr(signal, sys.argv[1]))
        time.sleep(1)
with ending.on_signals():
    try:
        held = Held()
        del held
        time.sleep(60)
    finally:
        print("cleaned", flush=True)
"""
# Native code in which the signal comes makes an error of its own of it.
TURNED = LOST.replace("time.sleep(60)", "raise TypeError('no data type')")
# Starts a child by a line, tells its number, and waits to be killed.
PARENT = """
import subprocess, sys, time
from crampstudy import ending
with ending.lifeline() as line:
    child = subprocess.Popen([part.replace("LINE", line) for part in sys.argv[1:]], stdout=subprocess.PIPE)
    child.stdout.readline()
    print(child.pid, flush=True)
    time.sleep(60)
"""
# Native code that holds on to the interpreter: no thread of Python gets to run beside it.
BUSY = (
    "import sys; from crampstudy import ending; ending.tie('LINE'); print('tied', flush=True); "
    "import re; re.match('(a+)+$', 'a' * 40 + 'b')"
)


def begun(*command: str) -> tuple[subprocess.Popen[str], str]:
    run = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    return run, run.stdout.readline().strip()


def ends(number: int) -> bool:
    """Whether a process is gone within 60 seconds, on a busy machine."""
    for _ in range(1200):
        try:
            if Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
            os.kill(number, 0)
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.05)
    os.kill(number, signal.SIGKILL)
    return False


@pytest.mark.parametrize("code", [LOST, TURNED], ids=["dropped", "made an error of"])
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_that_python_drops_comes_again(name: str, code: str) -> None:
    began = time.monotonic()
    made = subprocess.run([sys.executable, "-c", code, name], capture_output=True, text=True, check=False)
    assert (made.stdout, made.stderr, made.returncode) == ("cleaned\n", "", 128 + getattr(signal, name))
    assert time.monotonic() - began < 50


def test_an_error_without_a_signal_stays_what_it_is() -> None:
    with pytest.raises(TypeError, match="no data type"), ending.on_signals():
        raise TypeError("no data type")


@pytest.mark.parametrize("number", ending.ASKING, ids=lambda number: number.name)
def test_a_signal_lets_a_run_clean_up_and_gives_the_code_of_shells(number: signal.Signals) -> None:
    # Under nohup the tests themselves are run with one of the signals ignored.
    heeded = f"import signal; signal.signal({number:d}, signal.SIG_DFL)\n"
    run, said = begun("-c", heeded + CLEANED)
    assert said == "begun"
    run.send_signal(number)
    assert run.communicate(timeout=60)[0] == "cleaned\n"
    assert run.returncode == 128 + number


def test_the_command_line_tells_it_in_one_line() -> None:
    code = (
        "import time, typer; from crampstudy import cli\n"
        "begun = lambda **_: (print('begun', flush=True), time.sleep(60))\n"
        "typer.main.get_command = lambda _: begun\n"
        "cli.main()\n"
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        run = subprocess.Popen([sys.executable, "-c", code], text=True, **pipes)  # type: ignore[call-overload]
        assert run.stdout.readline() == "begun\n"
        run.send_signal(number)
        said = run.communicate(timeout=60)[1]
        assert said == f"crampstudy: ended by {number.name}; nothing is left half-written\n"
        assert run.returncode == 128 + number


def test_an_interrupt_during_the_imports_is_told_by_no_traceback() -> None:
    code = (
        "import sys, time; from crampstudy import __main__\n"
        "class Slow:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'crampstudy.cli': print('begun', flush=True), time.sleep(60)\n"
        "sys.meta_path.insert(0, Slow())\n"
        "__main__.main()\n"
    )
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    run = subprocess.Popen([sys.executable, "-c", code], text=True, **pipes)  # type: ignore[call-overload]
    assert run.stdout.readline() == "begun\n"
    run.send_signal(signal.SIGINT)
    assert run.communicate(timeout=60)[1] == ""
    assert run.returncode == -signal.SIGINT


def test_a_signal_that_is_ignored_stays_so() -> None:
    run, _ = begun("-c", "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n" + CLEANED)
    run.send_signal(signal.SIGHUP)
    time.sleep(0.3)
    assert run.poll() is None
    run.send_signal(signal.SIGTERM)
    assert run.wait(60) == 143


def test_handlers_are_given_back() -> None:
    before = [signal.getsignal(number) for number in ending.ASKING]
    with ending.on_signals():
        assert [signal.getsignal(number) for number in ending.ASKING] != before
    assert [signal.getsignal(number) for number in ending.ASKING] == before


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread waits for the end")
def test_what_is_tied_ends_with_its_parent_whatever_it_is_at() -> None:
    run, number = begun("-c", PARENT, sys.executable, "-c", BUSY)
    run.kill()
    run.wait()
    assert ends(int(number))


@pytest.mark.skipif(sys.platform != "linux", reason="a tie outlasts a change of program only there")
def test_a_foreign_program_ends_with_its_parent() -> None:
    code = (
        "import subprocess, sys, time; from crampstudy import ending\n"
        "with ending.lifeline() as line:\n"
        "    program = ending.tied(['/bin/sh', '-c', 'echo up; exec sleep 60'], line)\n"
        "    child = subprocess.Popen(program, stdout=subprocess.PIPE)\n"
        "    child.stdout.readline(); print(child.pid, flush=True); time.sleep(60)\n"
    )
    run, number = begun("-c", code)
    run.kill()
    run.wait()
    assert ends(int(number))


def test_what_is_tied_ends_with_the_block() -> None:
    code = "import sys; from crampstudy import ending; ending.tie(sys.argv[1]); print('tied', flush=True); input()"
    with ending.lifeline() as line:
        run = subprocess.Popen(
            [sys.executable, "-c", code, line], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert run.stdout is not None
        assert run.stdout.readline() == "tied\n" and run.poll() is None
    assert run.wait(60) == -signal.SIGKILL


@pytest.mark.parametrize("swept", [True, False])
def test_who_comes_after_the_end_ends_at_once(tmp_path: Path, swept: bool) -> None:
    # A parent that was killed before its child had begun leaves the pipe, or not even that.
    line = tmp_path / "line"
    if not swept:
        os.mkfifo(line)
    code = "import sys; from crampstudy import ending; ending.tie(sys.argv[1]); sys.stdin.read()"
    run = subprocess.Popen([sys.executable, "-c", code, str(line)], stdin=subprocess.PIPE)
    assert run.wait(60) == -signal.SIGKILL
