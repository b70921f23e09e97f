"""Which code this is: results are the same where this is the same."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass, fields
from functools import cache
from importlib.metadata import version
from pathlib import Path

_FOLDER = Path(__file__).resolve().parents[1]
_CODE = {".csv", ".py", ".yaml"}


@dataclass(frozen=True, slots=True)
class Version:
    """The package, Python, and the libraries on which the numbers rest; ``code`` is a digest of the package's files."""

    crampstudy: str
    python: str
    numpy: str
    polars: str
    scipy: str
    code: str

    def differences(self, other: Version) -> str:
        """Return in words where ``other`` differs from this version; empty where it does not."""
        apart = [f.name for f in fields(self) if getattr(self, f.name) != getattr(other, f.name)]
        return ", ".join(f"{name} {getattr(other, name)} instead of {getattr(self, name)}" for name in apart)


@cache
def current() -> Version:
    """Return the version of this process."""
    python = ".".join(str(part) for part in sys.version_info[:2])
    numpy, polars, scipy = (version(name) for name in ("numpy", "polars", "scipy"))
    return Version(version("crampstudy"), python, numpy, polars, scipy, _digest())


def _digest() -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in _FOLDER.rglob("*") if path.suffix in _CODE):
        digest.update(f"{path.relative_to(_FOLDER).as_posix()}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]
