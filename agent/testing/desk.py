"""Authority on a market for tests: one deployed, everyone in it ready to trade, and sound values to depart from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import Any, Self

from agent.chain.accounts import Accounts, accounts_of
from agent.chain.answers import Receipt
from agent.chain.artifact import artifact
from agent.chain.client import Chain
from agent.chain.contracts import (
    FeedContract,
    ModelsContract,
    OracleContract,
    SettlementContract,
    TokenContract,
)
from agent.chain.deploy import Deployment, deploy, fund
from agent.chain.values import ANYONE, Barrier, Fill, Mandate, Market, Permit, Reason, Side, Signal
from agent.desk.signing import sign_mandate, sign_permit, sign_signal
from agent.settings import DEVELOPMENT_MNEMONIC, Settings
from agent.testing.accounts import Account
from agent.testing.chain import START, DevChain

PRICE = "2000"
BASE = 10**18
QUOTE = 10**6
FEED_DECIMALS = 8
ARTIFACT_HASH = b"\x11" * 32
# The local chain funds the development accounts, whatever the environment names.
SETTINGS = Settings(mnemonic=DEVELOPMENT_MNEMONIC)


class Desk:
    """A market where every fill settles, until a test changes something.

    One base token is worth 2,000 quote tokens. `owner`, `other` and `filler` each hold a thousand base tokens and what
    these are worth in their wallets, and as much again in the ledger. `operator` sends what is settled; the filler has
    authorised it. `stranger` has nothing and may do nothing.
    """

    def __init__(self, chain: Chain, people: Accounts, at: Deployment) -> None:
        self.chain, self.at = chain, at
        self.operator, self.filler = Account(people.operator), Account(people.filler)
        self.owner, self.other = map(Account, people.owners)
        self.key, self.stranger = Account(people.model_key), Account(people.spare[0])
        self.publisher = Account(people.publisher)
        self.settlement = SettlementContract(chain, at.settlement)
        self.models = ModelsContract(chain, at.models)
        self.oracle = OracleContract(chain, at.oracle)
        self.feed = FeedContract(chain, at.feed)
        self.base, self.quote = TokenContract(chain, at.base), TokenContract(chain, at.quote)
        self.market = at.market
        self._salts = count(1)

    @classmethod
    def deployed(cls, chain: DevChain) -> Self:
        """Deploy everything, fund everyone, and make them ready to trade."""
        people = accounts_of(SETTINGS)
        at = deploy(chain, people.publisher, feed_decimals=FEED_DECIMALS)
        for name, address in _contracts(at):
            chain.known.place(address, artifact(name), ours=True)
        desk = cls(chain, people, at)
        desk.prepare()
        return desk

    def prepare(self) -> None:
        """Give everyone what the class promises."""
        self.models.register(self.publisher, ARTIFACT_HASH, self.key.address)
        traders = (self.owner, self.other, self.filler)
        wealth = {self.base: 1_000 * BASE, self.quote: 2_000_000 * QUOTE}
        fund(
            self.chain,
            self.publisher,
            self.at,
            [trader.address for trader in traders],
            base=2 * wealth[self.base],
            quote=2 * wealth[self.quote],
        )
        for trader in traders:
            for token, amount in wealth.items():
                token.approve(trader, self.at.settlement, 2**256 - 1)
                self.settlement.deposit(trader, token.address, amount)
        self.settlement.authorize(self.filler, self.operator.address)
        self.set_price(PRICE)

    # ---- values, sound unless changed

    @property
    def model(self) -> bytes:
        """Id of the registered model."""
        return self.models.id_of(self.publisher.address, self.key.address, ARTIFACT_HASH)

    def draft(self, **changes: Any) -> Mandate:
        """A mandate of `owner` that nobody created yet."""
        sound = Mandate(
            owner=self.owner.address,
            filler=ANYONE,
            market=self.market,
            source=self.models.address,
            model=self.model,
            side=Side.LONG,
            patterns=0b0110,
            min_confidence_bps=6_000,
            max_slippage_bps=50,
            ramp=0,
            take_profit_bps=200,
            stop_loss_bps=100,
            horizon=3_600,
            cooldown=300,
            max_signal_age=600,
            max_price_age=86_400,
            min_amount=1,
            max_amount=2**128 - 1,
            min_price=0,
            max_price=0,
            drawdown_limit=10**24,
            expiry=START + 10**7,
            salt=next(self._salts).to_bytes(32, "big"),
        )
        return replace(sound, **changes)

    def mandate(self, *, by: Account | None = None, **changes: Any) -> Mandate:
        """A mandate, created by its owner (`owner`, or `by`)."""
        owner = by or self.owner
        mandate = self.draft(**{"owner": owner.address, **changes})
        self.settlement.create(owner, mandate)
        return mandate

    def signal(self, **changes: Any) -> Signal:
        """A signal on the bar that closes a minute from now."""
        bar_time = changes.pop("bar_time", self.now + 60)
        sound = Signal(
            model=self.model,
            market=self.market.id,
            side=Side.LONG,
            patterns=0b0100,
            confidence_bps=7_000,
            bar_time=bar_time,
            valid_until=bar_time + 600,
            inputs=b"\x22" * 32,
        )
        return replace(sound, **changes)

    def sign(self, signal: Signal, *, key: Account | None = None, **domain: Any) -> bytes:
        """The model's signature; `key`, or a member of the domain, may be another."""
        where = {
            "registry": self.models.address,
            "chain_id": self.chain.chain_id,
            "settlement": self.settlement.address,
        }
        return sign_signal(key or self.key, signal=signal, **{**where, **domain})

    def sign_mandate(self, mandate: Mandate, *, key: Account | None = None, **domain: Any) -> bytes:
        """The signature of `owner`, or of `key`, over a mandate; a member of the domain may be another."""
        where = {"chain_id": self.chain.chain_id, "settlement": self.settlement.address}
        return sign_mandate(key or self.owner, mandate=mandate, **{**where, **domain})

    def permit(self, token: TokenContract, amount: int, /, *, key: Account | None = None, **terms: Any) -> Permit:
        """The permit of `owner`, or of `key`, to take tokens for the ledger; any of its terms may be another."""
        owner = key or self.owner
        sound = {
            "token": token.address,
            "name": token.name(),
            "chain_id": self.chain.chain_id,
            "spender": self.settlement.address,
            "nonce": token.nonce_of(owner.address),
            "deadline": self.now + 3_600,
        }
        return sign_permit(owner, amount=amount, **{**sound, **terms})

    def fill(
        self, mandate: Mandate, *, given: int | None = None, taken: int | None = None, filler: str | None = None
    ) -> Fill:
        """A fill at exactly the oracle's price, of one base token or what it is worth."""
        if given is None:
            given = self._fair(BASE, gives_base=True) if mandate.side is Side.LONG else BASE
        if taken is None:
            taken = self._fair(given, gives_base=mandate.side is Side.SHORT)
        return Fill(mandate, filler or self.filler.address, given=given, taken=taken)

    def closing(
        self, mandate: Mandate, *, given: int | None = None, taken: int | None = None, filler: str | None = None
    ) -> Fill:
        """The fill that gives back what the mandate's trade took, at exactly the oracle's price."""
        if given is None:
            _, given = self.settlement.trade_of(mandate.id)
        if taken is None:
            taken = self._fair(given, gives_base=mandate.side is Side.LONG)
        return Fill(mandate, filler or self.filler.address, given=given, taken=taken)

    def _fair(self, given: int, *, gives_base: bool) -> int:
        price = self.oracle.price().value or int(Decimal(PRICE) * QUOTE * 10**36 // BASE)
        return self.settlement.least_taken(given, gives_base=gives_base, price=price, slippage_bps=0)

    # ---- what a test does

    def open(
        self,
        signal: Signal,
        *fills: Mandate | Fill,
        by: Account | None = None,
        evidence: bytes | None = None,
        at: int | None = None,
        gas: int | None = None,
    ) -> Receipt:
        """Present a signal with fills, or mandates to be filled fairly, as soon as its bar has closed or at a time."""
        evidence = self.sign(signal) if evidence is None else evidence
        offers = [self._offer(each, self.fill) for each in fills]
        self._wait(at, signal)
        return self.settlement.open(by or self.operator, signal, evidence, offers, gas=gas)

    def check_open(
        self,
        signal: Signal,
        fill: Mandate | Fill,
        *,
        by: Account | None = None,
        evidence: bytes | None = None,
        at: int | None = None,
    ) -> Reason:
        """What `checkOpen` says in the very block in which `open` with the same arguments would be mined."""
        evidence = self.sign(signal) if evidence is None else evidence
        offer = self._offer(fill, self.fill)
        self._wait(at, signal)
        arguments = (signal, evidence, offer)
        sender = (by or self.operator).address
        return Reason(self.settlement.call("checkOpen", *arguments, sender=sender, block="pending")[0])

    def close(
        self,
        *fills: Mandate | Fill,
        by: Account | None = None,
        market: Market | None = None,
        at: int | None = None,
    ) -> Receipt:
        """Close fills, or the trades of mandates fairly, in the next second or at a time."""
        offers = [self._offer(each, self.closing) for each in fills]
        self._wait(at)
        return self.settlement.close(by or self.operator, market or self.market, offers)

    def check_close(
        self,
        fill: Mandate | Fill,
        *,
        by: Account | None = None,
        market: Market | None = None,
        at: int | None = None,
    ) -> tuple[Reason, Barrier]:
        """What `checkClose` says in the very block in which `close` with the same arguments would be mined."""
        offer = self._offer(fill, self.closing)
        self._wait(at)
        sender = (by or self.operator).address
        reason, barrier = self.settlement.call(
            "checkClose", market or self.market, offer, sender=sender, block="pending"
        )
        return Reason(reason), Barrier(barrier)

    def release(self, mandate: Mandate, *, by: Account | None = None, at: int | None = None) -> Receipt:
        """Release the open trade of a mandate as its owner (`owner`, or `by`), in the next second or at a time."""
        self._wait(at)
        return self.settlement.release(by or self.owner, mandate)

    def trading(self, *, by: Account | None = None, **changes: Any) -> Mandate:
        """A mandate whose trade was opened fairly, at the present price."""
        mandate = self.mandate(by=by, **changes)
        signal = self.signal(side=mandate.side)
        self.open(signal, mandate)
        assert self.settlement.state_of(mandate.id).trading
        return mandate

    def set_price(self, price: str) -> None:
        """Publish a price, in whole quote tokens for a whole base token."""
        answer = Decimal(price).scaleb(FEED_DECIMALS)
        assert answer == int(answer), f"{price} has more than {FEED_DECIMALS} decimals"
        self.feed.push(self.publisher, int(answer))

    def travel(self, seconds: int) -> None:
        """Let time pass."""
        self.chain.set_next_time(self.now + seconds)
        self.chain.request("evm_mine")

    # ---- what a test looks at

    @property
    def now(self) -> int:
        """Timestamp of the last block."""
        return self.chain.time_of()

    def ledger(self) -> dict[tuple[str, str], int]:
        """All balances of the three traders, by name and token."""
        traders = {"owner": self.owner, "other": self.other, "filler": self.filler}
        tokens = {"base": self.at.base, "quote": self.at.quote}
        return {
            (who, what): self.settlement.balance_of(account.address, token)
            for who, account in traders.items()
            for what, token in tokens.items()
        }

    def held(self, token: TokenContract) -> int:
        """Tokens that the settlement contract really holds."""
        return token.balance_of(self.settlement.address)

    def _offer(self, item: Mandate | Fill, made: Callable[[Mandate], Fill]) -> Fill:
        return item if isinstance(item, Fill) else made(item)

    def _wait(self, at: int | None, signal: Signal | None = None) -> None:
        soon = self.now + 1
        self.chain.set_next_time(at or max(soon, signal.bar_time if signal else 0))


def _contracts(at: Deployment) -> Iterator[tuple[str, str]]:
    """Name and address of each contract of a deployment."""
    yield from [("Settlement", at.settlement), ("AttestedModels", at.models), ("FeedOracle", at.oracle)]
    yield from [("ReplayFeed", at.feed), ("DemoToken", at.base), ("DemoToken", at.quote)]
