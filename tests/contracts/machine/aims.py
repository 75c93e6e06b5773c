"""Authority on offers that should settle: a signal, fills and a moment that fit the state, so that most of them do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from agent.chain.values import Barrier, Fill, Mandate, Market, Reason, Side, Signal
from agent.testing.accounts import Account

from . import criteria
from .answers import ZERO
from .draws import MILLION
from .stage import PRICE
from .steps import pick
from .world_rules import FEED_UNIT, WorldRules

LARGEST_AMOUNT = 2**128 - 1
SMALLEST_AMOUNT = criteria.SMALLEST_AMOUNT
LONGEST_WAIT = 200_000


@dataclass(frozen=True)
class Opening:
    """Arguments of `open`, by whom and when it is called.

    Attributes
    ----------
    evidence
        None for the signature of the model's key.
    """

    caller: Account
    signal: Signal
    fills: tuple[Fill, ...]
    at: int
    evidence: bytes | None = None


@dataclass(frozen=True)
class Closing:
    """Arguments of `close`, by whom and when it is called."""

    caller: Account
    market: Market
    fills: tuple[Fill, ...]
    at: int


@dataclass(frozen=True)
class Manner:
    """How an offer is made.

    Attributes
    ----------
    hands
        Picks the caller.
    size
        Part of what the owner has, in parts of a million.
    kindness
        What the owner gets, see `draws.KINDNESS`.
    moment
        Picks an edge in time; 0 for as soon as can be.
    refresh
        Whether a price that nobody can settle at is mended first.
    """

    hands: int
    size: int
    kindness: str
    moment: int
    refresh: bool


class Aims(WorldRules):
    """Makes offers."""

    # ---- to open

    def opening(self, places: Sequence[int], manner: Manner, among: Sequence[Mandate] = ()) -> Opening:
        """An offer to open trades of one mandate, or of several that accept the same signal; the first `among` some."""
        caller = self._caller(manner)
        first = self._target(caller, places[0], manner, among or self.mandates)
        caller = self._who_may_fill(first, caller, manner)
        at = self._moment(manner, first)
        if manner.refresh:
            self._refresh(first, at, ahead=bool(manner.hands % 2))
        alike = [
            each
            for each in self.mandates
            if each != first and _alike(each, first) and not self.book.state_of(each.id).trading
        ]
        choices = [alike if place % 5 else self.mandates for place in places[1:]]
        rest = [pick(choice, place) for choice, place in zip(choices, places[1:], strict=True) if choice]
        signal = self.signal(first, max(at, self.book.now + 1), places[0])
        return self._offered([first, *rest], caller, manner, signal, at)

    def opening_by_turns(self, place: int, manner: Manner, sources: Sequence[str]) -> Opening:
        """An offer to open trades of mandates that differ in their sources, each lodged for it."""
        first = self.opening([place], manner).fills[0].mandate
        turns = [self._another_like(first, source=self.stage.sources[name].address) for name in sources]
        caller = self._who_may_fill(first, self._caller(manner), manner)
        at = self.book.now + 1
        # The last was lodged last, so that all accept what it accepts.
        return self._offered(turns, caller, manner, self.signal(turns[-1], at, place), at)

    def _offered(
        self, mandates: Sequence[Mandate], caller: Account, manner: Manner, signal: Signal, at: int
    ) -> Opening:
        at = max(at, self.book.now + 1)
        slippages = (criteria.slippage_at(each, min(signal.bar_time, at), at) for each in mandates)
        fills = [
            self.fill(each, caller, manner, slippage) for each, slippage in zip(mandates, slippages, strict=True)
        ]
        return Opening(caller, signal, tuple(fills), at)

    def signal(self, mandate: Mandate, at: int, place: int) -> Signal:
        """A signal that the mandate just accepts at that time: of the oldest bar, the newest, or one within its ramp."""
        oldest = max(self.book.state_of(mandate.id).usable_from, at - mandate.max_signal_age, 1)
        ramp = mandate.ramp
        bars = (oldest, at, at - ramp, at, at - ramp + 1, at - ramp // 2)
        return Signal(
            model=mandate.model,
            market=mandate.market.id,
            side=mandate.side,
            patterns=mandate.patterns & -mandate.patterns or 1,
            confidence_bps=mandate.min_confidence_bps,
            bar_time=min(at, max(oldest, pick(bars, place))),
            valid_until=at + 600 * (place % 2),
            inputs=place.to_bytes(32),
        )

    def fill(self, mandate: Mandate, caller: Account, manner: Manner, slippage_bps: int) -> Fill:
        """A fill that owner and filler can pay."""
        balance = self.book.balances[mandate.owner, mandate.given_token]
        least, most = max(mandate.min_amount, self._smallest(mandate)), mandate.max_amount
        # Not round, so that rounding shows.
        given = min(max(balance * manner.size // MILLION + manner.hands % 1_000, least), most)
        filler = self._filler(mandate, caller, manner, mandate.taken_token)
        gives_base = mandate.side is Side.SHORT
        taken = self._taken(mandate, given, manner, gives_base=gives_base, slippage_bps=slippage_bps)
        affordable = self.book.balances[filler, mandate.taken_token]
        if taken > affordable > 0:
            given = max(least, given * affordable // taken)
            taken = self._taken(mandate, given, manner, gives_base=gives_base, slippage_bps=slippage_bps)
        return Fill(mandate, filler, given=given, taken=max(taken, SMALLEST_AMOUNT))

    def _smallest(self, mandate: Mandate) -> int:
        """The least that may be given at the present price, so that neither amount is too small."""
        price = self._usable_price(mandate)
        worth = criteria.least_taken(
            SMALLEST_AMOUNT, gives_base=mandate.side is Side.LONG, price=price, slippage_bps=0
        )
        return max(SMALLEST_AMOUNT, worth)

    def _target(self, caller: Account, place: int, manner: Manner, among: Sequence[Mandate]) -> Mandate:
        """Mostly a mandate that would open at the moment chosen; a new one where there is none."""
        if place % 5 == 0:
            return pick(among, place)
        plain = replace(manner, size=1_000, kindness="fair")
        ready = [each for each in among if self._would_open(each, caller, plain)]
        return pick(ready, place) if ready else self._another_like(pick(among, place))

    def _another_like(self, mandate: Mandate, **changes: Any) -> Mandate:
        """The same mandate once more, which has not traded yet; with changes, where there should be any."""
        models = [model for model in self.keys if model not in self.registry.revoked]
        salt = (int.from_bytes(mandate.salt) + len(self.mandates) + 1) % 2**256
        model = mandate.model if mandate.model in models or not models else models[0]
        expiry = self.book.now + 10**8
        fresh = replace(mandate, model=model, salt=salt.to_bytes(32), expiry=expiry, **changes)
        self.call(self.named(mandate.owner), "create", fresh)
        return fresh

    def _would_open(self, mandate: Mandate, caller: Account, manner: Manner) -> bool:
        """Whether nothing stands in the way but, perhaps, the price, a source that changed its mind, or the last unit of loss."""
        at = self._moment(manner, mandate)
        signal = self.signal(mandate, at, 1)
        state = self.book.state_of(mandate.id)
        reason = criteria.of_the_mandate(mandate, state, signal.bar_time, at)
        revoked = mandate.source == self.registry.address and mandate.model in self.registry.revoked
        caller = self._who_may_fill(mandate, caller, manner)
        fill = self.fill(mandate, caller, manner, 0)
        return (
            (reason is Reason.NONE or state.drawdown == mandate.drawdown_limit)
            and not revoked
            and self.book.may_fill(caller.address, fill.filler)
            and fill.given <= self.book.balances[mandate.owner, mandate.given_token]
            and fill.taken <= self.book.balances[fill.filler, mandate.taken_token]
        )

    def _refresh(self, mandate: Mandate, at: int, *, ahead: bool) -> None:
        oracle = self.book.oracles[mandate.market.oracle]
        if criteria.of_the_price(mandate, oracle, at) or criteria.of_the_bounds(mandate, oracle.price):
            price = min(max(PRICE, mandate.min_price), mandate.max_price or PRICE * 10)
            self.quote(self.market_of(mandate), price, at=at - 1, ahead=ahead)

    # ---- to close

    def closing(self, places: Sequence[int], manner: Manner, push: str) -> Closing:
        """An offer to close one trade, or several of one market, at a barrier of the first or just short of it."""
        trading = [each for each in self.mandates if self.book.state_of(each.id).trading]
        first = pick(trading, places[0])
        at = self._push(first, push, manner)
        caller = self._who_may_fill(first, self._caller(manner), manner)
        beside = [each for each in trading if each.market == first.market]
        targets = [first, *(pick(beside, place) for place in places[1:])]
        at = max(at, self.book.now + 1)
        return Closing(
            caller, first.market, tuple(self.closing_fill(each, caller, manner) for each in targets), at
        )

    def closing_fill(self, mandate: Mandate, caller: Account, manner: Manner) -> Fill:
        """A fill that gives back what the trade took."""
        given = self.book.trades.get(mandate.id, (1, 1))[1]
        taken = self._taken(
            mandate,
            given,
            manner,
            gives_base=mandate.side is Side.LONG,
            slippage_bps=mandate.max_slippage_bps,
        )
        to_the_limit = mandate.drawdown_limit - self.book.state_of(mandate.id).drawdown
        at_limit = self.book.trades.get(mandate.id, (1, 1))[0] - to_the_limit
        if manner.kindness == "limit" and 0 < at_limit <= LARGEST_AMOUNT:
            taken = at_limit
        filler = self._filler(mandate, caller, manner, mandate.given_token)
        return Fill(mandate, filler, given=given, taken=taken)

    def _push(self, mandate: Mandate, push: str, manner: Manner) -> int:
        """Let a barrier be touched, or almost; return when to close."""
        barrier, almost = Barrier[push.removeprefix("ALMOST_")], push.startswith("ALMOST_")
        ends, market = self.book.levels_of(mandate), self.market_of(mandate)
        unit = FEED_UNIT if market == "feed" else 1
        long = mandate.side is Side.LONG
        if barrier in (Barrier.TAKE_PROFIT, Barrier.STOP_LOSS):
            level = ends.take_profit if barrier is Barrier.TAKE_PROFIT else ends.stop_loss
            rises = long is (barrier is Barrier.TAKE_PROFIT)
            edge = -(-level // unit) * unit if rises else level // unit * unit
            self.quote(market, max(0, edge - almost * unit if rises else edge + almost * unit))
            return self.book.now + 1
        if barrier is Barrier.HORIZON and ends.horizon <= self.book.now + LONGEST_WAIT:
            at = max(self.book.now + 2, ends.horizon - almost)
            between = (ends.take_profit + ends.stop_loss) // 2
            self.quote(market, max(unit, between), at=at - 1)
            return at
        return self._moment(manner, mandate)

    # ---- both

    def _caller(self, manner: Manner) -> Account:
        return self.people[pick(["operator", "operator", "operator", "filler", "other"], manner.hands)]

    def _who_may_fill(self, mandate: Mandate, caller: Account, manner: Manner) -> Account:
        """Mostly the filler that a mandate names, where the caller may not act for it."""
        if mandate.filler == ZERO or self.book.may_fill(caller.address, mandate.filler) or manner.hands % 8 == 0:
            return caller
        return self.named(mandate.filler)

    def _filler(self, mandate: Mandate, caller: Account, manner: Manner, token: str) -> str:
        """Mostly the filler that is named; else whoever has most of what is taken, of those that the caller may use."""
        if mandate.filler != ZERO and manner.hands % 8 != 1:
            return mandate.filler
        able = [
            each.address
            for each in self.people.values()
            if each.address != mandate.owner and self.book.may_fill(caller.address, each.address)
        ]
        return max(able, key=lambda each: self.book.balances[each, token], default=caller.address)

    def least(self, offer: Opening | Closing, *, ramp: bool = True) -> int:
        """The least that the owner of an offer's first fill accepts then, or accepts when the ramp is over."""
        fill = offer.fills[0]
        mandate, slippage = fill.mandate, fill.mandate.max_slippage_bps
        if ramp and isinstance(offer, Opening):
            slippage = criteria.slippage_at(mandate, min(offer.signal.bar_time, offer.at), offer.at)
        gives_base = (mandate.side is Side.SHORT) is isinstance(offer, Opening)
        manner = Manner(0, 0, "least", 0, False)
        return self._taken(mandate, fill.given, manner, gives_base=gives_base, slippage_bps=slippage)

    def _usable_price(self, mandate: Mandate) -> int:
        price = self.book.oracles[mandate.market.oracle].price
        return price if 0 < price <= criteria.HIGHEST_PRICE else PRICE

    def _taken(self, mandate: Mandate, given: int, manner: Manner, *, gives_base: bool, slippage_bps: int) -> int:
        price = self._usable_price(mandate)
        slippage = {"least": slippage_bps, "last": mandate.max_slippage_bps}.get(manner.kindness, 0)
        least = criteria.least_taken(given, gives_base=gives_base, price=price, slippage_bps=slippage)
        return min(LARGEST_AMOUNT, least + (least // 100 if manner.kindness == "more" else 0))

    def _moment(self, manner: Manner, mandate: Mandate) -> int:
        """As soon as can be, or at an edge of what the mandate allows, or the second after."""
        state, soon = self.book.state_of(mandate.id), self.book.now + 1
        updated = self.book.oracles[mandate.market.oracle].updated_at
        edges = (
            soon,
            mandate.expiry,
            mandate.expiry + 1,
            state.changed_at + mandate.cooldown - 1,
            state.changed_at + mandate.cooldown,
            updated + mandate.max_price_age,
            updated + mandate.max_price_age + 1,
            state.changed_at + mandate.horizon - 1,
            state.changed_at + mandate.horizon,
        )
        edge = edges[manner.moment]
        return edge if soon < edge < soon + LONGEST_WAIT else soon


def _alike(one: Mandate, other: Mandate) -> bool:
    return (one.model, one.market, one.side) == (other.model, other.market, other.side)
