"""How the local node says no: JSON-RPC error codes, and the words other nodes use for the same refusal."""

from __future__ import annotations

from typing import Any

from eth_abi import decode
from eth_abi.exceptions import DecodingError

from agent.errors import ChainError

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
SERVER_ERROR = -32000
REVERTED = 3  # the code geth gives to a revert, and the one client libraries look for

_ERROR_STRING = bytes.fromhex("08c379a0")
_PANIC = bytes.fromhex("4e487b71")
_PANICS = {
    0x00: "generic panic",
    0x01: "assertion failed",
    0x11: "arithmetic underflow or overflow",
    0x12: "division or modulo by zero",
    0x21: "conversion into an unknown enum value",
    0x22: "incorrectly encoded storage byte array",
    0x31: "pop from an empty array",
    0x32: "array index out of bounds",
    0x41: "out of memory",
    0x51: "call to an uninitialised internal function",
}


class RpcError(ChainError):
    """An error answer of the node.

    Parameters
    ----------
    code
        Code of JSON-RPC 2.0, or the one Ethereum nodes share for the case.
    message
        One sentence, in the words client libraries recognise where there are such words.
    data
        Further detail as a JSON value; the revert data, hex, of a revert. None leaves the member out.
    """

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    def as_json(self) -> dict[str, Any]:
        """Return the ``error`` member of a JSON-RPC answer."""
        answer: dict[str, Any] = {"code": self.code, "message": self.message}
        return answer if self.data is None else answer | {"data": self.data}


def refused(message: str) -> RpcError:
    """Return the error of a well-formed request that this chain, in its present state, cannot carry out."""
    return RpcError(SERVER_ERROR, message)


def bad_params(message: str) -> RpcError:
    """Return the error of parameters that mean nothing."""
    return RpcError(INVALID_PARAMS, message)


def reverted(data: bytes) -> RpcError:
    """Return the error of a call or estimate that reverted with `data`."""
    reason = _reason(data)
    return RpcError(
        REVERTED, f"execution reverted: {reason}" if reason else "execution reverted", "0x" + data.hex()
    )


def _reason(data: bytes) -> str:
    selector, arguments = data[:4], data[4:]
    if selector == _ERROR_STRING:
        try:
            return str(decode(["string"], arguments)[0])
        except (DecodingError, UnicodeDecodeError):
            return "a reason that is not valid text"
    if selector == _PANIC and len(arguments) == 32:
        code = int.from_bytes(arguments, "big")
        return f"panic: {_PANICS.get(code, 'unknown code')} (0x{code:02x})"
    return f"custom error 0x{selector.hex()}" if len(selector) == 4 else ""
