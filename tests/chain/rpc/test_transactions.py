"""Transactions, calls and estimates, as web3 sees them in process."""

from __future__ import annotations

import json

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data
from eth_account.signers.local import LocalAccount
from hexbytes import HexBytes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from web3 import Web3
from web3.contract import Contract
from web3.exceptions import ContractCustomError, ContractLogicError, ContractPanicError, Web3RPCError

from agent.chain.artifact import Artifact
from agent.chain.local import LocalChain
from agent.chain.rpc.errors import RpcError
from agent.chain.rpc.evm import Genesis

INSUFFICIENT_BALANCE = "0xdb42144d"
GWEI = 10**9


def signed(account: LocalAccount, **fields: object) -> str:
    """Sign a transfer of one wei to a stranger, with whatever is said otherwise."""
    plain = {"chainId": 31337, "nonce": 0, "to": "0x" + "11" * 20, "value": 1, "gas": 21_000}
    fees = {} if "gasPrice" in fields else {"maxFeePerGas": 3 * GWEI, "maxPriorityFeePerGas": GWEI}
    transaction = {key: value for key, value in (plain | fees | fields).items() if value is not None}
    return account.sign_transaction(transaction).raw_transaction.to_0x_hex()


def test_the_funded_accounts_are_those_of_anvil_and_hardhat(chain: LocalChain, web3: Web3) -> None:
    assert web3.eth.accounts[0] == "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
    assert web3.eth.accounts[9] == "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720"
    assert chain.accounts[0].key == HexBytes("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
    assert web3.eth.get_balance(web3.eth.accounts[9]) == 10_000 * 10**18


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (0, {"gasPrice": 2 * GWEI}),
        (1, {"gasPrice": 2 * GWEI, "accessList": [], "type": 1}),
        (2, {"maxFeePerGas": 3 * GWEI, "maxPriorityFeePerGas": GWEI}),
    ],
    ids=["legacy", "access list", "dynamic fee"],
)
def test_a_raw_transaction_is_mined_at_once_in_a_block_of_its_own(
    chain: LocalChain, web3: Web3, kind: int, fields: dict[str, object]
) -> None:
    digest = web3.eth.send_raw_transaction(HexBytes(signed(chain.accounts[0], **fields)))

    receipt, sent = web3.eth.get_transaction_receipt(digest), web3.eth.get_transaction(digest)
    assert (receipt["status"], receipt["type"], receipt["blockNumber"], receipt["gasUsed"]) == (1, kind, 1, 21_000)
    assert (sent["hash"], sent["type"], sent["value"]) == (digest, kind, 1)
    assert web3.eth.get_block("latest")["transactions"] == [digest]
    assert web3.eth.get_balance("0x" + "11" * 20) == 1
    assert receipt["effectiveGasPrice"] == sent["gasPrice"]
    assert web3.eth.get_transaction_count(chain.accounts[0].address) == 1


def test_a_legacy_transaction_signed_for_no_chain_is_taken(chain: LocalChain, web3: Web3) -> None:
    digest = web3.eth.send_raw_transaction(HexBytes(signed(chain.accounts[0], chainId=None, gasPrice=2 * GWEI)))
    assert web3.eth.get_transaction_receipt(digest)["status"] == 1
    assert "chainId" not in web3.eth.get_transaction(digest)


def test_an_account_can_be_given_code_by_its_own_signature(chain: LocalChain, web3: Web3, token: Contract) -> None:
    owner, payer = chain.accounts[1], chain.accounts[2]
    authorization = owner.sign_authorization({"chainId": 31337, "address": token.address, "nonce": 0})
    fields = {"authorizationList": [authorization], "to": owner.address, "gas": 100_000, "value": 0}
    digest = web3.eth.send_raw_transaction(HexBytes(signed(payer, **fields)))

    assert web3.eth.get_transaction(digest)["type"] == 4
    assert chain.request("eth_getTransactionByHash", [digest.to_0x_hex()])["authorizationList"] == [
        {
            "chainId": "0x7a69",
            "address": token.address.lower(),
            "nonce": "0x0",
            "yParity": hex(authorization.y_parity),
            "r": hex(authorization.r),
            "s": hex(authorization.s),
        }
    ]
    assert web3.eth.get_code(owner.address) == HexBytes("0xef0100" + token.address[2:])


