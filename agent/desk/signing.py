"""What is signed off the chain (EIP-712): a model's signals, an owner's mandate, and a permit for tokens (ERC-2612)."""

from __future__ import annotations

from typing import Any

from eth_account.messages import SignableMessage, encode_typed_data
from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak

from agent.chain.values import Mandate, Permit, Signal

__all__ = [
    "MANDATE_TYPES",
    "Permit",
    "digest_of",
    "domain_of",
    "mandate_typed_data",
    "sign_mandate",
    "sign_permit",
    "sign_signal",
]

# Members of the domain that both contracts sign under, see `domain_of`.
_DOMAIN = [
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "chainId", "type": "uint256"},
    {"name": "verifyingContract", "type": "address"},
]

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
MANDATE_TYPES = {
    "Mandate": [
        {"name": "owner", "type": "address"},
        {"name": "filler", "type": "address"},
        {"name": "market", "type": "Market"},
        {"name": "source", "type": "address"},
        {"name": "model", "type": "bytes32"},
        {"name": "side", "type": "uint8"},
        {"name": "patterns", "type": "uint32"},
        {"name": "minConfidenceBps", "type": "uint16"},
        {"name": "maxSlippageBps", "type": "uint16"},
        {"name": "ramp", "type": "uint32"},
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
        {"name": "drawdownLimit", "type": "uint128"},
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
    return _sign(key, domain_of(chain_id, registry), _SIGNAL, message)


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
    typed = mandate_typed_data(mandate, chain_id=chain_id, settlement=settlement)
    return _signed(owner, encode_typed_data(full_message=typed))


def mandate_typed_data(mandate: Mandate, *, chain_id: int, settlement: str) -> dict[str, Any]:
    """Return what the owner of a mandate signs, as EIP-712 words it: types, primary type, domain and message.

    Numbers are integers and hashes are bytes; `agent.desk.mandate_file` writes them as JSON for wallets.

    Parameters
    ----------
    mandate
        The mandate.
    chain_id, settlement
        The chain and the address of the settlement contract that is meant.
    """
    message = dict(zip((member["name"] for member in MANDATE_TYPES["Mandate"]), mandate.abi(), strict=True))
    message["market"] = dict(zip((member["name"] for member in _MARKET), message["market"], strict=True))
    return {
        "types": {"EIP712Domain": _DOMAIN, **MANDATE_TYPES},
        "primaryType": "Mandate",
        "domain": domain_of(chain_id, settlement),
        "message": message,
    }


def digest_of(mandate: Mandate, *, chain_id: int, settlement: str) -> bytes:
    """Return the 32 bytes that are signed: what the contract's `digestOf` says, without asking it."""
    typed = mandate_typed_data(mandate, chain_id=chain_id, settlement=settlement)
    signable = encode_typed_data(full_message=typed)
    return keccak(b"\x19" + signable.version + signable.header + signable.body)


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


def domain_of(chain_id: int, contract: str) -> dict[str, Any]:
    """Return the domain under which one of our contracts on one chain is signed for."""
    return {"name": "patternsettle", "version": "1", "chainId": chain_id, "verifyingContract": contract}


def _sign(key: LocalAccount, domain: dict[str, Any], types: dict[str, Any], message: dict[str, Any]) -> bytes:
    return _signed(key, encode_typed_data(domain, types, message))


def _signed(key: LocalAccount, signable: SignableMessage) -> bytes:
    return bytes(key.sign_message(signable).signature)
