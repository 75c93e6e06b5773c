"""What an entry of the journal holds, and that its JSON is canonical and loses nothing."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import IntEnum
from pathlib import PurePosixPath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.desk.canon import LARGEST_SAFE, canonical, iso, plain
from agent.desk.decision import Standing
from agent.desk.entries import (
    Action,
    Decided,
    DecidedBeside,
    Kind,
    Outcome,
    Phase,
    Refusal,
    RunEnded,
    RunStarted,
    Sent,
    Swap,
    decode,
)
from agent.errors import DeskError

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SAFE = st.integers(0, LARGEST_SAFE)
BPS = st.integers(0, 10_000)
SECONDS = st.integers(0, int(datetime(9999, 12, 31, tzinfo=UTC).timestamp()))
FREE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
EXACT = st.dictionaries(
    TEXT, st.integers() | TEXT | st.booleans() | st.lists(st.integers(), max_size=2), max_size=3
)
ENTRIES = st.one_of(
    st.builds(
        RunStarted,
        settings=st.dictionaries(TEXT, FREE, max_size=4),
        model=TEXT,
        patterns=st.lists(TEXT, max_size=3),
        source=TEXT,
        data_sha256=st.none() | st.binary(min_size=32, max_size=32),
        synthetic=st.booleans(),
        chain_id=SAFE,
        contract=TEXT,
    ),
    st.builds(
        Decided,
        bar_time=SECONDS,
        action=st.just("hold"),
        reason=TEXT.filter(bool),
        side=st.sampled_from([None, "long", "short"]),
        patterns=st.integers(0, 2**32 - 1),
        confidence_bps=st.none() | BPS,
        probabilities_bps=st.dictionaries(TEXT, BPS, max_size=3),
        inputs=st.none() | st.binary(min_size=32, max_size=32),
        threshold_bps=BPS,
    ),
    st.builds(Sent, purpose=TEXT, transaction=st.binary(), nonce=SAFE, mandates=st.lists(st.binary(), max_size=3)),
    st.builds(
        Outcome,
        transaction=TEXT,
        status=st.integers(0, 1),
        block=SAFE,
        gas_used=SAFE,
        events=st.lists(EXACT, max_size=3),
        revert=st.none() | TEXT,
    ),
    st.builds(
        DecidedBeside,
        model=st.binary(min_size=32, max_size=32),
        standing=st.sampled_from([Standing.KEPT, Standing.SHADOW]),
        bar_time=SECONDS,
        action=st.just("signal"),
        side=st.just("long"),
        confidence_bps=BPS,
        inputs=st.binary(min_size=32, max_size=32),
        threshold_bps=BPS,
    ),
    st.builds(
        Swap,
        request=TEXT,
        phase=st.sampled_from(Phase),
        model=st.none() | st.binary(min_size=32, max_size=32),
        bar_time=st.none() | SECONDS,
        reason=st.none() | TEXT,
        facts=st.dictionaries(TEXT, FREE, max_size=4),
    ),
    st.builds(Refusal, mandate=st.binary(), bar_time=SECONDS, reason=TEXT),
    st.builds(RunEnded, summary=st.dictionaries(TEXT, FREE, max_size=4)),
)


def hold(**changes):
    return Decided(**{"bar_time": 0, "action": "hold", "reason": "no pattern", "threshold_bps": 6_000} | changes)


def signal(**changes):
    said = {"side": "long", "patterns": 5, "confidence_bps": 6_250, "inputs": b"\x01" * 32}
    return Decided(**{"bar_time": 0, "action": "signal", "threshold_bps": 6_000} | said | changes)


@given(ENTRIES)
def test_every_entry_is_read_back_as_it_was_written(entry):
    assert decode(entry.kind, entry.payload()) == entry


@given(ENTRIES)
def test_the_json_of_every_entry_is_canonical(entry):
    payload = entry.payload()
    data = json.loads(payload)
    assert payload == json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert payload.encode("utf-8").decode("utf-8") == payload


def test_a_decision_reads_as_designed():
    entry = signal(bar_time=1_675_209_600, probabilities_bps={"up": 6_250, "flat": 3_000, "down": 750})
    assert entry.payload() == (
        '{"action":"signal","bar_time":"2023-02-01T00:00:00Z","confidence_bps":6250,"inputs":"0x'
        + "01" * 32
        + '",'
        '"patterns":5,"probabilities_bps":{"down":750,"flat":3000,"up":6250},"reason":null,"side":"long",'
        '"threshold_bps":6000}'
    )


def test_typed_events_are_written_by_name_with_every_integer_a_decimal_string():
    class Barrier(IntEnum):
        TAKE_PROFIT = 1

    @dataclass(frozen=True)
    class Closed:
        id: bytes
        given: int
        fee: int
        barrier: Barrier

    entry = Outcome(
        transaction=b"\xab",
        status=1,
        block=7,
        gas_used=77_578,
        events=[Closed(b"\x01\x02", 10**24, 0, Barrier.TAKE_PROFIT)],
    )
    assert entry.transaction == "0xab"
    assert entry.events == (
        {"event": "Closed", "id": "0x0102", "given": "1" + "0" * 24, "fee": "0", "barrier": "take profit"},
    )


def test_a_float_is_never_written_where_an_event_may_hold_money():
    with pytest.raises(TypeError, match=r"Outcome\.events"):
        Outcome(transaction="0x", status=1, block=1, gas_used=1, events=[{"given": 1.5}])


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (2**53 - 1, 2**53 - 1),
        (2**53, "9007199254740992"),
        (-(2**53), "-9007199254740992"),
        (np.int64(7), 7),
        (np.float64(0.5), 0.5),
        (True, True),
        (Decimal("1.10"), "1.10"),
        (b"\x00\xff", "0x00ff"),
        (Action.HOLD, "hold"),
        (datetime(2024, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))), "2024-01-01T00:00:00.000000Z"),
        (PurePosixPath("a/b.csv"), "a/b.csv"),
        ((1, (2, None)), [1, [2, None]]),
    ],
)
def test_settings_and_summaries_are_brought_to_plain_json(value, written):
    assert RunEnded(summary={"it": value}).summary == {"it": written}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, object(), {3: "a number for a key"}])
def test_what_has_no_json_form_is_refused_when_the_entry_is_made(value):
    with pytest.raises(TypeError, match=r"RunEnded\.summary"):
        RunEnded(summary={"it": value})


def test_a_file_name_that_is_no_utf8_is_still_written_as_utf8_and_read_back():
    name = b"pr\xffces.csv".decode("utf-8", "surrogateescape")
    text = canonical({"file": name, "né": 1})
    assert json.loads(text.encode("utf-8")) == {"file": name, "né": 1}


@given(SECONDS)
def test_times_are_iso_8601_in_utc_and_exact(seconds):
    assert iso(seconds).endswith("Z")
    assert datetime.fromisoformat(iso(seconds)).timestamp() == seconds


def test_an_entry_is_not_changed_by_what_happens_to_the_values_it_was_made_of():
    settings = {"seed": 1, "deep": [1]}
    entry = RunEnded(summary=settings)
    settings["deep"].append(2)
    assert entry.summary == {"seed": 1, "deep": [1]}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"reason": None}, "a hold needs its reason"),
        ({"reason": ""}, "a hold needs its reason"),
        ({"threshold_bps": 10_001}, "threshold_bps: 10001 is not within"),
        ({"confidence_bps": -1}, "confidence_bps: -1 is not within"),
        ({"bar_time": -1}, "bar_time: -1 is not within"),
        ({"patterns": 2**53}, "patterns: 9007199254740992 is not within"),
        ({"action": "wait"}, "action: 'wait' is not a valid Action"),
    ],
)
def test_a_hold_that_says_something_impossible_is_refused(changes, problem):
    with pytest.raises(ValueError, match=problem):
        hold(**changes)


@pytest.mark.parametrize("missing", ["side", "confidence_bps", "inputs"])
def test_a_signal_needs_its_side_confidence_and_inputs(missing):
    with pytest.raises(ValueError, match="a signal needs"):
        signal(**{missing: None})


def test_a_signal_gives_no_reason_for_holding():
    with pytest.raises(ValueError, match="has no reason"):
        signal(reason="low confidence")


@pytest.mark.parametrize("bps", [6_000.0, "6000", None])
def test_a_confidence_that_is_no_integer_is_refused(bps):
    with pytest.raises(TypeError, match="threshold_bps"):
        hold(threshold_bps=bps)


def test_one_mandate_is_not_mistaken_for_a_list_of_letters():
    with pytest.raises(TypeError, match="expected a list"):
        Sent(purpose="open", transaction="0xab", nonce=0, mandates="0xcd")


def test_a_signal_and_a_transaction_are_urgent_and_a_hold_is_not():
    started = RunStarted(settings={}, model="m", source="s", synthetic=True, chain_id=1, contract="0x")
    sent = Sent(purpose="open", transaction="0xab", nonce=0)
    outcome = Outcome(transaction="0xab", status=1, block=1, gas_used=1)
    refusal = Refusal(mandate="0xcd", bar_time=0, reason="low confidence")
    entries = [started, signal(), hold(), sent, outcome, refusal, RunEnded(summary={})]
    assert [entry.kind for entry in entries if entry.urgent] == [
        Kind.RUN_STARTED,
        Kind.DECISION,
        Kind.SENT,
        Kind.RUN_ENDED,
    ]
    assert not hold().urgent


def test_a_signal_beside_the_live_ones_is_urgent_where_somebody_may_follow_it():
    def beside(said, standing):
        return DecidedBeside.of(said, model=b"\x01" * 32, standing=standing)

    assert beside(signal(), Standing.KEPT).urgent
    assert not beside(signal(), Standing.SHADOW).urgent
    assert not beside(hold(), Standing.KEPT).urgent


def test_a_step_of_a_swap_is_urgent_for_the_run_changes_after_it():
    assert Swap(request="r", phase="switched").urgent


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("guess", "{}"),
        ("run_ended", "{}"),
        ("run_ended", '{"summary":{},"more":1}'),
        ("run_ended", '{"summary":3}'),
        ("run_ended", "[]"),
        ("run_ended", "{"),
        ("refusal", '{"bar_time":"yesterday","mandate":"0x","reason":"r"}'),
    ],
)
def test_a_payload_that_no_entry_writes_is_refused_by_its_kind(kind, payload):
    with pytest.raises(DeskError, match=f"row of kind '{kind}' cannot be read"):
        decode(kind, payload)


def test_plain_takes_instances_and_not_classes():
    with pytest.raises(TypeError, match="cannot be written"):
        plain(Sent)