def test_what_was_paid_is_what_the_receipt_says(chain: LocalChain, web3: Web3) -> None:
    sender = chain.accounts[0]
    before = web3.eth.get_balance(sender.address)
    receipt = web3.eth.get_transaction_receipt(web3.eth.send_raw_transaction(HexBytes(signed(sender))))
    paid = receipt["gasUsed"] * receipt["effectiveGasPrice"] + 1
    assert web3.eth.get_balance(sender.address) == before - paid


def test_a_contract_is_deployed_and_answers(web3: Web3, token: Contract, token_artifact: Artifact) -> None:
    assert token.functions.symbol().call() == "TEST"
    assert token.functions.balanceOf(web3.eth.accounts[0]).call() == token.functions.totalSupply().call() > 0
    code = web3.eth.get_code(token.address)
    assert len(code) == len(token_artifact.deployed_bytecode)
    created = web3.eth.get_block(1, full_transactions=True)["transactions"][0]
    assert created["to"] is None
    assert HexBytes(created["input"]).startswith(token_artifact.bytecode)


def test_an_unlocked_account_needs_to_give_neither_nonce_nor_gas_nor_fees(
    chain: LocalChain, token: Contract
) -> None:
    sender, receiver = chain.accounts[0].address, chain.accounts[1].address
    data = token.encode_abi("transfer", [receiver, 5])
    digest = chain.request("eth_sendTransaction", [{"from": sender, "to": token.address, "data": data}])
    sent = chain.request("eth_getTransactionByHash", [digest])
    receipt = chain.request("eth_getTransactionReceipt", [digest])
    assert token.functions.balanceOf(receiver).call() == 5
    assert (sent["nonce"], sent["type"], receipt["status"]) == ("0x1", "0x2", "0x1")
    assert sent["gas"] == receipt["gasUsed"]


@pytest.mark.parametrize(
    "fees",
    [
        {"gasPrice": hex(2 * GWEI)},
        {
            "gasPrice": hex(2 * GWEI),
            "accessList": [{"address": "0x" + "22" * 20, "storageKeys": ["0x" + "00" * 32]}],
        },
        {"maxFeePerGas": hex(2 * GWEI)},
        {"maxPriorityFeePerGas": "0x0"},
    ],
)
def test_an_unlocked_account_may_give_any_kind_of_fee(chain: LocalChain, fees: dict[str, object]) -> None:
    sender = chain.accounts[0].address
    digest = chain.request("eth_sendTransaction", [{"from": sender, "to": sender, **fees}])
    sent = chain.request("eth_getTransactionByHash", [digest])
    assert all(sent[key] == value for key, value in fees.items())
    assert chain.request("eth_getTransactionReceipt", [digest])["status"] == "0x1"


# ---- failing


def test_a_custom_error_arrives_with_its_data(web3: Web3, token: Contract) -> None:
    sender, supply = web3.eth.accounts[0], token.functions.totalSupply().call()
    function = token.functions.transfer(web3.eth.accounts[1], supply + 1)
    expected = INSUFFICIENT_BALANCE + f"{int(sender, 16):064x}{supply:064x}{supply + 1:064x}"
    for attempt in (function.call, function.estimate_gas, function.transact):
        with pytest.raises(ContractCustomError) as refused:
            attempt()
        assert refused.value.data == expected


def test_a_reason_arrives_as_text(token: Contract) -> None:
    for attempt in (token.functions.giveReason().call, token.functions.giveReason().estimate_gas):
        with pytest.raises(ContractLogicError, match="execution reverted: the reason"):
            attempt()


def test_a_panic_arrives_with_its_code(token: Contract) -> None:
    with pytest.raises(ContractPanicError, match="0x12: Division by zero"):
        token.functions.divide(1, 0).call()


