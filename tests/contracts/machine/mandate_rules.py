"""Rules for mandates: lodged by their owners, contradictory, foreign, lodged twice, cancelled."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from agent.chain.values import Mandate

from .answers import ZERO
from .draws import ANYBODY, CONTRADICTIONS, MILLION, PEOPLE, PICK, SIGNING_TRICK, TERMS, often
from .outside import malleated
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
            self.call(owner, "cancel", mandate)
        changed = {"malleated": malleated(signature), "cut": signature[:64], "none": b""}.get(trick, signature)
        self.call(self.people[who], "createFor", mandate, changed)

    @rule(place=PICK, who=st.none() | ANYBODY, changed=st.sampled_from([False, False, True]))
    def cancel(self, place: int, who: str | None, changed: bool) -> None:
        """By its owner or by anybody; one that was lodged, or one that differs from it in a single field."""
        mandate = pick(self.mandates, place)
        if changed:
            mandate = replace(mandate, salt=b"\xff" * 32)
        self.call(self.people[who] if who else self.named(mandate.owner), "cancel", mandate)

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
        price = self.book.oracles[market.oracle].price
        for bound in ("min_price", "max_price"):
            terms[bound] = min(terms[bound] * price // MILLION, 2**256 - 1)
        addresses = {"zero": ZERO, "base": market.base}
        changes = {name: addresses[terms.pop(name)] for name in ("base", "quote", "oracle") if name in terms}
        sources = {"zero": ZERO, "registry": self.registry.address, "source": self.stage.source.address}
        return Mandate(
            owner=self.people[terms.pop("owner")].address,
            market=replace(market, **changes),
            source=sources[terms.pop("source")],
            model=model,
            expiry=self.book.now + 1 + terms.pop("expiry"),
            salt=terms.pop("salt").to_bytes(32),
            **terms,
        )
