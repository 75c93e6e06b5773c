"""Rules for mandates: lodged by their owners, contradictory, foreign, lodged twice, cancelled."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from agent.chain.values import Mandate, Side

from . import criteria
from .answers import ZERO
from .draws import ANYBODY, CONTRADICTIONS, MILLION, PEOPLE, PICK, SIGNING_TRICK, TERMS, often
from .outside import malleated
from .stage import PRICE
from .steps import Steps, pick


class MandateRules(Steps):
    """Everybody lodges mandates, sound or not, and cancels them."""

    @initialize(terms=st.lists(TERMS, min_size=3, max_size=3))
    def first_mandates(self, terms: list[dict[str, Any]]) -> None:
        """There is always something to trade."""
        for each in terms:
            mandate = self.written(each)
            self._lodge(mandate, self.named(mandate.owner).address)

    @rule(terms=TERMS, wrong=often([{}], [None], times=8) | CONTRADICTIONS, who=often([None], PEOPLE, times=8))
    def create(self, terms: dict[str, Any], wrong: dict[str, Any] | None, who: str | None) -> None:
        """A sound one, mostly; one that contradicts itself, one that is there already, or one in another's name."""
        mandate = pick(self.mandates, terms["salt"]) if wrong is None else self.written(terms | wrong)
        self._lodge(mandate, self.people[who].address if who else mandate.owner)

    @rule(terms=TERMS, who=ANYBODY, trick=SIGNING_TRICK, wrong=often([{}], [None], times=6) | CONTRADICTIONS)
    def create_for(self, terms: dict[str, Any], who: str, trick: str, wrong: dict[str, Any] | None) -> None:
        """Anybody lodges what an owner signed: an account, or a contract for which the stranger's key signs."""
        mandate = pick(self.mandates, terms["salt"]) if wrong is None else self.written(terms | wrong)
        owner = self.named(mandate.owner)
        contracts = (self.people["wallet"], self.people["chameleon"])
        key = self.people["stranger"] if owner in contracts or trick == "strangers" else owner
        signature = self.notary.of_mandate(
            key,
            mandate=replace(mandate, max_slippage_bps=0) if trick == "another mandate" else mandate,
            chain_id=self.chain.chain_id + (trick == "another chain"),
            settlement=self.registry.address if trick == "another contract" else self.book.address,
        )
        if trick == "cancelled before":
            self.call(owner, "cancel", [mandate])
        changed = {"malleated": malleated(signature), "cut": signature[:64], "none": b""}.get(trick, signature)
        self.call(self.people[who], "createFor", mandate, changed)

    @rule(
        places=often([1, 1, 1], [0, 2, 3], times=1).flatmap(
            lambda size: st.lists(PICK, min_size=size, max_size=size)
        ),
        who=st.none() | ANYBODY,
        changed=st.sampled_from([False, False, True]),
        mixed=st.booleans(),
    )
    def cancel(self, places: list[int], who: str | None, changed: bool, mixed: bool) -> None:
        """By their owner or by anybody; some that were lodged, and one that differs from one of them in a single field."""
        first = pick(self.mandates, places[0] if places else 0)
        own = [each for each in self.mandates if mixed or each.owner == first.owner]
        mandates = [first, *(pick(own, place) for place in places[1:])][: len(places)]
        if changed and mandates:
            mandates[-1] = replace(mandates[-1], salt=b"\xff" * 32)
        self.call(self.people[who] if who else self.named(first.owner), "cancel", mandates)

    def _lodge(self, mandate: Mandate, by: str) -> None:
        self.call(self.named(by), "create", mandate)

    def written(self, terms: dict[str, Any]) -> Mandate:
        """A mandate of these terms, as `draws.TERMS` describes them, to be lodged in the next second."""
        terms = dict(terms)
        living = [model for model in self.keys if model not in self.registry.revoked]
        model, market = (
            pick(living or list(self.keys), terms.pop("model")),
            self.stage.markets[terms.pop("market")],
        )
        if (like := terms.pop("like")) is not None:
            other = pick(self.mandates, like)
            model, market, terms["side"] = other.model, other.market, other.side
        addresses = {"zero": ZERO, "base": market.base}
        changes = {name: addresses[terms.pop(name)] for name in ("base", "quote", "oracle") if name in terms}
        sources = {"zero": ZERO} | {name: contract.address for name, contract in self.stage.sources.items()}
        owner = self.people[terms.pop("owner")].address
        return Mandate(
            owner=owner,
            filler=self._filler_named_by(owner, terms.pop("filler"), terms.pop("filler_at", None)),
            market=replace(market, **changes),
            source=sources[terms.pop("source")],
            model=model,
            expiry=self.book.now + 1 + terms.pop("expiry"),
            salt=terms.pop("salt").to_bytes(32),
            **_numbers(terms, self.book.oracles[market.oracle].price),
        )

    def _filler_named_by(self, owner: str, filler: str | None, wrong: str | None) -> str:
        """Whoever is drawn; nobody where that is the owner, unless it should be wrong."""
        named = self.people[filler].address if filler else ZERO
        return owner if wrong else ZERO if named == owner else named


def _numbers(terms: dict[str, Any], price: int) -> dict[str, Any]:
    """All that is a number, of terms as `draws.TERMS` and `draws.CONTRADICTIONS` describe them."""
    long, slippage = terms["side"] is Side.LONG, terms["max_slippage_bps"]
    for bound in ("min_price", "max_price"):
        terms[bound] = terms.pop(f"{bound}_at", min(terms[bound] * price // MILLION, 2**256 - 1))
    nearest = criteria.nearest_barrier(slippage) if slippage < criteria.BPS else 1
    for barrier, below in (("take_profit", not long), ("stop_loss", long)):
        farthest = criteria.BPS - 1 if below else 2**16 - 1
        distance = min(nearest + terms[f"{barrier}_bps"], farthest)
        terms[f"{barrier}_bps"] = terms.pop(f"{barrier}_at", distance)
    terms["ramp"] = terms.pop("ramp_at", min(terms["ramp"], terms["max_signal_age"]))
    for amount in ("min_amount", "max_amount"):
        worth = min(terms[amount] * (1 if long else criteria.SCALE // PRICE), 2**128 - 1)
        terms[amount] = terms.pop(f"{amount}_at", worth)
    return terms
