"""How a mandate stands on its chain at one block, and what it waits for."""

from __future__ import annotations

from dataclasses import dataclass

from eth_utils.address import to_checksum_address

from agent.chain.client import Chain
from agent.chain.contracts import ModelsContract, OracleContract, SettlementContract
from agent.chain.values import ANYONE, Barrier, Fill, Levels, MandateState, Price, Reason, struct_from
from agent.cli.mandate_ground import answered, pair_of
from agent.cli.mandate_words import moment, percent
from agent.desk.mandate_file import MandateFile
from agent.desk.token import price_text

__all__ = ["OpenTrade", "Standing", "Wait", "standing_of"]


@dataclass(frozen=True, kw_only=True)
class OpenTrade:
    """A trade that is open: amounts in smallest units, where it ends, and what the contract says to closing it now."""

    given: int
    taken: int
    levels: Levels
    reason: Reason
    touched: Barrier


@dataclass(frozen=True)
class Wait:
    """One thing that a mandate waits for, in a word for machines and in a sentence."""

    what: str
    says: str


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What the chain says of a mandate at one block.

    Attributes
    ----------
    file
        The mandate.
    block, time
        The block, and its timestamp in unix seconds.
    state
        What the contract remembers.
    trade
        The open trade, or None.
    balance
        What its owner has in the ledger of the token given, in smallest units.
    price
        The oracle's; None where it does not answer.
    pair
        The tokens that the oracle says it prices; None where it does not say.
    model
        Key, publisher and whether revoked; None where the source is no registry of keys.
    """

    file: MandateFile
    block: int
    time: int
    state: MandateState
    trade: OpenTrade | None
    balance: int
    price: Price | None
    pair: tuple[str, str] | None
    model: tuple[str, str, bool] | None

    @property
    def is_lodged(self) -> bool:
        return self.state.usable_from != 0

    @property
    def is_expired(self) -> bool:
        return self.time > self.file.mandate.expiry

    @property
    def is_registered(self) -> bool | None:
        """Whether the source knows the model; None where it is not that kind of source."""
        return None if self.model is None else int(self.model[0], 16) != 0

    @property
    def is_revoked(self) -> bool | None:
        return None if self.model is None else self.model[2]

    @property
    def prices_the_market(self) -> bool | None:
        """Whether the oracle says that it prices this market's tokens; None where it does not say."""
        market = self.file.mandate.market
        return None if self.pair is None else self.pair == (market.base, market.quote)

    @property
    def cooling_until(self) -> int | None:
        """When the cooldown ends, unix seconds; None where there is none to wait for."""
        until = self.state.changed_at + max(1, self.file.mandate.cooldown)  # never in the second of a close
        return until if self.state.changed_at and not self.state.trading and until > self.time else None

    @property
    def word(self) -> str:
        """How it stands, in a word."""
        if self.trade is not None:
            return "trading"
        if self.state.cancelled:
            return "cancelled"
        if self.is_expired:
            return "expired"
        return "lodged" if self.is_lodged else "not lodged"

    def waits_for(self) -> list[Wait]:
        """What would have to happen for it to go on; of one that is over, that nothing can."""
        if self.trade is not None:
            return [self._close(self.trade)]
        if over := self._over():
            return [Wait("nothing", over)]
        if not self.is_lodged:
            return [Wait("lodging", "It is not lodged: patternsettle mandate lodge FILE does that.")]
        return [*self._lacks(), Wait("signal", self._signal())]

    def _over(self) -> str:
        limit = self.file.mandate.drawdown_limit
        if self.state.cancelled:
            return (
                "It is cancelled: nothing opens any more."
                if self.is_lodged
                else "It is cancelled, and never was lodged."
            )
        if self.is_expired:
            return f"It has expired, {moment(self.file.mandate.expiry)}."
        if self.state.drawdown >= limit:
            return f"Its drawdown has reached the limit of {self.file.given.text(limit)}: nothing opens any more."
        if self.is_revoked:
            return "Its model was revoked: no signal of it is accepted any more."
        return ""

    def _close(self, trade: OpenTrade) -> Wait:
        if trade.reason in (Reason.PRICE_INVALID, Reason.PRICE_STALE):
            said = f"the oracle has no usable price ({trade.reason.label})"
            return Wait(
                "price", f"It waits for a price: {said}, so nobody can close it; its owner can release it."
            )
        if trade.touched is not Barrier.NONE:
            barrier = trade.touched.name.lower().replace("_", " ")
            who = "a filler" if self.file.mandate.filler == ANYONE else f"the filler {self.file.mandate.filler}"
            return Wait("filler", f"It waits for {who} to close it: its {barrier} is touched.")
        file, levels = self.file, trade.levels
        return Wait(
            "barrier",
            f"It waits for a barrier: its profit at {price_text(levels.take_profit, file.base, file.quote)}, its stop at "
            f"{price_text(levels.stop_loss, file.base, file.quote)}, or its horizon at {moment(levels.horizon)}.",
        )

    def _lacks(self) -> list[Wait]:
        mandate, given = self.file.mandate, self.file.given
        waits = []
        if self.is_registered is False:
            waits.append(Wait("model", f"Its model is not registered at {mandate.source}."))
        if self.balance < max(1, mandate.min_amount):
            waits.append(
                Wait(
                    "funding",
                    f"Its owner has {given.text(self.balance)} in the ledger, and a trade gives "
                    f"{given.text(mandate.min_amount)} at least: deposit.",
                )
            )
        if self.price is None or self.price.value == 0:
            waits.append(Wait("price", "Its oracle has no price."))
        elif self.time - self.price.updated_at > mandate.max_price_age:
            waits.append(
                Wait("price", f"Its oracle's price is of {moment(self.price.updated_at)}, which is too old.")
            )
        if self.cooling_until is not None:
            waits.append(Wait("cooldown", f"It cools down until {moment(self.cooling_until)}."))
        return waits

    def _signal(self) -> str:
        mandate = self.file.mandate
        return (
            f"It waits for a signal of its model: {mandate.side.name.lower()}, with a confidence of "
            f"{percent(mandate.min_confidence_bps)} or more, of a bar that closes at {moment(self.state.usable_from)} or "
            "later."
        )


