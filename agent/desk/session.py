"""One run from bars and a model to a report: the chain brought up, the stage set, the bars replayed, the books proven."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from agent.chain.accounts import Accounts, accounts_of
from agent.chain.client import Chain
from agent.chain.contracts import FeedContract, OracleContract
from agent.chain.deploy import BASE_DECIMALS, QUOTE_DECIMALS, Deployment, deploy, fund
from agent.chain.feed import Publisher, ReplayClock, clock_shift, require_settable_time
from agent.chain.local import LocalChain
from agent.chain.rpc.evm import Genesis
from agent.chain.values import Side, Signal
from agent.desk import entries
from agent.desk.books import prove
from agent.desk.journal import Journal
from agent.desk.loop import Desk, Terms
from agent.desk.replay import replay
from agent.desk.report import ChainFacts, DataFacts, JournalFacts, ModelFacts, Report, Seconds
from agent.desk.result import result_of
from agent.desk.signing import sign_signal
from agent.desk.stage import FILLER_TRADES, Plan, Stage, set_stage
from agent.desk.venue import ContractVenue
from agent.errors import ModelError, UsageError
from agent.market.bars import Bars
from agent.model.patterns import PATTERNS
from agent.model.trained import TrainedModel
from agent.settings import Settings

SIZE = 1_000 * 10**QUOTE_DECIMALS
LEAD_SECONDS = 3_600  # room before the first replayed bar in which the stage is set
SETTLING_SECONDS = 60  # trades open seconds into a bar, and would miss the end of a horizon of whole bars by those
SHORTEST_SECONDS = 16  # an open, closes and opens there, and each mandate's barrier: eleven blocks at most
STANDING_BPS = 5  # in a replay the price stands still until the desk has acted
DECIMALS = {Side.LONG: QUOTE_DECIMALS, Side.SHORT: BASE_DECIMALS}


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


@dataclass(frozen=True, kw_only=True)
class Floor:
    """A desk at its place, and everything it stands on.

    Attributes
    ----------
    chain, deployment, accounts
        Where, and who.
    venue, desk, journal, model
        What trades.
    first_block
        The block before the run's first transaction.
    shift
        Seconds by which the chain's clock runs ahead of the data's.
    """

    chain: Chain
    deployment: Deployment
    accounts: Accounts
    venue: ContractVenue
    desk: Desk
    journal: Journal
    model: TrainedModel
    model_id: bytes
    first_block: int
    shift: int = 0


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


def terms_of(model: TrainedModel, interval: int) -> Terms:
    """The terms that the model's labels were made under."""
    return Terms(size=SIZE, spread_bps=model.manifest.barriers.spread_bps, validity=interval)


