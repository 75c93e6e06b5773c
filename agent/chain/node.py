"""The connection to a node: JSON-RPC questions, and answers that are an answer, an error of ours, or no node's at all.

It speaks through a web3 provider, so that an in-process chain, anvil and a remote node all look the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests
from web3.providers.base import BaseProvider

from agent.chain.answers import Reader
from agent.errors import ChainError, ConnectionFailed

_METHOD_NOT_FOUND = -32601


class RpcFault(ChainError):
    """A node's own error answer that is not a revert."""

    def __init__(self, method: str, code: int, message: str) -> None:
        super().__init__(
            f"The node answered {method} with error {code}: {message.rstrip('.')}.", cure=_cure(message)
        )
        self.code = code
        self.message = message


def _cure(message: str) -> str:
    """What to do about what a node says; nodes have their own words, and share these."""
    said = message.lower()
    if "nonce" in said:
        return (
            "Another desk or wallet uses this account: stop it, or set PATTERNSETTLE_MNEMONIC to other accounts."
        )
    if "insufficient funds" in said:
        return "Fund the account, or set PATTERNSETTLE_MNEMONIC to accounts that are funded on this chain."
    return "Look at the node's own log, or use another node."


class Node:
    """Whatever answers JSON-RPC behind a provider.

    Parameters
    ----------
    provider
        Any synchronous web3 provider.
    reader
        Reads the errors of contracts.
    """

    def __init__(self, provider: BaseProvider, reader: Reader) -> None:
        self._provider = provider
        self._reader = reader

    def request(self, method: str, *params: Any) -> Any:
        """Send one JSON-RPC request and return its result.

        Raises
        ------
        Reverted
            If the call reverted, decoded into the contract's own names.
        RpcFault
            If the node answered with any other error.
        ConnectionFailed
            If it did not answer.
        """
        try:
            response = self._provider.make_request(method, list(params))
        except (requests.RequestException, OSError) as error:
            raise ConnectionFailed(
                f"No node answers {method} at {self._endpoint}: {type(error).__name__}.",
                cure="Start one (patternsettle chain, or anvil) or mend the address.",
            ) from error
        except ValueError as error:
            raise ConnectionFailed(
                f"What answers at {self._endpoint} does not speak JSON-RPC.", cure="Give the address of a node."
            ) from error
        if isinstance(response, Mapping) and response.get("error") is not None:
            self._raise(method, response["error"])
        if not isinstance(response, Mapping) or "result" not in response:
            raise ConnectionFailed(
                f"What answers at {self._endpoint} does not speak JSON-RPC.", cure="Give the address of a node."
            )
        return response["result"]

    @contextmanager
    def reading(self, method: str) -> Iterator[None]:
        """Tell of an answer that is not of the shape its method has, instead of failing where it is taken apart.

        Raises
        ------
        ConnectionFailed
            If what is done inside stumbles over the answer.
        """
        try:
            yield
        except (TypeError, ValueError, LookupError, AttributeError) as error:
            raise ConnectionFailed(
                f"What answers at {self._endpoint} answered {method} with something else than a node would.",
                cure="Give the address of a node.",
            ) from error

    def quantity(self, method: str, *params: Any) -> int:
        """Send a request whose answer is a number."""
        answer = self.request(method, *params)
        try:
            return int(answer, 16)
        except (TypeError, ValueError) as error:
            raise ConnectionFailed(
                f"What answers at {self._endpoint} answered {method} with {answer!r}, which is no number.",
                cure="Give the address of a node.",
            ) from error

    def supports(self, method: str, *params: Any) -> bool:
        """Whether the node knows a method; it is called to find out."""
        try:
            self.request(method, *params)
        except RpcFault as fault:
            # Nodes disagree on the code for an unknown method; they agree on saying so.
            said = fault.message.lower()
            if fault.code == _METHOD_NOT_FOUND or "not found" in said or "not supported" in said:
                return False
            raise
        return True

    def _raise(self, method: str, error: Any) -> None:
        if not isinstance(error, Mapping):
            raise RpcFault(method, 0, str(error))
        data = error.get("data")
        if isinstance(data, Mapping):  # some nodes wrap the revert data once more
            data = data.get("data") or data.get("result")
        message = str(error.get("message", ""))
        if (
            isinstance(data, str)
            and data.startswith("0x")
            and ("revert" in message.lower() or error.get("code") == 3)
        ):
            raise self._reader.error(bytes.fromhex(data[2:]))
        code = error.get("code")
        raise RpcFault(method, code if isinstance(code, int) else 0, message)

    @property
    def _endpoint(self) -> str:
        return str(getattr(self._provider, "endpoint_uri", "the local chain"))
