"""The page: one file that needs no network, says what was found as it is, and takes no name for markup."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from agent.evaluation.luck import judge
from agent.evaluation.measured import Calibration, Estimate
from agent.evaluation.page import is_page, render
from agent.evaluation.page.words import NBSP
from agent.evaluation.result import Verdict

VOID = {"meta", "br", "img", "link", "input"}
FETCHING = {"src", "href", "srcset", "action", "data", "poster", "xlink:href", "background", "formaction"}
EVIL = "<img src=x onerror=alert(1)> \"'</script><script>alert(2)</script> &amp; \u202e\x00"


class Page(HTMLParser):
    """A page taken apart; what is opened has to be closed in its order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.attributes, self.words, self.inside, self.open = [], [], [], {}, []
        self.tables, self.feeding = [], text
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *each) for each in attrs]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append(0)
        elif tag in ("td", "th"):
            self.tables[-1][-1] += 1

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("script", "style"):
            self.inside.setdefault(self.open[-1], []).append(data)
        else:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).replace(NBSP, " ").split())

    def of(self, name: str) -> list[str]:
        return [value for _, key, value in self.attributes if key == name]


@pytest.fixture
def page(evaluation) -> Page:
    return Page(render(evaluation()))


class TestNoNetwork:
    def test_nothing_in_it_names_another_place(self, evaluation):
        text = render(evaluation())
        assert not FETCHING & {name for _, name, _ in Page(text).attributes}
        assert not re.search(r"https?:|wss?:|//\w+\.|@import|url\(", text)

    def test_its_script_asks_for_nothing_and_makes_no_markup(self, page):
        script = page.inside["script"][-1]
        for word in (
            "fetch(",
            "XMLHttpRequest",
            "WebSocket",
            "sendBeacon",
            "import(",
            "eval(",
            "innerHTML",
            "document.write",
        ):
            assert word not in script

    def test_its_policy_allows_its_own_style_and_script_and_nothing_else(self, page):
        (policy,) = (value for value in page.of("content") if "default-src" in value)
        hashes = [
            f"'sha256-{b64encode(hashlib.sha256(page.inside[tag][-1].encode()).digest()).decode()}'"
            for tag in ("style", "script")
        ]
        assert policy == (
            f"default-src 'none'; style-src {hashes[0]}; script-src {hashes[1]}; base-uri 'none'; form-action 'none'"
        )
        assert "style" not in {name for _, name, _ in page.attributes}
        assert not any(name.startswith("on") for _, name, _ in page.attributes)


class TestWhatItIs:
    def test_its_beginning_tells_that_it_is_ours_even_where_names_are_long(self, evaluation):
        long = evaluation(bars=replace(evaluation().bars, market="M" * 5_000))
        assert is_page(render(long).encode()[:1_024])

    def test_another_page_is_not_ours(self):
        assert not is_page(b"<!DOCTYPE html><html><head><title>patternsettle</title></head></html>")


class TestWhatItSays:
    def test_it_opens_with_the_verdict(self, page):
        assert page.text.index("No evidence of an edge: p = 0.41 after 12 trials.") < page.text.index(
            "result after costs"
        )

    def test_chances_are_written_as_in_the_verdict(self, evaluation, judged):
        luck = replace(judged().luck, p_value=0.0091, deflated_sharpe=0.9996, pbo=0.1239)
        verdict = judge(judged().overall, luck, trials=12)
        both = (judged(luck=luck, verdict=verdict), judged(name="forest", luck=luck))
        text = Page(render(evaluation(models=both))).text
        assert "p = 0.010 after 12 trials" in text
        assert "deflated Sharpe ratio 0.999" in text
        assert "probability of overfitting 0.124" in text
        assert "1.000" not in text

    def test_a_loss_is_shown_with_its_sign_and_its_interval(self, page):
        assert "result after costs −3.4 % 95 %: −7.4 to +0.6 %" in page.text
        assert "mean of a trade −8.5 bps" in page.text

    @pytest.mark.parametrize(
        "said",
        [
            "hit rate 50.0 % 95 %: 35.0 to 65.0 % base rate 48.0 %",
            "p-value 0.412 of shuffled labels, after 12 trials; 0.087 on its own",
            "deflated Sharpe ratio 0.183",
            "probability of overfitting — there is only one trial",
            "always long",
            "patterns alone",
            "drawdown \N{MINUS SIGN}8.1 % of the highest equity before it",
            "random entries",
            "The Brier score is 0.6300 (0.6200 to 0.6400), and 0.6400 for always giving the base rates",
            "breakout_up",
            "prices.csv",
            "a spread of 5 bps at either end, and gas of 3.49 bps a trade (97,476 gas to open)",
            "60 bars between training and test, 12 of them an embargo",
            "1,100 bars of 1 hour, 2024-01-01 00:00 to 2024-02-15 19:00 UTC",
            "12 trials on these bars, 11 of them before this one, 1 unfinished; counted in trials.jsonl",
        ],
    )
    def test_it_says(self, page, said):
        assert said in page.text

    def test_it_names_the_data_by_a_hash_of_every_price(self, evaluation, page):
        bars = evaluation().bars
        closes = bars.close.copy()
        closes[17] += 1
        assert f"SHA-256 {bars.sha256} of times and prices" in page.text
        assert replace(bars, close=closes).sha256 != bars.sha256

    def test_synthetic_bars_say_so_before_anything_else_and_others_do_not(self, evaluation, page):
        made_up = Page(render(evaluation(bars=replace(evaluation().bars, synthetic=True))))
        assert made_up.text.index("SYNTHETIC: these bars were generated") < made_up.text.index("No evidence")
        assert "SYNTHETIC" not in page.text
        assert "synthetic" not in page.text

    def test_an_edge_looks_like_one(self, evaluation, judged):
        found = render(evaluation(models=(judged(verdict=Verdict(True, "Evidence of an edge: p = 0.004.")),)))
        assert "verdict found" in found
        assert "verdict found" not in render(evaluation())

    def test_several_models_are_compared_the_leader_first(self, evaluation, judged, page):
        better = replace(judged().overall, sharpe=Estimate(0.9))
        both = Page(render(evaluation(models=(judged(), judged(name="forest", overall=better)))))
        assert "The 2 models" in both.text
        assert "The other models boosting" in both.text
        assert both.text.startswith("forest on ETH/USD")
        assert "other models" not in page.text

    def test_every_row_of_a_table_has_a_cell_for_each_heading(self, evaluation, judged):
        page = Page(render(evaluation(models=(judged(), judged(name="tree")))))
        assert len(page.tables) >= 10
        for rows in page.tables:
            assert len(set(rows)) == 1


