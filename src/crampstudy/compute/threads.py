"""Work is shared out between processes, so that inside each of them one thread is all there is."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import ThreadpoolController

ONE_THREAD = dict.fromkeys(
    (
        "BLIS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "POLARS_MAX_THREADS",
        "RAYON_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
    ),
    "1",
)
"""What a process is to find in its environment before it imports a library."""


def pin() -> None:
    """Give the libraries of this process one thread each, for good: those imported by now, and those to come."""
    if "polars" not in sys.modules:
        os.environ.update(ONE_THREAD)
    ThreadpoolController().limit(limits=1)


@contextmanager
def alone() -> Iterator[None]:
    """Give linear algebra one thread for a while: matrices of a few columns cost more to share out than to work on."""
    with ThreadpoolController().limit(limits=1, user_api="blas"):
        yield
