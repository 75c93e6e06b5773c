"""The desk: decides at each closed bar, acts at the price that comes after it, watches barriers, journals it all.

A desk runs one model; where a model is swapped for another, `agent.desk.desks` has several of them stand as one.
It holds no settlement rule. It asks the venue what it would do, does it, and believes only what the venue then logs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from numpy.typing import NDArray

from agent.chain.answers import Receipt
from agent.chain.client import Announce
from agent.chain.events import Refused
from agent.chain.values import ANYONE, Fill, Mandate, Price, Reason, Side, Signal
from agent.desk import entries
from agent.desk.decision import Decision, Hold, Standing, decide
from agent.desk.journal import Journal
from agent.desk.quotes import covered_at, quote_close, quote_open
from agent.desk.sending import send
from agent.desk.tracking import Tracking
from agent.desk.trades import OpenTrade, Tally
from agent.desk.venue import Venue
from agent.market.bars import Bars
from agent.model.trained import TrainedModel


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How a desk trades, within what mandates allow.

    Attributes
    ----------
    size
        Worth of a trade in the quote token's smallest unit, where a mandate allows as much; else the nearest that it allows.
    spread_bps
        What the filler keeps of the oracle price at each end of a trade, in basis points.
    validity
        Seconds a signal may be used after its bar closed.
    """

    size: int
    spread_bps: int
    validity: int


@dataclass(frozen=True)
class Waiting:
    """A signal that has not been acted on yet, or not for all mandates.

    Attributes
    ----------
    decision
        What was decided.
    mandates
        Those that it may be acted on for.
    due
        The second at which to ask the first of them again; unix seconds by the venue's clock. Zero where none was asked yet.
    """

    decision: Decision
    mandates: tuple[Mandate, ...]
    due: int = 0


