"""A command loads what it uses: a description needs no model, a model no figures, and help nothing at all."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.rates import confint_poisson

from crampstudy.cli import app
from crampstudy.descriptive.incidence import incidence_rate
from crampstudy.models.inference.covariance import p_value, quantile, wald
from crampstudy.models.inference.proportion import wilson
from crampstudy.models.surveys.domain_means import boundary_interval
from crampstudy.simulate import simulate
from crampstudy.sources.readers import package

ALWAYS = {"matplotlib", "seaborn", "statsmodels", "sklearn", "papermill", "IPython", "scipy.stats", "scipy.optimize"}
WITHOUT_MODEL = {*ALWAYS, "formulaic", "joblib", "yaml", "crampstudy.models.registry"}
COMMANDS = sorted(command.name or "" for command in app.registered_commands)


def loaded(*arguments: str | Path) -> set[str]:
    """Run a command, and return every module that it had loaded at its end."""
    program = (
        "import atexit, sys\n"
        "atexit.register(lambda: sys.stderr.write('\\n' + ' '.join(sys.modules)))\n"
        "from crampstudy.__main__ import main\nmain()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], check=True, capture_output=True, text=True, encoding="utf-8"
    )
    return set(done.stderr.splitlines()[-1].split())


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("start") / "cohort"
    package.write(simulate(12, 10, seed=1), folder, "csv")
    return folder


@pytest.mark.parametrize(
    ("arguments", "never"),
    [
        (["describe"], WITHOUT_MODEL),
        (["describe", "--outcome", "relief"], WITHOUT_MODEL),
        (["validate"], {*WITHOUT_MODEL, "scipy"}),
        (["fit", "--model", "poisson", "--terms", "sex"], ALWAYS),
    ],
    ids=["describe", "relief", "validate", "fit"],
)
def test_a_command_loads_what_it_uses(cohort: Path, arguments: list[str], never: set[str]) -> None:
    assert loaded(arguments[0], str(cohort), *arguments[1:]) & never == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_help_loads_no_library_of_numbers(command: str) -> None:
    assert loaded(command, "--help") & {"numpy", "pandas", "polars", "scipy", "yaml", "rich", *ALWAYS} == set()


def test_what_writes_files_loads_no_library_of_tables_by_itself() -> None:
    program = "import sys, crampstudy.atomic_write; print({'numpy', 'pandas', 'polars'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "set()"


def test_a_report_makes_no_grammars_that_no_notebook_asks_for() -> None:
    program = (
        "import importlib.util, sys\n"
        "from crampstudy.report import run\n"
        "print('jsonschema' in sys.modules, 'rfc3987_syntax' in sys.modules)\n"
        # Whoever asks for it later gets it.
        "importlib.util.find_spec('rfc3987_syntax')"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["True", "False"]


@pytest.mark.parametrize(("events", "n"), [(0, 1), (0, 9), (1, 2), (3, 10), (9, 9), (812, 90_000)])
@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
def test_limits_of_a_share_are_wilsons(events: int, n: int, level: float) -> None:
    expected = stats.binomtest(events, n).proportion_ci(level, method="wilson")
    assert wilson(events, n, level) == pytest.approx((expected.low, expected.high), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("df", [1.0, 3.7, 48.0, math.inf])
@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.999])
def test_quantiles_and_p_values_are_those_of_the_distributions(df: float, level: float) -> None:
    assert quantile(level, df) == pytest.approx(stats.t.ppf(0.5 + level / 2, df), rel=1e-14)
    assert p_value(-2.3, df) == pytest.approx(2 * stats.t.sf(2.3, df), rel=1e-14)
    chi = 1.2**2 / 0.5 + 0.4**2 / 0.2
    statistic, p = wald(np.array([1.2, 0.4]), np.diag([0.5, 0.2]), df)
    expected = stats.chi2.sf(chi, 2) if math.isinf(df) else stats.f.sf(chi / 2, 2, df)
    assert (statistic, p) == pytest.approx((chi if math.isinf(df) else chi / 2, expected), rel=1e-13)


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_limits_without_an_event_are_exact(level: float) -> None:
    none = incidence_rate(np.zeros(6, dtype=np.int64), np.full(6, 7), level)
    assert none.ci_high == pytest.approx(confint_poisson(0, 6.0, method="exact-c", alpha=1 - level)[1], rel=1e-12)
    # Without clusters the effective size is that of the rows.
    for proportion in (0.0, 1.0):
        expected = proportion_confint(proportion * 30, 30, alpha=2 * (1 - level), method="beta")
        assert boundary_interval(proportion, 30, 30.0, 29, level) == pytest.approx(expected, rel=1e-12)
