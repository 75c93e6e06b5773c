"""Authority on which small mistakes are made: for each kind, the changes that a node of the syntax tree offers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

from syntax import Node, Source, Span, around, is_node, type_of

__all__ = ["KINDS", "Change"]

# Beside the boundary and the opposite, what differs on the far side of the boundary alone.
_COMPARISONS = {
    "<": ("<=", ">=", "!="),
    "<=": ("<", ">", "=="),
    ">": (">=", "<=", "!="),
    ">=": (">", "<", "=="),
    "==": ("!=",),
    "!=": ("==",),
}
# Between two amounts, more than being equal can be meant.
_BETWEEN_NUMBERS = {"==": ("<=", ">="), "!=": ("<", ">")}
_ARITHMETIC = {
    "+": "-",
    "-": "+",
    "*": "/",
    "/": "*",
    "%": "*",
    "**": "*",
    "&": "|",
    "|": "&",
    "^": "&",
    "<<": ">>",
    ">>": "<<",
}
_STEPS = {"++": "--", "--": "++"}
_ROUNDINGS = "Math.Rounding"
_CHECKS = ("require", "assert")
# How many of a function's first arguments may change places without a difference.
_COMMUTING = {"min": 2, "max": 2, "mulDiv": 2}


@dataclass(frozen=True, slots=True)
class Change:
    """A stretch of a source and what takes its place.

    Attributes
    ----------
    span, text
        The stretch and its replacement.
    shown
        The expression or statement that a reader must see to understand the change; it encloses the stretch.
    """

    span: Span
    text: str
    shown: Span


Kind = Callable[[Source, Node, tuple[Node, ...]], Iterator[Change]]


def comparison(source: Source, node: Node, above: tuple[Node, ...]) -> Iterator[Change]:
    """``<`` and its like become one another."""
    if not is_node(node, "BinaryOperation") or node["operator"] not in _COMPARISONS:
        return
    operator = node["operator"]
    others = _COMPARISONS[operator]
    sides = (node["leftExpression"], node["rightExpression"])
    if all(type_of(side).startswith(("uint", "int")) and not is_node(side, "Literal") for side in sides):
        others += _BETWEEN_NUMBERS.get(operator, ())
    place = source.between(*sides, operator)
    for other in others:
        yield Change(place, other, source.span(node))


def logic(source: Source, node: Node, above: tuple[Node, ...]) -> Iterator[Change]:
    """``&&`` and ``||`` become one another or lose a side; ``!`` is dropped."""
    whole = source.span(node)
    if is_node(node, "BinaryOperation") and node["operator"] in ("&&", "||"):
        left, right = node["leftExpression"], node["rightExpression"]
        other = "||" if node["operator"] == "&&" else "&&"
        # An `||` binds less than what may stand around it.
        yield Change(whole, f"({source.read(left)} {other} {source.read(right)})", whole)
        yield Change(whole, source.read(left), whole)
        yield Change(whole, source.read(right), whole)
    if is_node(node, "UnaryOperation") and node["operator"] == "!":
        yield Change(whole, source.read(node["subExpression"]), whole)


def condition(source: Source, node: Node, above: tuple[Node, ...]) -> Iterator[Change]:
    """What is asked is always so, or never."""
    if not is_node(node, "IfStatement", "Conditional", "ForStatement") or not node.get("condition"):
        return
    place, whole = source.span(node["condition"]), source.span(node)
    shown = whole
    if not is_node(node, "Conditional"):
        closing = source.after(node["condition"], ")", until=source.span(_body(node)).start)
        shown = Span(whole.start, closing.end)
    # A loop without an end shows itself; a check that never holds is a removed check.
    if not is_node(node, "ForStatement"):
        yield Change(place, "true", shown)
    if not _is_check(node):
        yield Change(place, "false", shown)


def arithmetic(source: Source, node: Node, above: tuple[Node, ...]) -> Iterator[Change]:
    """An operator on numbers becomes its opposite."""
    whole = source.span(node)
    if is_node(node, "BinaryOperation") and node["operator"] in _ARITHMETIC:
        place = source.between(node["leftExpression"], node["rightExpression"], node["operator"])
        yield Change(place, _ARITHMETIC[node["operator"]], whole)
    if is_node(node, "Assignment") and (operator := node["operator"][:-1]) in _ARITHMETIC:
        place = source.between(node["leftHandSide"], node["rightHandSide"], node["operator"])
        yield Change(place, f"{_ARITHMETIC[operator]}=", whole)
        yield Change(place, "=", whole)
    if is_node(node, "UnaryOperation"):
        operator, inner = node["operator"], node["subExpression"]
        if operator in _STEPS:
            if node["prefix"]:
                place = source.before(inner, operator, since=whole.start)
            else:
                place = source.after(inner, operator, until=whole.end)
            yield Change(place, _STEPS[operator], whole)
        if operator in ("-", "~"):
            yield Change(whole, source.read(inner), whole)


def constant(source: Source, node: Node, above: tuple[Node, ...]) -> Iterator[Change]:
    """A number is one more, one less, or zero; a truth is its opposite; a type's greatest value is one less."""
    whole = source.span(node)
    shown = source.span(around(node, above))
    if is_node(node, "Literal") and node["kind"] == "bool":
        yield Change(whole, "false" if node["value"] == "true" else "true", shown)
    is_extreme = is_node(node, "MemberAccess") and node["memberName"] == "max"
    if is_extreme and type_of(node["expression"]).startswith("type("):
        yield Change(whole, f"({source.read(node)} - 1)", shown)
    if not is_node(node, "Literal") or node["kind"] != "number" or is_node(above[-1], "ArrayTypeName"):
        return
    text = source.read(node).replace("_", "")
    if not text.isdecimal():
        for other in (f"({text} + 1)", f"({text} - 1)", "0"):
            yield Change(whole, other, shown)
        return
    value = int(text)
    for number in dict.fromkeys((value + 1, value - 1, 0)):
        if number >= 0 and number != value:
            yield Change(whole, str(number), shown)