class Desk:
    """Runs one model for a set of mandates on one market.

    Parameters
    ----------
    venue
        Where trades settle.
    model, model_id
        What decides, and the id it is registered under.
    mandates
        The standing instructions it trades for.
    filler
        Address of the account that takes the other side; it has authorised the venue's operator.
    sign
        Returns the evidence for a signal.
    journal
        Where everything is written before it happens.
    terms
        Size, spread and validity.
    shift
        Seconds by which the venue's clock runs ahead of the data's: a replay of old bars on a chain whose clock
        cannot be set back. Zero where both tell the same time.
    tally
        What it counts in; one of its own unless given. Desks that stand as one share one.

    Attributes
    ----------
    model, model_id
        As given.
    mandates
        The standing instructions that its next decisions are for; a decision made keeps those it was made for.
    """

    def __init__(
        self,
        *,
        venue: Venue,
        model: TrainedModel,
        model_id: bytes,
        mandates: Sequence[Mandate],
        filler: str,
        sign: Callable[[Signal], bytes],
        journal: Journal,
        terms: Terms,
        shift: int = 0,
        tally: Tally | None = None,
    ) -> None:
        self._venue = venue
        self.model = model
        self.model_id = model_id
        self.mandates = tuple(mandates)
        self._filler = filler
        self._sign = sign
        self._journal = journal
        self._terms = terms
        self._shift = shift
        self._waiting: Waiting | None = None
        self._left_alone: set[bytes] = set()
        self.tally = Tally() if tally is None else tally
        self._trades = Tracking(venue, journal, self.tally, shift=shift)

    @property
    def open_trades(self) -> Mapping[bytes, OpenTrade]:
        """Open trades by mandate id."""
        return self._trades.open

    @property
    def due(self) -> int | None:
        """When to act again on a signal that some mandates wait for, unix seconds in the time of the data; or None."""
        return self._waiting.due - self._shift if self._waiting is not None and self._waiting.due else None

    # ---- deciding

    def consider(
        self, known: NDArray | Bars, closed_at: int, *, late: bool = False, standing: Standing = Standing.LIVE
    ) -> Decision:
        """Decide on a bar that has just closed, and journal the decision.

        Parameters
        ----------
        known
            Bars up to and including this one, oldest first, or their integer closes, shape (n,). Nothing later exists
            here.
        closed_at
            When the bar closed, unix seconds, in the time of the data.
        late
            True where a later bar is known to have closed, too: then what would be a signal is a hold.
        standing
            What the model is to the run. What a shadow decides is journalled, and followed by nothing.
        """
        decision = self.conclude(known, closed_at, late=late)
        self.record(decision, standing)
        return decision

    def conclude(self, known: NDArray | Bars, closed_at: int, *, late: bool = False) -> Decision:
        """Ask the model, and do nothing about what it says; parameters as in `consider`."""
        if isinstance(known, Bars) and not self.model.reads_bars:
            known = known.close
        window = known[-self.model.window :]
        if len(window) < self.model.window:
            return Decision(closed_at, None, Hold.WARMING_UP, None)
        decision = decide(closed_at, self.model.predict(window), threshold_bps=self.model.threshold_bps)
        if late and decision.side is not None:
            return replace(decision, side=None, hold=Hold.TOO_LATE)
        return decision

    def record(self, decision: Decision, standing: Standing) -> None:
        """Journal a decision and count it; a signal that somebody follows waits to be acted on."""
        self._journal.append(self._entry(decision, standing))
        self.tally.count(decision, self.model_id, standing)
        waits = decision.side is not None and standing is not Standing.SHADOW
        self._waiting = Waiting(decision, self.mandates) if waits else None

    def let_fall(self) -> None:
        """Forget a signal that still waits: another bar has closed."""
        self._waiting = None

    # ---- opening

    def act(self) -> None:
        """Act on the signal that waits, at the oracle's price, which the decision did not know.

        The price is never older than the bar's close. In a replay it is published after the decision; on a chain that
        goes on by itself it may have been published meanwhile. Where only time is missing, so that a mandate's accepted slippage
        covers the spread, it is asked again when that has passed, until another decision takes this one's place.
        """
        if (waiting := self._waiting) is None or (now := self._venue.now()) < waiting.due:
            return
        decision = waiting.decision
        assert decision.side is not None
        signal = self._signal(decision, decision.side)
        evidence = self._sign(signal)
        price = self._venue.price()
        fills: list[Fill] = []
        later: dict[Mandate, int] = {}
        for mandate in waiting.mandates:
            if mandate.side is decision.side and self._is_for_us(mandate, decision):
                match self._offer(mandate, signal, evidence, price, now):
                    case Fill() as fill:
                        fills.append(fill)
                    case int() as due:
                        later[mandate] = due
        self._waiting = Waiting(decision, tuple(later), min(later.values())) if later else None
        if fills:
            self._open(signal, evidence, fills, decision)

    def _open(self, signal: Signal, evidence: bytes, fills: Sequence[Fill], decision: Decision) -> None:
        receipt = self._send(
            "open", fills, lambda announce: self._venue.open(signal, evidence, fills, announce=announce)
        )
        self.tally.open_gas.append(receipt.gas_used)
        self._trades.opened(receipt, {fill.mandate.id: fill for fill in fills}, decision)
        for event in receipt.events:
            if isinstance(event, Refused):
                self._refuse(event.id, event.reason, decision.closed_at)

    def _is_for_us(self, mandate: Mandate, decision: Decision) -> bool:
        """Whether a mandate lets this desk's filler trade; where not, that is told once and for all."""
        if mandate.filler in (ANYONE, self._filler):
            return True
        if mandate.id not in self._left_alone:
            self._left_alone.add(mandate.id)
            self._refuse(mandate.id, Reason.WRONG_FILLER, decision.closed_at)
        return False

    def _offer(
        self, mandate: Mandate, signal: Signal, evidence: bytes, price: Price, now: int
    ) -> Fill | int | None:
        """Return the offer to open a trade; the second at which to make it, where only time is missing; or None, counted and
        journalled, where the venue would refuse it.
        """
        if price.value == 0:
            reason = Reason.PRICE_INVALID
        elif price.updated_at < signal.bar_time:
            # The contract compares the bar with its clock, which anybody's block may have moved on past the price.
            reason = Reason.SIGNAL_FROM_FUTURE
        else:
            fill = quote_open(
                mandate, self._filler, size=self._terms.size, price=price.value, spread_bps=self._terms.spread_bps
            )
            reason = self._venue.check_open(signal, evidence, fill)
            if reason is Reason.NONE:
                return fill
            if (due := _due(reason, fill, signal, price, now)) is not None and now < due:
                return due
        self._refuse(mandate.id, reason, signal.bar_time - self._shift)
        return None

    # ---- closing

    def watch(self, only: Collection[bytes] | None = None) -> None:
        """Learn which trades others have ended, and close those of which a barrier has been touched at the oracle's price.

        Parameters
        ----------
        only
            Mandate ids of the trades that may be closed; None for all.
        """
        self.look()
        if not self.open_trades:
            return
        price, now = self._venue.price(), self._venue.now()
        fills = [
            fill
            for mandate_id, trade in list(self.open_trades.items())
            if (only is None or mandate_id in only) and (fill := self._closing(trade, price, now))
        ]
        if not fills:
            return
        receipt = self._send("close", fills, lambda announce: self._venue.close(fills, announce=announce))
        self.tally.close_gas.append(receipt.gas_used)
        self._trades.closed(receipt)
        closed_at = self._venue.time_of(receipt.block) - self._shift
        for event in receipt.events:
            if isinstance(event, Refused):
                self._refuse(event.id, event.reason, closed_at)

    def look(self) -> None:
        """Learn which trades were released by their owners or closed by others since the last look."""
        self._trades.look()

    def _closing(self, trade: OpenTrade, price: Price, now: int) -> Fill | None:
        """Return the offer to close a trade, or None where the venue would refuse it."""
        if price.value == 0 or not may_have_ended(trade, price, now):
            return None
        fill = quote_close(
            trade.fill.mandate,
            self._filler,
            taken=trade.fill.taken,
            price=price.value,
            spread_bps=self._terms.spread_bps,
        )
        reason, _ = self._venue.check_close(fill)
        match reason:
            case Reason.NONE:
                return fill
            case Reason.NO_TRADE | Reason.AMOUNT_MISMATCH:
                self._trades.require_told(trade.fill.mandate.id)
            case Reason.NO_BARRIER:
                pass
            case _:
                self._refuse(trade.fill.mandate.id, reason, now - self._shift)
        return None

    # ---- what both share

    def _signal(self, decision: Decision, side: Side) -> Signal:
        assert decision.prediction is not None
        bar_time = decision.closed_at + self._shift
        return Signal(
            model=self.model_id,
            market=self._venue.market.id,
            side=side,
            patterns=decision.prediction.patterns,
            confidence_bps=decision.confidence_bps,
            bar_time=bar_time,
            valid_until=bar_time + self._terms.validity,
            inputs=decision.prediction.inputs,
        )

    def _send(self, purpose: str, fills: Sequence[Fill], do: Callable[[Announce], Receipt]) -> Receipt:
        return send(self._journal, purpose, do, mandates=[fill.mandate.id for fill in fills])

    def _refuse(self, mandate_id: bytes, reason: Reason, bar_time: int) -> None:
        self.tally.refused[reason] += 1
        self._journal.append(entries.Refusal(mandate=mandate_id, bar_time=bar_time, reason=reason.label))

    def _entry(self, decision: Decision, standing: Standing) -> entries.Decided:
        prediction = decision.prediction
        said = entries.Decided(
            bar_time=decision.closed_at,
            action=entries.Action.HOLD if decision.hold else entries.Action.SIGNAL,
            reason=decision.hold,
            side=None if decision.side is None else decision.side.name.lower(),
            patterns=prediction.patterns if prediction else 0,
            confidence_bps=decision.confidence_bps if prediction else None,
            probabilities_bps=(
                {"down": prediction.down_bps, "flat": prediction.flat_bps, "up": prediction.up_bps}
                if prediction
                else {}
            ),
            inputs=prediction.inputs if prediction else None,
            threshold_bps=self.model.threshold_bps,
        )
        if standing is Standing.LIVE:
            return said
        return entries.DecidedBeside.of(said, model=self.model_id, standing=standing)


def _due(reason: Reason, fill: Fill, signal: Signal, price: Price, now: int) -> int | None:
    """When an offer is to be made again that was refused now, or None: once the accepted slippage covers the spread, and not in
    the very second in which the mandate's last trade ended.
    """
    match reason:
        case Reason.SLIPPAGE:
            return covered_at(fill, signal.bar_time, price=price.value)
        case Reason.COOLING_DOWN if not fill.mandate.cooldown:
            return now + 1
    return None


def may_have_ended(trade: OpenTrade, price: Price, now: int) -> bool:
    """Whether asking the venue about this trade is worth a call; levels and time are the venue's own."""
    levels = trade.levels
    low, high = sorted((levels.take_profit, levels.stop_loss))
    return not low < price.value < high or now >= levels.horizon