def test_a_revert_without_data_says_so_and_no_more(chain: LocalChain, token: Contract) -> None:
    data = token.encode_abi("giveNothing")
    with pytest.raises(RpcError) as refused:
        chain.request("eth_call", [{"to": token.address, "data": data}])
    assert refused.value.as_json() == {"code": 3, "message": "execution reverted", "data": "0x"}


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("giveReason", [], "execution reverted: the reason"),
        ("divide", [1, 0], "execution reverted: panic: division or modulo by zero (0x12)"),
        (
            "transferFrom",
            ["0x" + "33" * 20, "0x" + "44" * 20, 1],
            "execution reverted: panic: arithmetic underflow",
        ),
        ("transfer", ["0x" + "44" * 20, 1], f"execution reverted: custom error {INSUFFICIENT_BALANCE}"),
    ],
)
def test_the_message_of_a_revert_says_why(
    chain: LocalChain, token: Contract, name: str, args: list[object], message: str
) -> None:
    call = {"to": token.address, "from": "0x" + "55" * 20, "data": token.encode_abi(name, args)}
    for method in ("eth_call", "eth_estimateGas"):
        with pytest.raises(RpcError) as refused:
            chain.request(method, [call])
        assert refused.value.code == 3
        assert refused.value.message.startswith(message)


def test_with_explicit_gas_a_revert_is_mined_and_paid_for_with_status_0(web3: Web3, token: Contract) -> None:
    sender = web3.eth.accounts[0]
    before = web3.eth.get_balance(sender)
    receipt = web3.eth.get_transaction_receipt(token.functions.giveReason().transact({"gas": 100_000}))
    assert (receipt["status"], receipt["logs"]) == (0, [])
    assert 21_000 < receipt["gasUsed"] < 100_000
    assert web3.eth.get_balance(sender) == before - receipt["gasUsed"] * receipt["effectiveGasPrice"]
    assert web3.eth.get_transaction_count(sender) == 2


def test_running_out_of_gas_is_mined_with_all_of_it_used(web3: Web3, token: Contract) -> None:
    receipt = web3.eth.get_transaction_receipt(token.functions.burn().transact({"gas": 100_000}))
    assert (receipt["status"], receipt["gasUsed"]) == (0, 100_000)


def test_running_out_of_gas_in_a_call_is_an_error_that_says_so(token: Contract) -> None:
    with pytest.raises(Web3RPCError, match="out of gas"):
        token.functions.burn().call()
    with pytest.raises(Web3RPCError, match="gas required exceeds allowance"):
        token.functions.burn().estimate_gas()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"nonce": 1}, "nonce too high: next nonce 0, tx nonce 1; nothing is queued here"),
        ({"chainId": 1}, "invalid chain id for signer: have 1 want 31337"),
        ({"chainId": 1, "gasPrice": GWEI}, "invalid chain id for signer: have 1 want 31337"),
        ({"value": 10**30}, "insufficient funds for gas * price + value: address 0xf39fd6e5"),
        ({"gas": 20_999}, "intrinsic gas too low: gas 20999, minimum needed 21000"),
        ({"gas": 30_000_001}, "exceeds block gas limit: 30000001 > 30000000"),
        (
            {"maxFeePerGas": 1, "maxPriorityFeePerGas": 1},
            "max fee per gas less than block base fee: maxFeePerGas 1,",
        ),
        ({"maxFeePerGas": GWEI, "maxPriorityFeePerGas": 2 * GWEI}, "max priority fee per gas higher than max fee"),
        ({"to": None, "data": b"\0" * 49_153, "gas": 3_000_000}, "max initcode size exceeded: code size 49153"),
        ({"data": b"\1" * 1_000, "gas": 60_000}, "intrinsic gas too low: gas 60000, minimum needed 61000"),
    ],
)
def test_a_transaction_that_cannot_be_mined_is_refused_in_the_words_clients_know(
    chain: LocalChain, fields: dict[str, object], message: str
) -> None:
    with pytest.raises(RpcError) as refused:
        chain.request("eth_sendRawTransaction", [signed(chain.accounts[0], **fields)])
    assert refused.value.code == -32000
    assert refused.value.message.startswith(message)
    assert chain.request("eth_blockNumber") == "0x0"


