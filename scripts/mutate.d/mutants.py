"""Authority on what a mutant is: one small change of one source, and a name for it that survives what moves around it."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kinds import KINDS, Change
from syntax import Node, Source, Span, around, is_node, type_of, walk

__all__ = ["Mutant", "mutants_of", "source_of"]


# Characters that are shown of what was changed; and where that is too long, beside the change.
_SHORT, _AROUND = 140, 40
_HOLDERS = ("IfStatement", "ForStatement", "WhileStatement", "TryStatement", "FunctionDefinition")


@dataclass(frozen=True)
class Mutant:
    """A source with one mistake in it.

    Attributes
    ----------
    id
        Function and a hash of the change and of the statement it is made in: the same wherever the statement moves to
        within its function.
    kind
        The kind of mistake, a key of `KINDS`.
    source
        Name of the source.
    where
        Contract and function, or state variable: ``Pricing.leastTaken``.
    line
        From 1.
    before, after
        What a reader is shown: the expression or statement, without and with the mistake, on one line.
    span, text
        What is replaced in the source, and by what.
    """

    id: str
    kind: str
    source: str
    where: str
    line: int
    before: str
    after: str
    span: Span
    text: str

    def applied(self, text: bytes) -> bytes:
        """The source's text with the mistake."""
        return text[: self.span.start] + self.text.encode() + text[self.span.end :]


def source_of(name: str, text: bytes, output: Mapping[str, Any]) -> Source:
    """A source, as solc's answer knows it; the answer holds the trees of it and of all it imports."""
    trees = [each["ast"] for each in output["sources"].values()]
    enums = {
        node["canonicalName"]: tuple(member["name"] for member in node["members"])
        for tree in trees
        for node, _ in walk(tree)
        if is_node(node, "EnumDefinition")
    }
    return Source(name, text, output["sources"][name]["ast"], enums)


def mutants_of(source: Source) -> list[Mutant]:
    """All mutants of a source, in its order; of changes with the same outcome, the first."""
    found = []
    seen: set[tuple[Span, str]] = set()
    namesakes: Counter[str] = Counter()
    for node, above in walk(source.tree):
        for kind, change in _changes(source, node, above):
            if (change.span, change.text) in seen:
                continue
            seen.add((change.span, change.text))
            found.append(_mutant(source, kind, change, (*above, node), namesakes))
    return sorted(found, key=lambda each: (each.span.start, each.span.end))


def _changes(source: Source, node: Node, above: tuple[Node, ...]) -> Iterator[tuple[str, Change]]:
    for kind, changes in KINDS.items():
        for change in changes(source, node, above):
            yield kind, change


def _mutant(source: Source, kind: str, change: Change, path: tuple[Node, ...], namesakes: Counter[str]) -> Mutant:
    before = source.read(change.shown)
    offset, length = change.span.start - change.shown.start, change.span.end - change.span.start
    raw = before.encode()
    after = (raw[:offset] + change.text.encode() + raw[offset + length :]).decode()
    statement = around(path[-1], path[:-1])
    # One that holds others is known by what is changed of it: its body may change.
    text = "" if is_node(statement, *_HOLDERS) else source.read(statement)
    where, signature = _home(path)
    # However it is laid out, it is the same.
    named = "\0".join("".join(each.split()) for each in (source.name, signature, text, kind, before, after))
    namesakes[named] += 1
    digest = hashlib.sha256(f"{named}\0{namesakes[named]}".encode()).hexdigest()
    return Mutant(
        id=f"{where}-{digest[:8]}",
        kind=kind,
        source=source.name,
        where=where,
        line=source.line(change.span.start),
        before=_cut(_one_line(before), _one_line(after)),
        after="(nothing)" if change.text == "{}" else _cut(_one_line(after), _one_line(before)),
        span=change.span,
        text=change.text,
    )


def _home(path: tuple[Node, ...]) -> tuple[str, str]:
    """The function or state variable that a node is in: as people call it, and so that overloads differ."""
    names, types = [], ""
    for each in path:
        if is_node(each, "ContractDefinition", "ModifierDefinition"):
            names.append(each["name"])
        elif is_node(each, "FunctionDefinition"):
            names.append(each["name"] or each["kind"])
            types = ",".join(type_of(parameter) for parameter in each["parameters"]["parameters"])
        elif is_node(each, "VariableDeclaration") and each["stateVariable"]:
            names.append(each["name"])
    where = ".".join(names)
    return where, f"{where}({types})"


def _cut(text: str, other: str) -> str:
    """What a reader needs of a text to see how it differs from another: all of it, if that is short."""
    if len(text) <= _SHORT:
        return text
    first = _alike(text, other)
    last = len(text) - _alike(text[:first:-1], other[:first:-1])
    start = text.rfind(" ", 0, max(0, first - _AROUND)) + 1
    end = text.find(" ", min(last + _AROUND, first + _SHORT))
    return f"{'… ' if start else ''}{text[start : end if end > 0 else None]}{' …' if end > 0 else ''}"


def _alike(one: str, other: str) -> int:
    """How many characters two texts begin with in common."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))


def _one_line(text: str) -> str:
    return re.sub(r"(?<=\() | (?=\))", "", " ".join(text.split()))
