"""From a method's name and its parameters to a result: the table both doors of the node read."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from agent.chain.rpc.errors import METHOD_NOT_FOUND, RpcError, bad_params


@dataclass(frozen=True, slots=True)
class _Method:
    function: Callable[..., Any]
    least: int
    most: int | None


class Dispatcher:
    """A table of JSON-RPC methods, called as ``dispatcher(method, params)``."""

    def __init__(self) -> None:
        self._methods: dict[str, _Method] = {}

    @property
    def names(self) -> list[str]:
        """All methods known, in order."""
        return sorted(self._methods)

    def register(self, name: str, function: Callable[..., Any]) -> None:
        """Add a method.

        Parameters
        ----------
        name
            Its name, such as ``eth_chainId``. One already known is replaced.
        function
            Called with the request's parameters by position; returns what JSON can hold. How many it takes is read
            from its signature, so that too few or too many are refused before it is called.
        """
        least, most = 0, 0
        for parameter in inspect.signature(function).parameters.values():
            if parameter.kind is parameter.VAR_POSITIONAL:
                most = None
            elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
                most = None if most is None else most + 1
                least += parameter.default is parameter.empty
        self._methods[name] = _Method(function, least, most)

    def __call__(self, method: str, params: Sequence[Any]) -> Any:
        """Answer one request.

        Raises
        ------
        RpcError
            If the method is unknown, the parameters do not fit it, or it refuses.
        """
        found = self._methods.get(method)
        if found is None:
            raise RpcError(METHOD_NOT_FOUND, f"the method {method[:80]} does not exist or is not available")
        if len(params) < found.least:
            raise bad_params(f"{method} takes at least {found.least} parameters, not {len(params)}")
        if found.most is not None and len(params) > found.most:
            raise bad_params(f"{method} takes at most {found.most} parameters, not {len(params)}")
        return found.function(*params)
