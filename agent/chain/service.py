"""The local demo chain as a service: a market deployed, accounts funded, and bars replayed into its feed over time.

Beside Ethereum's own methods it answers two, so that a desk in another process can find its way:
``patternsettle_deployment`` says where the contracts are and what is replayed, ``patternsettle_bars`` which bars have
closed. No bar is told before its close.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from agent.chain.accounts import Accounts, accounts_of
from agent.chain.client import Chain
from agent.chain.contracts import FeedContract, OracleContract
from agent.chain.deploy import BASE_DECIMALS, QUOTE_DECIMALS, Deployment, deploy, fund
from agent.chain.feed import Publisher, ReplayClock
from agent.chain.local import LocalChain
from agent.chain.rpc.codec import shown
from agent.chain.rpc.errors import INVALID_PARAMS, RpcError
from agent.chain.rpc.evm import Genesis
from agent.errors import UsageError
from agent.market.bars import Bar, Bars
from agent.settings import Settings

LEAD_SECONDS = 3_600
WHOLE_TOKENS = 10**12  # for each account; demo tokens are worth nothing, and nobody should run out
STEPS = 4  # on each of the three legs of a bar's path
SHORTEST_SECONDS = 30  # room for a block each second: a bar's prices, and what wallets and a desk do meanwhile
MOST_BARS = 10_000  # in one answer of patternsettle_bars


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a desk must know of a market to trade on it.

    Attributes
    ----------
    deployment
        Where the contracts are.
    market, source, synthetic, interval, decimals
        As in `Bars`.
    """

    deployment: Deployment
    market: str
    source: str
    synthetic: bool
    interval: int
    decimals: int

    def to_json(self) -> dict[str, Any]:
        return {
            "deployment": self.deployment.to_json(),
            "market": self.market,
            "source": self.source,
            "synthetic": self.synthetic,
            "interval": self.interval,
            "decimals": self.decimals,
        }


class ReplayService:
    """A local chain with a market on it into which bars are replayed.

    Parameters
    ----------
    bars
        All bars; those before `start` are history.
    start
        Position of the first bar to be replayed.
    settings
        Accounts and time limits.

    Raises
    ------
    UsageError
        If the bars are too short for the blocks that each of them takes.

    Attributes
    ----------
    local
        The chain, for a server to stand before.
    accounts, facts
        Who is funded, and what a desk must know.
    """

    def __init__(self, bars: Bars, *, start: int, settings: Settings) -> None:
        if bars.interval < SHORTEST_SECONDS:
            raise UsageError(
                f"Bars of {bars.interval} s cannot be replayed: a chain needs a second for each block, and a bar many "
                "blocks.",
                cure=f"Give bars of {SHORTEST_SECONDS} s or longer.",
            )
        self._bars = bars
        self._start = start
        self._closed = start
        self._finished = False
        self.local = LocalChain(Genesis(time=max(0, int(bars.time[start]) - LEAD_SECONDS)))
        self._chain = Chain(self.local.provider(), settings=settings)
        self.accounts: Accounts = accounts_of(settings)
        self.facts = self._set_up()
        self._publisher = self._publishes()
        self.local.register("patternsettle_deployment", self.facts.to_json)
        self.local.register("patternsettle_bars", self._bars_after)

    def close(self) -> None:
        """End the chain; nothing of it is kept."""
        self.local.close()

    def replay(
        self,
        *,
        bars_per_second: float,
        stop: threading.Event,
        on_bar: Callable[[int, Bar], None] = lambda done, bar: None,
    ) -> int:
        """Publish each bar's prices, spread evenly over the time it is given; return how many bars were published.

        Parameters
        ----------
        bars_per_second
            Speed; above zero.
        stop
            Ends the replay between two prices.
        on_bar
            Called after each bar with the number of bars done, and the bar.
        """
        due = time.monotonic()
        for index in range(self._start, len(self._bars)):
            bar = self._bars.bar(index)
            path = path_of(bar)
            for number, answer in enumerate(path):
                self._publish(answer, bar.time + number * self._bars.interval // len(path))
                if number == 0:
                    self._closed = index
                due += 1 / (bars_per_second * len(path))
                if stop.wait(max(0.0, due - time.monotonic())):
                    return index - self._start
            on_bar(index - self._start + 1, bar)
        self._closed, self._finished = len(self._bars), True
        return len(self._bars) - self._start

    def _publish(self, answer: int, moment: int) -> None:
        """Set the time and push as one step on the chain's own thread, so that no wallet's block comes between."""
        self.local.run(lambda: self._publisher.publish(answer, moment))

    def _set_up(self) -> Facts:
        base, _, quote = (self._bars.market or "BASE/QUOTE").partition("/")
        deployment = deploy(
            self._chain,
            self.accounts.publisher,
            base=base,
            quote=quote or "QUOTE",
            feed_decimals=self._bars.decimals,
        )
        fund(
            self._chain,
            self.accounts.publisher,
            deployment,
            [account.address for account in self.accounts.all],
            base=WHOLE_TOKENS * 10**BASE_DECIMALS,
            quote=WHOLE_TOKENS * 10**QUOTE_DECIMALS,
        )
        return Facts(
            deployment=deployment,
            market=self._bars.market,
            source=self._bars.source,
            synthetic=self._bars.synthetic,
            interval=self._bars.interval,
            decimals=self._bars.decimals,
        )

    def _publishes(self) -> Publisher:
        publisher = Publisher(
            FeedContract(self._chain, self.facts.deployment.feed),
            self.accounts.publisher,
            ReplayClock(self._chain, shift=0),
            factor=OracleContract(self._chain, self.facts.deployment.oracle).factor(),
        )
        # A wallet that looks before the replay begins finds the last price there was, not an error.
        publisher.publish(int(self._bars.close[max(0, self._start - 1)]), int(self._bars.time[self._start]) - 60)
        return publisher

    def _bars_after(self, after: Any = None) -> dict[str, Any]:
        """Answer patternsettle_bars: closed bars that begin later than `after`, oldest first, `MOST_BARS` at most."""
        if after is not None and not (type(after) is int and 0 <= after < 2**63):
            raise RpcError(INVALID_PARAMS, f"patternsettle_bars takes unix seconds or nothing, not {shown(after)}")
        finished = self._finished  # read first: once it is true, no bar is missing from those that closed
        closed = self._bars[: self._closed]
        first = 0 if after is None else int(closed.time.searchsorted(after, side="right"))
        found = closed[first : first + MOST_BARS]
        columns = (found.time, found.open, found.high, found.low, found.close, found.volume)
        return {
            "bars": [list(row) for row in zip(*(column.tolist() for column in columns), strict=True)],
            "more": first + MOST_BARS < len(closed),
            "finished": finished,
        }


def path_of(bar: Bar) -> tuple[int, ...]:
    """The prices of a bar in the order they are published.

    From the open to the extreme against the bar's direction, to the other extreme, to the close, each leg in `STEPS`
    even steps: a market moves through prices, and does not leap from one extreme to the other.
    """
    inner = (bar.low, bar.high) if bar.close >= bar.open else (bar.high, bar.low)
    corners = (bar.open, *inner, bar.close)
    legs = (
        start + (end - start) * step // STEPS for start, end in pairwise(corners) for step in range(1, STEPS + 1)
    )
    return (bar.open, *legs)
