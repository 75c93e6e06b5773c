"""The node as viem sees it: one run of a viem program over HTTP, and what it must have seen."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from web3 import Web3

from agent.chain.artifact import Artifact
from agent.chain.local import LocalChain
from agent.chain.rpc.evm import Genesis
from agent.chain.rpc.server import RpcServer

pytestmark = pytest.mark.clients


@pytest.fixture(scope="module")
def chain() -> Iterator[LocalChain]:
    with LocalChain(Genesis(time=1_500_000_000)) as chain:
        yield chain


@pytest.fixture(scope="module")
def saw(chain: LocalChain, token_artifact: Artifact, viem_script: list[str]) -> dict[str, Any]:
    """What the program saw; it holds the token's whole supply."""
    web3, abi = Web3(chain.provider()), list(token_artifact.abi)
    web3.eth.default_account = chain.accounts[0].address
    deployment = web3.eth.contract(abi=abi, bytecode=token_artifact.bytecode).constructor(10**24).transact()
    with RpcServer(chain) as server:
        given = {
            "url": server.url,
            "privateKey": chain.accounts[0].key.to_0x_hex(),
            "token": web3.eth.get_transaction_receipt(deployment)["contractAddress"],
            "abi": abi,
            "receiver": chain.accounts[1].address,
        }
        ran = subprocess.run(
            viem_script, input=json.dumps(given), capture_output=True, text=True, timeout=120, check=False
        )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_it_knows_the_chain_and_reads_the_token(saw: dict[str, Any]) -> None:
    assert (saw["id"], saw["name"]) == (31337, "Test Token")


def test_a_transfer_it_signed_is_mined_and_moves_the_tokens(chain: LocalChain, saw: dict[str, Any]) -> None:
    assert saw["receipt"]["status"] == "success"
    assert saw["receipt"]["gasUsed"] == saw["estimate"]
    assert (saw["moved"], saw["movedBefore"]) == ("7", "0")
    assert saw["transaction"]["hash"] == saw["receipt"]["transactionHash"]
    assert (saw["transaction"]["type"], saw["transaction"]["chainId"]) == ("eip1559", 31337)
    assert chain.request("eth_getTransactionReceipt", [saw["receipt"]["transactionHash"]])["status"] == "0x1"


def test_all_its_kinds_of_transaction_are_mined(saw: dict[str, Any]) -> None:
    assert saw["kinds"] == [{"status": "success", "type": kind} for kind in ("legacy", "eip2930", "eip1559")]
    assert saw["unlocked"] == "success"


def test_it_finds_and_decodes_the_logs(saw: dict[str, Any]) -> None:
    [log] = saw["logs"]
    assert (log["eventName"], log["args"]["value"]) == ("Transfer", "7")
    assert log["transactionHash"] == saw["receipt"]["transactionHash"]
    assert saw["filtered"] == ["5"]


def test_a_custom_error_reaches_it_with_its_arguments(chain: LocalChain, saw: dict[str, Any]) -> None:
    for attempt in ("customError", "customErrorOfEstimate", "customErrorOfSending"):
        assert saw[attempt]["error"] == "InsufficientBalance"
        assert saw[attempt]["args"][0] == chain.accounts[0].address
        assert saw[attempt]["args"][2] == str(2**200)
        assert "ExecutionRevertedError" in saw[attempt]["names"]


def test_a_reason_and_a_panic_reach_it(saw: dict[str, Any]) -> None:
    assert saw["reason"]["reason"] == "the reason"
    assert (saw["panic"]["error"], saw["panic"]["args"]) == ("Panic", [str(0x12)])


def test_it_recognises_why_the_node_refused(saw: dict[str, Any]) -> None:
    assert "NonceTooLowError" in saw["nonceTooLow"]["names"]
    assert "InsufficientFundsError" in saw["insufficientFunds"]["names"]


def test_its_batch_is_answered_in_one_request(saw: dict[str, Any]) -> None:
    assert saw["batch"] == {"posts": 1, "size": 4, "sensible": True}


def test_signatures_are_checked_by_code_that_exists_only_inside_a_call(saw: dict[str, Any]) -> None:
    assert (saw["verified"], saw["verifiedTyped"]) == (True, True)


def test_its_test_client_sets_time_mines_and_returns(saw: dict[str, Any]) -> None:
    assert (saw["pendingTime"], saw["minedTime"], saw["increasedTime"], saw["revertedTime"]) == (
        "1000",
        "1000",
        "1052",
        "0",
    )
