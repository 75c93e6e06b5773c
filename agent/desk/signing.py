"""What is signed off the chain (EIP-712): a model's signals, an owner's mandate, and a permit for tokens (ERC-2612)."""

from __future__ import annotations

from typing import Any

from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount

from agent.chain.values import Mandate, Permit, Signal

__all__ = ["Permit", "sign_mandate", "sign_permit", "sign_signal"]

# Members in the order of SIGNAL_TYPEHASH, which `contracts/sources/AttestedModels.sol` hashes.
_SIGNAL = {
    "Signal": [
        {"name": "settlement", "type": "address"},
        {"name": "model", "type": "bytes32"},
        {"name": "market", "type": "bytes32"},
        {"name": "side", "type": "uint8"},
        {"name": "patterns", "type": "uint256"},
        {"name": "confidenceBps", "type": "uint256"},
        {"name": "barTime", "type": "uint256"},
        {"name": "validUntil", "type": "uint256"},
        {"name": "inputs", "type": "bytes32"},
    ]
}
# Members in the order of MANDATE_TYPEHASH, which `contracts/libraries/MandateHash.sol` hashes.
_MARKET = [
    {"name": "base", "type": "address"},
    {"name": "quote", "type": "address"},
    {"name": "oracle", "type": "address"},
]
_MANDATE = {
    "Mandate": [
        {"name": "owner", "type": "address"},
        {"name": "market", "type": "Market"},
        {"name": "source", "type": "address"},
        {"name": "model", "type": "bytes32"},
        {"name": "side", "type": "uint8"},
        {"name": "patterns", "type": "uint32"},
        {"name": "minConfidenceBps", "type": "uint16"},
        {"name": "maxSlippageBps", "type": "uint16"},
        {"name": "takeProfitBps", "type": "uint16"},
        {"name": "stopLossBps", "type": "uint16"},
        {"name": "horizon", "type": "uint32"},
        {"name": "cooldown", "type": "uint32"},
        {"name": "maxSignalAge", "type": "uint32"},
        {"name": "maxPriceAge", "type": "uint32"},
        {"name": "minAmount", "type": "uint128"},
        {"name": "maxAmount", "type": "uint128"},
        {"name": "minPrice", "type": "uint256"},
        {"name": "maxPrice", "type": "uint256"},
        {"name": "lossLimit", "type": "uint128"},
        {"name": "expiry", "type": "uint40"},
        {"name": "salt", "type": "bytes32"},
    ],
    "Market": _MARKET,
}
_PERMIT = {
    "Permit": [
        {"name": "owner", "type": "address"},
        {"name": "spender", "type": "address"},
        {"name": "value", "type": "uint256"},
        {"name": "nonce", "type": "uint256"},
        {"name": "deadline", "type": "uint256"},
    ]
}


def sign_signal(key: LocalAccount, *, registry: str, chain_id: int, settlement: str, signal: Signal) -> bytes:
    """Sign a signal, for one settlement contract on one chain.

    Parameters
    ----------
    key
        The model's registered key.
    registry
        Address of the `AttestedModels` in which it is registered.
    chain_id
        The chain that both contracts are on.
    settlement
        Address of the settlement contract that is meant.
    signal
        What is signed, every field of it.

    Returns
    -------
    bytes
        The 65-byte signature that `open` takes as evidence.
    """
    names = [member["name"] for member in _SIGNAL["Signal"]]
    message = dict(zip(names, (settlement, *signal.abi()), strict=True))
    return _sign(key, _ours(chain_id, registry), _SIGNAL, message)


def sign_mandate(owner: LocalAccount, *, chain_id: int, settlement: str, mandate: Mandate) -> bytes:
    """Sign a mandate, so that anybody may lodge it with `createFor` in the one settlement contract that is meant.

    Parameters
    ----------
    owner
        The mandate's owner.
    chain_id
        The chain that the contract is on.
    settlement
        Its address.
    mandate
        What is signed, every field of it.

    Returns
    -------
    bytes
        The 65-byte signature that `createFor` takes.
    """
    values = mandate.abi()
    message = dict(zip((member["name"] for member in _MANDATE["Mandate"]), values, strict=True))
    message["market"] = dict(zip((member["name"] for member in _MARKET), message["market"], strict=True))
    return _sign(owner, _ours(chain_id, settlement), _MANDATE, message)


def sign_permit(
    owner: LocalAccount,
    *,
    token: str,
    name: str,
    chain_id: int,
    spender: str,
    amount: int,
    nonce: int,
    deadline: int,
) -> Permit:
    """Sign a permit (ERC-2612): leave for `spender` to take tokens of the owner.

    Parameters
    ----------
    owner
        Whose tokens they are.
    token, name
        The token's address, and the name in its EIP-712 domain, whose version is "1".
    chain_id
        The chain that it is on.
    spender
        Who may take them; for `depositWithPermit` the settlement contract.
    amount
        In the token's smallest unit.
    nonce
        What the token's `nonces(owner)` says.
    deadline
        Last unix second at which the permit holds.
    """
    domain = {"name": name, "version": "1", "chainId": chain_id, "verifyingContract": token}
    message = {
        "owner": owner.address,
        "spender": spender,
        "value": amount,
        "nonce": nonce,
        "deadline": deadline,
    }
    signature = _sign(owner, domain, _PERMIT, message)
    return Permit(amount=amount, deadline=deadline, v=signature[64], r=signature[:32], s=signature[32:64])


def _ours(chain_id: int, contract: str) -> dict[str, Any]:
    return {"name": "patternsettle", "version": "1", "chainId": chain_id, "verifyingContract": contract}


def _sign(key: LocalAccount, domain: dict[str, Any], types: dict[str, Any], message: dict[str, Any]) -> bytes:
    return bytes(key.sign_message(encode_typed_data(domain, types, message)).signature)