def member(source: Source, node: Node, above: tuple[Node, ...]) -> Iterator[Change]:
    """A member of an enum becomes its neighbour."""
    found = _enum_member(source, node)
    if found is not None and found != _ROUNDINGS:
        yield _neighbour(source, node, found, above)


def rounding(source: Source, node: Node, above: tuple[Node, ...]) -> Iterator[Change]:
    """What is rounded up is rounded down, and the other way round."""
    found = _enum_member(source, node)
    if found == _ROUNDINGS:
        yield _neighbour(source, node, found, above)
    if _method(node) == "mulDiv" and len(node["arguments"]) == 3:
        end = source.span(node["arguments"][-1]).end
        library = source.read(node["expression"]["expression"])
        yield Change(Span(end, end), f", {library}.Rounding.Ceil", source.span(node))


def removed_check(source: Source, node: Node, above: tuple[Node, ...]) -> Iterator[Change]:
    """A `require` is not there, or an `if` that leaves the function."""
    if (
        _is_check(node)
        or (is_node(node, "ExpressionStatement") and _called(node["expression"]) in _CHECKS)
        or (is_node(node, "RevertStatement") and not _ends_a_check(above))
    ):
        yield _without(source, node)


def swapped_arguments(source: Source, node: Node, above: tuple[Node, ...]) -> Iterator[Change]:
    """Two values of one type stand in each other's place: arguments, parts of a tuple, keys, or declared names."""
    places: list[tuple[str, Span]] = []
    whole = source.span(node)
    alike = 0
    if is_node(node, "FunctionCall"):
        places = [(_plain(type_of(each)), source.span(each)) for each in node["arguments"]]
        alike = _COMMUTING.get(_method(node), 0)
    elif is_node(node, "TupleExpression") and not node["lValueRequested"]:
        places = [(_plain(type_of(each)), source.span(each)) for each in node["components"] if each]
    elif is_node(node, "IndexAccess") and is_node(node["baseExpression"], "IndexAccess"):
        keys = (node["baseExpression"]["indexExpression"], node["indexExpression"])
        places = [(_plain(type_of(each)), source.span(each)) for each in keys]
    elif is_node(node, "VariableDeclarationStatement") and not is_node(
        node.get("initialValue"), "TupleExpression"
    ):
        places = [(_plain(type_of(each)), source.name_span(each)) for each in node["declarations"] if each]
    for (here, (one, first)), (there, (other, second)) in combinations(enumerate(places), 2):
        if one == other and max(here, there) >= alike and source.read(first) != source.read(second):
            middle = source.read(Span(first.end, second.start))
            text = f"{source.read(second)}{middle}{source.read(first)}"
            yield Change(Span(first.start, second.end), text, whole)


def removed_statement(source: Source, node: Node, above: tuple[Node, ...]) -> Iterator[Change]:
    """A write, a call, an event or a `return` is not there."""
    # The step of a loop: without it there is no end, which shows itself.
    in_head = above and is_node(above[-1], "ForStatement") and node is above[-1]["loopExpression"]
    expression = node.get("expression")
    if is_node(node, "ExpressionStatement") and not in_head and _called(expression) not in _CHECKS:
        yield _without(source, node)
    if is_node(node, "EmitStatement", "TryStatement") or (
        is_node(node, "Return") and expression and not _ends_a_check(above)
    ):
        yield _without(source, node)
    if is_node(node, "VariableDeclarationStatement") and node.get("initialValue"):
        declared = node["declarations"]
        if len(declared) == 1 and declared[0]["storageLocation"] == "default":
            place = Span(source.span(declared[0]).end, source.span(node["initialValue"]).end)
            yield Change(place, "", source.span(node))


