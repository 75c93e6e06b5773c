"""The report of a run: what was decided, what settled, what it came to, and the proof of the books."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median_low
from typing import Any

from agent.chain.values import Reason, Side
from agent.desk.books import Books
from agent.desk.decision import Hold, Standing
from agent.desk.result import Result
from agent.desk.swap.stories import Story
from agent.desk.trades import OpenTrade, ReleasedTrade, SettledTrade
from agent.model.patterns import names_of


@dataclass(frozen=True, kw_only=True)
class DataFacts:
    """Which bars: their source, whether generated, how many, their length in seconds, the first and the last (UTC)."""

    source: str
    market: str
    synthetic: bool
    bars: int
    interval: int
    first: datetime
    last: datetime


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """Which model: its id on chain, its name, the hash of its artifact, and the end of its training data (UTC)."""

    id: bytes
    name: str
    artifact: str
    trained_until: datetime
    threshold_bps: int


@dataclass(frozen=True, kw_only=True)
class ChainFacts:
    """Which chain, and what the run used of it; `shift` is how far its clock ran ahead of the data's, in seconds."""

    client: str
    chain_id: int
    settlement: str
    base: str
    quote: str
    blocks: int
    gas_used: int
    shift: int


@dataclass(frozen=True, kw_only=True)
class JournalFacts:
    """Where the journal is, how many rows it has, and the hash that the last one carries."""

    place: str
    rows: int
    head: str


@dataclass(frozen=True, kw_only=True)
class Seconds:
    """How long each part took."""

    setup: float
    train: float
    replay: float


