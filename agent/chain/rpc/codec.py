"""How JSON-RPC values are read and written: hex quantities, hex data, block ids and transaction objects."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.chain.rpc.errors import bad_params

BlockId = int | str | bytes
"""A block's number, one of `TAGS`, or its hash."""

TAGS = ("latest", "pending", "earliest", "safe", "finalized")

_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}")
_DATA = re.compile(r"0x(?:[0-9a-fA-F]{2})*")
_UNSUPPORTED = ("authorizationList", "blobVersionedHashes", "blobs", "maxFeePerBlobGas")
AccessList = tuple[tuple[bytes, tuple[int, ...]], ...]


def quantity(value: int) -> str:
    """Write an integer, ``0x0`` for zero."""
    return hex(value)


def data(value: bytes) -> str:
    """Write bytes."""
    return "0x" + value.hex()


def shown(value: Any) -> str:
    """Return a value for an error message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def read_quantity(value: Any, name: str) -> int:
    """Read a number: a hex quantity, or a plain JSON integer, up to 256 bits."""
    if isinstance(value, str) and _QUANTITY.fullmatch(value):
        return int(value, 16)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 256:
        return value
    raise bad_params(f"{name} must be a number such as 0x1a, not {shown(value)}")


def read_data(value: Any, name: str) -> bytes:
    """Read bytes of any length."""
    if isinstance(value, str) and _DATA.fullmatch(value):
        return bytes.fromhex(value[2:])
    raise bad_params(f"{name} must be 0x and an even number of hex digits, not {shown(value)}")


def read_bytes(value: Any, name: str, length: int) -> bytes:
    """Read bytes of one length: 20 for an address, 32 for a hash."""
    if isinstance(value, str) and len(value) == 2 + 2 * length and _DATA.fullmatch(value):
        return bytes.fromhex(value[2:])
    raise bad_params(f"{name} must be 0x and {2 * length} hex digits, not {shown(value)}")


def read_address(value: Any, name: str = "address") -> bytes:
    """Read a 20-byte address, checksummed or not."""
    return read_bytes(value, name, 20)


def read_hash(value: Any, name: str = "hash") -> bytes:
    """Read a 32-byte hash."""
    return read_bytes(value, name, 32)


def read_flag(value: Any, name: str) -> bool:
    """Read true or false."""
    if isinstance(value, bool):
        return value
    raise bad_params(f"{name} must be true or false, not {shown(value)}")


def read_object(value: Any, name: str) -> Mapping[str, Any]:
    """Read an object."""
    if isinstance(value, dict):
        return value
    raise bad_params(f"{name} must be an object, not {shown(value)}")


def read_list(value: Any, name: str) -> Sequence[Any]:
    """Read an array."""
    if isinstance(value, list):
        return value
    raise bad_params(f"{name} must be an array, not {shown(value)}")


def read_block(value: Any, name: str = "block") -> BlockId:
    """Read a tag, a number, a 32-byte hash, or an object with one of ``blockNumber`` and ``blockHash`` (EIP-1898)."""
    if isinstance(value, dict):
        if ("blockNumber" in value) == ("blockHash" in value):
            raise bad_params(f"{name} must have either blockNumber or blockHash, not {shown(value)}")
        if "blockHash" in value:
            return read_hash(value["blockHash"], f"{name}.blockHash")
        value = value["blockNumber"]
    if value is None:
        return "latest"
    if isinstance(value, str) and value in TAGS:
        return value
    if isinstance(value, str) and len(value) == 66:
        return read_hash(value, name)
    if isinstance(value, str) and not value.startswith("0x"):
        raise bad_params(f"{name} must be a number or one of {', '.join(TAGS)}, not {shown(value)}")
    return read_quantity(value, name)


@dataclass(frozen=True, slots=True)
class Request:
    """A transaction object as a client writes it, for a call, an estimate or a transaction.

    None stands for a member that was left out. `to` is empty where a contract is created; `sender` is the zero
    address where none was given.
    """

    sender: bytes
    to: bytes
    value: int
    data: bytes
    gas: int | None
    gas_price: int | None
    max_fee: int | None
    max_priority_fee: int | None
    nonce: int | None
    chain_id: int | None
    access_list: AccessList | None


def read_request(value: Any) -> Request:
    """Read a transaction object."""
    given = {key: item for key, item in read_object(value, "transaction").items() if item is not None}
    for key in _UNSUPPORTED:
        if key in given:
            raise bad_params(f"transaction.{key} is not supported here; sign the transaction and send it raw")

    def number(key: str) -> int | None:
        return read_quantity(given[key], f"transaction.{key}") if key in given else None

    if "gasPrice" in given and ("maxFeePerGas" in given or "maxPriorityFeePerGas" in given):
        raise bad_params(
            "transaction has both gasPrice and maxFeePerGas or maxPriorityFeePerGas; give one kind of fee"
        )
    inputs = [read_data(given[key], f"transaction.{key}") for key in ("input", "data") if key in given]
    if len(set(inputs)) > 1:
        raise bad_params("transaction has both data and input, and they differ; give one")
    return Request(
        sender=read_address(given["from"], "transaction.from") if "from" in given else bytes(20),
        to=read_address(given["to"], "transaction.to") if "to" in given else b"",
        value=number("value") or 0,
        data=inputs[0] if inputs else b"",
        gas=number("gas"),
        gas_price=number("gasPrice"),
        max_fee=number("maxFeePerGas"),
        max_priority_fee=number("maxPriorityFeePerGas"),
        nonce=number("nonce"),
        chain_id=number("chainId"),
        access_list=_read_access_list(given["accessList"]) if "accessList" in given else None,
    )


def _read_access_list(value: Any) -> AccessList:
    entries = []
    for entry in read_list(value, "transaction.accessList"):
        found = read_object(entry, "transaction.accessList entry")
        keys = read_list(found.get("storageKeys", []), "storageKeys")
        slots = tuple(int.from_bytes(read_hash(key, "storageKeys entry"), "big") for key in keys)
        entries.append((read_address(found.get("address"), "transaction.accessList address"), slots))
    return tuple(entries)
