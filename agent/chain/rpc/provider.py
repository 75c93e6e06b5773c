"""The door in process: a web3 provider whose node is a local chain in the same program."""

from __future__ import annotations

import json
from typing import Any, Protocol

from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from agent.errors import ChainError


class Answers(Protocol):
    """What answers JSON-RPC text: a local chain."""

    def answer(self, body: bytes) -> bytes | None:
        """Answer a request or batch."""


class LocalProvider(JSONBaseProvider):
    """A web3 provider onto a local chain.

    Requests pass through the same text as over HTTP, so that nothing works here that a node would not understand.

    Parameters
    ----------
    chain
        The chain, or anything else that answers JSON-RPC.
    """

    endpoint_uri = "the local chain"

    def __init__(self, chain: Answers) -> None:
        super().__init__()
        self._chain = chain

    def __str__(self) -> str:
        return self.endpoint_uri

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Make one request.

        Raises
        ------
        ChainError
            If the chain is closed.
        """
        return self._answered(self.encode_rpc_request(method, params))

    def make_batch_request(self, requests: list[tuple[RPCEndpoint, Any]]) -> list[RPCResponse] | RPCResponse:
        """Make several requests at once."""
        return self._answered(self.encode_batch_rpc_request(requests))

    def is_connected(self, show_traceback: bool = False) -> bool:
        """Tell whether the chain is open."""
        try:
            return super().is_connected(show_traceback)
        except ChainError:
            if show_traceback:
                raise
            return False

    def _answered(self, body: bytes) -> Any:
        reply = self._chain.answer(body)
        if reply is None:  # web3 gives every request an id, so there is always an answer
            raise ChainError("The local chain was sent a request without an id.", cure="Give it one.")
        return json.loads(reply)
