"""The client against servers that answer, but are no nodes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from agent.chain.client import Chain
from agent.desk.follow import Follower
from agent.errors import ChainError, ConnectionFailed, PatternSettleError, UsageError
from agent.settings import load_settings


@contextmanager
def server(answer: Callable[[Any], bytes]) -> Iterator[str]:
    """A server on loopback that answers each request's JSON with some bytes."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = answer(asked)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{httpd.server_port}"
        finally:
            httpd.shutdown()
            thread.join()


def result(value: Any) -> Callable[[Any], bytes]:
    return lambda asked: json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": value}).encode()


NULL = b'{"jsonrpc": "2.0", "id": 0, "error": null}'


@pytest.mark.parametrize("value", [None, 31337, "hello", "", [], {}, True])
def test_a_chain_id_that_is_no_number_is_told_with_what_was_answered(value: Any) -> None:
    with server(result(value)) as url, pytest.raises(ConnectionFailed, match="which is no number") as caught:
        Chain.connect(url, settings=load_settings())
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize(
    "body", [b"", b"hello", b"[]", b"null", b'"0x1"', b"{}", b'{"jsonrpc": "2.0", "id": 0}', NULL]
)
def test_what_does_not_speak_json_rpc_is_told_so(body: bytes) -> None:
    with server(lambda asked: body) as url, pytest.raises(ConnectionFailed, match="does not speak JSON-RPC"):
        Chain.connect(url, settings=load_settings())


def answers(**by_method: Any) -> Callable[[Any], bytes]:
    """A node that answers as one does, but for some methods."""
    usual = {"eth_chainId": "0x7a69", "web3_clientVersion": "strange/1"}
    return lambda asked: result({**usual, **by_method}.get(asked["method"]))(asked)


READERS = {
    "eth_getBlockByNumber": lambda chain: chain.time_of(),
    "eth_call": lambda chain: chain.call("0x" + "11" * 20, b""),
    "eth_getLogs": lambda chain: chain.logs("0x" + "11" * 20),
    "eth_getBalance": lambda chain: chain.balance_of("0x" + "11" * 20),
    "eth_blockNumber": lambda chain: chain.block_number,
    "patternsettle_deployment": Follower,
}


@pytest.mark.parametrize("method", READERS)
@pytest.mark.parametrize("value", [None, 5, {}, "zz", [None]])
def test_an_answer_of_another_shape_is_told_with_its_method(method: str, value: Any) -> None:
    with server(answers(**{method: value})) as url, Chain.connect(url, settings=load_settings()) as chain:
        with pytest.raises(PatternSettleError) as caught:
            READERS[method](chain)
        assert isinstance(caught.value, ConnectionFailed | UsageError)
        assert caught.value.cure


@pytest.mark.parametrize("error", ["broken", 5, {}, {"code": "x"}, {"message": None}, ["a"]])
def test_an_error_of_any_shape_is_told_with_a_cure(error: Any) -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": 0, "error": error}).encode()
    with server(lambda asked: body) as url, pytest.raises(ChainError, match="eth_chainId") as caught:
        Chain.connect(url, settings=load_settings())
    assert caught.value.cure