def test_a_transaction_sent_twice_is_refused_the_second_time(chain: LocalChain) -> None:
    encoded = signed(chain.accounts[0])
    chain.request("eth_sendRawTransaction", [encoded])
    with pytest.raises(RpcError, match="nonce too low: next nonce 1, tx nonce 0"):
        chain.request("eth_sendRawTransaction", [encoded])


@pytest.mark.parametrize(
    ("encoded", "message"),
    [
        ("0x", "the transaction is empty"),
        ("0x02", "not a signed transaction"),
        ("0x02c0", "not a signed transaction"),
        ("0xc0", "not a signed transaction"),
        ("0x03c0", "transaction type not supported: blobs are not kept here"),
        ("0x05c0", "transaction type not supported: 5"),
        ("f86c", "transaction must be 0x and an even number of hex digits"),
        (None, "transaction must be 0x and an even number of hex digits"),
    ],
)
def test_bytes_that_are_no_transaction_are_refused(chain: LocalChain, encoded: object, message: str) -> None:
    with pytest.raises(RpcError, match=message):
        chain.request("eth_sendRawTransaction", [encoded])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from([{}, {"gasPrice": 2 * GWEI}]), place=st.floats(0, 1), byte=st.integers(0, 255))
def test_a_transaction_changed_on_its_way_is_mined_for_another_or_refused(
    chain: LocalChain, kind: dict[str, object], place: float, byte: int
) -> None:
    snapshot = chain.request("evm_snapshot")
    honest = bytes.fromhex(signed(chain.accounts[0], **kind)[2:])
    index = int(place * (len(honest) - 1))
    changed = honest[:index] + bytes([byte]) + honest[index + 1 :]
    body = {"jsonrpc": "2.0", "id": 1, "method": "eth_sendRawTransaction", "params": ["0x" + changed.hex()]}
    reply = json.loads(chain.answer(json.dumps(body).encode()) or b"null")
    assert ("result" in reply) == (chain.request("eth_blockNumber") == "0x1")
    assert "result" in reply or reply["error"]["code"] in (-32602, -32000)
    if changed != honest:
        assert chain.request("eth_getTransactionCount", [chain.accounts[0].address]) == "0x0"
    chain.request("evm_revert", [snapshot])


def test_an_account_whose_key_is_not_here_cannot_send(chain: LocalChain) -> None:
    with pytest.raises(RpcError, match="unknown account 0x1111"):
        chain.request("eth_sendTransaction", [{"from": "0x" + "11" * 20, "to": "0x" + "22" * 20}])


def test_an_unlocked_account_does_not_sign_for_another_chain(chain: LocalChain) -> None:
    sender = chain.accounts[0].address
    with pytest.raises(RpcError, match="chainId does not match: have 1, want 31337"):
        chain.request("eth_sendTransaction", [{"from": sender, "to": sender, "chainId": "0x1"}])


def test_another_chain_id_can_be_asked_for(token_artifact: Artifact) -> None:
    with LocalChain(Genesis(chain_id=7)) as chain:
        assert chain.request("eth_chainId") == "0x7"
        assert chain.request("net_version") == "7"
        chain.request("eth_sendRawTransaction", [signed(chain.accounts[0], chainId=7)])
        # CHAINID, as a contract sees it: chainid; push0; mstore; return(0, 32)
        assert int(chain.request("eth_call", [{"data": "0x465f5260205ff3"}]), 16) == 7


# ---- calls and estimates


def test_a_call_needs_no_funds_and_leaves_nothing_behind(chain: LocalChain, token: Contract) -> None:
    data = token.encode_abi("transfer", ["0x" + "11" * 20, 5])
    call = {"from": chain.accounts[0].address, "to": token.address, "data": data}
    assert int(chain.request("eth_call", [call]), 16) == 1
    assert token.functions.balanceOf("0x" + "11" * 20).call() == 0
    assert token.functions.caller().call({"from": "0x" + "77" * 20}) == ["0x" + "77" * 20, 0]


