"""Authority on offers that should settle: a signal, fills and a moment that fit the state, so that most of them do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent.chain.values import Barrier, Fill, Mandate, Market, Reason, Side, Signal
from agent.testing.accounts import Account

from . import criteria
from .draws import MILLION
from .stage import PRICE
from .steps import pick
from .world_rules import FEED_UNIT, WorldRules

LARGEST_AMOUNT = 2**128 - 1
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
        at = max(at, self.book.now + 1)
        fills = tuple(self.fill(each, caller, manner) for each in [first, *rest])
        return Opening(caller, self.signal(first, at, places[0]), fills, at)

    def signal(self, mandate: Mandate, at: int, place: int) -> Signal:
        """A signal that the mandate just accepts at that time: of the oldest bar or the newest."""
        oldest = max(self.book.state_of(mandate.id).used_until + 1, at - mandate.max_signal_age, 1)
        return Signal(
            model=mandate.model,
            market=mandate.market.id,
            side=mandate.side,
            patterns=mandate.patterns & -mandate.patterns or 1,
            confidence_bps=mandate.min_confidence_bps,
            bar_time=min(oldest, at) if place % 3 == 0 else at,
            valid_until=at + 600 * (place % 2),
            inputs=place.to_bytes(32),
        )

    def fill(self, mandate: Mandate, caller: Account, manner: Manner) -> Fill:
        """A fill that owner and filler can pay."""
        balance = self.book.balances[mandate.owner, mandate.given_token]
        least, most = max(1, mandate.min_amount), mandate.max_amount
        # Not round, so that rounding shows.
        given = min(max(balance * manner.size // MILLION + manner.hands % 1_000, least), most)
        filler = self._filler(mandate, caller, mandate.taken_token)
        taken = self._taken(mandate, given, manner, gives_base=mandate.side is Side.SHORT)
        affordable = self.book.balances[filler, mandate.taken_token]
        if taken > affordable > 0:
            given = max(least, given * affordable // taken)
            taken = self._taken(mandate, given, manner, gives_base=mandate.side is Side.SHORT)
        return Fill(mandate, filler, given=given, taken=taken)

    def _target(self, caller: Account, place: int, manner: Manner, among: Sequence[Mandate]) -> Mandate:
        """Mostly a mandate that would open at the moment chosen; a new one where there is none."""
        if place % 5 == 0:
            return pick(among, place)
        plain = replace(manner, size=1_000, kindness="fair")
        ready = [each for each in among if self._would_open(each, caller, plain)]
        return pick(ready, place) if ready else self._another_like(pick(among, place))

    def _another_like(self, mandate: Mandate) -> Mandate:
        """The same mandate once more, which has not traded yet."""
        models = [model for model in self.keys if model not in self.registry.revoked]
        salt = (int.from_bytes(mandate.salt) + len(self.mandates) + 1) % 2**256
        model = mandate.model if mandate.model in models or not models else models[0]
        expiry = self.book.now + 10**8
        fresh = replace(mandate, model=model, salt=salt.to_bytes(32), expiry=expiry)
        self.call(self.named(mandate.owner), "create", fresh)
        return fresh

    def _would_open(self, mandate: Mandate, caller: Account, manner: Manner) -> bool:
        """Whether nothing stands in the way but, perhaps, the price, a source that changed its mind, or the last unit of loss."""
        at = self._moment(manner, mandate)
        signal = self.signal(mandate, at, 1)
        state = self.book.state_of(mandate.id)
        reason = criteria.of_the_mandate(mandate, state, signal.bar_time, at)
        revoked = mandate.source == self.registry.address and mandate.model in self.registry.revoked
        fill = self.fill(mandate, caller, manner)
        return (
            (reason is Reason.NONE or state.net_loss == mandate.loss_limit)
            and not revoked
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
        caller = self._caller(manner)
        beside = [each for each in trading if each.market == first.market]
        targets = [first, *(pick(beside, place) for place in places[1:])]
        at = max(at, self.book.now + 1)
        return Closing(
            caller, first.market, tuple(self.closing_fill(each, caller, manner) for each in targets), at
        )

    def closing_fill(self, mandate: Mandate, caller: Account, manner: Manner) -> Fill:
        """A fill that gives back what the trade took."""
        given = self.book.trades.get(mandate.id, (1, 1))[1]
        taken = self._taken(mandate, given, manner, gives_base=mandate.side is Side.LONG)
        to_the_limit = mandate.loss_limit - self.book.state_of(mandate.id).net_loss
        at_limit = self.book.trades.get(mandate.id, (1, 1))[0] - to_the_limit
        if manner.kindness == "limit" and 0 < at_limit <= LARGEST_AMOUNT:
            taken = at_limit
        return Fill(mandate, self._filler(mandate, caller, mandate.given_token), given=given, taken=taken)

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

    def _filler(self, mandate: Mandate, caller: Account, token: str) -> str:
        """Whoever has most of what is taken, of those that the caller may use."""
        able = [
            each.address
            for each in self.people.values()
            if each.address != mandate.owner and self.book.may_fill(caller.address, each.address)
        ]
        return max(able, key=lambda each: self.book.balances[each, token], default=caller.address)

    def least(self, fill: Fill, *, gives_base: bool) -> int:
        """The least that the owner of a fill accepts at the present price."""
        manner = Manner(0, 0, "least", 0, False)
        return self._taken(fill.mandate, fill.given, manner, gives_base=gives_base)

    def _taken(self, mandate: Mandate, given: int, manner: Manner, *, gives_base: bool) -> int:
        price = self.book.oracles[mandate.market.oracle].price
        if not 0 < price <= criteria.HIGHEST_PRICE:
            price = PRICE
        slippage = mandate.max_slippage_bps if manner.kindness == "least" else 0
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
