"""Replaying bars into a feed, in the order in which they could have been known.

At the start of each bar its open is published: barriers are watched and the signal of the bar before is acted on, at once
or at the second inside the bar that an owner's mandate waits for; until then the price stands still.
Inside the bar, a barrier's own price is published where the bar reached it, stops before profits: the order that
hurts. When the bar has closed, and before the next open exists, the desk decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from agent.chain.feed import Publisher
from agent.chain.values import Side
from agent.desk.desks import Desks
from agent.desk.loop import Desk
from agent.desk.trades import OpenTrade
from agent.market.bars import Bar, Bars


@dataclass(frozen=True)
class Touch:
    """A price inside a bar at which trades end: the feed's answer, and the ids of their mandates."""

    answer: int
    mandates: frozenset[bytes]


def replay(
    desk: Desk | Desks,
    bars: Bars,
    publisher: Publisher,
    *,
    start: int,
    stop: Callable[[], bool] = lambda: False,
    on_bar: Callable[[int], None] = lambda done: None,
    between: Callable[[Bars], None] = lambda bars: None,
) -> int:
    """Replay the bars from `start` on.

    Parameters
    ----------
    desk
        Decides and acts.
    bars
        All bars; those before `start` are history that the desk's windows may reach back to.
    publisher
        Publishes each price.
    stop
        Asked before each bar; True ends the replay cleanly.
    on_bar
        Called after each bar with the number of bars replayed.
    between
        Called before each bar with the bars that have closed.

    Returns
    -------
    int
        How many bars were replayed.
    """
    for index in range(start, len(bars)):
        if stop():
            return index - start
        between(bars[:index])
        bar = bars.bar(index)
        publisher.publish(bar.open, bar.time)
        desk.watch()
        desk.act()
        while (due := desk.due) is not None and due < bar.time + bars.interval:
            publisher.clock.pass_until(due)
            desk.act()
        for touch in touches(desk.open_trades.values(), bar, factor=publisher.factor):
            publisher.publish(touch.answer, bar.time)
            desk.watch(touch.mandates)
        desk.consider(bars[: index + 1], bars.closed_at(index))
        on_bar(index - start + 1)
    return len(bars) - start


def touches(trades: Iterable[OpenTrade], bar: Bar, *, factor: int) -> Iterator[Touch]:
    """Where, inside a bar, the price met the barriers of open trades: first all stops, then all profits.

    A bar does not tell which of its extremes came first. Each trade is taken to have met its stop first, so a bar that
    reached both ends the trade at a loss. The price is the barrier's own, to the feed's next unit beyond it: the
    price passed there on its way from the open, and anything further would be a guess. A barrier beyond which the bar
    opened was not passed inside it.
    """
    trades = list(trades)
    stops = [(_answer(t.levels.stop_loss, factor, below=t.side is Side.LONG), t) for t in trades]
    profits = [(_answer(t.levels.take_profit, factor, below=t.side is Side.SHORT), t) for t in trades]
    stopped = [(answer, t) for answer, t in stops if _reached(bar, answer, below=t.side is Side.LONG)]
    gone = {trade.fill.mandate.id for _, trade in stopped}
    taken = [
        (answer, t)
        for answer, t in profits
        if t.fill.mandate.id not in gone and _reached(bar, answer, below=t.side is Side.SHORT)
    ]
    for group in (stopped, taken):
        for answer, same in groupby(sorted(group, key=lambda pair: pair[0]), key=lambda pair: pair[0]):
            yield Touch(answer, frozenset(trade.fill.mandate.id for _, trade in same))


def _answer(level: int, factor: int, *, below: bool) -> int:
    """Return the feed's nearest answer at which a level is touched."""
    return level // factor if below else -(-level // factor)


def _reached(bar: Bar, answer: int, *, below: bool) -> bool:
    """Whether the bar's price moved from its open to this answer."""
    return bar.low <= answer <= bar.open if below else bar.open <= answer <= bar.high
