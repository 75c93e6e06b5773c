"""A real browser opens the page without a network, and its prices can be looked at closely."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.evaluation.page import render
from agent.model.patterns import names_of

CLICK = "document.querySelector('button[data-do={}]').click()"
TOLD = "document.querySelector('#prices output').textContent"


@pytest.fixture
def page(opened, evaluation, judged):
    return opened(render(evaluation(models=(judged(), judged(name="tree", trades=judged().trades[:5])))))


def test_it_opens_without_a_complaint_and_asks_for_nothing_but_itself(page):
    assert page.run("document.documentElement.dataset.prices") == "drawn"
    assert page.complaints == []
    assert [url.partition("?")[0].rsplit("/", 1)[-1] for url in page.requests] == ["page.html"]


def test_it_draws_the_prices(page):
    canvas = "document.querySelector('canvas')"
    drawn = f"new Set({canvas}.getContext('2d').getImageData(0, 0, {canvas}.width, {canvas}.height).data).size"
    assert page.run(drawn) > 20


def test_it_steps_through_the_trades(page, judged, evaluation):
    second = judged().trades[1]
    page.run(CLICK.format("next"))
    page.run(CLICK.format("next"))
    told = page.run(TOLD)
    assert told.startswith("Trade 2 of 47")
    entry, exit = (f"{price * 10.0 ** -evaluation().bars.decimals:,.2f}" for price in (second.entry, second.exit))
    assert (
        f"{'long' if second.side > 0 else 'short'} {entry} \N{RIGHTWARDS ARROW} {exit}, {second.barrier}" in told
    )
    assert f"{second.result_bps:+.1f}".replace("-", "\N{MINUS SIGN}") in told
    assert ", ".join(names_of(second.patterns)) in told
    page.run(CLICK.format("previous"))
    assert page.run(TOLD).startswith("Trade 1 of 47")
    page.run(CLICK.format("all"))
    assert page.run(TOLD) == ""


def test_it_shows_the_trades_of_another_model(page):
    page.run("(s => { s.value = '1'; s.dispatchEvent(new Event('change')) })(document.querySelector('select'))")
    page.run(CLICK.format("next"))
    assert page.run(TOLD).startswith("Trade 1 of 5")


def test_it_says_so_where_there_is_no_trade(opened, evaluation, judged):
    page = opened(render(evaluation(models=(judged(trades=()),))))
    page.run(CLICK.format("next"))
    assert page.run(TOLD) == "There is no trade."
    assert page.complaints == []


def test_it_answers_keys_wheel_and_pointer_without_a_complaint(page):
    for key in ("+", "-", "ArrowLeft", "ArrowRight", "n", "p", "0"):
        page.run(f"document.querySelector('canvas').dispatchEvent(new KeyboardEvent('keydown', {{key: '{key}'}}))")
    for kind, more in (("wheel", "deltaY: -200, ctrlKey: true"), ("pointermove", "clientX: 300, clientY: 200")):
        made = "WheelEvent" if kind == "wheel" else "PointerEvent"
        page.run(
            f"document.querySelector('canvas').dispatchEvent(new {made}('{kind}', {{{more}, cancelable: true}}))"
        )
    assert page.complaints == []


def test_names_that_are_markup_stay_names(opened, evaluation, judged):
    name = "<img src=x onerror=document.title='hurt'>"
    page = opened(render(evaluation(models=(judged(name=name),), bars=replace(evaluation().bars, source=name))))
    assert name in page.run("document.querySelector('h1').textContent")
    assert page.run("document.images.length") == 0
    assert "hurt" not in page.run("document.title").replace(name, "")
    assert page.complaints == []


@pytest.mark.parametrize("width", [360, 1200])
def test_nothing_but_tables_is_wider_than_the_screen(page, width):
    page.ask(
        "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 500
    )
    assert page.run("document.documentElement.scrollWidth") <= width
