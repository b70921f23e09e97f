"""Addresses of files on the web: in a form without their secrets, and held to the place that the user named."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import SplitResult, urlsplit

_HIDDEN = "..."
_PORTS = {"http": 80, "https": 443}


def public(address: str) -> str:
    """Return an address without user, password and the values of its query, any of which may be a secret."""
    parts = urlsplit(address)
    query = re.sub(r"=[^&;]*", f"={_HIDDEN}", parts.query) if "=" in parts.query else parts.query and _HIDDEN
    return parts._replace(netloc=host(address), query=query, fragment="").geturl()


def host(address: str) -> str:
    """Return the host of an address, with its port where one is stated."""
    return urlsplit(address).netloc.rpartition("@")[2]


def beneath(base: str, path: str) -> str:
    """Return the address of ``path`` beneath ``base``, which may end in a query."""
    parts = urlsplit(base)
    return parts._replace(path=f"{parts.path.rstrip('/')}/{path}").geturl()


def strays(asked: str, answered: str, allowed: Collection[str]) -> bool:
    """Return whether a redirect leaves the host that was asked, or its encryption, for one that is not ``allowed``."""
    before, after = urlsplit(asked), urlsplit(answered)
    if after.hostname in allowed or host(answered) in allowed:
        return False
    safer = (before.scheme, after.scheme) == ("http", "https") and before.port is None and after.port is None
    return before.hostname != after.hostname or (_place(before) != _place(after) and not safer)


def _place(parts: SplitResult) -> tuple[str, int | None]:
    return parts.scheme, parts.port or _PORTS.get(parts.scheme)
