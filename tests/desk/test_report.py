"""The report as a document: the keys that others may rely on, exact amounts, times in UTC, and the books' proof."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from agent.chain.local import LocalChain
from agent.chain.rpc.evm import Genesis
from agent.chain.rpc.server import RpcServer
from agent.desk.entries import Action, Kind, RunEnded, RunStarted
from agent.desk.journal import Journal
from agent.desk.report import Report, iso
from agent.desk.session import Run, run_replay
from agent.desk.trades import ReleasedTrade
from agent.errors import DeskError
from agent.market.bars import Bars
from agent.model.patterns import PATTERNS
from agent.model.trained import TrainedModel
from agent.settings import Settings

REPLAYED = 24

# What whoever reads the document may rely on, with the type of each value.
HEX, TIME, AMOUNT = "hex", "time", "amount"
PROMISED: dict[str, Any] = {
    "data": {"source": str, "synthetic": bool, "bars": int, "first": TIME, "last": TIME},
    "model": {"id": HEX, "name": str, "artifact_sha256": str, "trained_until": TIME},
    "chain": {"client": str, "chain_id": int, "blocks": int, "gas_used": int},
    "bars_replayed": int,
    "decisions": {"signal": int, "hold": dict},
    "trades": list,
    "refused": dict,
    "books": {"balanced": bool, "rebuilt_from_events": bool, "tokens": dict},
    "result": {"quote": AMOUNT, "buy_and_hold": AMOUNT, "random_entry": AMOUNT},
    "gas": {
        "open": {"n": int, "min": int, "median": int, "max": int},
        "close": {"n": int, "min": int, "median": int, "max": int},
    },
    "seconds": {"setup": float, "train": float, "replay": float},
}
PROMISED_OF_A_TRADE: dict[str, Any] = {
    "mandate": HEX,
    "side": str,
    "patterns": list,
    "confidence_bps": int,
    "opened_at": TIME,
    "closed_at": TIME,
    "given": AMOUNT,
    "taken": AMOUNT,
    "returned": AMOUNT,
    "barrier": str,
    "open_tx": HEX,
    "close_tx": HEX,
}


def keeps(promise: Any, value: Any) -> None:
    """Fail where a value is not what was promised."""
    if isinstance(promise, dict):
        assert promise.keys() <= value.keys()
        for name, inner in promise.items():
            keeps(inner, value[name])
    elif promise == HEX:
        assert value.startswith("0x")
        assert len(bytes.fromhex(value[2:])) == 32
    elif promise == TIME:
        assert value == datetime.fromisoformat(value).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    elif promise == AMOUNT:
        assert value == str(int(value))
    else:
        assert type(value) is promise


@pytest.fixture(scope="module")
def journal(replayed: Any) -> str:
    return replayed.journal


@pytest.fixture(scope="module")
def bars(replayed: Any) -> Bars:
    return replayed.bars


@pytest.fixture(scope="module")
def report(replayed: Any) -> Report:
    return replayed.report


@pytest.fixture(scope="module")
def document(report: Report) -> dict[str, Any]:
    return report.to_json()


def test_the_document_is_json_and_loses_nothing_on_the_way(document: dict[str, Any]) -> None:
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_the_document_has_every_key_that_is_promised(document: dict[str, Any]) -> None:
    keeps(PROMISED, document)
    for trade in document["trades"]:
        keeps(PROMISED_OF_A_TRADE, trade)
    for trade in document["open_trades"]:
        keeps(
            {name: PROMISED_OF_A_TRADE[name] for name in ("mandate", "side", "given", "taken", "open_tx")}, trade
        )
    for token, each in document["books"]["tokens"].items():
        assert len(bytes.fromhex(token[2:])) == 20
        keeps({"held": AMOUNT, "owed": AMOUNT}, each)


def test_it_says_nothing_of_swaps_where_nothing_was_asked_about_the_model(document: dict[str, Any]) -> None:
    assert not {"swaps", "models"} & document.keys()


def test_it_says_what_it_ran_on(document: dict[str, Any], report: Report, bars: Bars, model: TrainedModel) -> None:
    assert document["data"] == {
        "source": bars.source,
        "market": "",
        "synthetic": True,
        "bars": len(bars),
        "interval_seconds": bars.interval,
        "first": "2024-01-01T00:00:00Z",
        "last": iso(int(bars.time[-1])),
    }
    assert document["model"]["artifact_sha256"] == model.id.removeprefix("0x")
    assert document["model"]["trained_until"] <= iso(int(bars.time[-REPLAYED]))
    assert document["bars_replayed"] == REPLAYED
    assert document["interrupted"] is False


def test_every_bar_is_accounted_for_by_a_decision(document: dict[str, Any]) -> None:
    decisions = document["decisions"]
    assert decisions["signal"] + sum(decisions["hold"].values()) == REPLAYED
    assert decisions["signal"] > 0
    assert decisions["hold"].keys() <= {"no pattern", "no direction", "low confidence", "warming up", "too late"}


def test_reasons_are_told_in_the_contracts_words(document: dict[str, Any]) -> None:
    assert document["refused"]
    assert all(name == name.lower() and n > 0 for name, n in document["refused"].items())
    assert document["refused"].keys() <= {"low confidence", "wrong pattern", "trade open", "cooling down"}


def test_of_each_signal_it_can_be_told_for_every_mandate_whether_it_was_traded_or_why_not(
    document: dict[str, Any], bars: Bars, journal: str
) -> None:
    with Journal.open(journal, readonly=True) as kept:
        decided = [row.entry for row in kept.rows(Kind.DECISION)]
    acted_on = sum(entry.action is Action.SIGNAL for entry in decided[:-1])  # the last one met no later price
    traded = len(document["trades"]) + len(document["open_trades"])
    assert traded + sum(document["refused"].values()) == 2 * acted_on > 0


def test_trades_stand_in_the_order_in_which_they_ended_and_say_why(document: dict[str, Any]) -> None:
    trades = document["trades"]
    known = {pattern.name for pattern in PATTERNS}
    assert all(one["closed_at"] <= other["closed_at"] for one, other in pairwise(trades))
    for trade in trades:
        assert trade["opened_at"] <= trade["closed_at"]
        assert trade["side"] in {"long", "short"}
        assert trade["barrier"] in {"take_profit", "stop_loss", "horizon"}
        assert trade["patterns"]
        assert set(trade["patterns"]) <= known
        assert trade["confidence_bps"] >= document["model"]["threshold_bps"]


def test_the_result_is_what_its_trades_come_to(document: dict[str, Any], report: Report) -> None:
    for told, trade in zip(document["trades"], report.settled, strict=True):
        assert int(told["returned"]) - int(told["given"]) == trade.profit
    assert document["result"]["quote"] == str(sum(trade.profit_in_quote for trade in report.settled))
    assert document["result"]["quote_decimals"] == 6


def test_gas_is_counted_for_each_transaction(document: dict[str, Any]) -> None:
    opened = {trade["open_tx"] for trade in document["trades"] + document["open_trades"]}
    closed = {trade["close_tx"] for trade in document["trades"]}
    gas = document["gas"]
    assert (gas["open"]["n"], gas["close"]["n"]) == (len(opened), len(closed))
    for each in gas.values():
        assert 50_000 < each["min"] <= each["median"] <= each["max"] < document["chain"]["gas_used"]


def test_the_books_of_a_run_are_balanced(document: dict[str, Any]) -> None:
    books = document["books"]
    assert (books["balanced"], books["rebuilt_from_events"]) == (True, True)
    assert all(each["held"] == each["owed"] != "0" for each in books["tokens"].values())
    assert books["balances"] == 6


def test_seconds_are_rounded_and_told_for_each_part(document: dict[str, Any]) -> None:
    assert document["seconds"]["train"] == 1.235
    assert document["seconds"]["replay"] > 0


def test_what_is_synthetic_is_called_so_in_the_verdict(document: dict[str, Any], report: Report) -> None:
    assert document["result"]["verdict"].endswith("The bars are synthetic.")
    real = replace(report, data=replace(report.data, synthetic=False))
    assert "synthetic" not in real.verdict


def test_a_released_trade_is_told_with_its_transaction_and_without_a_result(report: Report) -> None:
    opening = report.settled[0].opening
    released = ReleasedTrade(opening, report.settled[0].closed_at, "0x" + "ab" * 32)
    told = replace(report, released=[released]).to_json()
    [trade] = told["released"]
    assert (trade["release_tx"], trade["open_tx"]) == ("0x" + "ab" * 32, opening.transaction)
    assert trade["released_at"] == report.to_json()["trades"][0]["closed_at"]
    assert not {"returned", "barrier"} & trade.keys()
    assert (told["trades"], told["result"]) == (report.to_json()["trades"], report.to_json()["result"])


def test_the_books_say_what_is_owed_and_how_much_of_it_to_open_trades(
    document: dict[str, Any], report: Report
) -> None:
    books = document["books"]
    assert books["trades"] == len(report.still_open)
    for token, each in books["tokens"].items():
        in_trades = sum(trade.fill.taken for trade in report.still_open if trade.fill.mandate.taken_token == token)
        assert int(each["held_by_trades"]) == in_trades
        assert each["held"] == each["owed"]


def test_a_run_without_trades_has_the_same_keys_and_nothing_in_them(report: Report) -> None:
    idle = replace(
        report,
        settled=(),
        still_open=(),
        refused=Counter(),
        open_gas=(),
        close_gas=(),
        result=replace(report.result, random_entry=None, p_value=None, signals=0),
    ).to_json()
    assert (idle["trades"], idle["refused"]) == ([], {})
    assert idle["gas"]["open"] == {"n": 0, "min": None, "median": None, "max": None}
    assert (idle["result"]["random_entry"], idle["result"]["p_value"]) == (None, None)
    assert json.loads(json.dumps(idle)) == idle


# ---- the journal of the run


def test_the_report_names_the_journals_head_by_which_it_can_be_verified_later(
    document: dict[str, Any], journal: str
) -> None:
    with Journal.open(journal, readonly=True) as kept:
        verified = kept.verify(expected_head=document["journal"]["head"])
    assert (verified.rows, verified.head) == (document["journal"]["rows"], document["journal"]["head"])
    assert document["journal"]["place"] == journal


def test_a_run_is_journalled_from_its_start_to_its_end(document: dict[str, Any], journal: str) -> None:
    with Journal.open(journal, readonly=True) as kept:
        entries = [row.entry for row in kept.rows()]
    first, last = entries[0], entries[-1]
    assert isinstance(first, RunStarted)
    assert isinstance(last, RunEnded)
    assert (first.source, first.synthetic) == (document["data"]["source"], True)
    assert first.contract == document["chain"]["settlement"]
    assert first.settings == {"bars": REPLAYED, "seed": 0, "node": document["chain"]["client"]}
    assert last.summary["result"] == document["result"]["quote"]
    assert last.summary["balanced"] is True


def test_a_run_that_is_stopped_reports_what_was_done_until_then(
    bars: Bars, model: TrainedModel, settings: Settings
) -> None:
    done: list[int] = []
    run = Run(
        bars=bars,
        start=len(bars) - REPLAYED,
        model=model,
        settings=settings,
        stop=lambda: len(done) == 3,
        on_bar=done.append,
    )
    document = run_replay(run).to_json()
    assert (document["interrupted"], document["bars_replayed"]) == (True, 3)
    assert document["decisions"]["signal"] + sum(document["decisions"]["hold"].values()) == 3
    assert document["books"]["balanced"] is True


def test_a_run_whose_journal_cannot_be_opened_ends_before_it_begins(
    bars: Bars, model: TrainedModel, settings: Settings, tmp_path: Path
) -> None:
    run = Run(
        bars=bars,
        start=len(bars) - REPLAYED,
        model=model,
        settings=settings,
        journal=str(tmp_path / "nowhere" / "journal.sqlite"),
    )
    with pytest.raises(DeskError, match="does not exist"):
        run_replay(run)


def test_the_address_of_a_node_which_may_hold_a_key_is_not_journalled(
    bars: Bars, model: TrainedModel, settings: Settings, tmp_path: Path
) -> None:
    place = tmp_path / "journal.sqlite"
    start = len(bars) - REPLAYED
    with LocalChain(Genesis(time=int(bars.time[start]))) as local, RpcServer(local) as server:
        address = server.url.replace("http://", "http://someone:geheim@")
        run = Run(
            bars=bars[: start + 2], start=start, model=model, settings=settings, rpc=address, journal=str(place)
        )
        assert run_replay(run).books.balanced
    with Journal.open(place, readonly=True) as kept:
        told = "".join(row.payload for row in kept.rows())
    assert "patternsettle/" in told
    assert "geheim" not in told
    assert str(server.port) not in told


# ---- times


@pytest.mark.parametrize(
    ("moment", "told"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1_680_303_600, "2023-03-31T23:00:00Z"),
        (datetime(2023, 3, 31, 23, tzinfo=UTC), "2023-03-31T23:00:00Z"),
        (datetime(2023, 4, 1, 1, tzinfo=timezone(timedelta(hours=2))), "2023-03-31T23:00:00Z"),
    ],
)
def test_times_are_told_in_utc_to_the_second(moment: int | datetime, told: str) -> None:
    assert iso(moment) == told
