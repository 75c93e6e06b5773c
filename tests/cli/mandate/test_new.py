"""`patternsettle mandate new`: exact, judged by the contract, told in whole tokens, and written whole or not at all."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from pathlib import Path

import pytest

from agent.chain.contracts import ModelsContract
from agent.chain.values import ANYONE, Side
from agent.desk.mandate_file import MandateFile
from agent.model.artifact import identify
from agent.model.patterns import mask_of

from ...prefork.forked import MODULE
from ..conftest import PATIENCE, environment
from .conftest import FILE

WORD = "0x" + 64 * "7"
ALONE = {"rpc": None, "base_decimals": 18, "quote_decimals": 6}  # without a node


class TestWhatIsWritten:
    def test_is_what_was_asked_for_to_the_last_unit(self, new, market):
        mandate = new(
            max_amount="4000.000001",
            min_amount="0.1",
            drawdown_limit="12.5",
            patterns="breakout_up, double_bottom",
            confidence=6_000,
            cooldown="1h",
            ramp="30s",
            max_signal_age="5m",
            min_price="1999.99999999",
            max_price="2500",
            filler=market.desk.filler.address.lower(),
            expiry="2030-01-31T12:00Z",
            salt=WORD,
        ).mandate
        assert (mandate.min_amount, mandate.max_amount, mandate.drawdown_limit) == (
            100_000,
            4_000_000_001,
            12_500_000,
        )
        assert (mandate.min_price, mandate.max_price) == (199_999_999_999 * 10**16, 2_500 * 10**24)
        assert (mandate.horizon, mandate.cooldown, mandate.ramp, mandate.max_signal_age) == (3_600, 3_600, 30, 300)
        assert mandate.patterns == mask_of(["breakout_up", "double_bottom"])
        assert (mandate.filler, mandate.expiry) == (market.desk.filler.address, 1_896_091_200)
        assert (mandate.market, mandate.source) == (market.desk.market, market.desk.models.address)
        assert mandate.salt == bytes.fromhex(WORD[2:])

    def test_of_a_short_is_in_base(self, new):
        mandate = new(side="short", max_amount="0.000000000002", min_amount="0.000000000001").mandate
        assert (mandate.side, mandate.min_amount, mandate.max_amount) == (Side.SHORT, 10**6, 2 * 10**6)

    def test_is_safe_where_nothing_was_said(self, new):
        mandate = new(max_amount="0.300001").mandate
        assert mandate.min_amount == 150_001
        assert (mandate.filler, mandate.patterns, mandate.ramp, mandate.cooldown) == (ANYONE, 0, 0, 300)
        assert mandate.min_price == mandate.max_price == 0

    def test_counts_an_expiry_from_the_time_of_the_chain(self, new, market):
        now = market.desk.now
        assert new(expiry="2d").mandate.expiry == now + 2 * 86_400

    def test_is_another_each_time(self, new):
        first = new().id
        Path(FILE).unlink()
        assert new().id != first

    def test_is_what_the_contract_would_sign_and_file(self, new, market):
        file = new()
        assert file.digest == "0x" + market.desk.settlement.digest_of(file.mandate).hex()
        assert file.id == "0x" + market.desk.settlement.call("idOf", file.mandate)[0].hex()

    def test_is_told_to_machines_whole(self, command, market):
        told = json.loads(command("mandate", "new", *market.options(), "--json").out)
        file, document = MandateFile.read(Path(FILE)), json.loads(Path(FILE).read_text())
        assert (told["id"], told["digest"], told["chain_id"]) == (file.id, file.digest, 31_337)
        assert told["settlement"] == market.desk.settlement.address
        assert told["model_registered"] is True
        assert told["mandate"] == document["message"]
        assert told["typed_data"] == {key: each for key, each in document.items() if key != "patternsettle"}

    def test_needs_no_node_where_the_decimals_are_said(self, command, market):
        options = market.options(**ALONE)
        told = json.loads(command("mandate", "new", *options, "--json").out)
        assert told["mandate"]["maxAmount"] == str(4_000 * 10**6)
        assert told["model_registered"] is None

    def test_needs_no_record_on_a_chain_that_says_where_it_is(self, command, replaying):
        options = [
            *("--rpc", replaying, "--out", FILE, "--owner", "0x" + 40 * "1", "--model-id", WORD, "--side", "long"),
            *("--take-profit", 200, "--stop-loss", 100, "--horizon", "1h", "--slippage", 50, "--expiry", "30d"),
            *("--max-amount", 10, "--drawdown-limit", 1),
        ]
        ended = command("mandate", "new", *options)
        assert ended.code == 0
        assert "It is not registered on this chain yet" in " ".join(ended.out.split())

    def test_names_a_saved_model_as_the_registry_does(self, command, market, price_file):
        assert command("train", "--data", price_file, "--out", "model").code == 0
        desk = market.desk
        options = market.options(
            model_id=None, model="model", publisher=desk.other.address, model_key=desk.key.address
        )
        told = json.loads(command("mandate", "new", *options, "--json").out)
        artifact = bytes.fromhex(identify("model").removeprefix("0x"))
        registry = ModelsContract(desk.chain, desk.at.models)
        assert (
            told["mandate"]["model"] == "0x" + registry.id_of(desk.other.address, desk.key.address, artifact).hex()
        )


class TestTheWorstDay:
    def test_is_told_in_two_sentences_of_whole_tokens(self, command, market):
        said = json.loads(command("mandate", "new", *market.options(), "--json").out)["worst"]["says"]
        assert said == [
            "On its worst day it loses 159.8 QUOTE at most, where the price leaps over no barrier: the drawdown limit of "
            "100 QUOTE and one more trade stopped at a loss of 59.8 QUOTE.",
            "A stolen model key and a filler together take at most 39.9 QUOTE a trip beyond the oracle's own move, at most "
            "one trip every 5 min, and 159.8 QUOTE in all.",
        ]

    @pytest.mark.parametrize(
        ("cooldown", "words"),
        [
            ("0", ["159.8 QUOTE at most", "one trip a block"]),
            (
                "1d",
                [
                    "loses 59.8 QUOTE at most",
                    "the one trade that a cooldown of 1 d lets end",
                    "159.8 QUOTE in all",
                ],
            ),
            ("23h", ["loses 119.6 QUOTE at most", "the 2 trades that a cooldown of 23 h", "59.8 QUOTE each"]),
        ],
    )
    def test_is_no_worse_than_the_cooldown_lets_it_be(self, cooldown, words, command, market):
        told = json.loads(command("mandate", "new", *market.options(cooldown=cooldown), "--json").out)
        for word in words:
            assert word in " ".join(told["worst"]["says"])

    def test_is_shown_to_people_too(self, command, market):
        shown = " ".join(command("mandate", "new", *market.options()).out.split())
        assert "On its worst day it loses 159.8 QUOTE at most" in shown
        assert f"cast wallet sign --data --from-file {FILE}" in shown


BAD = {
    "side": ({"side": "up"}, ["--side", "'up' is no side", "long or short"]),
    "pattern": ({"patterns": "breakout_upp"}, ["--patterns", "Did you mean 'breakout_up'?"]),
    "no pattern": ({"patterns": ","}, ["--patterns", "there is no name"]),
    "owner": ({"owner": "0x12"}, ["--owner", "not an address"]),
    "checksum": ({"owner": "0x70997970C51812dc3A010C7d01b50e0d17dc79c8"}, ["--owner", "checksum is wrong"]),
    "filler": ({"filler": "nobody"}, ["--filler", "not an address"]),
    "model": ({"model_id": "0x12"}, ["--model-id", "not 32 bytes"]),
    "salt": ({"salt": "seven"}, ["--salt", "not 32 bytes"]),
    "confidence": ({"confidence": 10_001}, ["--confidence", "0 to 10000"]),
    "per cent": ({"slippage": "0.5%"}, ["--slippage", "basis points", "100 are one per cent"]),
    "negative": ({"stop_loss": "-5"}, ["--stop-loss"]),
    "wide": ({"take_profit": 70_000}, ["--take-profit", "0 to 65535"]),
    "too fine": ({"max_amount": "1.0000001"}, ["--max-amount", "finer than QUOTE", "0.000001"]),
    "exponent": ({"max_amount": "1e3"}, ["--max-amount", "'1e3' is not an amount"]),
    "separators": ({"max_amount": "1,000"}, ["--max-amount", "without separators"]),
    "not a number": ({"max_amount": "nan"}, ["--max-amount", "not an amount"]),
    "huge": ({"max_amount": "9" * 40}, ["--max-amount", "more than the contract has room for"]),
    "fine price": ({"min_price": "0." + "0" * 30 + "1"}, ["--min-price", "finer than a price"]),
    "horizon": ({"horizon": "soon"}, ["--horizon", "'soon' is not a time", "12h"]),
    "long horizon": ({"horizon": "99999d"}, ["--horizon", "longer than a mandate can say"]),
    "expiry": ({"expiry": "tomorrow"}, ["--expiry", "'tomorrow' is no date"]),
    "date": ({"expiry": "2030-02-30"}, ["--expiry", "is no date"]),
    "bare number": ({"expiry": "1900000000"}, ["--expiry", "is no date"]),
}
UNSOUND = {
    "tiny": (
        {"max_amount": "0.099999", "min_amount": "0"},
        ["--max-amount of 0.099999 QUOTE is too little", "The least is 0.1 QUOTE"],
    ),
    "no limit": ({"drawdown_limit": "0"}, ["--drawdown-limit is nothing"]),
    "no such price": ({"min_price": "9" * 52}, ["--min-price of", "above any price there can be"]),
    "no price": ({"max_price": "0." + "0" * 18 + "1"}, ["--max-price of", "is below any price to open at"]),
    "expired": ({"expiry": "2020-01-01"}, ["--expiry 2020-01-01 00:00:00 UTC has passed", "the chain's time is"]),
    "stop": (
        {"slippage": 100},
        ["--slippage 100 reaches --stop-loss 100", "Give --slippage 98 at most, or --stop-loss 103 at least."],
    ),
    "profit": (
        {"take_profit": 40},
        ["--slippage 50 reaches --take-profit 40", "--slippage 38 at most, or --take-profit 52 at least"],
    ),
    "no barrier": ({"stop_loss": 0}, ["--slippage 50 reaches --stop-loss 0", "Give --stop-loss 52 at least."]),
    "all slippage": ({"slippage": 10_000}, ["--slippage 10000 gives up all of the price"]),
    "below zero": ({"stop_loss": 10_000}, ["--stop-loss 10000 of a long", "Give less than 10000."]),
    "short profit": (
        {"side": "short", "take_profit": 10_000, "max_amount": "1", "drawdown_limit": "1"},
        ["--take-profit 10000 of a short", "zero or below"],
    ),
    "no horizon": ({"horizon": "0"}, ["--horizon is no time"]),
    "ramp": ({"ramp": "11m"}, ["--ramp 11 min is longer than --max-signal-age 10 min", "Give 600s at most."]),
    "least": ({"min_amount": "5000"}, ["--min-amount of 5,000 QUOTE is more than --max-amount of 4,000 QUOTE"]),
    "prices": ({"min_price": "2", "max_price": "1"}, ["--max-price of 1 QUOTE is below --min-price of 2 QUOTE"]),
    "own filler": ({"filler": "OWNER"}, ["--filler is the owner"]),
}


class TestWhatIsRefused:
    @pytest.fixture(autouse=True)
    def _leaves_nothing_behind(self, market):
        yield
        assert [each.name for each in Path.cwd().iterdir() if each.name != "deployment.json"] == []

    @pytest.mark.parametrize(("changes", "words"), BAD.values(), ids=BAD)
    def test_what_cannot_be_read(self, changes, words, command, market):
        options = market.options(**ALONE, **changes)
        command("mandate", "new", *options).is_refused(*(word.replace("QUOTE", "quote") for word in words))

    @pytest.mark.parametrize(("changes", "words"), UNSOUND.values(), ids=UNSOUND)
    def test_what_the_contract_would_not_take(self, changes, words, command, market):
        changes = {name: market.desk.owner if each == "OWNER" else each for name, each in changes.items()}
        command("mandate", "new", *market.options(**changes)).is_refused(*words)

    @pytest.mark.parametrize("name", ["expired", "stop", "ramp", "own filler"])
    def test_the_same_where_there_is_no_node(self, name, command, market):
        changes, words = UNSOUND[name]
        changes = {key: market.desk.owner if each == "OWNER" else each for key, each in changes.items()}
        command("mandate", "new", *market.options(**ALONE, **changes)).is_refused(*words)

    @pytest.mark.parametrize("name", ["owner", "side", "model_id", "stop_loss", "max_amount", "expiry"])
    def test_what_is_missing_where_nobody_can_be_asked(self, name, command, market):
        option = f"--{name.replace('_', '-')}"
        options = market.options(**ALONE, **{name: None})
        command("mandate", "new", *options).is_refused(f"{option} is needed", "Give it")

    def test_what_names_the_model_twice_or_by_half(self, command, market):
        options = market.options(model="m", publisher=market.desk.owner, model_key=market.desk.key)
        command("mandate", "new", *options).is_refused("--model-id and --model both name the model")
        options = market.options(model_id=None, model="m")
        command("mandate", "new", *options).is_refused("--model, --publisher and --model-key together")

    def test_a_place_that_cannot_be_meant(self, command, market):
        for out, words in (
            ("nowhere/m.json", ["does not exist", "Make it"]),
            (".", ["is a folder"]),
            ("deployment.json", ["is there already", "Name another"]),
        ):
            command("mandate", "new", *market.options(out=out)).is_refused(*words)
        assert json.loads(Path("deployment.json").read_text())["settlement"] == market.desk.settlement.address

    def test_a_place_for_which_nothing_says_where_the_contracts_are(self, command, market):
        command("mandate", "new", *market.options(rpc=None, deployment=None)).is_refused("--deployment FILE")
        command("mandate", "new", *market.options(rpc=None)).is_refused("--base-decimals and --quote-decimals")
        command("mandate", "new", *market.options(deployment=None)).is_refused(
            "does not say where the contracts are"
        )
        command("mandate", "new", *market.options(rpc="http://127.0.0.1:1")).is_refused("No node answers")
        ended = command("mandate", "new", *market.options(quote_decimals=18))
        ended.is_refused("the quote token says that it has 6 decimals".replace("the", "The", 1))

    def test_an_oracle_that_prices_something_else(self, command, market):
        record = json.loads(Path("deployment.json").read_text())
        record["base"], record["quote"] = record["quote"], record["base"]
        Path("deployment.json").write_text(json.dumps(record))
        command("mandate", "new", *market.options()).is_refused(
            "The oracle", "Name the oracle of these two tokens"
        )

    def test_a_model_that_was_revoked(self, command, market):
        market.desk.models.revoke(market.desk.publisher, market.desk.model)
        command("mandate", "new", *market.options()).is_refused("was revoked", "Name another with --model-id")


def test_one_that_is_lodged_or_cancelled_needs_another_salt(command, market, lodged, on_chain):
    lodged(salt=WORD)
    again = market.options(salt=WORD, out="again.json", expiry="2030-01-01")
    Path(FILE).unlink()
    lodged(salt=WORD, expiry="2030-01-01")
    command("mandate", "new", *again).is_refused("is lodged already", "Leave --salt out")
    assert not Path("again.json").exists()


@pytest.mark.skipif(os.name != "posix", reason="has no terminal that a test can be")
class TestATerminal:
    """Somebody is asked, in a terminal of their own."""

    def run(self, folder, market, answers, **options):
        (folder / "deployment.json").write_text(json.dumps(market.desk.at.to_json()))
        leader, follower = os.openpty()
        command = [*MODULE, "mandate", "new", *market.options(**options)]
        ends = {"stdin": follower, "stdout": follower, "stderr": follower}
        with subprocess.Popen(command, cwd=folder, env=environment(), **ends) as process:
            os.close(follower)
            shown = b""
            try:
                for question, answer in answers:
                    shown = _until(leader, question.encode())
                    os.write(leader, answer.encode() + b"\n")
                shown += _until(leader, None)
                return process.wait(PATIENCE), shown.decode()
            finally:
                process.kill()
                os.close(leader)

    def test_is_asked_for_all_that_was_not_given_and_again_where_an_answer_is_none(self, tmp_path, market):
        answers = [
            ("Which way", "sideways"),
            ("Which way", "short"),
            ("Accepted patterns", "breakout_upp"),
            ("Did you mean 'breakout_up'?", "breakout_up"),
            ("Lowest accepted confidence", ""),
            ("How much less than", "150"),
            ("Time between", ""),
            ("Longest time since a signal", ""),
            ("Time after the bar", ""),
            ("Lowest price", ""),
            ("Highest price", ""),
            ("The only account", ""),
            ("Most that a trade gives", "2.5"),
            ("Loss since the best point", "0.25"),
            ("Least that a trade gives, in BASE [1.25]", ""),
            ("Give --slippage 98 at most", "50"),
        ]
        code, shown = self.run(
            tmp_path, market, answers, side=None, slippage=None, max_amount=None, drawdown_limit=None
        )
        assert code == 0, shown
        mandate = MandateFile.read(tmp_path / FILE).mandate
        assert (mandate.side, mandate.max_slippage_bps, mandate.max_amount) == (Side.SHORT, 50, 25 * 10**17)
        assert (mandate.min_amount, mandate.drawdown_limit) == (125 * 10**16, 25 * 10**16)

    def test_is_asked_nothing_where_all_that_is_needed_was_given(self, tmp_path, market):
        code, shown = self.run(tmp_path, market, [])
        assert (code, "Accepted patterns" in shown) == (0, False)

    def test_that_says_no_more_ends_it_and_nothing_is_written(self, tmp_path, market):
        code, shown = self.run(tmp_path, market, [("Which way", "\x04")], side=None)
        assert code == 2
        assert "The input ended before --side was answered" in " ".join(shown.split())
        assert not (tmp_path / FILE).exists()


def _until(leader: int, words: bytes | None) -> bytes:
    """Read what a terminal shows, until some words or the end."""
    shown, deadline = b"", time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if words is not None and words in b" ".join(shown.split()):
            return shown
        if select.select([leader], [], [], 1)[0]:
            try:
                more = os.read(leader, 4_096)
            except OSError:  # Linux says so of a terminal whose other end is closed
                more = b""
            if not more:
                break
            shown += more
    assert words is None, (words, shown)
    return shown
