"""What a run stands on: its desks at their place, how it begins in the journal, and how it is concluded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eth_account.signers.local import LocalAccount

from agent.chain.accounts import Accounts
from agent.chain.client import Chain
from agent.chain.deploy import BASE_DECIMALS, QUOTE_DECIMALS, Deployment
from agent.chain.values import Mandate, Side, Signal
from agent.desk import entries
from agent.desk.books import prove
from agent.desk.decision import Standing
from agent.desk.desks import Desks
from agent.desk.journal import Journal
from agent.desk.loop import Desk, Terms
from agent.desk.owners import Owner, Owners
from agent.desk.report import ChainFacts, DataFacts, JournalFacts, ModelFacts, ModelShare, Report, Seconds
from agent.desk.result import result_of
from agent.desk.signing import sign_signal
from agent.desk.stage import TEMPERS, Plan, Stage
from agent.desk.swap.stories import stories_of
from agent.desk.trades import Tally
from agent.desk.venue import ContractVenue
from agent.market.bars import Bars
from agent.model.labels import DRIFT_BPS
from agent.model.patterns import PATTERNS
from agent.model.trained import TrainedModel

SIZE = 1_000 * 10**QUOTE_DECIMALS
SETTLING_SECONDS = 60  # trades open seconds into a bar, and would miss the end of a horizon of whole bars by those
STANDING_BPS = DRIFT_BPS  # in a replay the price stands still until the desk has acted
DECIMALS = {Side.LONG: QUOTE_DECIMALS, Side.SHORT: BASE_DECIMALS}


@dataclass(frozen=True, kw_only=True)
class Floor:
    """The desks at their place, and everything they stand on.

    Attributes
    ----------
    chain, deployment, accounts
        Where, and who.
    venue, desks, journal
        What trades.
    model, model_id
        The model that the run begins with, and the id it is registered under.
    first_block
        The block before the run's first transaction.
    shift
        Seconds by which the chain's clock runs ahead of the data's.
    """

    chain: Chain
    deployment: Deployment
    accounts: Accounts
    venue: ContractVenue
    desks: Desks
    journal: Journal
    model: TrainedModel
    model_id: bytes
    first_block: int
    shift: int = 0


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

    Raises
    ------
    DeskError
        Where no mandate could accept the model's spread.
    """
    return Plan(
        artifact_hash=bytes.fromhex(model.id.removeprefix("0x")),
        threshold_bps=model.threshold_bps,
        barriers=model.manifest.barriers,
        interval=interval,
        settling=min(SETTLING_SECONDS, interval // 2),
        terms=terms_of(model, interval),
        drift_bps=drift_bps,
        price=price,
    )


def floor_of(
    venue: ContractVenue,
    model: TrainedModel,
    stage: Stage,
    accounts: Accounts,
    journal: Journal,
    terms: Terms,
    *,
    first_block: int,
    shift: int = 0,
) -> Floor:
    """Return a floor with one desk, which trades the stage's mandates."""
    desk = seat(
        venue,
        model,
        stage.model_id,
        accounts.model_key,
        accounts=accounts,
        journal=journal,
        terms=terms,
        shift=shift,
        mandates=stage.mandates,
    )
    people = zip(accounts.owners, TEMPERS, strict=True)
    owners = Owners(
        [Owner(number, account, temper) for number, (account, temper) in enumerate(people, start=1)],
        stage.model_id,
        stage.mandates,
    )
    return Floor(
        chain=venue.chain,
        deployment=venue.deployment,
        accounts=accounts,
        venue=venue,
        desks=Desks(desk, owners),
        journal=journal,
        model=model,
        model_id=stage.model_id,
        first_block=first_block,
        shift=shift,
    )


def seat(
    venue: ContractVenue,
    model: TrainedModel,
    model_id: bytes,
    key: LocalAccount,
    *,
    accounts: Accounts,
    journal: Journal,
    terms: Terms,
    shift: int,
    mandates: Sequence[Mandate] = (),
    tally: Tally | None = None,
) -> Desk:
    """Return a desk that trades some mandates, signing with the model's key."""
    deployment = venue.deployment

    def sign(signal: Signal) -> bytes:
        return sign_signal(
            key,
            registry=deployment.models,
            chain_id=deployment.chain_id,
            settlement=deployment.settlement,
            signal=signal,
        )

    return Desk(
        venue=venue,
        model=model,
        model_id=model_id,
        mandates=mandates,
        filler=accounts.filler.address,
        sign=sign,
        journal=journal,
        terms=terms,
        shift=shift,
        tally=tally,
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
    tally, model = floor.desks.tally, floor.model
    floor.desks.look()
    result = result_of(
        tally.settled,
        bars,
        start=start,
        stop=stop,
        barriers=model.manifest.barriers,
        terms=terms_of(model, bars.interval),
        owners=len(floor.accounts.owners),
        seed=seed,
        others={desk.model_id: desk.model.manifest.barriers for desk in floor.desks},
    )
    books = prove(floor.venue)
    floor.journal.append(
        entries.RunEnded(
            summary={
                "signals": tally.signals,
                "settled": len(tally.settled),
                "released": len(tally.released),
                "still_open": len(floor.desks.open_trades),
                "result": str(result.quote),
                "balanced": books.balanced,
            }
        )
    )
    verified = floor.journal.verify()
    return Report(
        data=_data_facts(bars),
        model=_model_facts(floor),
        chain=_chain_facts(floor),
        journal=JournalFacts(place=floor.journal.name, rows=verified.rows, head=verified.head),
        bars_replayed=stop - start,
        signals=tally.signals,
        holds=tally.holds,
        settled=tally.settled,
        released=tally.released,
        still_open=tuple(floor.desks.open_trades.values()),
        refused=tally.refused,
        books=books,
        result=result,
        owners=[owner.address for owner in floor.accounts.owners],
        decimals=DECIMALS,
        open_gas=tally.open_gas,
        close_gas=tally.close_gas,
        seconds=seconds,
        interrupted=interrupted,
        swaps=stories_of(floor.journal, run=floor.journal.run),
        models=[share_of(desk, floor.desks) for desk in floor.desks],
    )


def _data_facts(bars: Bars) -> DataFacts:
    return DataFacts(
        source=bars.source,
        market=bars.market,
        synthetic=bars.synthetic,
        bars=len(bars),
        interval=bars.interval,
        first=bars.first,
        last=bars.last,
    )


def _model_facts(floor: Floor) -> ModelFacts:
    model = floor.model
    return ModelFacts(
        id=floor.model_id,
        name=model.manifest.name,
        artifact=model.id.removeprefix("0x"),
        trained_until=model.manifest.trained_until,
        threshold_bps=model.threshold_bps,
    )


def _chain_facts(floor: Floor) -> ChainFacts:
    return ChainFacts(
        client=floor.chain.client,
        chain_id=floor.chain.chain_id,
        settlement=floor.deployment.settlement,
        base=floor.deployment.base,
        quote=floor.deployment.quote,
        blocks=floor.chain.block_number - floor.first_block,
        gas_used=floor.chain.gas_used,
        shift=floor.shift,
    )


def share_of(desk: Desk, desks: Desks) -> ModelShare:
    """Say what the model of one desk has done of what all have done."""
    tally, model_id = desks.tally, desk.model_id
    settled = [trade for trade in tally.settled if trade.opening.fill.mandate.model == model_id]
    return ModelShare(
        id=model_id,
        name=desk.model.manifest.name,
        artifact=desk.model.id.removeprefix("0x"),
        standing=desks.standing(desk),
        bars={standing: n for standing in Standing if (n := tally.bars[model_id, standing])},
        settled=len(settled),
        released=sum(trade.opening.fill.mandate.model == model_id for trade in tally.released),
        still_open=len(desk.open_trades),
        quote=sum(trade.profit_in_quote for trade in settled),
        owners=[owner.number for owner in desks.owners.of(model_id)],
    )
