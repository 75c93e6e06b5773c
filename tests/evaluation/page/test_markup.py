"""No name is ever markup, and no value ever ends a script."""

from __future__ import annotations

import json
from html.parser import HTMLParser

from hypothesis import example, given
from hypothesis import strategies as st

from agent.evaluation.page.markup import element, html, json_script, number


class Read(HTMLParser):
    """What a reader of HTML finds: elements with their attributes, and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements, self.text = [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


readable = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"))


@given(readable, readable)
def test_text_and_attributes_are_read_as_they_were_written(text, title):
    read = Read(html(element("p", text, title=title)))
    assert read.elements == [("p", {"title": title})]
    assert read.text.strip("\n") == text.strip("\n")


@given(st.text(st.characters()))
@example("\x00\ud800\x1b[31m\uffff")
def test_whatever_a_name_holds_can_be_written_to_a_file(name):
    written = html(element("p", name, element("b", name), name, title=name))
    written.encode("utf-8")
    assert not set("\x00\x1b\x7f\x85\uffff") & set(written)


@given(
    st.recursive(
        readable | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(readable, inner), max_leaves=12
    )
)
def test_data_is_read_as_it_was_written_and_ends_nothing(value):
    written = html(json_script("data", {"value": value, "end": "</script><!--<script>"}))
    read = Read(written)
    assert read.elements == [("script", {"id": "data", "type": "application/json"})]
    assert json.loads(read.text) == {"value": value, "end": "</script><!--<script>"}


def test_children_come_in_their_order_and_nothing_is_left_out_but_none():
    made = element(
        "p", "a", element("b", "c"), None, "d", [element("i"), ["e"]], hidden=True, title=None, lang=False
    )
    assert html(made) == '<!DOCTYPE html>\n<p hidden="">a<b>c</b>d<i></i>e</p>\n'


def test_numbers_are_written_short():
    assert [number(value) for value in (1.0, 0.125, -0.001, 12.5, 100)] == ["1", "0.12", "0", "12.5", "100"]
    assert (
        html(element("circle", r=4.5, stroke_width=2))
        == '<!DOCTYPE html>\n<circle r="4.5" stroke-width="2"></circle>\n'
    )