def test_a_call_sees_the_gas_price_it_names_without_paying_it(token: Contract) -> None:
    stranger = "0x" + "77" * 20
    assert token.functions.caller().call({"from": stranger, "gasPrice": 5 * GWEI}) == [stranger, 5 * GWEI]


def test_a_call_cannot_hand_over_what_its_sender_does_not_have(chain: LocalChain) -> None:
    with pytest.raises(RpcError, match="insufficient funds for transfer"):
        chain.request("eth_call", [{"from": "0x" + "77" * 20, "to": "0x" + "11" * 20, "value": "0x1"}])


def test_a_call_runs_on_the_state_of_the_block_it_names(web3: Web3, token: Contract) -> None:
    receiver, before = web3.eth.accounts[1], web3.eth.block_number
    token.functions.transfer(receiver, 5).transact()
    token.functions.transfer(receiver, 6).transact()
    balance = token.functions.balanceOf(receiver)
    assert balance.call(block_identifier=before) == 0
    assert balance.call(block_identifier=before + 1) == 5
    assert balance.call(block_identifier=web3.eth.get_block(before + 1)["hash"]) == 5
    assert balance.call(block_identifier="latest") == balance.call(block_identifier="pending") == 11


def test_an_estimate_is_enough_and_no_more_than_geth_would_allow(web3: Web3, token: Contract) -> None:
    for levels in (0, 1, 7, 40):
        function = token.functions.nest(levels)
        estimate = function.estimate_gas()
        snapshot = web3.provider.make_request("evm_snapshot", [])["result"]
        assert web3.eth.get_transaction_receipt(function.transact({"gas": estimate}))["status"] == 1
        web3.provider.make_request("evm_revert", [snapshot])
        too_little = int(estimate * (1 - 0.016))
        assert web3.eth.get_transaction_receipt(function.transact({"gas": too_little}))["status"] == 0


def test_an_estimate_covers_gas_that_is_given_back_only_at_the_end(web3: Web3, token: Contract) -> None:
    token.functions.fill(50).transact()
    receipt = web3.eth.get_transaction_receipt(token.functions.clear().transact())
    assert receipt["status"] == 1
    assert receipt["gasUsed"] < web3.eth.get_transaction(receipt["transactionHash"])["gas"]


def test_an_estimate_covers_the_floor_on_data(chain: LocalChain) -> None:
    call = {"from": chain.accounts[0].address, "to": "0x" + "11" * 20, "data": "0x" + "01" * 1_000}
    assert int(chain.request("eth_estimateGas", [call]), 16) == 61_000


def test_calls_may_go_as_deep_as_gas_allows(token: Contract) -> None:
    assert token.functions.dive(0).call() > 300


# ---- signatures of unlocked accounts


def test_unlocked_accounts_sign_messages_and_typed_data(chain: LocalChain, web3: Web3) -> None:
    account = chain.accounts[0]
    text = web3.eth.sign(account.address, text="what I say")
    assert Account.recover_message(encode_defunct(text="what I say"), signature=text) == account.address

    typed = {
        "types": {
            "EIP712Domain": [{"name": "chainId", "type": "uint256"}],
            "Vote": [{"name": "yes", "type": "bool"}],
        },
        "primaryType": "Vote",
        "domain": {"chainId": 31337},
        "message": {"yes": True},
    }
    signature = chain.request("eth_signTypedData_v4", [account.address, typed])
    assert Account.recover_message(encode_typed_data(full_message=typed), signature=signature) == account.address


@pytest.mark.parametrize("typed", [{}, "not json", {"types": {}, "primaryType": "X"}, 5, None, {"types": 5}])
def test_typed_data_that_is_none_is_refused(chain: LocalChain, typed: object) -> None:
    with pytest.raises(RpcError) as refused:
        chain.request("eth_signTypedData_v4", [chain.accounts[0].address, typed])
    assert refused.value.code == -32602
