"""`patternsettle doctor`: what is installed, which compiler, which chain, and what to do about what is missing."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.cli.options import JsonOption


def doctor(
    rpc: Annotated[
        str | None,
        typer.Option("--rpc", metavar="URL", help="Address of a node to look at, too.", show_default=False),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Look at this installation: packages, contracts, chain."""
    from agent.cli.examining import examine  # here, for it takes seconds that other commands need not wait

    examine(rpc, json=json)
