"""The node as foundry's cast sees it, over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from web3 import Web3

from agent.chain.artifact import Artifact
from agent.chain.local import LocalChain
from agent.chain.rpc.evm import Genesis
from agent.chain.rpc.methods import CLIENT_VERSION
from agent.chain.rpc.server import RpcServer

pytestmark = pytest.mark.clients

TOO_MUCH = 2**200
TRANSFER = "transfer(address,uint256)"
Cast = Callable[..., str]


class CastFailed(Exception):
    """What cast complained of."""


@pytest.fixture(scope="module")
def chain() -> Iterator[LocalChain]:
    with LocalChain(Genesis(time=1_500_000_000)) as chain:
        yield chain


@pytest.fixture(scope="module")
def token(chain: LocalChain, token_artifact: Artifact) -> str:
    """Address of the token; the first account holds its whole supply."""
    web3 = Web3(chain.provider())
    factory = web3.eth.contract(abi=list(token_artifact.abi), bytecode=token_artifact.bytecode)
    digest = factory.constructor(10**24).transact({"from": chain.accounts[0].address})
    return web3.eth.get_transaction_receipt(digest)["contractAddress"]


@pytest.fixture(scope="module")
def cast(chain: LocalChain, cast_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cast]:
    """Runs cast against the chain and returns what it prints."""
    home = tmp_path_factory.mktemp("home")
    with RpcServer(chain) as server:
        environment = {"HOME": str(home), "PATH": os.environ["PATH"], "ETH_RPC_URL": server.url, "NO_COLOR": "1"}

        def run(*arguments: Any) -> str:
            command = [str(cast_program), *map(str, arguments)]
            ran = subprocess.run(
                command, capture_output=True, text=True, timeout=60, check=False, env=environment, cwd=home
            )
            if ran.returncode != 0:
                raise CastFailed(ran.stderr)
            return ran.stdout.strip()

        yield run


@pytest.fixture(scope="module")
def send(cast: Cast, chain: LocalChain) -> Callable[..., dict[str, Any]]:
    """Sends a transaction that cast signs with the first account's key, and returns the receipt."""
    key = chain.accounts[0].key.to_0x_hex()
    return lambda *arguments: json.loads(cast("send", "--json", "--private-key", key, *arguments))


def test_it_knows_the_node_and_the_chain(cast: Cast, chain: LocalChain, token: str) -> None:
    assert cast("client") == CLIENT_VERSION
    assert cast("chain-id") == "31337"
    assert int(cast("block-number")) == int(chain.request("eth_blockNumber"), 16) > 0
    assert cast("balance", chain.accounts[9].address) == str(10_000 * 10**18)


def test_it_calls_and_estimates(cast: Cast, chain: LocalChain, token: str) -> None:
    owner = chain.accounts[0].address
    assert cast("call", token, "symbol()(string)") == '"TEST"'
    assert cast("call", token, "balanceOf(address)(uint256)", owner).split()[0].isdigit()
    assert 30_000 < int(cast("estimate", token, TRANSFER, chain.accounts[2].address, 5, "--from", owner)) < 60_000


@pytest.mark.parametrize("kind", [[], ["--legacy"]], ids=["dynamic fee", "legacy"])
def test_a_transfer_it_signed_moves_the_tokens(
    cast: Cast, send: Callable[..., dict[str, Any]], chain: LocalChain, token: str, kind: list[str]
) -> None:
    receiver = chain.accounts[1].address
    before = int(cast("call", token, "balanceOf(address)(uint256)", receiver).split()[0])
    receipt = send(*kind, token, TRANSFER, receiver, 5)
    assert (receipt["status"], receipt["type"]) == ("0x1", "0x0" if kind else "0x2")
    assert int(cast("call", token, "balanceOf(address)(uint256)", receiver).split()[0]) == before + 5
    sent = json.loads(cast("tx", receipt["transactionHash"], "--json"))
    assert (sent["blockNumber"], sent["to"]) == (receipt["blockNumber"], token.lower())
    assert json.loads(cast("receipt", receipt["transactionHash"], "--json"))["logs"] == receipt["logs"]


def test_it_sends_from_an_unlocked_account(cast: Cast, chain: LocalChain, token: str) -> None:
    owner = chain.accounts[0].address
    printed = cast("send", "--json", "--unlocked", "--from", owner, token, TRANSFER, chain.accounts[1].address, 5)
    assert json.loads(printed)["status"] == "0x1"


def test_it_deploys_a_contract(
    cast: Cast, send: Callable[..., dict[str, Any]], token_artifact: Artifact, token: str
) -> None:
    receipt = send("--create", "0x" + token_artifact.bytecode.hex(), "constructor(uint256)", 77)
    created = receipt["contractAddress"]
    assert cast("call", created, "totalSupply()(uint256)") == "77"
    assert cast("code", created).startswith("0x60")


def test_it_finds_the_logs(cast: Cast, send: Callable[..., dict[str, Any]], chain: LocalChain, token: str) -> None:
    receipt = send(token, TRANSFER, chain.accounts[3].address, 9)
    event = ("Transfer(address indexed,address indexed,uint256)", "", chain.accounts[3].address)
    [log] = json.loads(cast("logs", "--json", "--from-block", 0, "--address", token, event[0], "", event[2]))
    assert (log["transactionHash"], int(log["data"], 16)) == (receipt["transactionHash"], 9)


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        ("giveReason()", [], "error code 3: execution reverted: the reason"),
        ("divide(uint256,uint256)", [1, 0], "panic: division or modulo by zero (0x12)"),
        (TRANSFER, ["0x" + "11" * 20, TOO_MUCH], 'data: "0xdb42144d'),
    ],
)
def test_why_a_call_or_an_estimate_reverted_reaches_it(
    cast: Cast, token: str, function: str, arguments: list[Any], message: str
) -> None:
    for command in ("call", "estimate"):
        with pytest.raises(CastFailed) as failed:
            cast(command, token, function, *arguments)
        assert message in str(failed.value)


def test_a_transaction_that_would_revert_is_not_sent_but_with_explicit_gas_it_is_mined(
    send: Callable[..., dict[str, Any]], chain: LocalChain, token: str
) -> None:
    transfer = (token, TRANSFER, chain.accounts[1].address, TOO_MUCH)
    with pytest.raises(CastFailed, match="0xdb42144d"):
        send(*transfer)
    assert send("--gas-limit", 100_000, *transfer)["status"] == "0x0"


def test_a_transaction_it_made_earlier_is_taken_once(cast: Cast, chain: LocalChain, token: str) -> None:
    key = chain.accounts[5].key.to_0x_hex()
    made = cast("mktx", "--private-key", key, chain.accounts[1].address, "--value", 1)
    assert json.loads(cast("publish", made))["status"] == "0x1"
    with pytest.raises(CastFailed, match="nonce too low: next nonce 1, tx nonce 0"):
        cast("publish", made)


def test_it_reads_blocks_and_sets_the_time(cast: Cast, chain: LocalChain, token: str) -> None:
    time = int(json.loads(cast("block", "latest", "--json"))["timestamp"], 16) + 5_000
    assert cast("rpc", "evm_setNextBlockTimestamp", time) == "null"
    cast("rpc", "evm_mine")
    block = json.loads(cast("block", "latest", "--json"))
    assert int(block["timestamp"], 16) == time
    assert cast("find-block", time) == str(int(block["number"], 16))


def test_a_method_that_does_not_exist_is_told_as_such(cast: Cast, token: str) -> None:
    with pytest.raises(CastFailed, match="error code -32601"):
        cast("rpc", "eth_nonsense")
