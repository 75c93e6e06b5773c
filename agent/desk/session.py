"""One run from bars and a model to a report: the chain brought up, the stage set, the bars replayed, the books proven."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from agent.chain.accounts import Accounts, accounts_of
from agent.chain.client import Chain
from agent.chain.contracts import FeedContract, OracleContract
from agent.chain.deploy import Deployment, deploy, fund
from agent.chain.feed import Publisher, ReplayClock, clock_shift, require_settable_time
from agent.chain.local import LocalChain
from agent.chain.rpc.evm import Genesis
from agent.chain.values import Side
from agent.desk.floor import STANDING_BPS, Floor, concluded, floor_of, plan_of, started
from agent.desk.journal import Journal
from agent.desk.replay import replay
from agent.desk.report import Report, Seconds
from agent.desk.stage import FILLER_TRADES, Plan, set_stage
from agent.desk.swap.examine import AtOnce
from agent.desk.swap.ground import Ground
from agent.desk.swap.swaps import Swapping, Swaps
from agent.desk.venue import ContractVenue
from agent.errors import ModelError, UsageError
from agent.market.bars import Bars
from agent.model.trained import TrainedModel
from agent.settings import Settings

LEAD_SECONDS = 3_600  # room before the first replayed bar in which the stage is set
# An open, closes and opens there, two waits before an open, and each mandate's barrier: fourteen blocks at most.
SHORTEST_SECONDS = 16


@dataclass(frozen=True, kw_only=True)
class Run:
    """What to run.

    Attributes
    ----------
    bars, start
        All bars, and the position of the first one to be replayed.
    model
        What decides. It must not have seen any of the replayed bars.
    settings
        Accounts and time limits.
    rpc
        Address of a development node; None for a chain in this process.
    journal
        Path or URL of the journal.
    seed
        Of the random entries in the report.
    train_seconds
        How long the model took to train, for the report.
    stop
        Asked before each bar; True ends the run cleanly.
    on_bar
        Called with the number of bars done.
    swapping
        How its model may be swapped for another.
    """

    bars: Bars
    start: int
    model: TrainedModel
    settings: Settings
    rpc: str | None = None
    journal: str = ":memory:"
    seed: int = 0
    train_seconds: float = 0.0
    stop: Callable[[], bool] = lambda: False
    on_bar: Callable[[int], None] = lambda done: None
    swapping: Swapping = field(default_factory=Swapping)

    def __post_init__(self) -> None:
        if not 0 <= self.start < len(self.bars):
            raise UsageError(
                f"A replay of {len(self.bars)} bars cannot begin at bar {self.start}.",
                cure="Begin it at one of them, counted from 0.",
            )
        if self.bars.interval < SHORTEST_SECONDS:
            raise UsageError(
                f"Bars of {self.bars.interval} s cannot be replayed: a chain needs a second for each block, and a bar "
                "several blocks.",
                cure=f"Give bars of {SHORTEST_SECONDS} s or longer.",
            )
        require_unseen(self.model, first=int(self.bars.time[self.start]), interval=self.bars.interval)


def require_unseen(model: TrainedModel, *, first: int, interval: int) -> None:
    """Refuse to trade on what the model was trained on, or on bars of another length.

    Parameters
    ----------
    model
        The model.
    first
        When the first bar it is to trade in begins, unix seconds.
    interval
        Seconds of those bars.
    """
    manifest = model.manifest
    if manifest.trained_until.timestamp() > first:
        raise ModelError(
            f"The model {manifest.name!r} was trained on data until {manifest.trained_until:%Y-%m-%d %H:%M}, and the "
            f"replay would begin at {datetime.fromtimestamp(first, UTC):%Y-%m-%d %H:%M}: it would trade on its own past.",
            cure="Replay fewer bars with --bars, or train on earlier ones.",
        )
    if manifest.interval != interval:
        raise UsageError(
            f"The model was trained on bars of {manifest.interval} s, and these are of {interval} s.",
            cure="Give bars of the same interval, or train on these.",
        )


def run_replay(run: Run) -> Report:
    """Replay bars on a development chain and report.

    Raises
    ------
    ChainError
        If the node's clock cannot be set, or it refuses or fails.
    DeskError
        If the journal cannot be written.
    """
    began = time.monotonic()
    accounts = accounts_of(run.settings)
    with _chain(run) as chain, Journal.open(run.journal) as journal:
        require_settable_time(chain)
        first_block = chain.block_number
        deployment = _market(chain, accounts, run)
        oracle = OracleContract(chain, deployment.oracle)
        price = int(run.bars.open[run.start]) * oracle.factor()
        plan = plan_of(run.model, interval=run.bars.interval, price=price)
        _fund(chain, accounts, deployment, plan)
        stage = set_stage(chain, deployment, accounts, plan)
        shift = clock_shift(chain, run.bars, run.start)
        clock = ReplayClock(chain, shift)
        venue = ContractVenue(chain, deployment, accounts.operator, before_send=clock.tick)
        floor = floor_of(
            venue, run.model, stage, accounts, journal, plan.terms, first_block=first_block, shift=shift
        )
        # The node is named by its client: its address may hold a key.
        started(floor, run.bars, {"bars": len(run.bars) - run.start, "seed": run.seed, "node": chain.client})
        publisher = Publisher(
            FeedContract(chain, deployment.feed), accounts.publisher, clock, factor=oracle.factor()
        )
        ready = time.monotonic()
        done = _traded(floor, run, publisher)
        seconds = Seconds(setup=ready - began, train=run.train_seconds, replay=time.monotonic() - ready)
        return concluded(
            floor,
            run.bars,
            start=run.start,
            stop=run.start + done,
            seed=run.seed,
            seconds=seconds,
            interrupted=run.start + done < len(run.bars),
        )


def _traded(floor: Floor, run: Run, publisher: Publisher) -> int:
    """Replay the bars, and carry out between them what is asked about the model; return how many were replayed."""
    swaps = Swaps(
        desks=floor.desks,
        ground=Ground.of(floor, settings=run.settings, interval=run.bars.interval, drift_bps=STANDING_BPS),
        journal=floor.journal,
        swapping=run.swapping,
        examiner=AtOnce(),
        market_waits=True,
    )
    with swaps:
        swaps.begin()
        done = replay(
            floor.desks,
            run.bars,
            publisher,
            start=run.start,
            stop=run.stop,
            on_bar=run.on_bar,
            between=swaps.between,
        )
        swaps.end()
    return done


def _chain(run: Run) -> Chain:
    if run.rpc is not None:
        return Chain.connect(run.rpc, settings=run.settings)
    local = LocalChain(Genesis(time=max(0, int(run.bars.time[run.start]) - LEAD_SECONDS)))
    return Chain(local.provider(), settings=run.settings, on_close=local.close)


def _market(chain: Chain, accounts: Accounts, run: Run) -> Deployment:
    base, _, quote = (run.bars.market or "BASE/QUOTE").partition("/")
    return deploy(chain, accounts.publisher, base=base, quote=quote or "QUOTE", feed_decimals=run.bars.decimals)


def _fund(chain: Chain, accounts: Accounts, deployment: Deployment, plan: Plan) -> None:
    """Give owners and filler as many demo tokens as the largest deposit of the stage takes."""
    fund(
        chain,
        accounts.publisher,
        deployment,
        [account.address for account in (*accounts.owners, accounts.filler)],
        base=plan.size(Side.SHORT) * FILLER_TRADES,
        quote=plan.size(Side.LONG) * FILLER_TRADES,
    )