@dataclass(frozen=True, kw_only=True)
class ModelShare:
    """What one model did of all that a run did.

    Attributes
    ----------
    id, name, artifact
        As in `ModelFacts`.
    standing
        What it was to the run at its end.
    bars
        How many bars it decided on, by what it was to the run then.
    settled, released, still_open
        How many of its trades.
    quote
        What its settled trades came to, in the quote token's smallest unit.
    owners
        Numbers of the owners who were with it at the end.
    """

    id: bytes
    name: str
    artifact: str
    standing: Standing
    bars: Mapping[Standing, int]
    settled: int
    released: int
    still_open: int
    quote: int
    owners: Sequence[int]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {
            "id": "0x" + self.id.hex(),
            "name": self.name,
            "artifact_sha256": self.artifact,
            "standing": str(self.standing),
            "bars": {str(standing): n for standing, n in self.bars.items()},
            "trades": self.settled,
            "released": self.released,
            "open_trades": self.still_open,
            "result": str(self.quote),
            "owners": list(self.owners),
        }


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything a run has to show.

    Attributes
    ----------
    data, model, chain, journal
        What it ran on.
    bars_replayed, signals, holds
        Decisions, by kind and reason.
    settled, released, still_open
        Trades; those that their owners released have no result, those still open have none yet, and neither are in any of
        the sums.
    refused
        Fills that the contract refused, or would have, by reason.
    books
        The proof.
    result
        In the quote token's smallest unit.
    owners
        Addresses of the mandates' owners, in the order they are numbered in.
    decimals
        Digits after the point of the quote and the base token.
    open_gas, close_gas
        Gas used by each transaction.
    interrupted
        Whether the user ended it early.
    swaps
        What became of each request about its model.
    models
        What each model did: the one it began with, and those that were swapped in or tried.
    """

    data: DataFacts
    model: ModelFacts
    chain: ChainFacts
    journal: JournalFacts
    bars_replayed: int
    signals: int
    holds: Mapping[Hold, int]
    settled: Sequence[SettledTrade]
    released: Sequence[ReleasedTrade]
    still_open: Sequence[OpenTrade]
    refused: Counter[Reason]
    books: Books
    result: Result
    owners: Sequence[str]
    decimals: Mapping[Side, int]
    open_gas: Sequence[int]
    close_gas: Sequence[int]
    seconds: Seconds
    interrupted: bool = False
    swaps: Sequence[Story] = ()
    models: Sequence[ModelShare] = ()

    @property
    def verdict(self) -> str:
        """The result in one sentence; what is synthetic is called so."""
        return self.result.verdict + (" The bars are synthetic." if self.data.synthetic else "")

    def to_json(self) -> dict[str, Any]:
        """Return the report as one JSON document: amounts as decimal strings of smallest units, times ISO 8601 UTC.

        Where nothing was asked about the model, there is nothing about swaps in it.
        """
        swapping = {
            "swaps": [story.to_json(dated=False) for story in self.swaps],
            "models": [model.to_json() for model in self.models],
        }
        return (swapping if self.swaps else {}) | {
            "data": {
                "source": self.data.source,
                "market": self.data.market,
                "synthetic": self.data.synthetic,
                "bars": self.data.bars,
                "interval_seconds": self.data.interval,
                "first": iso(self.data.first),
                "last": iso(self.data.last),
            },
            "model": {
                "id": "0x" + self.model.id.hex(),
                "name": self.model.name,
                "artifact_sha256": self.model.artifact,
                "trained_until": iso(self.model.trained_until),
                "threshold_bps": self.model.threshold_bps,
            },
            "chain": {
                "client": self.chain.client,
                "chain_id": self.chain.chain_id,
                "settlement": self.chain.settlement,
                "blocks": self.chain.blocks,
                "gas_used": self.chain.gas_used,
                "clock_shift_seconds": self.chain.shift,
            },
            "journal": {"place": self.journal.place, "rows": self.journal.rows, "head": self.journal.head},
            "bars_replayed": self.bars_replayed,
            "interrupted": self.interrupted,
            "decisions": {"signal": self.signals, "hold": {str(hold): n for hold, n in self.holds.items()}},
            "trades": [_settled(trade) for trade in self.settled],
            "released": [_released(trade) for trade in self.released],
            "open_trades": [_opened(trade) for trade in self.still_open],
            "refused": {reason.label: n for reason, n in sorted(self.refused.items())},
            "books": {
                "balanced": self.books.balanced,
                "rebuilt_from_events": self.books.rebuilt,
                "events": self.books.events,
                "balances": self.books.balances,
                "trades": self.books.trades,
                "tokens": {
                    token: {
                        "held": str(each.held),
                        "owed": str(each.owed),
                        "held_by_trades": str(each.held_by_trades),
                    }
                    for token, each in self.books.tokens.items()
                },
            },
            "result": {
                "quote": str(self.result.quote),
                "buy_and_hold": str(self.result.buy_and_hold),
                "random_entry": None if self.result.random_entry is None else str(self.result.random_entry),
                "quote_decimals": self.decimals[Side.LONG],
                "p_value": self.result.p_after,
                "p_value_alone": self.result.p_value,
                "trials": self.result.trials,
                "roll": None if self.result.hidden is None else self.result.hidden.as_json(self.result.spread_bps),
                "edge": self.result.edge,
                "verdict": self.verdict,
            },
            "gas": {"open": _gas(self.open_gas), "close": _gas(self.close_gas)},
            "seconds": {
                "setup": round(self.seconds.setup, 3),
                "train": round(self.seconds.train, 3),
                "replay": round(self.seconds.replay, 3),
            },
        }


def iso(time: int | datetime) -> str:
    """ISO 8601 in UTC, to the second: ``2023-03-31T23:00:00Z``."""
    moment = time if isinstance(time, datetime) else datetime.fromtimestamp(time, UTC)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _opened(trade: OpenTrade) -> dict[str, Any]:
    prediction = trade.decision.prediction
    return {
        "mandate": "0x" + trade.fill.mandate.id.hex(),
        "side": trade.side.name.lower(),
        "patterns": list(names_of(prediction.patterns)) if prediction else [],
        "confidence_bps": trade.decision.confidence_bps,
        "opened_at": iso(trade.opened_at),
        "given": str(trade.fill.given),
        "taken": str(trade.fill.taken),
        "open_tx": trade.transaction,
    }


def _settled(trade: SettledTrade) -> dict[str, Any]:
    return _opened(trade.opening) | {
        "closed_at": iso(trade.closed_at),
        "returned": str(trade.returned),
        "barrier": trade.barrier.name.lower(),
        "close_tx": trade.transaction,
    }


def _released(trade: ReleasedTrade) -> dict[str, Any]:
    return _opened(trade.opening) | {"released_at": iso(trade.released_at), "release_tx": trade.transaction}


def _gas(used: Sequence[int]) -> dict[str, int | None]:
    if not used:
        return {"n": 0, "min": None, "median": None, "max": None}
    return {"n": len(used), "min": min(used), "median": median_low(used), "max": max(used)}
