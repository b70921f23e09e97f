"""Steps of one piece of work, of which a second process makes some.

Both do the same work on the same data. Where they come to steps that do not depend on one another, one takes those that
nobody has taken from the first on, the other from the last, and each has the results of the rest from the other. So
both know all that was found, and go on. Results are data, and the same whoever made them; a step of which the other
process did not give any is made by whoever needs it.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from crampstudy import ending, scratch
from crampstudy.compute import stored
from crampstudy.progress import track

T = TypeVar("T")

VARIABLE = "CRAMPSTUDY_HELPER_OF_KERNEL"
"""Of the environment of a kernel that may have a helper: the socket of the server that forks one."""
_ASKED = "asked"
_SOON = 0.002
"""How often it is looked for what the other process makes, in seconds."""


@dataclass(frozen=True, slots=True)
class Form(Generic[T]):
    """How what a step gives is written as bytes, and read; ``encode`` raises ``stored.NotData`` where it cannot."""

    encode: Callable[[T], bytes]
    decode: Callable[[bytes], T]


DATA: Form[Any] = Form(stored.encode, stored.decode)
"""Tables, arrays, texts and what is made of them."""


class _Sharing(Protocol):
    def each(self, steps: Sequence[Callable[[], T]], form: Form[T]) -> list[T]: ...


_SHARED: ContextVar[_Sharing | None] = ContextVar("shared", default=None)


def each(steps: Sequence[Callable[[], T]], form: Form[T] = DATA, *, what: str = "") -> list[T]:
    """Return what steps give, in their order; with a helper, some of it is made by that.

    Args:
        steps: functions of nothing that do not depend on one another, nor on the order in which they are called: two
            that draw from one generator of random numbers are one step.
        form: how what they give is handed over.
        what: what there are, for a meter that says how far they are (:func:`progress.track`); none where not given.
    """
    sharing = _SHARED.get()
    if sharing is None or len(steps) < 2:
        return [step() for step in (track(steps, what) if what else steps)]
    # A step is made by one of the two, so that neither has anybody to share its own steps with.
    with _as(None):
        return sharing.each(steps, form)


def begin() -> None:
    """Ask for the helper of work that is offered now, so that it has come as far as this process at the first steps."""
    if isinstance(sharing := _SHARED.get(), _Offer):
        sharing.begin()


def may_help() -> bool:
    """Return whether this process may have a helper, and has none for other work."""
    return bool(os.environ.get(VARIABLE)) and _SHARED.get() is None


@contextmanager
def offered(ask: Callable[[], bytes | None], helps: str) -> Iterator[None]:
    """Share the steps of the work of the block, if this process may have a helper.

    Args:
        ask: what the helper is to be told of the work, as :func:`taken` gives it to the helper; it is called at
            :func:`begin`, or where the first steps are come to. ``None`` where nobody can help.
        helps: the function that helps, which is given the folder that the work is shared in, as ``module:name``.
    """
    if not may_help():
        yield
        return
    with ExitStack() as held, _as(_Offer(os.environ[VARIABLE], ask, helps, held)):
        yield


def help_with(work: str, helps: str) -> None:
    """Take part in the work that is shared in a folder, by the function that :func:`offered` was told of."""
    module, _, name = helps.partition(":")
    getattr(importlib.import_module(module), name)(Path(work))


def taken(folder: Path) -> bytes:
    """Take part in the work that is shared in a folder, for as long as this process lives; return what it is told."""
    _SHARED.set(_Share(folder, backwards=True, lives=lambda: True))
    return (folder / _ASKED).read_bytes()


@contextmanager
def _as(sharing: _Sharing | None) -> Iterator[None]:
    before = _SHARED.set(sharing)
    try:
        yield
    finally:
        _SHARED.reset(before)


@dataclass(slots=True)
class _Offer:
    """Work that is shared as soon as there is anything to share."""

    server: str
    ask: Callable[[], bytes | None]
    helps: str
    held: ExitStack
    share: _Sharing | None = None
    begun: bool = False

    def begin(self) -> None:
        if self.begun:
            return
        self.begun = True
        if (asked := self.ask()) is not None:
            self.share = _shared(self.server, asked, self.helps, self.held)

    def each(self, steps: Sequence[Callable[[], T]], form: Form[T]) -> list[T]:
        self.begin()
        return [step() for step in steps] if self.share is None else self.share.each(steps, form)


@dataclass(slots=True)
class _Share:
    """This process' part of the work that is shared in a folder.

    Args:
        folder: where steps are taken, and results given.
        backwards: whether it takes steps from the last on.
        lives: says whether the other process lives.
    """

    folder: Path
    backwards: bool
    lives: Callable[[], bool]
    calls: int = field(default=0, init=False)

    def each(self, steps: Sequence[Callable[[], T]], form: Form[T]) -> list[T]:
        self.calls += 1
        made: dict[int, T] = {}
        order = range(len(steps))
        for i in reversed(order) if self.backwards else order:
            if self._take(i):
                made[i] = steps[i]()
                self._give(i, made[i], form)
        for i in order:
            if i not in made:
                given = self._given(i)
                made[i] = form.decode(given) if given else steps[i]()
        return [made[i] for i in order]

    def _take(self, step: int) -> bool:
        try:
            os.close(os.open(self._path(step, "taken"), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            return False
        return True

    def _give(self, step: int, result: T, form: Form[T]) -> None:
        content = b""
        # What is no data the other process makes for itself.
        with contextlib.suppress(stored.NotData):
            content = form.encode(result)
        aside = self._path(step, "new")
        aside.write_bytes(content)
        aside.replace(self._path(step, "given"))

    def _given(self, step: int) -> bytes:
        """Return the result that the other process gives, empty where it gives none."""
        while True:
            # Asked first, so that what it gave before it ended is seen.
            lives = self.lives()
            try:
                return self._path(step, "given").read_bytes()
            except FileNotFoundError:
                if not lives:
                    return b""
            time.sleep(_SOON)

    def _path(self, step: int, what: str) -> Path:
        return self.folder / f"{self.calls}-{step}.{what}"


def _shared(server: str, asked: bytes, helps: str, held: ExitStack) -> _Share | None:
    """Return a share in the work with a helper that the server forks, for as long as ``held`` is open."""
    folder = held.enter_context(scratch.folder())
    (folder / _ASKED).write_bytes(asked)
    line = held.enter_context(ending.lifeline())
    link = held.enter_context(socket.socket(socket.AF_UNIX))
    request = {"work": str(folder), "helps": helps, "line": line, "cwd": str(Path.cwd()), "env": dict(os.environ)}
    try:
        link.connect(server)
        link.sendall(json.dumps(request).encode() + b"\n")
    except OSError:
        return None
    link.setblocking(False)
    return _Share(folder, backwards=False, lives=_Told(link).lives)


@dataclass(slots=True)
class _Told:
    """What the server tells of a helper: a line as it is forked, and one as it has ended."""

    link: socket.socket
    heard: bytes = b""
    over: bool = False

    def lives(self) -> bool:
        try:
            while not self.over:
                more = self.link.recv(4096)
                self.heard += more
                self.over = not more or self.heard.count(b"\n") > 1
        except BlockingIOError:
            pass
        except OSError:
            self.over = True
        return not self.over
