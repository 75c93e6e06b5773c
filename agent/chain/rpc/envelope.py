"""JSON-RPC 2.0 itself: from the text of a request or batch to the text of its answer.

Knows nothing of chains: whoever answers a single method is given as a function.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from agent.chain.rpc.codec import shown
from agent.chain.rpc.errors import INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST, PARSE_ERROR, RpcError
from agent.nesting import loads

Call = Callable[[str, Sequence[Any]], Any]
"""Answers one method, or raises `RpcError`."""

MAX_BATCH = 1_000
MAX_DEPTH = 64

_log = logging.getLogger(__name__)


def answer(body: bytes, call: Call) -> bytes | None:
    """Answer the text of a request or of a batch.

    Parameters
    ----------
    body
        What the client sent, whatever it is.
    call
        Answers one method.

    Returns
    -------
    bytes or None
        The JSON text to send back; None where nothing is to be answered, because all requests were notifications.
    """
    try:
        asked = loads(body, deepest=MAX_DEPTH, parse_constant=_refuse_constant, parse_float=_finite)
    except ValueError as error:
        # The decoder's own message can hold anything the client sent; its kind and place say enough.
        place = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        return _text(failure(None, RpcError(PARSE_ERROR, f"parse error: not valid JSON{place}")))
    if not isinstance(asked, list):
        return _one(asked, call)
    if not asked or len(asked) > MAX_BATCH:
        problem = "empty batch" if not asked else f"batch of {len(asked)} requests; at most {MAX_BATCH} are taken"
        return _text(failure(None, RpcError(INVALID_REQUEST, f"invalid request: {problem}")))
    replies = [reply for request in asked if (reply := _one(request, call)) is not None]
    return b"[" + b",".join(replies) + b"]" if replies else None


def failure(request_id: Any, error: RpcError) -> dict[str, Any]:
    """Return an error answer."""
    return {"jsonrpc": "2.0", "id": request_id, "error": error.as_json()}


def _one(request: Any, call: Call) -> bytes | None:
    """Answer one request; None for a notification, whose result and whose errors nobody waits for."""
    try:
        method, params = _read(request)
    except RpcError as error:
        return _text(failure(_id_of(request), error))
    try:
        outcome = {"result": call(method, params)}
    except RpcError as error:
        outcome = {"error": error.as_json()}
    return _reply(method, request["id"], outcome) if "id" in request else None


def _reply(method: str, request_id: Any, outcome: Mapping[str, Any]) -> bytes:
    try:
        return _text({"jsonrpc": "2.0", "id": request_id, **outcome})
    except (TypeError, ValueError, RecursionError) as error:
        _log.exception("%s answered what JSON cannot hold", method)
        return _text(failure(request_id, RpcError(INTERNAL_ERROR, f"internal error: {method}: {error}")))


def _read(request: Any) -> tuple[str, Sequence[Any]]:
    if not isinstance(request, Mapping):
        raise _invalid(f"a request must be an object, not {shown(request)}")
    if request.get("jsonrpc") != "2.0":
        raise _invalid(f'jsonrpc must be "2.0", not {shown(request.get("jsonrpc"))}')
    if "id" in request and not _is_id(request["id"]):
        raise _invalid(f"id must be a string or a number, not {shown(request['id'])}")
    method = request.get("method")
    if not isinstance(method, str):
        raise _invalid(f"method must be a string, not {shown(method)}")
    params = request.get("params", [])
    if isinstance(params, Mapping):
        raise RpcError(INVALID_PARAMS, "params must be an array: parameters are given by position here")
    if not isinstance(params, list):
        raise _invalid(f"params must be an array, not {shown(params)}")
    return method, params


def _is_id(value: Any) -> bool:
    return value is None or (isinstance(value, str | int | float) and not isinstance(value, bool))


def _id_of(request: Any) -> Any:
    request_id = request.get("id") if isinstance(request, Mapping) else None
    return request_id if _is_id(request_id) else None


def _invalid(problem: str) -> RpcError:
    return RpcError(INVALID_REQUEST, f"invalid request: {problem}")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    if math.isfinite(value := float(text)):
        return value
    raise ValueError(f"{text} is out of range")


def _text(value: Mapping[str, Any]) -> bytes:
    # ASCII only: a request may hold half of a surrogate pair, which has no UTF-8 form, and its id is repeated here.
    return json.dumps(value, allow_nan=False).encode("ascii")
