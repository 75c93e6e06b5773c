"""The node over HTTP: every request is answered, whatever it is, and the server goes on serving."""

from __future__ import annotations

import json
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from web3 import HTTPProvider, Web3
from web3.contract import Contract
from web3.exceptions import ContractCustomError

from agent.chain.artifact import Artifact
from agent.chain.local import LocalChain
from agent.chain.rpc.server import MAX_BODY, RpcServer
from agent.errors import ConnectionFailed

ORIGIN = {"Origin": "https://wallet.example"}


@pytest.fixture(scope="module")
def chain() -> Iterator[LocalChain]:
    with LocalChain() as chain:
        yield chain


@pytest.fixture(scope="module")
def server(chain: LocalChain) -> Iterator[RpcServer]:
    with RpcServer(chain) as server:
        yield server


@pytest.fixture(scope="module")
def client(server: RpcServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=30) as client:
        yield client


def asking(method: str, *params: Any, request_id: Any = 1) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request_id, "method": method, "params": list(params)}


def still_serves(client: httpx.Client) -> bool:
    return client.post("/", json=asking("eth_chainId")).json() == {"jsonrpc": "2.0", "id": 1, "result": "0x7a69"}


def test_a_request_is_answered_as_json(client: httpx.Client) -> None:
    response = client.post("/", json=asking("eth_chainId", request_id="x"))
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {"jsonrpc": "2.0", "id": "x", "result": "0x7a69"}


def test_a_batch_is_answered_in_order(client: httpx.Client) -> None:
    requests = [asking("net_version", request_id=7), asking("eth_nonsense", request_id=8), asking("eth_chainId")]
    replies = client.post("/", json=requests).json()
    assert [reply["id"] for reply in replies] == [7, 8, 1]
    assert replies[1]["error"]["code"] == -32601


def test_a_notification_has_no_answer(client: httpx.Client) -> None:
    response = client.post("/", json={"jsonrpc": "2.0", "method": "eth_chainId"})
    assert (response.status_code, response.content) == (204, b"")


def test_what_content_type_says_does_not_matter(client: httpx.Client) -> None:
    body = json.dumps(asking("eth_chainId"))
    for kind in ("text/plain", "application/json; charset=utf-8", ""):
        assert client.post("/", content=body, headers={"Content-Type": kind}).json()["result"] == "0x7a69"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b"\xff\xff", -32700),
        (b"[" * 100_000, -32700),
        (b'{"id": NaN}', -32700),
        (b"9" * 10_000, -32700),
        (b"[]", -32600),
        (b"null", -32600),
        (b"17", -32600),
        (b'"text"', -32600),
        (b"{}", -32600),
        (b'{"jsonrpc": "1.0", "id": 1, "method": "eth_chainId"}', -32600),
        (b'{"jsonrpc": "2.0", "id": [], "method": "eth_chainId"}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": 5}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": 5}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "eth_nonsense"}', -32601),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "\\ud800"}', -32601),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": {"to": 1}}', -32602),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": []}', -32602),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [{"to": "0x1"}]}', -32602),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": [1]}', -32602),
    ],
    ids=lambda value: value[:60].decode("latin-1") if isinstance(value, bytes) else "",
)
def test_a_malformed_request_gets_an_error_and_the_server_keeps_serving(
    client: httpx.Client, content: bytes, code: int
) -> None:
    response = client.post("/", content=content)
    assert response.status_code == 200
    assert response.json()["error"]["code"] == code
    assert response.json()["jsonrpc"] == "2.0"
    assert still_serves(client)


