"""What `patternsettle chain` does: a chain served on loopback, with bars replayed into its feed until Ctrl-C."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from eth_account.signers.local import LocalAccount
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from agent.chain.accounts import Accounts, accounts_of
from agent.chain.rpc.server import RpcServer
from agent.chain.service import ReplayService
from agent.cli.beforehand import require_development, require_generable
from agent.cli.options import load_bars
from agent.cli.output import results, show, show_json, synthetic_note
from agent.cli.progress import warn
from agent.cli.stopping import stop_on_interrupt
from agent.errors import UsageError
from agent.market.bars import Bar, Bars
from agent.market.policies import DateOrder, Duplicates, Impossible, Stamped
from agent.market.synthetic import planted
from agent.settings import DEVELOPMENT_MNEMONIC, load_settings

HISTORY = 6_000
REPLAYED = 5_000
FASTEST = 1_000
SLOWEST = 1e-5  # about a bar a day


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What `patternsettle chain` was asked for."""

    port: int
    data: Path | None
    synthetic: bool
    market: str | None
    speed: float
    bars: int | None
    seed: int
    duplicates: Duplicates
    impossible: Impossible
    date_order: DateOrder | None
    json: bool
    stamped: Stamped = "start"
    columns: str | None = None

    def __post_init__(self) -> None:
        if self.data is not None and self.synthetic:
            raise UsageError("--synthetic makes bars and --data reads them.", cure="Give one of the two.")
        if self.market is not None and self.data is None:
            raise UsageError("--market chooses from a file, and there is none.", cure="Give one with --data.")
        if not SLOWEST <= self.speed <= FASTEST:
            raise UsageError(
                f"--speed is {self.speed:g}.", cure=f"Give bars a second, from {SLOWEST:g} to {FASTEST}."
            )


def serve(wish: Wish) -> None:
    """Serve until Ctrl-C."""
    settings = load_settings()
    accounts_of(settings)  # an invalid phrase is told now
    require_development(settings)
    series = _series(wish)
    start = _start(series, wish.bars)
    with stop_on_interrupt() as stop:
        service = ReplayService(series, start=start, settings=settings)
        try:
            with RpcServer(service.local, port=wish.port) as server:
                _announce(service, server.url, series, start, json=wish.json)
                service.replay(bars_per_second=wish.speed, stop=stop, on_bar=_shown(series))
                if not stop.is_set():
                    _say("The last bar has been replayed; the chain goes on until Ctrl-C.")
                    stop.wait()
        finally:
            service.close()
        _say("The chain has ended, and nothing of it is kept.")


def _say(what: str) -> None:
    print(f"\n{what}" if sys.stderr.isatty() else what, file=sys.stderr)


def _series(wish: Wish) -> Bars:
    if wish.data is None:
        replayed = wish.bars or REPLAYED
        require_generable(replayed)
        return planted(HISTORY + replayed, seed=wish.seed)
    loaded = load_bars(
        wish.data,
        market=wish.market,
        duplicates=wish.duplicates,
        impossible=wish.impossible,
        date_order=wish.date_order,
        stamped=wish.stamped,
        columns=wish.columns,
    )
    warn(loaded)
    return loaded.bars


def _start(series: Bars, replayed: int | None) -> int:
    wanted = replayed if replayed is not None else min(REPLAYED, len(series) // 2)
    if wanted >= len(series):
        raise UsageError(
            f"There are {len(series):,} bars, so {wanted:,} cannot be replayed after some history.",
            cure=f"Give fewer than {len(series):,} with --bars.",
        )
    return len(series) - wanted


def _announce(service: ReplayService, url: str, series: Bars, start: int, *, json: bool) -> None:
    if json:
        show_json(_document(service, url, series, start), indent=None)
        return
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("[bold]chain[/]", f"{url}, chain id {service.local.chain_id}")
    table.add_row("[bold]replays[/]", escape(series.source))
    if series.synthetic:
        table.add_row("", synthetic_note(True))
    table.add_row("", f"{len(series) - start:,} bars after {start:,} of history")
    table.add_row("[bold]contracts[/]")
    for name, value in service.facts.deployment.to_json().items():
        if str(value).startswith("0x"):
            table.add_row(f"  {name.replace('_', ' ')}", str(value))
    table.add_row("[bold]accounts[/]")
    for name, account in _roles(service.accounts).items():
        table.add_row(f"  {name}", account.address)
    show(
        table,
        Text(),
        Text(
            "Each account has 10,000 ETH and demo tokens. Their keys come from the well-known development phrase:"
        ),
        Text(DEVELOPMENT_MNEMONIC),
        Text(),
        Text(f"In a second terminal: patternsettle run --rpc {url}"),
        Text("Ctrl-C ends the chain; nothing of it is kept."),
    )
    results().flush()


def _document(service: ReplayService, url: str, series: Bars, start: int) -> dict[str, Any]:
    return {
        "url": url,
        "chain_id": service.local.chain_id,
        **service.facts.to_json(),
        "accounts": {name: account.address for name, account in _roles(service.accounts).items()},
        "history": start,
        "bars": len(series) - start,
    }


def _roles(accounts: Accounts) -> dict[str, LocalAccount]:
    return {
        "operator": accounts.operator,
        **{f"owner {number}": account for number, account in enumerate(accounts.owners, start=1)},
        "filler": accounts.filler,
        "model key": accounts.model_key,
        **{f"spare {number}": account for number, account in enumerate(accounts.spare, start=1)},
        "publisher": accounts.publisher,
    }


def _shown(series: Bars) -> Callable[[int, Bar], None]:
    """Return what shows each bar as it is replayed: one line that moves, on a terminal only."""
    if not sys.stderr.isatty():
        return lambda done, bar: None

    def show(done: int, bar: Bar) -> None:
        moment = datetime.fromtimestamp(bar.time, UTC)
        close = series.decimal(bar.close)
        print(f"\r{done:,} bars, {moment:%Y-%m-%d %H:%M} UTC, close {close:f}   ", end="", file=sys.stderr)

    return show
