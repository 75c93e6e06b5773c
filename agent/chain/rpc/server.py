"""The door over HTTP: JSON-RPC on loopback, for wallets and for clients of any language."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from typing import Protocol, Self

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from agent.chain.rpc.envelope import failure
from agent.chain.rpc.errors import INVALID_REQUEST, SERVER_ERROR, RpcError
from agent.errors import ChainError, ConnectionFailed

HOST = "127.0.0.1"
MAX_BODY = 5 * 1024 * 1024

_GRACE_SECONDS = 2
_BACKLOG = 128

_log = logging.getLogger(__name__)


class Answers(Protocol):
    """What answers JSON-RPC text: a local chain."""

    chain_id: int

    def answer(self, body: bytes) -> bytes | None:
        """Answer a request or batch."""


class RpcServer:
    """Serves a local chain on loopback while it is entered.

    Parameters
    ----------
    chain
        The chain. It is not closed with the server.
    port
        Port to listen on; 0 takes a free one.

    Raises
    ------
    ConnectionFailed
        On entering, if the port is taken.

    Notes
    -----
    Any web page may ask (CORS allows every origin), as with other development chains: nothing of value is here.

    >>> with LocalChain() as chain, RpcServer(chain, port=8545) as server:
    ...     server.wait()
    """

    def __init__(self, chain: Answers, *, port: int = 0) -> None:
        self._chain = chain
        self._wanted_port = port
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._port = 0

    @property
    def port(self) -> int:
        """The port it listens on, once entered."""
        return self._port

    @property
    def url(self) -> str:
        """The address to give to a client, once entered."""
        return f"http://{HOST}:{self._port}"

    def __enter__(self) -> Self:
        # The socket listens before the thread starts, so that whoever connects from now on is answered, not refused.
        listening = _listen(self._wanted_port)
        self._port = listening.getsockname()[1]
        self._server = uvicorn.Server(
            uvicorn.Config(
                application(self._chain),
                http="h11",
                loop="asyncio",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        self._thread = threading.Thread(
            target=self._server.run, args=([listening],), name="rpc-server", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is None or self._thread is None:
            return
        self._server.should_exit = True
        self._thread.join()

    def wait(self) -> None:
        """Return when the server has ended; Ctrl-C raises `KeyboardInterrupt` here."""
        if self._thread is not None:
            self._thread.join()


def _listen(port: int) -> socket.socket:
    # Named as TCP, or asyncio leaves Nagle's algorithm on, which makes every answer wait 40 ms.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listening.close()
        raise ConnectionFailed(
            f"Port {port} of {HOST} cannot be listened on: {error}.",
            cure="Stop what uses it, or give another port; 0 takes a free one.",
        ) from error
    return listening


def application(chain: Answers) -> Starlette:
    """Return the ASGI application that serves a chain."""

    async def post(request: Request) -> Response:
        try:
            body = await _read(request)
        except ClientDisconnect:
            _log.debug("a client left before its request was complete")
            return Response(status_code=400)
        if body is None:
            return _refusal(413, INVALID_REQUEST, f"invalid request: more than {MAX_BODY} bytes")
        try:
            reply = await run_in_threadpool(chain.answer, body)
        except ChainError as error:
            return _refusal(503, SERVER_ERROR, str(error))
        except asyncio.CancelledError:  # only the server's own end cancels a request
            return _refusal(503, SERVER_ERROR, "the server has ended before the request had")
        return Response(status_code=204) if reply is None else Response(reply, media_type="application/json")

    async def get(_: Request) -> Response:
        return PlainTextResponse(
            f"patternsettle's local chain, chain id {chain.chain_id}: a JSON-RPC service.\n"
            "POST a request to it, or give this address to a wallet or a client as its RPC URL:\n"
            '{"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []}\n'
        )

    async def elsewhere(_: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        return _refusal(status, INVALID_REQUEST, "invalid request: POST JSON-RPC to /")

    return Starlette(
        routes=[Route("/", post, methods=["POST"]), Route("/", get, methods=["GET"])],
        middleware=[
            Middleware(
                CORSMiddleware,
                allow_origins=["*"],
                allow_methods=["GET", "POST"],
                allow_headers=["*"],
                allow_private_network=True,
            )
        ],
        exception_handlers={HTTPException: elsewhere},
    )


async def _read(request: Request) -> bytes | None:
    """Return the body, or None as soon as it is longer than is taken."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            return None
    return bytes(body)


def _refusal(status: int, code: int, message: str) -> Response:
    return JSONResponse(failure(None, RpcError(code, message)), status_code=status)