class TestForEverybody:
    def test_it_has_a_language_a_title_and_a_place_on_a_telephone(self, page):
        assert page.of("lang") == ["en"]
        assert "boosting on ETH/USD: no evidence of an edge" in page.text
        assert "width=device-width, initial-scale=1" in page.of("content")

    def test_every_picture_is_told_in_words_or_stands_beside_them(self, evaluation):
        text = render(evaluation())
        for tag in re.findall(r"<(?:svg|canvas)[^>]*>", text):
            assert "aria-label=" in tag or 'aria-hidden="true"' in tag or "preserveAspectRatio" in tag

    def test_every_button_says_what_it_does(self, page):
        buttons = [value for tag, name, value in page.attributes if tag == "button" and name == "aria-label"]
        assert len(buttons) == page.tags.count("button") == 5

    def test_it_can_be_passed_on_without_telling_where_its_writer_keeps_files(self, evaluation):
        trials = replace(evaluation().trials, log="/home/somebody/.local/share/patternsettle/trials.jsonl")
        text = render(evaluation(trials=trials))
        assert "counted in trials.jsonl" in text
        assert "somebody" not in text

    def test_no_id_is_given_twice(self, page):
        assert len(page.of("id")) == len(set(page.of("id")))


def test_names_are_never_markup(evaluation, judged, page):
    baselines = tuple(replace(each, name=EVIL, meaning=EVIL) for each in evaluation().baselines)
    model = judged(
        name=EVIL,
        classifier=EVIL,
        verdict=Verdict(False, EVIL),
        luck=replace(judged().luck, pbo_untold=EVIL),
        patterns=tuple(replace(part, name=EVIL) for part in judged().patterns),
    )
    hurt = Page(
        render(
            evaluation(
                models=(model,),
                baselines=baselines,
                bars=replace(evaluation().bars, source=EVIL, market=EVIL),
                scheme=EVIL,
                costs=replace(evaluation().costs, gas_origin=EVIL),
                trials=replace(evaluation().trials, log=EVIL),
            )
        )
    )
    assert hurt.tags == page.tags
    assert {name for _, name, _ in hurt.attributes} == {name for _, name, _ in page.attributes}
    assert "<img src=x onerror=alert(1)>" in hurt.text


def test_the_same_evaluation_gives_the_same_page(evaluation):
    assert render(evaluation()) == render(evaluation())


class TestWhatIsMissing:
    def test_no_trade_at_all_is_told_without_a_number(self, evaluation, judged):
        nothing = judged().patterns[1].measures
        idle = judged(
            trades=(),
            overall=nothing,
            equity=np.zeros(len(evaluation().times)),
            folds=tuple(replace(fold, measures=nothing) for fold in judged().folds),
            sides=tuple(replace(part, measures=nothing) for part in judged().sides),
            patterns=(),
            calibration=Calibration((), None),
            luck=replace(judged().luck, p_value=None, p_alone=None, deflated_sharpe=None),
            verdict=Verdict(False, "No evidence of an edge: nothing was traded, after 12 trials."),
        )
        text = Page(render(evaluation(models=(idle,)))).text
        assert "nothing was traded" in text
        assert "mean of a trade —" in text
        assert "p-value —" in text
        assert "too few bars with a pattern to draw it" in text
        assert "nan" not in text

    def test_a_saved_model_was_not_trained_here(self, evaluation, judged):
        folds = tuple(replace(fold, training=None) for fold in judged().folds)
        made = Page(render(evaluation(scheme="saved", models=(judged(saved=True, folds=folds),))))
        assert (
            "the saved models were asked about bars that came after everything they had learned from, as their manifests say"
            in made.text
        )
        assert not any("training" in (value or "").split() for tag, _, value in made.attributes if tag == "rect")