def standing_of(file: MandateFile, chain: Chain) -> Standing:
    """Ask the chain how a mandate stands, all of it at one block."""
    mandate = file.mandate
    number = chain.block_number
    at = hex(number)
    settlement = SettlementContract(chain, file.settlement)
    state: MandateState = struct_from(MandateState, settlement.call("stateOf", mandate.id, block=at)[0])
    oracle = OracleContract(chain, mandate.market.oracle)
    return Standing(
        file=file,
        block=number,
        time=chain.time_of(number),
        state=state,
        trade=_trade(file, settlement, at) if state.trading else None,
        balance=settlement.call("balanceOf", mandate.owner, mandate.given_token, block=at)[0],
        price=answered(lambda: Price(*oracle.call("price", block=at))),
        pair=pair_of(chain, mandate.market),
        model=answered(lambda: _model(file, ModelsContract(chain, mandate.source), at)),
    )


def _model(file: MandateFile, models: ModelsContract, at: str) -> tuple[str, str, bool]:
    key, publisher, revoked = models.call("modelOf", file.mandate.model, block=at)
    return to_checksum_address(key), to_checksum_address(publisher), revoked


def _trade(file: MandateFile, settlement: SettlementContract, at: str) -> OpenTrade:
    mandate = file.mandate
    given, taken = settlement.call("tradeOf", mandate.id, block=at)[0]
    # Whether a barrier is touched is asked before who fills and for how much, so any filler will do for the question.
    fill = Fill(mandate, mandate.filler, given=taken, taken=0)
    # An oracle that takes all the gas fails the question itself: that is no price, either.
    said = answered(lambda: settlement.call("checkClose", mandate.market, fill, sender=mandate.owner, block=at))
    reason, touched = said or (Reason.PRICE_INVALID, Barrier.NONE)
    return OpenTrade(
        given=given,
        taken=taken,
        levels=Levels(*settlement.call("barriersOf", mandate, block=at)),
        reason=Reason(reason),
        touched=Barrier(touched),
    )