def test_a_body_that_is_too_long_is_refused_before_it_is_read_to_its_end(client: httpx.Client) -> None:
    response = client.post("/", content=b" " * (MAX_BODY + 1))
    assert (response.status_code, response.json()["error"]["code"]) == (413, -32600)

    def endless() -> Iterator[bytes]:  # sent in chunks, without a length announced
        for _ in range(MAX_BODY // 65_536 + 2):
            yield b" " * 65_536

    response = client.post("/", content=endless())
    assert (response.status_code, response.json()["error"]["code"]) == (413, -32600)
    assert still_serves(client)


def test_a_body_as_long_as_is_allowed_is_read(client: httpx.Client) -> None:
    body = json.dumps(asking("eth_chainId")).encode()
    assert client.post("/", content=body.ljust(MAX_BODY)).json()["result"] == "0x7a69"


@pytest.mark.parametrize(
    ("method", "path", "status"), [("PUT", "/", 405), ("DELETE", "/", 405), ("POST", "/rpc", 404)]
)
def test_what_is_not_asked_at_the_door_is_told_where_the_door_is(
    client: httpx.Client, method: str, path: str, status: int
) -> None:
    response = client.request(method, path, json=asking("eth_chainId"))
    assert (response.status_code, response.json()["error"]["code"]) == (status, -32600)
    assert "POST JSON-RPC to /" in response.json()["error"]["message"]


def test_a_browser_is_told_what_this_is(client: httpx.Client) -> None:
    response = client.get("/")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain")
    assert "JSON-RPC" in response.text
    assert "31337" in response.text


def test_any_page_may_ask_as_wallets_need(client: httpx.Client) -> None:
    preflight = client.options(
        "/",
        headers=ORIGIN
        | {
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
            "Access-Control-Request-Private-Network": "true",
        },
    )
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert preflight.headers["access-control-allow-headers"] == "content-type"
    assert preflight.headers["access-control-allow-private-network"] == "true"
    for response in (
        client.post("/", json=asking("eth_chainId"), headers=ORIGIN),
        client.post("/x", headers=ORIGIN),
    ):
        assert response.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    "sent",
    [b"GARBAGE\r\n\r\n", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{", b"\x16\x03\x01\x02\x00"],
)
def test_a_client_that_does_not_speak_http_or_leaves_early_does_no_harm(
    server: RpcServer, client: httpx.Client, sent: bytes
) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(sent)
    assert still_serves(client)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
REQUEST = st.fixed_dictionaries(
    {
        "jsonrpc": st.just("2.0"),
        "method": st.sampled_from(["eth_call", "eth_getLogs", "eth_getBalance"]) | st.text(),
    },
    optional={"id": JSON, "params": st.lists(JSON, max_size=3) | JSON},
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=JSON | REQUEST | st.lists(REQUEST, max_size=3))
def test_any_json_value_posted_gets_a_json_rpc_answer_and_the_server_goes_on(
    client: httpx.Client, value: Any
) -> None:
    response = client.post("/", content=json.dumps(value))
    if response.status_code == 204:
        assert all("id" not in each for each in (value if isinstance(value, list) else [value]))
        return
    assert response.status_code == 200
    replies = response.json()
    for reply in replies if isinstance(replies, list) else [replies]:
        assert reply["jsonrpc"] == "2.0"
        assert ("result" in reply) != ("error" in reply)
        assert reply.get("error", {"code": 0})["code"] != -32603


def test_many_clients_at_once_are_all_answered(server: RpcServer, chain: LocalChain) -> None:
    before = int(chain.request("eth_blockNumber"), 16)

    def work(account: int) -> list[int]:
        sender = chain.accounts[account].address
        with httpx.Client(base_url=server.url, timeout=30) as own:
            digests = [
                own.post("/", json=asking("eth_sendTransaction", {"from": sender, "to": sender})) for _ in range(8)
            ]
            receipts = [
                own.post("/", json=asking("eth_getTransactionReceipt", digest.json()["result"])).json()["result"]
                for digest in digests
            ]
        return [int(receipt["blockNumber"], 16) for receipt in receipts]

    with ThreadPoolExecutor(6) as pool:
        mined = [number for numbers in pool.map(work, range(6)) for number in numbers]
    assert sorted(mined) == list(range(before + 1, before + 49))


def test_answers_do_not_wait_for_the_network_to_fill_a_packet(server: RpcServer) -> None:
    # Left to Nagle's algorithm, an answer over a kept connection takes 40 ms. Not the least of them: the first few are
    # acknowledged at once even then.
    web3, took = Web3(HTTPProvider(server.url)), []
    for _ in range(31):
        began = time.perf_counter()
        assert web3.provider.make_request("eth_chainId", [])["result"] == "0x7a69"
        took.append(time.perf_counter() - began)
    assert statistics.median(took) < 0.03


def test_web3_over_http_sees_what_it_sees_in_process(
    server: RpcServer, chain: LocalChain, token_artifact: Artifact
) -> None:
    near, far = Web3(chain.provider()), Web3(HTTPProvider(server.url))
    assert far.is_connected()
    far.eth.default_account = chain.accounts[0].address
    factory = far.eth.contract(abi=list(token_artifact.abi), bytecode=token_artifact.bytecode)
    receipt = far.eth.wait_for_transaction_receipt(factory.constructor(100).transact())
    assert near.eth.get_transaction_receipt(receipt["transactionHash"]) == receipt
    assert near.eth.get_block("latest", True) == far.eth.get_block("latest", True)
    address, abi = receipt["contractAddress"], list(token_artifact.abi)
    refusals = []
    for web3 in (near, far):
        token: Contract = web3.eth.contract(address=address, abi=abi)
        with pytest.raises(ContractCustomError) as refused:
            token.functions.transfer(address, 101).call({"from": chain.accounts[0].address})
        refusals.append((str(refused.value), refused.value.data))
    assert refusals[0] == refusals[1]


# ---- beginning and end


def test_a_port_that_is_taken_is_told_with_what_to_do(server: RpcServer, chain: LocalChain) -> None:
    with pytest.raises(
        ConnectionFailed, match=f"Port {server.port} of 127.0.0.1 cannot be listened on"
    ) as refused:
        RpcServer(chain, port=server.port).__enter__()
    assert "another port" in refused.value.cure
    with pytest.raises(ConnectionFailed, match="Port 99999"):
        RpcServer(chain, port=99_999).__enter__()


def test_the_server_can_be_entered_again_on_the_same_port_once_it_has_ended(chain: LocalChain) -> None:
    with RpcServer(chain) as first, httpx.Client(base_url=first.url) as client:
        assert still_serves(client)
    with pytest.raises(httpx.ConnectError):
        httpx.post(first.url, json=asking("eth_chainId"))
    with RpcServer(chain, port=first.port) as again, httpx.Client(base_url=again.url) as client:
        assert still_serves(client)


def test_a_server_whose_chain_was_closed_says_so() -> None:
    with LocalChain() as chain, RpcServer(chain) as server:
        chain.close()
        response = httpx.post(server.url, json=asking("eth_chainId"))
    assert response.status_code == 503
    assert "The local chain is closed" in response.json()["error"]["message"]


def test_the_server_ends_in_time_though_a_request_is_running(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.chain.rpc.server._GRACE_SECONDS", 0.2)
    running, finish = threading.Event(), threading.Event()
    with LocalChain() as chain, ThreadPoolExecutor(1) as pool:
        chain.register("test_slow", lambda: running.set() or finish.wait(30))
        with RpcServer(chain) as server:
            asked = pool.submit(httpx.post, server.url, json=asking("test_slow"), timeout=60)
            assert running.wait(30)
        response = asked.result(30)
        finish.set()
    assert (response.status_code, response.json()["error"]["code"]) == (503, -32000)


SERVE = """
import signal
from agent.chain.local import LocalChain
from agent.chain.rpc.server import RpcServer

signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background job would ignore
with LocalChain() as chain, RpcServer(chain) as server:
    print(server.url, flush=True)
    try:
        server.wait()
    except KeyboardInterrupt:
        print("interrupted", flush=True)
print("ended", flush=True)
"""


def test_ctrl_c_ends_it_cleanly_while_clients_are_connected() -> None:
    with (
        subprocess.Popen(
            [sys.executable, "-c", SERVE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process,
        httpx.Client() as client,
    ):
        url = process.stdout.readline().strip()
        assert client.post(url, json=asking("eth_chainId")).status_code == 200
        process.send_signal(signal.SIGINT)
        told, complained = process.communicate(timeout=30)
    assert told.split() == ["interrupted", "ended"]
    assert (process.returncode, complained) == (0, "")
