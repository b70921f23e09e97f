"""Print environment.yml, the environment for conda users, from pyproject.toml: `make environment.yml`."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FROM_CONDA = ("jupyterlab", "pandas", "statsmodels", "scikit-learn", "seaborn", "papermill")


def environment(pyproject: str) -> str:
    """Return the text of environment.yml: six packages from conda-forge, the others and the package itself by pip.

    Raises:
        ValueError: a package of FROM_CONDA is not among the project's dependencies.
    """
    project = tomllib.loads(pyproject)["project"]
    bounds = {re.split(r"[^A-Za-z0-9._-]", requirement)[0]: requirement for requirement in project["dependencies"]}
    absent = [name for name in FROM_CONDA if name not in bounds]
    if absent:
        raise ValueError(f"pyproject.toml lacks {', '.join(absent)}; add them there or take them out of FROM_CONDA")
    conda = [f"python{project['requires-python']}", *(bounds[name] for name in FROM_CONDA), "pip"]
    pip = [requirement for name, requirement in bounds.items() if name not in FROM_CONDA]
    lines = [
        "# Made from pyproject.toml by `make environment.yml`; change the bounds there.",
        f"name: {project['name']}",
        "channels:",
        "  - conda-forge",
        "dependencies:",
        *(f"  - {requirement}" for requirement in conda),
        "  - pip:",
        *(f"      - {requirement}" for requirement in pip),
        "      - -e .",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(environment((ROOT / "pyproject.toml").read_text(encoding="utf-8")), end="")
