"""What all tests share: the folders, and settings that make a run repeatable."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# The tests run side by side: one thread each, set before numpy and polars are imported.
for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS"):
    os.environ.setdefault(threads, "1")

DRAWS = 3_000
"""Potential outcomes behind the answers of a cohort whose answers are not looked at; the default takes many seconds."""

SHARED = Path(__file__).resolve().parents[2] / "shared"

# Simulation studies, runs as processes of their own and whole reports, those with the longest tests first.
SLOW = (
    *("crash", "repeatable", "cluster", "worked_examples", "recovery_grid", "second_opinion", "report_build", "readme"),
    *("first_study", "rerun", "freshness", "grid", "certificate"),
    *("report_typeset", "recovery", "cards", "answers", "checks", "simulate", "simulate_write", "process", "bootstrap"),
    *("classes", "compute", "compute_kept", "injected_errors", "fuzz", "awkward", "cli_simulate", "partitions"),
    *("factors", "classes_30_days", "mutated", "parts", "units", "degrade", "of_surveys", "mixed", "of_events"),
    *("intervals", "report_blocks", "cli_failures", "event_lists", "missing_codes", "package_parts", "parity"),
    *("counted_nights", "extras", "recovery_keys", "report_glyphs", "profile", "simulated_page", "typed"),
    *("package", "within", "analyses", "zeros", "lone_levels", "clean_rules", "figures", "sources", "clean", "ordinal"),
    *("hostile", "inference", "effective", "kinds", "nutrition", "frequency", "season"),
    *("prediction", "predict_command", "prediction_section", "phenotypes"),
)
PLACE = {f"test_{name}": number for number, name in enumerate(SLOW)}

settings.register_profile("default", deadline=None)
# The same examples in every run; elsewhere each run has others, and more of them.
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True, max_examples=50)
settings.register_profile("quick", deadline=None, max_examples=10)
settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_configure(config: pytest.Config) -> None:
    # What a test keeps, another test may find; what the user keeps, none.
    held = tempfile.TemporaryDirectory(prefix="crampstudy-tests-")
    os.environ["CRAMPSTUDY_CACHE"] = held.name
    config.add_cleanup(held.cleanup)
    if lost := [stem for stem in PLACE if not Path(__file__).with_name(f"{stem}.py").exists()]:
        raise pytest.UsageError(f"SLOW of tests/conftest.py names modules that are not there: {', '.join(lost)}")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave slow modules out before they are imported, where no slow test is asked for."""
    return True if config.option.markexpr == "not slow" and collection_path.stem in PLACE else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of slow modules, and run them first: no worker is to be left alone with a long one at the end."""
    for item in items:
        if item.path.stem in PLACE:
            item.add_marker("slow")
    items.sort(key=lambda item: PLACE.get(item.path.stem, len(PLACE)))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared inputs beside the project; the test is skipped where it is absent.

    With CRAMPSTUDY_REQUIRE_SHARED set, its absence is a failure.
    """
    if SHARED.is_dir():
        return SHARED
    reason = "needs the folder of shared inputs, ../shared beside the project, which is absent"
    if os.environ.get("CRAMPSTUDY_REQUIRE_SHARED"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def kernels() -> Iterator[Path | None]:
    """The socket of one server that forks the kernels of all tests: to start one anew takes three seconds each time."""
    from crampstudy.report import warm

    with warm.server(warm.environment()) as server:
        yield server


@pytest.fixture
def forked(kernels: Path | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports that are built in this process fork their kernels from the server of all tests."""
    from crampstudy.report import run, warm

    execute = run.execute

    def executed(notebook: Path, output: Path, parameters: dict[str, Any], options: run.Options) -> None:
        execute(notebook, output, parameters, replace(options, server=kernels))

    monkeypatch.setattr(run, "execute", executed)
    monkeypatch.setattr(warm, "server", lambda _, **more: contextlib.nullcontext(kernels))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run the command line in this process: exit code, standard output, standard error.

    The answers beside a cohort that is simulated so rest on few draws.
    """

    # Imported late: numpy must not be loaded before its threads are set.
    from crampstudy import cli, simulate

    monkeypatch.setitem(simulate.write.__kwdefaults__, "draws", DRAWS)

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["crampstudy", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call
