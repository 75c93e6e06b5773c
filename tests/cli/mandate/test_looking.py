"""`patternsettle mandate show` and `check`: what a mandate says, how it stands, and what it waits for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.chain.contracts import OracleContract

from .conftest import FILE


@pytest.fixture
def check(on_chain):
    """What `mandate check` says to machines."""
    return lambda: json.loads(on_chain("check", "--json").out)


def waits(told):
    return [wait["what"] for wait in told["waits_for"]]


def said(told):
    return " ".join(wait["says"] for wait in told["waits_for"])


class TestShow:
    def test_explains_a_mandate_in_sentences_without_a_chain(self, new, command, market):
        new(
            patterns="breakout_up,double_bottom",
            confidence=6_050,
            ramp="90s",
            filler=market.desk.filler.address,
            min_price="1500",
            max_price="2500.5",
            cooldown="0",
            expiry="2030-01-31",
        )
        told = " ".join(json.loads(command("mandate", "show", FILE, "--json").out)["says"])
        for words in (
            "give QUOTE, take BASE",
            "breakout_up or double_bottom and a confidence of 60.5 % or more",
            "of at least 1,500 QUOTE and at most 2,500.5 QUOTE",
            "It gives 2,000 QUOTE to 4,000 QUOTE",
            "the next as soon as the last has ended",
            "grows from nothing within 1 min 30 s of the bar's close",
            "at a profit of 2 %, at a loss of 1 %, or 1 h after it opened",
            f"Only {market.desk.filler.address} may take the other side",
            "100 QUOTE were lost since the best point so far, nor after 2030-01-31 00:00:00 UTC",
        ):
            assert words in told
        shown = command("mandate", "show", FILE)
        assert (shown.code, "worst day" in shown.out) == (0, True)

    def test_says_the_same_as_the_command_that_wrote_it(self, command, market):
        written = json.loads(command("mandate", "new", *market.options(), "--json").out)
        shown = json.loads(command("mandate", "show", FILE, "--json").out)
        assert {**shown, "model_registered": True} == written

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda d: d["message"].update(maxAmount="4000000001"), ["it was changed", "mandate new"]),
            (lambda d: d["message"].update(maxAmount=-1), ["maxAmount is -1"]),
            (lambda d: d["message"].update(ramp=str(2**32)), ["ramp is"]),
            (lambda d: d["message"].update(side="2"), ["side is '2'"]),
            (lambda d: d["message"].update(minPrice="1e5"), ["minPrice is '1e5'"]),
            (lambda d: d["message"].update(maxAmount=1.5), ["maxAmount is 1.5"]),
            (lambda d: d["message"].update(maxAmount=True), ["maxAmount is True"]),
            (lambda d: d["message"].update(salt="0x12"), ["salt is '0x12'"]),
            (lambda d: d["message"].update(owner="somebody"), ["owner is 'somebody', not an address"]),
            (lambda d: d["message"].pop("ramp"), ["lacks or adds 'ramp'"]),
            (lambda d: d["message"].update(more=1), ["lacks or adds 'more'"]),
            (lambda d: d["message"].update(market=7), ["its market is not a JSON object"]),
            (lambda d: d["types"]["Mandate"].pop(), ["its types are not those of a mandate"]),
            (lambda d: d.update(primaryType="Market"), ["primaryType"]),
            (lambda d: d["domain"].update(name="other"), ["its domain is not that of a settlement contract"]),
            (lambda d: d["domain"].update(chainId="31337"), ["chainId is '31337'"]),
            (lambda d: d["domain"].update(chainId=1), ["it was changed"]),
            (lambda d: d["patternsettle"].update(format=2), ["its format is 2, not 1"]),
            (lambda d: d["patternsettle"].update(id=None), ["it was changed"]),
            (lambda d: d["patternsettle"]["base"].update(decimals=99), ["decimals of its base are 99"]),
            (lambda d: d["patternsettle"]["quote"].update(symbol="\x1b[31m"), ["symbol of its quote"]),
            (lambda d: d.pop("patternsettle"), ["its member patternsettle is not a JSON object"]),
        ],
    )
    def test_refuses_a_file_that_was_changed(self, change, words, new, command):
        new()
        document = json.loads(Path(FILE).read_text())
        change(document)
        Path(FILE).write_text(json.dumps(document))
        command("mandate", "show", FILE).is_refused(FILE, *words)

    @pytest.mark.parametrize(
        "content", [b"", b"not JSON", b"[]", b"7", b"\xff\xfe", b"[" * 100_000, b" " * 1_000_001]
    )
    def test_refuses_a_file_of_another_kind(self, content, command):
        Path(FILE).write_bytes(content)
        command("mandate", "show", FILE).is_refused(FILE, "patternsettle mandate new")
        command("mandate", "show", ".").is_refused(". cannot be read as a mandate: Is a directory")
        command("mandate", "show", "none.json").is_refused("There is no file none.json")


class TestCheck:
    def test_says_what_one_waits_for_from_its_writing_to_its_end(self, new, on_chain, check, market):
        desk, file = market.desk, new()
        assert (check()["state"], waits(check())) == ("not lodged", ["lodging"])
        on_chain("lodge")
        assert (check()["state"], waits(check())) == ("lodged", ["signal"])

        desk.open(desk.signal(), desk.fill(file.mandate, given=4_000 * 10**6))
        told, levels = check(), desk.settlement.barriers_of(file.mandate)
        assert (told["state"], waits(told)) == ("trading", ["barrier"])
        assert told["trade"] == {
            "given": str(4_000 * 10**6),
            "holds": str(2 * 10**18),
            "token": desk.at.base,
            "take_profit": str(levels.take_profit),
            "stop_loss": str(levels.stop_loss),
            "horizon": levels.horizon,
            "touched": None,
        }
        assert "its profit at 2,040 QUOTE, its stop at 1,980 QUOTE" in said(told)

        desk.set_price("1980")
        told = check()
        assert (waits(told), told["trade"]["touched"]) == (["filler"], "stop_loss")
        desk.close(file.mandate)
        told = check()
        assert (told["state"], waits(told)) == ("lodged", ["cooldown", "signal"])
        assert (told["drawdown"], told["drawdown_limit"]) == (str(40 * 10**6), str(100 * 10**6))
        assert told["cooldown_until"] == desk.now + 300
        desk.travel(300)
        assert (check()["cooldown_until"], waits(check())) == (None, ["signal"])

    def test_says_what_an_open_trade_with_a_dead_oracle_needs(self, lodged, check, market):
        desk, file = market.desk, lodged(max_price_age="1h")
        desk.open(desk.signal(), desk.fill(file.mandate, given=4_000 * 10**6))
        desk.travel(4_000)
        assert waits(check()) == ["price"]
        assert "its owner can release it" in said(check())

    def test_says_that_its_horizon_has_come(self, lodged, check, market):
        desk, file = market.desk, lodged(filler=market.desk.filler.address)
        desk.open(desk.signal(), desk.fill(file.mandate, given=4_000 * 10**6))
        desk.travel(3_600)
        assert check()["trade"]["touched"] == "horizon"
        assert f"the filler {desk.filler.address}" in said(check())

    def test_compares_the_ledger_balance_with_the_least_amount(self, lodged, check, market):
        lodged(max_amount="8000000", min_amount="5000000.5")
        told = check()
        assert waits(told) == ["funding", "signal"]
        assert "has 2,000,000 QUOTE in the ledger, and a trade gives 5,000,000.5 QUOTE at least" in said(told)
        assert (told["balance"], told["min_amount"]) == (str(2 * 10**12), "5000000500000")

    def test_says_that_an_old_price_is_too_old(self, lodged, check, market):
        lodged(max_price_age="1h")
        market.desk.travel(4_000)
        assert waits(check()) == ["price", "signal"]

    def test_says_what_became_of_its_model(self, new, on_chain, check, market):
        desk = market.desk
        new(model_id="0x" + 64 * "9")
        on_chain("lodge")
        assert (check()["model"]["registered"], waits(check())) == (False, ["model", "signal"])
        Path(FILE).unlink()
        new()
        on_chain("lodge")
        assert check()["model"] == {
            "registered": True,
            "revoked": False,
            "key": desk.key.address,
            "publisher": desk.publisher.address,
        }
        desk.models.revoke(desk.publisher, desk.model)
        assert (check()["model"]["revoked"], waits(check())) == (True, ["nothing"])

    @pytest.mark.parametrize("lodge", [True, False])
    def test_says_that_one_is_over(self, lodge, new, on_chain, check, market):
        new(expiry="1h")
        if lodge:
            on_chain("lodge")
        market.desk.travel(3_700)
        assert (check()["state"], waits(check())) == ("expired", ["nothing"])
        on_chain("cancel")
        assert (check()["state"], waits(check())) == ("cancelled", ["nothing"])

    def test_says_that_its_drawdown_has_reached_the_limit(self, lodged, check, market):
        desk, file = market.desk, lodged(drawdown_limit="40")
        desk.open(desk.signal(), desk.fill(file.mandate, given=4_000 * 10**6))
        desk.set_price("1980")
        desk.close(file.mandate)
        assert (waits(check()), "limit of 40 QUOTE" in said(check())) == (["nothing"], True)

    def test_compares_what_the_oracle_prices_with_the_market(self, new, on_chain, check, rewritten, market):
        new()
        at = market.desk.at
        assert check()["oracle"] == {"base": at.base, "quote": at.quote, "prices_the_market": True}
        Path(FILE).unlink()
        other = OracleContract.deploy(market.desk.chain, market.desk.publisher, at.feed, at.quote, at.base)
        rewritten(market={"oracle": other.address})
        assert check()["oracle"] == {"base": at.quote, "quote": at.base, "prices_the_market": False}
        assert "which is another market" in " ".join(on_chain("check").out.split())
        on_chain("lodge").is_refused("The oracle", "prices", "Use the oracle of this market")

    def test_puts_up_with_an_oracle_and_a_source_that_say_nothing(self, on_chain, check, rewritten, market):
        nobody = market.desk.stranger.address
        rewritten(market={"oracle": nobody}, source=nobody)
        assert on_chain("lodge").code == 0
        told = check()
        assert (told["price"], told["oracle"]["prices_the_market"], told["model"]["registered"]) == (
            None,
            None,
            None,
        )
        assert waits(told) == ["price", "signal"]
        assert "does not say which tokens it prices" in " ".join(on_chain("check").out.split())

    def test_refuses_tokens_that_are_not_what_the_file_says(self, new, on_chain, check, market):
        file = new()
        document = json.loads(Path(FILE).read_text())
        document["patternsettle"]["quote"]["decimals"] = 18
        Path(FILE).write_text(json.dumps(document))
        for name in ("check", "lodge"):
            on_chain(name).is_refused("the quote token has 18 decimals, the token says 6")
        assert not market.desk.settlement.state_of(file.mandate.id).usable_from

    def test_is_a_table_for_people(self, lodged, on_chain, market):
        desk, file = market.desk, lodged()
        desk.open(desk.signal(), desk.fill(file.mandate, given=4_000 * 10**6))
        shown = " ".join(on_chain("check").out.split())
        for words in (
            "state trading",
            "trade It gave 4,000 QUOTE, and holds 2 BASE.",
            "drawdown 0 QUOTE of 100 QUOTE",
            "It prices the tokens of this market.",
            "It is registered, and signs with",
        ):
            assert words in shown
