"""`patternsettle deploy`: the contracts onto a chain, and a record of where they are."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from agent.cli.options import JsonOption
from agent.cli.output import show, show_json
from agent.cli.progress import step
from agent.errors import ChainError, UsageError

if TYPE_CHECKING:
    from agent.chain.deploy import Deployment


def deploy(
    rpc: Annotated[
        str, typer.Option("--rpc", metavar="URL", help="Address of the node.")
    ] = "http://127.0.0.1:8545",
    market: Annotated[
        str, typer.Option("--market", metavar="BASE/QUOTE", help="Symbols of the two demo tokens.")
    ] = "ETH/USD",
    feed_decimals: Annotated[
        int, typer.Option("--feed-decimals", metavar="N", min=0, max=18, help="Digits of the feed's prices.")
    ] = 8,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="File to write the addresses to, as JSON.", show_default=False),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Deploy the contracts, two demo tokens and a feed for replays.

    The ninth account of PATTERNSETTLE_MNEMONIC (by default the well-known development phrase) deploys, and may publish
    prices into the feed. No desk and no demo chain uses it.
    """
    # Here, for they take a second that other commands need not wait.
    from agent.chain.accounts import accounts_of
    from agent.chain.client import Chain
    from agent.chain.deploy import deploy as deploy_market
    from agent.cli.beforehand import require_funds
    from agent.settings import load_settings

    base, slash, quote = (part.strip() for part in market.partition("/"))
    if not (slash and base and quote):
        raise UsageError(f"--market {market!r} is not two symbols.", cure="Write it like ETH/USD.")
    if out is not None:
        _require_writable(out)
    settings = load_settings()
    publisher = accounts_of(settings).spare[-1]
    with Chain.connect(rpc, settings=settings) as chain:
        require_funds(chain, (publisher,))
        with step(f"Deploying to {chain.client}"):
            deployment = deploy_market(chain, publisher, base=base, quote=quote, feed_decimals=feed_decimals)
    if json:
        show_json(deployment.to_json())
    else:
        show(_table(deployment))
    if out is not None:  # last: what is on the chain has been told, should this fail
        _write(out, deployment)


def _table(deployment: Deployment) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for name, value in deployment.to_json().items():
        table.add_row(f"[bold]{name.replace('_', ' ')}[/]", str(value))
    return table


def _require_writable(out: Path) -> None:
    from agent.cli.beforehand import takes_files

    if out.is_dir():
        raise UsageError(f"--out {out} is a folder.", cure="Name a file inside it.")
    if not out.parent.is_dir():
        raise UsageError(f"The folder of --out {out} does not exist.", cure="Make it, or name a file elsewhere.")
    if not takes_files(out.parent):
        raise UsageError(f"The folder of --out {out} cannot be written to.", cure="Name a file elsewhere.")


def _write(path: Path, deployment: Deployment) -> None:
    """Write the record whole or not at all."""
    from agent.chain.cache import write_whole

    try:
        write_whole(path, jsonlib.dumps(deployment.to_json(), indent=2) + "\n")
    except ChainError as error:
        raise UsageError(error.problem, cure="Keep the addresses above: the contracts are deployed.") from error
