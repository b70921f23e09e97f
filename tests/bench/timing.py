"""Time two ways of doing one job, turn by turn, so that a busy moment of the machine hits both."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median


class Disagreement(Exception):
    """The two ways do not give the same answer, so that their times cannot be compared."""


@dataclass(frozen=True, slots=True)
class Job:
    """One job done by this package and by a peer; both return the same numbers, to ``tolerance`` (relative).

    Where nobody else does it there is no peer, and the time stands alone.
    """

    name: str
    peer_name: str
    ours: Callable[[], dict[str, float]]
    peer: Callable[[], dict[str, float]] | None
    tolerance: float = 0.0


@dataclass(frozen=True, slots=True)
class Timing:
    """Medians in seconds; ``ratio`` is peer / ours, above 1 where this package is faster, NaN without a peer."""

    job: Job
    ours: float
    peer: float
    rounds: int

    @property
    def ratio(self) -> float:
        return self.peer / self.ours


def measure(job: Job, rounds: int) -> Timing:
    """Check that both ways agree (which also warms both up), then time them in turn.

    Raises:
        Disagreement: a number of one way is missing in the other or differs.
    """
    ours, peer = job.ours(), job.peer() if job.peer else {}
    if job.peer and ours.keys() != peer.keys():
        raise Disagreement(f"{job.name}: {sorted(ours)} against {sorted(peer)}")
    for name, value in ours.items() if job.peer else ():
        if not abs(value - peer[name]) <= job.tolerance * abs(peer[name]):
            raise Disagreement(f"{job.name}: {name} is {value!r} here and {peer[name]!r} in {job.peer_name}")
    times: dict[str, list[float]] = {"ours": [], "peer": []}
    for turn in range(rounds):
        pair = [("ours", job.ours), ("peer", job.peer)]
        for who, way in pair if turn % 2 else reversed(pair):
            if way is None:
                continue
            gc.collect()
            start = time.perf_counter()
            way()
            times[who].append(time.perf_counter() - start)
    peers = median(times["peer"]) if times["peer"] else float("nan")
    return Timing(job, median(times["ours"]), peers, rounds)
