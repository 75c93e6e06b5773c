"""Authority on the syntax tree that solc gives of a source: its nodes, what encloses them, and the text they stand for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

__all__ = ["Node", "Source", "Span", "around", "is_node", "type_of", "walk"]

Node = Mapping[str, Any]

_SIMPLE = {"ExpressionStatement", "EmitStatement", "RevertStatement", "VariableDeclarationStatement", "Return"}
_COMPOUND = {"IfStatement", "ForStatement", "WhileStatement", "TryStatement", "Block", "ContractDefinition"}
_COMMENTS = re.compile(rb"//[^\n]*|/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a source, in bytes of UTF-8."""

    start: int
    end: int


@dataclass(frozen=True)
class Source:
    """A source and its tree.

    Attributes
    ----------
    name
        What the compiler knows it by: ``libraries/Pricing.sol``.
    text
        Its bytes: solc counts in them, and not in characters.
    tree
        solc's tree of it.
    enums
        Names of the members of each enum that can be named in it, by the enum's own name: ``Math.Rounding``.
    """

    name: str
    text: bytes
    tree: Node
    enums: Mapping[str, tuple[str, ...]]

    def read(self, what: Node | Span) -> str:
        """The text of a node or a stretch, as it is written."""
        span = what if isinstance(what, Span) else self.span(what)
        return self.text[span.start : span.end].decode()

    def span(self, node: Node) -> Span:
        """Where a node stands."""
        start, length, _ = map(int, node["src"].split(":"))
        return Span(start, start + length)

    def name_span(self, declaration: Node) -> Span:
        """Where the name of a declaration stands."""
        start, length, _ = map(int, declaration["nameLocation"].split(":"))
        return Span(start, start + length)

    def between(self, left: Node, right: Node, word: str) -> Span:
        """Where a word stands between two nodes: the tree has no place for an operator."""
        gap = Span(self.span(left).end, self.span(right).start)
        return self._find(gap, word)

    def before(self, node: Node, word: str, *, since: int) -> Span:
        """Where a word stands between a place and a node that comes after it."""
        return self._find(Span(since, self.span(node).start), word)

    def after(self, node: Node, word: str, *, until: int) -> Span:
        """Where a word stands between a node and a place that comes after it."""
        return self._find(Span(self.span(node).end, until), word)

    def line(self, place: int) -> int:
        """The line of a place, from 1."""
        return self.text.count(b"\n", 0, place) + 1

    def _find(self, gap: Span, word: str) -> Span:
        # A comment is blanked, not cut: the places of what follows stay.
        text = _COMMENTS.sub(lambda found: b" " * len(found[0]), self.text[gap.start : gap.end])
        start = gap.start + text.index(word.encode())
        return Span(start, start + len(word.encode()))


def is_node(value: object, *types: str) -> bool:
    """Whether a value in a tree is a node of one of these types."""
    return isinstance(value, Mapping) and value.get("nodeType") in types


def type_of(node: Node) -> str:
    """The Solidity type of an expression or declaration, as solc writes it; "" for what has none."""
    return str((node.get("typeDescriptions") or {}).get("typeString") or "")


def around(node: Node, above: tuple[Node, ...]) -> Node:
    """The innermost statement that a node is part of, or the condition of one that holds others."""
    path = [node, *reversed(above)]
    for inner, outer in pairwise(path):
        if inner["nodeType"] in _SIMPLE or outer["nodeType"] in _COMPOUND:
            return inner
    return node


def walk(node: Node, above: tuple[Node, ...] = ()) -> Iterator[tuple[Node, tuple[Node, ...]]]:
    """All nodes in the order of their beginnings, each with those around it, outermost first.

    What assembly holds is of another language, and left out.
    """
    yield node, above
    if node["nodeType"] == "InlineAssembly":
        return
    for child in sorted(_children(node), key=lambda each: int(each["src"].split(":")[0])):
        yield from walk(child, (*above, node))


def _children(node: Node) -> Iterator[Node]:
    for value in node.values():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, Mapping) and "nodeType" in each and "src" in each:
                yield each
