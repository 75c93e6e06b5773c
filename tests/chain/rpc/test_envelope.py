"""JSON-RPC 2.0 itself: what is a request, what is a batch, and that anything else is answered too."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.chain.rpc.envelope import MAX_BATCH, answer
from agent.chain.rpc.errors import RpcError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
ALMOST = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.just("2.0") | JSON,
        "id": JSON,
        "method": st.sampled_from(["echo", "refuse"]) | JSON,
        "params": JSON,
    },
)


def call(method: str, params: Any) -> Any:
    """Answer `echo` with its parameters and refuse everything else."""
    if method == "echo":
        return list(params)
    raise RpcError(-32000, f"no {method}", {"method": method})


def ask(asked: Any) -> Any:
    reply = answer(asked if isinstance(asked, bytes) else json.dumps(asked).encode(), call)
    return None if reply is None else json.loads(reply)


def is_answer(reply: Any) -> bool:
    """Tell whether something is one answer of JSON-RPC 2.0."""
    if not isinstance(reply, dict) or reply.get("jsonrpc") != "2.0" or "id" not in reply:
        return False
    if "result" in reply:
        return set(reply) == {"jsonrpc", "id", "result"}
    error = reply["error"]
    return (
        set(reply) == {"jsonrpc", "id", "error"}
        and isinstance(error["code"], int)
        and isinstance(error["message"], str)
        and set(error) <= {"code", "message", "data"}
    )


@pytest.mark.parametrize("request_id", [1, 0, -1, "one", "", None, 1.5, 10**30])
def test_a_request_is_answered_under_its_own_id(request_id: Any) -> None:
    asked = {"jsonrpc": "2.0", "id": request_id, "method": "echo", "params": [1, "x"]}
    assert ask(asked) == {"jsonrpc": "2.0", "id": request_id, "result": [1, "x"]}


def test_parameters_may_be_left_out() -> None:
    assert ask({"jsonrpc": "2.0", "id": 1, "method": "echo"})["result"] == []


def test_an_error_carries_code_message_and_data() -> None:
    reply = ask({"jsonrpc": "2.0", "id": 1, "method": "dance"})
    assert reply["error"] == {"code": -32000, "message": "no dance", "data": {"method": "dance"}}


def test_a_notification_is_carried_out_and_not_answered_even_where_it_fails() -> None:
    carried_out: list[str] = []
    body = b'[{"jsonrpc": "2.0", "method": "one"}, {"jsonrpc": "2.0", "method": "two"}]'
    assert answer(body, lambda method, _: carried_out.append(method)) is None
    assert carried_out == ["one", "two"]
    assert ask({"jsonrpc": "2.0", "method": "dance"}) is None


def test_a_batch_is_answered_in_order_without_its_notifications() -> None:
    requests = [
        {"jsonrpc": "2.0", "id": 1, "method": "echo", "params": ["a"]},
        {"jsonrpc": "2.0", "method": "echo"},
        {"jsonrpc": "2.0", "id": 2, "method": "dance"},
        17,
        {"jsonrpc": "2.0", "id": 3, "method": "echo", "params": ["c"]},
    ]
    replies = ask(requests)
    assert [reply["id"] for reply in replies] == [1, 2, None, 3]
    assert [reply.get("result", reply.get("error", {}).get("code")) for reply in replies] == [
        ["a"],
        -32000,
        -32600,
        ["c"],
    ]


@pytest.mark.parametrize("requests", [[], [1] * (MAX_BATCH + 1)], ids=["empty", "too long"])
def test_a_batch_of_nothing_or_of_too_much_is_one_invalid_request(requests: list[int]) -> None:
    reply = ask(requests)
    assert (reply["id"], reply["error"]["code"]) == (None, -32600)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[1,",
        b"nonsense",
        b"\xff\xfe\x00",
        b'{"id": NaN}',
        b'{"id": Infinity}',
        b'{"id": 1e999}',
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b"9" * 100_000,
        b'"\\ud800',
        '{"jsonrpc": "2.0", "id": 1, "method": "echo"}'.encode("utf-16"),
    ],
    ids=lambda body: body[:12].decode("latin-1"),
)
def test_what_is_not_json_is_a_parse_error(body: bytes) -> None:
    reply = ask(body)
    assert (reply["id"], reply["error"]["code"]) == (None, -32700)


@pytest.mark.parametrize(
    ("asked", "request_id", "code"),
    [
        (None, None, -32600),
        (True, None, -32600),
        ("echo", None, -32600),
        ({}, None, -32600),
        ({"id": 1, "method": "echo"}, 1, -32600),
        ({"jsonrpc": 2.0, "id": 1, "method": "echo"}, 1, -32600),
        ({"jsonrpc": "1.0", "id": 1, "method": "echo"}, 1, -32600),
        ({"jsonrpc": "2.0", "id": 1}, 1, -32600),
        ({"jsonrpc": "2.0", "id": 1, "method": 1}, 1, -32600),
        ({"jsonrpc": "2.0", "id": True, "method": "echo"}, None, -32600),
        ({"jsonrpc": "2.0", "id": [1], "method": "echo"}, None, -32600),
        ({"jsonrpc": "2.0", "id": {}, "method": "echo"}, None, -32600),
        ({"jsonrpc": "2.0", "id": 1, "method": "echo", "params": "x"}, 1, -32600),
        ({"jsonrpc": "2.0", "id": 1, "method": "echo", "params": None}, 1, -32600),
        ({"jsonrpc": "2.0", "id": 1, "method": "echo", "params": {"a": 1}}, 1, -32602),
    ],
)
def test_json_that_is_no_request_is_an_invalid_one(asked: Any, request_id: Any, code: int) -> None:
    reply = ask(asked)
    assert (reply["id"], reply["error"]["code"]) == (request_id, code)


def test_brackets_inside_strings_do_not_count_as_nesting() -> None:
    text = "[" * 1_000 + '\\"{' * 1_000
    assert ask({"jsonrpc": "2.0", "id": 1, "method": "echo", "params": [text]})["result"] == [text]


@pytest.mark.parametrize(
    "body", [b'\\"' * 500_000, b'"' * 500_001, b"[]" * 500_000], ids=["escapes", "quotes", "pairs"]
)
def test_a_body_made_to_be_slow_is_not(body: bytes) -> None:
    began = time.perf_counter()
    assert ask(body)["error"]["code"] == -32700
    assert time.perf_counter() - began < 5


def test_half_a_surrogate_pair_is_text_like_any_other() -> None:
    body = b'{"jsonrpc": "2.0", "id": "\\ud800", "method": "echo", "params": ["\\udc00"]}'
    assert ask(body) == {"jsonrpc": "2.0", "id": "\ud800", "result": ["\udc00"]}


@settings(max_examples=100, deadline=None)
@given(asked=JSON | ALMOST | st.lists(ALMOST | JSON, max_size=5))
def test_any_json_gets_an_answer_that_json_rpc_allows(asked: Any) -> None:
    reply = ask(asked)
    if isinstance(reply, list):
        assert isinstance(asked, list)
        assert 0 < len(reply) <= len(asked)
        assert all(is_answer(each) for each in reply)
    else:
        assert reply is None or is_answer(reply)


@settings(max_examples=100, deadline=None)
@given(body=st.binary(max_size=200))
def test_any_bytes_get_an_answer_that_json_rpc_allows(body: bytes) -> None:
    reply = ask(body)
    assert reply is None or is_answer(reply) or all(is_answer(each) for each in reply)
