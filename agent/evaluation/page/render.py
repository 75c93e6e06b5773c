"""The page as a whole: one file that asks the network for nothing, and may not."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from functools import cache
from importlib.resources import files

from agent import __version__
from agent.evaluation.page import words
from agent.evaluation.page.markup import Child, Element, element, html, json_script
from agent.evaluation.page.prices import prices_data
from agent.evaluation.page.sections import comparison, figures, method, model_section, prices, verdict
from agent.evaluation.result import Evaluation, Judged

__all__ = ["is_page", "render"]

_GENERATOR = "patternsettle"


def render(evaluation: Evaluation) -> str:
    """Return an evaluation as one HTML document.

    It shows the leading model first, then the others. The same evaluation gives the same text. Style, script
    and data are inside; a policy in its head forbids any request, and any script but its own.

    Parameters
    ----------
    evaluation
        What was found.
    """
    leader, others = evaluation.leader, [each for each in evaluation.models if each is not evaluation.leader]
    title = f"{leader.name} on {_market(evaluation)}"
    style, script = _file("page.css"), _script()
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="generator", content=_GENERATOR),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
        element("title", f"{title}: {'evidence' if leader.verdict.edge else 'no evidence'} of an edge"),
        element("style", style),
    )
    main = element(
        "main",
        _head(evaluation, title),
        comparison(evaluation) if others else None,
        element("section", element("h2", leader.name), model_section(evaluation, leader)),
        prices(evaluation),
        element("section", element("h2", "The other models"), [_other(evaluation, each) for each in others])
        if others
        else None,
        method(evaluation),
        element(
            "footer", element("p", f"patternsettle {__version__}. Past results are no promise.", class_="note")
        ),
    )
    body = element("body", main, json_script("prices-data", prices_data(evaluation)), element("script", script))
    return html(element("html", head, body, lang="en"))


def is_page(beginning: bytes) -> bool:
    """Return whether a file that begins so, with a thousand bytes or all it has, is a page that `render` made."""
    named = f'<meta name="generator" content="{_GENERATOR}">'
    return beginning.startswith(b"<!DOCTYPE html>") and named.encode() in beginning


def _head(evaluation: Evaluation, title: str) -> list[Child]:
    bars, leader = evaluation.bars, evaluation.leader
    first, last = evaluation.tests[0].first, evaluation.tests[-1].last
    source = f"{bars.source}, " if bars.market else ""
    return [
        element(
            "p", "SYNTHETIC: these bars were generated, not traded on any market.", class_="made-up", role="note"
        )
        if bars.synthetic
        else None,
        element(
            "header",
            element(
                "p",
                f"{source}bars of {words.duration(bars.interval)}, tested from {first:%Y-%m-%d} to {last:%Y-%m-%d}",
                class_="kicker",
            ),
            element("h1", title),
            verdict(leader.verdict),
        ),
        figures(evaluation, leader),
    ]


def _other(evaluation: Evaluation, model: Judged) -> Element:
    return element(
        "details",
        element("summary", model.name),
        verdict(model.verdict, small=True),
        figures(evaluation, model),
        model_section(evaluation, model),
        class_="model",
    )


def _market(evaluation: Evaluation) -> str:
    return evaluation.bars.market or evaluation.bars.source


def _policy(style: str, script: str) -> str:
    """Return a policy that forbids every request, every form, and every style and script but these."""
    hashes = (b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script))
    styles, scripts = (f"'sha256-{each}'" for each in hashes)
    return f"default-src 'none'; style-src {styles}; script-src {scripts}; base-uri 'none'; form-action 'none'"


def _script() -> str:
    """Return all scripts as one, which is only valid together."""
    return "\n".join(_file(f"script/{name}.js") for name in ("read", "ticks", "chart", "hands"))


@cache
def _file(name: str) -> str:
    return files("agent.evaluation.page").joinpath(name).read_text("utf-8")
