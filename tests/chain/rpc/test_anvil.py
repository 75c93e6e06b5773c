"""The node beside anvil: the same requests, and the same answers wherever a client could tell the difference."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent.chain.artifact import Artifact
from agent.chain.local import LocalChain
from agent.chain.rpc.evm import Genesis

pytestmark = pytest.mark.clients

START = 1_500_000_000
GWEI = 10**9
Ask = Callable[..., Any]


@pytest.fixture
def anvil(anvil_program: Path, tmp_path: Path) -> Iterator[Ask]:
    """Asks a fresh anvil; an error is answered as its object."""
    command = [str(anvil_program), "--port", "0", "--timestamp", str(START), "--hardfork", "prague"]
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "NO_COLOR": "1"}
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=tmp_path) as process,
        httpx.Client(timeout=30) as client,
    ):
        address = next(
            found[0] for line in process.stdout if (found := re.search(r"127\.0\.0\.1:\d+", line)) is not None
        )

        def ask(method: str, *params: Any) -> Any:
            body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            reply = client.post(f"http://{address}", json=body).json()
            return reply["error"] if "error" in reply else reply["result"]

        yield ask
        process.terminate()


@pytest.fixture
def ours() -> Iterator[Ask]:
    """Asks a fresh local chain in the same way."""
    with LocalChain(Genesis(time=START)) as chain:

        def ask(method: str, *params: Any) -> Any:
            body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
            reply = json.loads(chain.answer(body.encode()) or b"")
            return reply["error"] if "error" in reply else reply["result"]

        yield ask


def scenario(ask: Ask, bytecode: bytes, encode: Callable[..., str]) -> dict[str, Any]:
    """Do everything once on a node and return what must not depend on which node it is."""
    owner, receiver = ask("eth_accounts")[:2]
    saw: dict[str, Any] = {"accounts": ask("eth_accounts"), "chain": ask("eth_chainId")}
    fees = {"maxFeePerGas": hex(10 * GWEI), "maxPriorityFeePerGas": hex(GWEI)}

    def send(**fields: Any) -> dict[str, Any]:
        latest = ask("eth_getBlockByNumber", "latest", False)
        ask("evm_setNextBlockTimestamp", int(latest["timestamp"], 16) + 100)  # left alone, anvil's clock runs on
        digest = ask("eth_sendTransaction", {"from": owner, **fees, **fields})
        assert isinstance(digest, str), digest
        receipts = (ask("eth_getTransactionReceipt", digest) for _ in range(2_000))  # anvil mines a moment later
        return next(receipt for receipt in receipts if receipt is not None)

    def told(receipt: dict[str, Any]) -> dict[str, Any]:
        kept = ("status", "type", "gasUsed", "cumulativeGasUsed", "blockNumber", "contractAddress", "to", "from")
        logs = [[log["address"], log["topics"], log["data"], log["logIndex"]] for log in receipt["logs"]]
        return {key: receipt[key] for key in kept} | {"logs": logs, "logsBloom": receipt["logsBloom"]}

    def times() -> list[Any]:
        code = {"data": "0x425f524360205260405ff3"}  # timestamp and number, as a call sees them
        latest = ask("eth_getBlockByNumber", "latest", False)
        return [latest["timestamp"], latest["number"], ask("eth_call", code, "latest"), ask("eth_call", code)]

    ask("evm_setNextBlockTimestamp", START + 100)
    saw["pending time"] = int(ask("eth_getBlockByNumber", "pending", False)["timestamp"], 16)
    saw["pending call"] = ask("eth_call", {"data": "0x425f5260205ff3"}, "pending")
    created = send(data="0x" + bytecode.hex() + encode("supply"), gas=hex(2_000_000))
    saw["created"], saw["times after"] = told(created), times()
    token = created["contractAddress"]
    call = {"from": owner, "to": token}

    for name in ("transfer", "too much", "reason", "nothing", "panic"):
        data = encode(name, receiver)
        saw[name] = {
            "mined": told(send(to=token, data=data, gas=hex(200_000))),
            "called": without_words(ask("eth_call", {**call, "data": data}, "latest")),
            "estimated": without_words(ask("eth_estimateGas", {**call, "data": data}, "latest")),
        }
    saw["out of gas"] = told(send(to=token, data=encode("burn"), gas=hex(100_000)))
    saw["plain"] = told(send(to=receiver, value="0x1", gas=hex(21_000)))
    saw["logs"] = [
        [log["address"], log["topics"], log["data"], log["blockNumber"], log["logIndex"], log["removed"]]
        for log in ask("eth_getLogs", {"fromBlock": "0x0", "address": token, "topics": [None, None]})
    ]
    saw["nonces"] = [ask("eth_getTransactionCount", owner, block) for block in ("0x0", "0x3", "latest", "pending")]
    saw["balance"] = ask("eth_getBalance", receiver, "latest")
    saw["missing"] = [
        ask("eth_getBlockByNumber", "0xffff", False),
        ask("eth_getTransactionReceipt", "0x" + "00" * 32),
        ask("eth_getCode", receiver, "latest"),
    ]

    snapshot = ask("evm_snapshot")
    ask("evm_mine", START + 90_000)
    saw["mined at"] = times()
    saw["reverted"] = [ask("evm_revert", snapshot), ask("evm_revert", snapshot), times()[:2]]
    saw["unknown"] = ask("eth_nonsense")["code"]
    return saw


def without_words(answer: Any) -> Any:
    """Return an answer; of an error its code and data, and of its text what comes before any node's own words."""
    if not isinstance(answer, dict):
        return answer
    return answer["code"], answer["data"], answer["message"].split(":")[0]


def test_a_client_cannot_tell_it_from_anvil(anvil: Ask, ours: Ask, token_artifact: Artifact) -> None:
    selectors = token_artifact.method_identifiers

    def encode(what: str, receiver: str = "0x0") -> str:
        to = f"{int(receiver, 16):064x}"
        return {
            "supply": f"{10**24:064x}",
            "transfer": "0x" + selectors["transfer(address,uint256)"] + to + f"{5:064x}",
            "too much": "0x" + selectors["transfer(address,uint256)"] + to + f"{10**30:064x}",
            "reason": "0x" + selectors["giveReason()"],
            "nothing": "0x" + selectors["giveNothing()"],
            "panic": "0x" + selectors["divide(uint256,uint256)"] + f"{1:064x}{0:064x}",
            "burn": "0x" + selectors["burn()"],
        }[what]

    theirs, seen = (scenario(ask, token_artifact.bytecode, encode) for ask in (anvil, ours))
    assert seen.keys() == theirs.keys()
    for what in theirs:
        assert seen[what] == theirs[what], what
