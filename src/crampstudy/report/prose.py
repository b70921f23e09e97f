"""The prose of a section as its notebook shows it: values filled in, references and citations in words.

The report numbers, links and cites on its own, over all of its sections; what stands here is for the reader of one
notebook, in which figures and tables are numbered as they are first spoken of or shown.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

VALUE = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")
"""``{{name}}`` in the prose of a section."""
_WORDS = {"fig": "Figure", "tbl": "Table", "eq": "Equation", "sec": "Section"}
_KEY = r"[A-Za-z][\w-]*\w"
_BRACKETS = re.compile(rf"\[(-?@{_KEY}[^\[\]]*)\]")
_MENTION = re.compile(rf"(?<![\w@-])(-?)@({_KEY})")
_BETWEEN_SENTENCES = re.compile(r"(?<=[.?!])\s+(?=[^\sa-z])|(?<=\}\})\s+(?=[A-Z@{])")
"""A sentence ends with its full stop, or with a value that has one."""
_CITED = re.compile(rf"\[-?@{_KEY}[^\[\]]*\]|(?<![\w@-])-?@{_KEY}")
_NAMED_WORK = re.compile(r"\(([A-Z][a-z]+) (\d{4})\)")
_DIV = re.compile(r"^:::.*\n?", re.MULTILINE)
_ATTRIBUTES = re.compile(r"^(#{1,6} .*?)[ \t]*\{[^{}]*\}[ \t]*$", re.MULTILINE)
_ENTRY = re.compile(r"^@\w+\{(\w+),(.*?)^\}", re.MULTILINE | re.DOTALL)
# Two hyphens are those of a command's option, and no dash.
_MARKUP = re.compile(r"([\\`*_\[\]<>$@^~#{}|]|-(?=-)|(?<=-)-)")


@dataclass(slots=True)
class Section:
    """What a notebook has said so far: the texts of its values, and the numbers of its figures and tables."""

    values: dict[str, str] = field(default_factory=dict)
    _numbers: dict[str, int] = field(default_factory=dict)

    def reference(self, label: str, bare: bool = False) -> str:
        """Return how a label such as ``fig-age`` is spoken of, by its number alone where it is ``bare``."""
        kind, _, name = label.partition("-")
        if kind == "sec":
            return name.replace("-", " ") if bare else f"Section “{name.replace('-', ' ')}”"
        of_kind = sum(known.startswith(f"{kind}-") for known in self._numbers)
        number = self._numbers.setdefault(label, of_kind + 1)
        return str(number) if bare else f"{_WORDS[kind]}\N{NO-BREAK SPACE}{number}"

    def shown(self, markdown: str) -> str:
        """Return Markdown of the report as Markdown for the notebook.

        A name that no value has yet stays as it is: another section of the report may define it.
        """
        text = _ATTRIBUTES.sub(r"\1", _DIV.sub("", markdown))
        text = _BRACKETS.sub(self._in_brackets, text)
        text = _MENTION.sub(self._mentioned, text)
        return filled(text, self.values)

    def _in_brackets(self, found: re.Match[str]) -> str:
        inside = found[1]
        labels = [_is_label(name) for _, name in _MENTION.findall(inside)]
        said = _MENTION.sub(lambda each: self._mentioned(each, in_brackets=True), inside)
        return said.replace("; ", ", ") if all(labels) else f"({said})"

    def _mentioned(self, found: re.Match[str], in_brackets: bool = False) -> str:
        bare, name = bool(found[1]), found[2]
        if _is_label(name):
            return self.reference(name, bare)
        if name not in _works():
            return found[0]
        authors, year = _works()[name]
        if bare:
            return year
        return f"{authors} {year}" if in_brackets else f"{authors} ({year})"


def filled(markdown: str, values: Mapping[str, str]) -> str:
    """Return Markdown with the texts of values in the place of their names, where there is one."""
    return VALUE.sub(lambda found: escaped(values[found[1]]) if found[1] in values else found[0], markdown)


def without(markdown: str, labels: Collection[str]) -> str:
    """Return Markdown without the sentences that speak of figures or tables which are not there."""
    paragraphs = (_kept(paragraph, labels) for paragraph in markdown.split("\n\n"))
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _kept(paragraph: str, labels: Collection[str]) -> str:
    if not any(name in labels for _, name in _MENTION.findall(paragraph)):
        return paragraph
    sentences = _BETWEEN_SENTENCES.split(paragraph)
    return " ".join(s for s in sentences if not any(name in labels for _, name in _MENTION.findall(s)))


def escaped(text: str) -> str:
    """Return a text as Markdown that shows it as it is."""
    return _MARKUP.sub(r"\\\1", text)


def cited(text: str) -> str:
    """Return a text as Markdown that shows it as it is, but for its citations and references.

    A work of the bibliography that is named in plain brackets, as ``(Salaffi 2004)``, is cited too.
    """
    text = _NAMED_WORK.sub(lambda found: _citation(found[1], found[2]) or found[0], text)
    pieces, at = [], 0
    for found in _CITED.finditer(text):
        if all(_is_label(name) or name in _works() for _, name in _MENTION.findall(found[0])):
            pieces += [escaped(text[at : found.start()]), found[0]]
            at = found.end()
    return "".join([*pieces, escaped(text[at:])])


def _citation(author: str, year: str) -> str | None:
    key = f"{author.lower()}{year}"
    return f"[@{key}]" if key in _works() else None


def _is_label(name: str) -> bool:
    return name.partition("-")[0] in _WORDS and "-" in name


@cache
def _works() -> Mapping[str, tuple[str, str]]:
    """Return authors and year of the works of the bibliography, by their keys."""
    text = (files("crampstudy.report") / "assets" / "references.bib").read_text(encoding="utf-8")
    return {key: (_authors(_field(entry, "author")), _field(entry, "year")) for key, entry in _ENTRY.findall(text)}


def _field(entry: str, name: str) -> str:
    found = re.search(rf"^\s*{name}\s*=\s*\{{(.*?)\}},?\s*$", entry, re.MULTILINE)
    return found[1].replace("{", "").replace("}", "") if found else ""


def _authors(names: str) -> str:
    families = [name.partition(",")[0] for name in names.split(" and ")]
    match families:
        case [one]:
            return one
        case [one, other]:
            return f"{one} and {other}"
        case [one, other, third]:
            return f"{one}, {other}, and {third}"
    return f"{families[0]} et al."
