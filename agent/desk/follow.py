"""Trading on a chain whose prices somebody else publishes: `patternsettle chain`, in another process.

Here nothing waits for the desk. A bar is decided on when its source says it has closed, the signal is acted on at whatever
later price the oracle has by then, and barriers are watched whenever that price has changed. A desk that comes behind
trades on the newest bar alone, and journals that for the others it was too late.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from agent.chain.accounts import accounts_of
from agent.chain.client import Chain
from agent.chain.contracts import OracleContract
from agent.chain.deploy import Deployment
from agent.desk.floor import Floor, concluded, floor_of, plan_of, started
from agent.desk.journal import Journal
from agent.desk.report import Report, Seconds
from agent.desk.session import require_unseen
from agent.desk.stage import set_stage
from agent.desk.swap.examine import Aside
from agent.desk.swap.ground import Ground
from agent.desk.swap.swaps import Swapping, Swaps
from agent.desk.venue import ContractVenue
from agent.errors import ChainError
from agent.market.bars import Bars
from agent.market.stream import Stream, extended
from agent.model.trained import TrainedModel
from agent.settings import Settings

POLL_SECONDS = 0.02
MOVING_BPS = 50  # here the price moves while the desk acts


@dataclass(frozen=True)
class News:
    """What a poll of the chain brought: bars that closed since, and whether none will follow."""

    bars: Bars
    finished: bool


class Follower:
    """Reads a replaying chain's facts and bars.

    Parameters
    ----------
    chain
        A chain served by `patternsettle chain`.

    Attributes
    ----------
    deployment
        Where its contracts are.
    """

    def __init__(self, chain: Chain) -> None:
        facts = chain.request("patternsettle_deployment")
        self._chain = chain
        with chain.reading("patternsettle_deployment"):
            self.deployment = Deployment.from_json(facts["deployment"])
            self._stream = Stream(
                *(facts[name] for name in ("interval", "decimals", "source", "synthetic", "market"))
            )
        self.deployment.check(chain)

    @staticmethod
    def serves(chain: Chain) -> bool:
        """Whether a chain is one that can be followed."""
        return chain.supports("patternsettle_deployment")

    def news(self, after: int | None = None) -> News:
        """Return the bars that have closed and begin later than `after` (unix seconds; None for all)."""
        rows: list[list[int]] = []
        while True:
            answer = self._chain.request("patternsettle_bars", *([] if after is None else [after]))
            with self._chain.reading("patternsettle_bars"):
                rows += answer["bars"]
                if not answer["more"]:
                    return News(self._stream.bars(rows), bool(answer["finished"]))
                after = rows[-1][0]


@dataclass(frozen=True, kw_only=True)
class FollowRun:
    """What to run on a followed chain.

    Attributes
    ----------
    model_for
        Returns the model to use, given the bars that have closed so far.
    settings, journal, seed
        As in `agent.desk.session.Run`.
    limit
        Bars after which to end; None runs until the chain is finished.
    stop
        Asked again and again; True ends the run cleanly.
    on_bar
        Called with the number of bars done.
    swapping_for
        Returns how the model may be swapped for another, given the one it begins with.
    """

    model_for: Callable[[Bars], TrainedModel]
    settings: Settings
    journal: str = ":memory:"
    seed: int = 0
    limit: int | None = None
    stop: Callable[[], bool] = lambda: False
    on_bar: Callable[[int], None] = lambda done: None
    swapping_for: Callable[[TrainedModel], Swapping] = lambda model: Swapping()


def run_follow(chain: Chain, run: FollowRun) -> Report:
    """Trade on a chain that replays by itself, until it has finished, and report."""
    began = time.monotonic()
    accounts = accounts_of(run.settings)
    follower = Follower(chain)
    deployment = follower.deployment
    history = follower.news().bars
    if not len(history):
        raise ChainError("The chain has no bars yet.", cure="Wait until its replay has begun.")
    model = run.model_for(history)
    require_unseen(model, first=int(history.time[-1]) + history.interval, interval=history.interval)
    trained = time.monotonic()
    with Journal.open(run.journal) as journal:
        first_block = chain.block_number
        oracle = OracleContract(chain, deployment.oracle)
        plan = plan_of(model, interval=history.interval, price=oracle.price().value, drift_bps=MOVING_BPS)
        stage = set_stage(chain, deployment, accounts, plan)
        venue = ContractVenue(chain, deployment, accounts.operator)
        floor = floor_of(venue, model, stage, accounts, journal, plan.terms, first_block=first_block)
        # Bars that closed while the stage was set are history, too: nobody could have traded on them.
        bars = extended(history, follower.news(int(history.time[-1])).bars)
        start = len(bars)
        started(floor, bars, {"limit": run.limit, "seed": run.seed, "node": chain.client})
        ready = time.monotonic()
        swaps = Swaps(
            desks=floor.desks,
            ground=Ground.of(floor, settings=run.settings, interval=bars.interval, drift_bps=MOVING_BPS),
            journal=journal,
            swapping=run.swapping_for(model),
            examiner=Aside(),
            market_waits=False,
        )
        with swaps:
            swaps.begin()
            bars = _follow(floor, follower, bars, run, swaps)
            swaps.end()
        seconds = Seconds(setup=ready - trained, train=trained - began, replay=time.monotonic() - ready)
        return concluded(
            floor,
            bars,
            start=start,
            stop=len(bars),
            seed=run.seed,
            seconds=seconds,
            interrupted=run.stop(),
        )


def _follow(floor: Floor, follower: Follower, bars: Bars, run: FollowRun, swaps: Swaps) -> Bars:
    """Trade until the chain has finished, the limit is reached or the user stops; return the bars, grown."""
    start = len(bars)
    seen = -1
    while not run.stop():
        swaps.between(bars)
        news = follower.news(int(bars.time[-1]))
        for index in range(len(news.bars)):
            bars = extended(bars, news.bars[index : index + 1])
            late = index < len(news.bars) - 1
            floor.desks.consider(bars, bars.closed_at(len(bars) - 1), late=late)
            run.on_bar(len(bars) - start)
            if run.limit is not None and len(bars) - start >= run.limit:
                return bars
        # Each block may bring another price, and each brings the horizon nearer.
        block = floor.venue.block()
        if block != seen:
            floor.desks.watch()
            seen = block
        if news.finished:
            return bars
        floor.desks.act()
        if not len(news.bars):
            floor.journal.flush()
            time.sleep(POLL_SECONDS)
    return bars
