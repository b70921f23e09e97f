"""YAML as people write it by hand: every value the text that stands there, no key twice, no reference, not deep."""

from __future__ import annotations

from typing import Any, cast

import yaml

LONGEST = 1 << 20
"""Letters of a text at most."""
DEEPEST = 40


def load(text: str) -> Any:
    """Return the content of ``text`` as dictionaries, lists and texts (``no`` is a word, 007 a code).

    Raises:
        yaml.YAMLError: it is not YAML, a key stands twice, it is too long or too deep, or it refers to itself.
    """
    if len(text) > LONGEST:
        raise yaml.YAMLError(f"it is longer than {LONGEST:,} letters")
    return yaml.load(text, Loader=_Loader)


class _Loader(yaml.BaseLoader):
    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        line = self.peek_event().start_mark.line + 1  # type: ignore[no-untyped-call]
        # A few references to references are billions of values.
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError(f"line {line} refers to another place (*name); write the value out")
        if self._depth == DEEPEST:
            raise yaml.YAMLError(f"line {line}: values stand within values more than {DEEPEST} deep")
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        line = node.start_mark.line + 1
        if len(names) < len(node.value):
            raise yaml.YAMLError(f"a name in the entry that begins on line {line} is no text")
        if len(set(names)) < len(names):
            twice = next(name for n, name in enumerate(names) if name in names[:n])
            raise yaml.YAMLError(f"the key {twice!r} stands twice in the entry that begins on line {line}")
        return cast("dict[Any, Any]", super().construct_mapping(node, deep))