def plan_of(model: TrainedModel, *, interval: int, price: int, drift_bps: int = STANDING_BPS) -> Plan:
    """What the demo's mandates are made from.

    Parameters
    ----------
    model
        Whose threshold and barriers they take.
    interval
        Seconds of a bar.
    price
        Of the market, scaled by 1e36.
    drift_bps
        What the price may move between an offer and its settlement, beside the spread.
    """
    return Plan(
        artifact_hash=bytes.fromhex(model.id.removeprefix("0x")),
        threshold_bps=model.threshold_bps,
        barriers=model.manifest.barriers,
        interval=interval,
        settling=min(SETTLING_SECONDS, interval // 2),
        terms=terms_of(model, interval),
        slippage_bps=model.manifest.barriers.spread_bps + drift_bps,
        price=price,
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
        desk = seat(venue, run.model, stage, accounts, journal, plan.terms, shift=shift)
        floor = Floor(
            chain=chain,
            deployment=deployment,
            accounts=accounts,
            venue=venue,
            desk=desk,
            journal=journal,
            model=run.model,
            model_id=stage.model_id,
            first_block=first_block,
            shift=shift,
        )
        # The node is named by its client: its address may hold a key.
        started(floor, run.bars, {"bars": len(run.bars) - run.start, "seed": run.seed, "node": chain.client})
        publisher = Publisher(
            FeedContract(chain, deployment.feed), accounts.publisher, clock, factor=oracle.factor()
        )
        ready = time.monotonic()
        done = replay(desk, run.bars, publisher, start=run.start, stop=run.stop, on_bar=run.on_bar)
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


def seat(
    venue: ContractVenue,
    model: TrainedModel,
    stage: Stage,
    accounts: Accounts,
    journal: Journal,
    terms: Terms,
    *,
    shift: int,
) -> Desk:
    """Return a desk that trades the stage's mandates, signing with the model's key."""
    deployment = venue.deployment

    def sign(signal: Signal) -> bytes:
        return sign_signal(
            accounts.model_key,
            registry=deployment.models,
            chain_id=deployment.chain_id,
            settlement=deployment.settlement,
            signal=signal,
        )

    return Desk(
        venue=venue,
        model=model,
        model_id=stage.model_id,
        mandates=stage.mandates,
        filler=accounts.filler.address,
        sign=sign,
        journal=journal,
        terms=terms,
        shift=shift,
    )


def started(floor: Floor, bars: Bars, options: dict[str, object]) -> None:
    """Journal that a run begins, before anything is decided."""
    floor.journal.append(
        entries.RunStarted(
            settings=options,
            model=floor.model.id,
            patterns=tuple(pattern.name for pattern in PATTERNS),
            source=bars.source,
            synthetic=bars.synthetic,
            chain_id=floor.chain.chain_id,
            contract=floor.deployment.settlement,
        )
    )


def concluded(
    floor: Floor, bars: Bars, *, start: int, stop: int, seed: int, seconds: Seconds, interrupted: bool
) -> Report:
    """Prove the books, judge the result, journal the end, and return the report."""
    tally, model = floor.desk.tally, floor.model
    result = result_of(
        tally.settled,
        bars,
        start=start,
        stop=stop,
        barriers=model.manifest.barriers,
        terms=terms_of(model, bars.interval),
        owners=len(floor.accounts.owners),
        seed=seed,
    )
    books = prove(floor.venue)
    floor.journal.append(
        entries.RunEnded(
            summary={
                "signals": tally.signals,
                "settled": len(tally.settled),
                "still_open": len(floor.desk.open_trades),
                "result": str(result.quote),
                "balanced": books.balanced,
            }
        )
    )
    verified = floor.journal.verify()
    return Report(
        data=DataFacts(
            source=bars.source,
            market=bars.market,
            synthetic=bars.synthetic,
            bars=len(bars),
            interval=bars.interval,
            first=bars.first,
            last=bars.last,
        ),
        model=ModelFacts(
            id=floor.model_id,
            name=model.manifest.name,
            artifact=model.id.removeprefix("0x"),
            trained_until=model.manifest.trained_until,
            threshold_bps=model.threshold_bps,
        ),
        chain=ChainFacts(
            client=floor.chain.client,
            chain_id=floor.chain.chain_id,
            settlement=floor.deployment.settlement,
            base=floor.deployment.base,
            quote=floor.deployment.quote,
            blocks=floor.chain.block_number - floor.first_block,
            gas_used=floor.chain.gas_used,
            shift=floor.shift,
        ),
        journal=JournalFacts(place=floor.journal.name, rows=verified.rows, head=verified.head),
        bars_replayed=stop - start,
        signals=tally.signals,
        holds=tally.holds,
        settled=tally.settled,
        still_open=tuple(floor.desk.open_trades.values()),
        refused=tally.refused,
        books=books,
        result=result,
        owners=[owner.address for owner in floor.accounts.owners],
        decimals=DECIMALS,
        open_gas=tally.open_gas,
        close_gas=tally.close_gas,
        seconds=seconds,
        interrupted=interrupted,
    )


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
