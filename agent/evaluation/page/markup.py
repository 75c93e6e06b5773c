"""HTML and SVG as elements that escape what they hold, so that no name from a file is ever markup."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from xml.etree import ElementTree

__all__ = ["Child", "Element", "element", "html", "json_script", "number"]

Element = ElementTree.Element
Child = Element | str | None | Iterable["Child"]

# What no HTML file may hold: controls that are not white space, and halves of characters.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def element(tag: str, /, *children: Child, **attributes: str | float | bool | None) -> Element:
    """Return an element.

    Parameters
    ----------
    tag
        Its name.
    children
        Elements, text to be escaped, iterables of both; None is left out.
    attributes
        By name, with ``_`` for ``-`` and a trailing ``_`` where Python reserves the word. Numbers are written short,
        True as an empty attribute; None and False are left out.
    """
    made = Element(tag)
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        shown = "" if value is True else _clean(value) if isinstance(value, str) else number(value)
        made.set(key.rstrip("_").replace("_", "-"), shown)
    _append(made, children)
    return made


def number(value: float) -> str:
    """Return a number as plots write it: at most two digits after the point, none that say nothing."""
    shown = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if shown == "-0" else shown


def json_script(id_: str, value: Any) -> Element:
    """Return a script element that holds data for other scripts and is never run."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return element("script", text.replace("<", "\\u003c"), id=id_, type="application/json")


def html(root: Element) -> str:
    """Return a whole document."""
    return "<!DOCTYPE html>\n" + ElementTree.tostring(root, encoding="unicode", method="html") + "\n"


def _append(parent: Element, children: Iterable[Child]) -> None:
    for child in children:
        if child is None:
            continue
        if isinstance(child, Element):
            parent.append(child)
        elif isinstance(child, str):
            _append_text(parent, _clean(child))
        else:
            _append(parent, child)


def _append_text(parent: Element, text: str) -> None:
    if len(parent):
        parent[-1].tail = (parent[-1].tail or "") + text
    else:
        parent.text = (parent.text or "") + text


def _clean(text: str) -> str:
    return _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text)
