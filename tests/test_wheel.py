"""A wheel is whole: installed where there is no repository, it simulates, reports, and hands out its notebooks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path

import pytest

from crampstudy.report import outline

ROOT = Path(__file__).resolve().parents[1]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
SHIPPED = {
    "outline.yaml",
    outline.TEMPLATE,
    outline.COMPARISON,
    *(path.name for path in outline.read(ROOT / "notebooks").notebooks),
}
pytestmark = pytest.mark.slow


def pip(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    subprocess.run(command, check=True, capture_output=True, text=True)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's own files, in a folder that is removed before anything of the wheel is run."""
    copied = tmp_path_factory.mktemp("sources") / "project"
    left_out = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    for name in ("src", "notebooks", "data/evidence"):
        shutil.copytree(ROOT / name, copied / name, ignore=left_out)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copied)
    return copied


@pytest.fixture(scope="module")
def bare(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment that has the wheel; its dependencies are those of this one."""
    place = tmp_path_factory.mktemp("bare")
    pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", place / "dist", sources)
    shutil.rmtree(sources)
    venv.create(place / "env", with_pip=False)
    programs = place / "env" / ("Scripts" if os.name == "nt" else "bin")
    (wheel,) = (place / "dist").glob("*.whl")
    pip("--python", programs / "python", "install", "--no-deps", "--no-index", wheel)
    packages = sysconfig.get_path("purelib", vars={"base": str(place / "env"), "platbase": str(place / "env")})
    # A path in such a file is taken as it is: what is installed in place there is not found through it.
    (Path(packages) / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    return programs


def run(program: Path, *arguments: str, cwd: Path) -> str:
    env = {name: text for name, text in os.environ.items() if name not in ("PYTHONPATH", "CRAMPSTUDY_NOTEBOOKS")}
    done = subprocess.run([program, *arguments], cwd=cwd, env=env, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_wheel_works_without_a_repository(bare: Path, tmp_path: Path) -> None:
    where = run(bare / "python", "-c", "import crampstudy; print(crampstudy.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(bare.parent)
    assert run(bare / "crampstudy", "--version", cwd=tmp_path) == f"crampstudy {VERSION}\n"
    simulated = "from pathlib import Path; from crampstudy import simulate; "
    simulated += "simulate.write(Path('made'), 12, 10, 1, draws=3_000)"
    run(bare / "python", "-c", simulated, cwd=tmp_path)
    assert "Barna 2021" in run(bare / "crampstudy", "evidence", "--agent", "magnesium", cwd=tmp_path)
    run(bare / "crampstudy", "report", "made", "--sections", "cohort", cwd=tmp_path)
    (report,) = (tmp_path / "reports").iterdir()
    assert (report / "report.pdf").read_bytes().startswith(b"%PDF")

    told = run(bare / "crampstudy", "init", "--notebooks", cwd=tmp_path)
    assert {path.name for path in (tmp_path / "notebooks").iterdir()} == SHIPPED
    assert all(name in told for name in SHIPPED)
    changed = tmp_path / "notebooks" / "cohort.ipynb"
    changed.write_text(changed.read_text(encoding="utf-8").replace("# Cohort", "# Our people"), encoding="utf-8")
    own = tmp_path / "mine.ipynb"
    own.write_bytes((tmp_path / "notebooks" / "custom.ipynb").read_bytes())
    asked = ("report", "made", "--sections", "cohort", "--notebook", "mine.ipynb", "--out", "again")
    run(bare / "crampstudy", *asked, cwd=tmp_path)
    page = (tmp_path / "again" / "report.html").read_text(encoding="utf-8")
    assert "Our people" in page and "A section of your own" in page


def test_an_install_in_place_carries_no_copies(tmp_path: Path) -> None:
    pip("install", "--no-deps", "--no-build-isolation", "--no-index", "--target", tmp_path, "--editable", ROOT)
    assert not list(tmp_path.rglob("*.ipynb"))
    (pointer,) = tmp_path.glob("*.pth")
    assert pointer.read_text(encoding="utf-8").strip() == str(ROOT / "src")
