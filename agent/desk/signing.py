"""How a model's key signs a signal: the typed data (EIP-712) that `contracts/sources/AttestedModels.sol` checks."""

from __future__ import annotations

from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount

from agent.chain.values import Signal

# Members in the order of SIGNAL_TYPEHASH, which the contract hashes.
_TYPES = {
    "Signal": [
        {"name": "settlement", "type": "address"},
        {"name": "model", "type": "bytes32"},
        {"name": "market", "type": "bytes32"},
        {"name": "side", "type": "uint8"},
        {"name": "patterns", "type": "uint32"},
        {"name": "confidenceBps", "type": "uint16"},
        {"name": "barTime", "type": "uint40"},
        {"name": "validUntil", "type": "uint40"},
        {"name": "inputs", "type": "bytes32"},
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
    domain = {"name": "patternsettle", "version": "1", "chainId": chain_id, "verifyingContract": registry}
    names = [member["name"] for member in _TYPES["Signal"]]
    message = dict(zip(names, (settlement, *signal.abi()), strict=True))
    return bytes(key.sign_message(encode_typed_data(domain, _TYPES, message)).signature)