def swapped_branches(source: Source, node: Node, above: tuple[Node, ...]) -> Iterator[Change]:
    """What is chosen where a condition holds is chosen where it does not."""
    if not is_node(node, "Conditional"):
        return
    yes, no = source.span(node["trueExpression"]), source.span(node["falseExpression"])
    middle = source.read(Span(yes.end, no.start))
    yield Change(Span(yes.start, no.end), f"{source.read(no)}{middle}{source.read(yes)}", source.span(node))


def removed_modifier(source: Source, node: Node, above: tuple[Node, ...]) -> Iterator[Change]:
    """A function is without one of its modifiers."""
    if is_node(node, "ModifierInvocation") and node.get("kind") == "modifierInvocation":
        whole = source.span(node)
        yield Change(whole, "", whole)


def early_return(source: Source, node: Node, above: tuple[Node, ...]) -> Iterator[Change]:
    """A function that judges finds nothing to object to: it returns the first member of its enum at once."""
    if not is_node(node, "FunctionDefinition") or not node.get("body"):
        return
    values = []
    for each in node["returnParameters"]["parameters"]:
        members = source.enums.get(type_of(each).removeprefix("enum "))
        if members is None:
            return
        values.append(f"{source.read(each['typeName'])}.{members[0]}")
    if values:
        body = source.span(node["body"]).start
        text = values[0] if len(values) == 1 else f"({', '.join(values)})"
        place = Span(body + 1, body + 1)
        yield Change(place, f" return {text};", place)


KINDS: dict[str, Kind] = {
    "comparison": comparison,
    "logic": logic,
    "condition": condition,
    "arithmetic": arithmetic,
    "constant": constant,
    "enum member": member,
    "rounding": rounding,
    "removed check": removed_check,
    "swapped arguments": swapped_arguments,
    "removed statement": removed_statement,
    "swapped branches": swapped_branches,
    "removed modifier": removed_modifier,
    "early return": early_return,
}


def _body(node: Node) -> Node:
    """What an `if` or a loop holds."""
    body: Node = node["trueBody"] if is_node(node, "IfStatement") else node["body"]
    return body


def _is_check(node: Node) -> bool:
    """Whether an `if` does nothing but leave the function."""
    if not is_node(node, "IfStatement") or node.get("falseBody"):
        return False
    body = node["trueBody"]
    inside = body["statements"] if is_node(body, "Block") else [body]
    return len(inside) == 1 and is_node(inside[0], "Return", "RevertStatement")


def _ends_a_check(above: tuple[Node, ...]) -> bool:
    """Whether a statement under these nodes is what an `if` leaves the function with: one change for both is enough."""
    return any(_is_check(each) for each in above[-2:])


def _without(source: Source, node: Node) -> Change:
    """The change that takes a statement away, with the semicolon that solc does not count as its own."""
    whole = source.span(node)
    if not source.read(node).endswith("}"):
        whole = Span(whole.start, source.after(node, ";", until=len(source.text)).end)
    return Change(whole, "{}", whole)


def _method(node: Node) -> str:
    """Name of the member function that a node calls; "" where it does not."""
    if is_node(node, "FunctionCall") and is_node(node["expression"], "MemberAccess"):
        return str(node["expression"]["memberName"])
    return ""


def _called(expression: Node) -> str:
    """Name of the function that a call names directly; "" where it does not."""
    if is_node(expression, "FunctionCall") and is_node(expression["expression"], "Identifier"):
        return str(expression["expression"]["name"])
    return ""


def _plain(name: str) -> str:
    """A type without what does not keep one value from standing for another."""
    return name.replace(" payable", "").removesuffix(" calldata").removesuffix(" memory")


def _enum_member(source: Source, node: Node) -> str | None:
    """Name of the enum of which a node is a member written down; None where it is not."""
    if not is_node(node, "MemberAccess"):
        return None
    name = type_of(node["expression"]).removeprefix("type(enum ").removesuffix(")")
    members = source.enums.get(name, ())
    return name if node["memberName"] in members and len(members) > 1 else None


def _neighbour(source: Source, node: Node, enum: str, above: tuple[Node, ...]) -> Change:
    """The member before this one; for the first, that after it."""
    members = source.enums[enum]
    index = members.index(node["memberName"])
    end = source.span(node).end
    place = Span(end - len(node["memberName"]), end)
    return Change(place, members[index - 1 if index else 1], source.span(around(node, above)))
