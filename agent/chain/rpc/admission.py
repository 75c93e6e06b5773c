"""Which transactions are let in, and in which words the others are refused.

py-evm checks most of this itself, in sentences of its own. Client libraries recognise a refusal by the words geth
uses, so they are checked first, here.
"""

from __future__ import annotations

from eth.abc import BlockHeaderAPI, SignedTransactionAPI, StateAPI, TransactionBuilderAPI
from eth_keys.exceptions import BadSignature
from eth_utils import ValidationError
from rlp.exceptions import RLPException

from agent.chain.rpc.errors import bad_params, refused

LEGACY, ACCESS_LIST, DYNAMIC_FEE, BLOB, SET_CODE = range(5)

_FIRST_LIST_BYTE = 0xC0  # of RLP: a legacy transaction begins so, a typed one with its type
_BASE_GAS = 21_000
_FLOOR_PER_TOKEN = 10  # EIP-7623
_MAX_CODE = 49_152  # EIP-3860


def decoded(encoded: bytes, builder: type[TransactionBuilderAPI]) -> SignedTransactionAPI:
    """Decode a signed transaction.

    Raises
    ------
    RpcError
        If the bytes are no transaction, or one of a kind this chain does not take.
    """
    if not encoded:
        raise bad_params("the transaction is empty")
    if encoded[0] < _FIRST_LIST_BYTE and encoded[0] not in (ACCESS_LIST, DYNAMIC_FEE, SET_CODE):
        kind = "blobs are not kept here" if encoded[0] == BLOB else f"{encoded[0]}"
        raise refused(f"transaction type not supported: {kind}")
    try:
        transaction = builder.decode(encoded)
    except (RLPException, ValidationError) as error:
        raise bad_params(f"not a signed transaction: {error}") from error
    if transaction.encode() != encoded:
        raise bad_params("not a signed transaction: its encoding is not canonical")
    return transaction


def type_of(transaction: SignedTransactionAPI) -> int:
    """Return the transaction's type, 0 for a legacy one."""
    return getattr(transaction, "type_id", None) or LEGACY


def least_gas(transaction: SignedTransactionAPI) -> int:
    """Return the gas a transaction needs before it does anything, the floor on its data (EIP-7623) included."""
    zeros = transaction.data.count(0)
    tokens = zeros + 4 * (len(transaction.data) - zeros)
    return max(transaction.intrinsic_gas, _BASE_GAS + _FLOOR_PER_TOKEN * tokens)


def refuse_invalid(
    transaction: SignedTransactionAPI,
    header: BlockHeaderAPI,
    state: StateAPI,
    chain_id: int,
    *,
    free: bool = False,
) -> None:
    """Refuse a transaction that cannot be mined next, in the order geth's pool checks it; `free` if it pays no fee.

    Raises
    ------
    RpcError
        With the reason.
    """
    _refuse_chain(transaction, chain_id)
    refuse_code_size(transaction)
    refuse_gas(transaction, header)
    _refuse_malformed(transaction)
    _refuse_nonce(transaction.nonce, state.get_nonce(transaction.sender))
    _refuse_fees(transaction, header)
    fee = 0 if free else transaction.gas * transaction.max_fee_per_gas
    cost = fee + transaction.value
    if (balance := state.get_balance(transaction.sender)) < cost:
        raise refused(
            f"insufficient funds for gas * price + value: address 0x{transaction.sender.hex()}"
            f" have {balance} want {cost}"
        )


def refuse_unaffordable_value(value: int, balance: int, address: bytes) -> None:
    """Refuse a call that hands over more than its sender has."""
    if balance < value:
        raise refused(f"insufficient funds for transfer: address 0x{address.hex()} have {balance} want {value}")


def refuse_gas(transaction: SignedTransactionAPI, header: BlockHeaderAPI) -> None:
    """Refuse a gas limit that no block has, or that does not pay for the transaction itself."""
    if transaction.gas > header.gas_limit:
        raise refused(f"exceeds block gas limit: {transaction.gas} > {header.gas_limit}")
    if transaction.gas < (least := least_gas(transaction)):
        raise refused(f"intrinsic gas too low: gas {transaction.gas}, minimum needed {least}")


def refuse_code_size(transaction: SignedTransactionAPI) -> None:
    """Refuse creation code longer than EIP-3860 allows."""
    if transaction.to == b"" and len(transaction.data) > _MAX_CODE:
        raise refused(f"max initcode size exceeded: code size {len(transaction.data)}, limit {_MAX_CODE}")


def _refuse_chain(transaction: SignedTransactionAPI, chain_id: int) -> None:
    signed_for = transaction.chain_id  # None: signed before EIP-155, for every chain
    if signed_for is not None and signed_for != chain_id:
        raise refused(f"invalid chain id for signer: have {signed_for} want {chain_id}")


def _refuse_malformed(transaction: SignedTransactionAPI) -> None:
    try:
        transaction.check_signature_validity()
    except (BadSignature, ValidationError) as error:
        raise refused(f"invalid sender: {error}") from error
    try:
        transaction.validate()
    except ValidationError as error:
        raise refused(f"invalid transaction: {error}") from error


def _refuse_nonce(nonce: int, expected: int) -> None:
    if nonce < expected:
        raise refused(f"nonce too low: next nonce {expected}, tx nonce {nonce}")
    if nonce > expected:
        raise refused(f"nonce too high: next nonce {expected}, tx nonce {nonce}; nothing is queued here")


def _refuse_fees(transaction: SignedTransactionAPI, header: BlockHeaderAPI) -> None:
    if transaction.max_priority_fee_per_gas > transaction.max_fee_per_gas:
        raise refused(
            "max priority fee per gas higher than max fee per gas: "
            f"{transaction.max_priority_fee_per_gas} > {transaction.max_fee_per_gas}"
        )
    if transaction.max_fee_per_gas < header.base_fee_per_gas:
        raise refused(
            "max fee per gas less than block base fee: "
            f"maxFeePerGas {transaction.max_fee_per_gas}, baseFee {header.base_fee_per_gas}"
        )
