"""Authority on what stands on the chain when a run begins, and on reading all of it at once."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from typing import TYPE_CHECKING

from eth_abi import encode

from agent.chain.artifact import artifact
from agent.chain.contracts import Contract, TokenContract
from agent.chain.events import Event
from agent.chain.values import MandateState, Market, struct_from
from agent.testing.accounts import Account
from agent.testing.desk import BASE, QUOTE

from .book import Book
from .outside import YES, Notary, Oracle, PuppetSource, Registry, Signers
from .slots import Places
from .tokens import UNLIMITED, Token

if TYPE_CHECKING:
    from ..conftest import HostileDesk

PRICE = 2_000 * 10**24
CHAMELEONS = 1_000 * BASE


class Stage:
    """The plugin's market, two more beside it, and everything hostile.

    Attributes
    ----------
    people
        Whoever may act, by name: those of the desk, a token that holds a balance of itself, and a wallet that is a contract, for which the stranger's key signs.
    markets
        ``feed``, priced by a feed; ``puppet``, priced by whatever a test says; ``hostile``, where that is also so and the
        base token changes its ways.
    sources
        ``registry``, where models are registered, and two that say whatever a test lets them say.
    past
        All that the settlement contract has logged when a run begins, with the times.
    places
        Where the settlement contract stores what.
    models
        Ids of the models that are registered when a run begins, with the accounts whose keys sign for them.
    """

    def __init__(self, desk: HostileDesk) -> None:
        self.desk, self.chain = desk, desk.chain
        self.settlement, self.registry, self.feed = desk.settlement, desk.models, desk.feed
        self.chameleon = desk.deploy("ChameleonToken", kind=TokenContract)
        self.oracle, self.other_oracle, self.source, self.other_source = (desk.deploy("Puppet") for _ in range(4))
        self.auditor = desk.deploy("Auditor")
        self.wallet = desk.deploy("KeyedWallet", desk.stranger.address)
        self.tokens = {"base": desk.base, "quote": desk.quote, "chameleon": self.chameleon}
        self.people: dict[str, Account] = {
            name: getattr(desk, name) for name in ("operator", "owner", "other", "filler", "stranger", "publisher")
        } | {name: self.chain.prank(getattr(self, name).address) for name in ("chameleon", "wallet")}
        self.sources = {"registry": self.registry, "source": self.source, "other source": self.other_source}
        self.markets = {
            "feed": desk.market,
            "puppet": Market(desk.at.base, desk.at.quote, self.oracle.address),
            "hostile": Market(self.chameleon.address, desk.at.quote, self.other_oracle.address),
        }
        self.models: dict[bytes, Account] = {desk.model: desk.key}
        self._prepare()
        self.watched = {
            name: getattr(self, name)
            for name in (
                *("settlement", "registry", "feed", "chameleon"),
                *("oracle", "other_oracle", "source", "other_source"),
            )
        } | {"base": desk.base, "quote": desk.quote}
        logs = self.chain.logs(self.settlement.address, first=desk.at.block)
        self.past: list[tuple[Event, int]] = [(log.event, self.chain.time_of(log.block)) for log in logs]
        self._model = self._modelled()
        self.places = Places.found(self._model[0], self._slot)

    def _prepare(self) -> None:
        desk = self.desk
        for person in (desk.owner, desk.other, desk.filler):
            self.chameleon.mint(desk.publisher, person.address, 2 * CHAMELEONS)
            self.chameleon.approve(person, self.settlement.address, UNLIMITED)
            self.settlement.deposit(person, self.chameleon.address, CHAMELEONS)
        self.chameleon.mint(desk.publisher, self.chameleon.address, CHAMELEONS)
        self.chameleon.send(desk.publisher, "approveAsHolder", self.settlement.address)
        for token, amount in ((self.chameleon, 10 * BASE), (desk.base, 10 * BASE), (desk.quote, 20_000 * QUOTE)):
            for account in (self.chameleon, self.wallet):
                self.settlement.deposit(desk.owner, token.address, amount, account.address)
        self.settlement.authorize(desk.other, desk.operator.address)
        for artifact_hash in (b"\x12" * 32, b"\x13" * 32):
            self.registry.register(desk.other, artifact_hash, desk.operator.address)
            model = self.registry.id_of(desk.other.address, desk.operator.address, artifact_hash)
            self.models[model] = desk.operator
        for oracle in (self.oracle, self.other_oracle):
            oracle.send(desk.publisher, "say", priced(PRICE, self.chain.now), False)
        for source in (self.source, self.other_source):
            source.send(desk.publisher, "say", YES, False)
        # From the beginning something is stored of everything that can be.
        self.first = desk.trading()

    # ---- the model of it

    def model(self) -> tuple[Book, Registry, Notary]:
        """A model of everything, as it stands when a run begins: the contract, the registry, and who signed what."""
        return deepcopy(self._model)

    def _modelled(self) -> tuple[Book, Registry, Notary]:
        notary = Notary()
        registry = Registry(self.registry.address, self.chain.chain_id, notary)
        for model in self.models:
            registry.keys[model], registry.publishers[model], _ = self.registry.model_of(model)
        tokens = {token.address: Token(token.address, token.name()) for token in self.tokens.values()}
        for name, token in self.tokens.items():
            model = tokens[token.address]
            model.balances, model.allowances = self.wallets(name)
        book = Book(
            self.settlement.address,
            tokens,
            oracles={self.markets[name].oracle: self._says(name) for name in self.markets},
            sources={
                registry.address: registry,
                self.source.address: PuppetSource(YES),
                self.other_source.address: PuppetSource(YES),
            },
            signers=Signers(
                self.chain.chain_id,
                notary,
                keys={self.wallet.address: self.people["stranger"].address},
                silent=frozenset({self.chameleon.address}),
            ),
            now=self.chain.now,
            balances=self.balances(),
            authorized=self.authorizations(),
        )
        book.states, book.trades = self.mandates([self.first.id])
        book.holdings[self.first.id] = (self.first.taken_token, book.trades[self.first.id][1])
        return book, registry, notary

    def _says(self, market: str) -> Oracle:
        oracle = self.desk.oracle if market == "feed" else None
        if oracle is None:
            puppet = self.oracle if market == "puppet" else self.other_oracle
            return Oracle(*Contract(self.chain, puppet.address, compiled=artifact("IOracle")).call("price"))
        said = oracle.price()
        return Oracle(said.value, said.updated_at)

    def _slot(self, slot: int) -> int:
        return int(self.chain.request("eth_getStorageAt", self.settlement.address, hex(slot), "latest"), 16)

    # ---- reading

    @property
    def accounts(self) -> list[str]:
        """Every account that may ever hold or authorise anything."""
        return [*(each.address for each in self.people.values()), self.settlement.address]

    def digests(self) -> dict[str, bytes]:
        """One digest of everything that each contract stores."""
        return {name: self.chain.storage(contract.address) for name, contract in self.watched.items()}

    def balances(self) -> Counter[tuple[str, str]]:
        """The whole ledger."""
        tokens = [token.address for token in self.tokens.values()]
        (found,) = self.auditor.call("balances", self.settlement.address, self.accounts, tokens)
        places = [(account, token) for account in self.accounts for token in tokens]
        return Counter(dict(zip(places, found, strict=True)))

    def authorizations(self) -> dict[tuple[str, str], bool]:
        """Who has authorised whom."""
        (found,) = self.auditor.call("authorizations", self.settlement.address, self.accounts)
        places = [(account, operator) for account in self.accounts for operator in self.accounts]
        return dict(zip(places, found, strict=True))

    def mandates(self, ids: list[bytes]) -> tuple[dict[bytes, MandateState], dict[bytes, tuple[int, int]]]:
        """What is remembered of mandates, and of their trades."""
        states, trades = self.auditor.call("mandates", self.settlement.address, ids)
        known = [struct_from(MandateState, state) for state in states]
        return dict(zip(ids, known, strict=True)), dict(zip(ids, trades, strict=True))

    def wallets(self, token: str) -> tuple[Counter[str], Counter[tuple[str, str]]]:
        """What everyone holds of a token outside of the ledger, and lets the settlement contract take."""
        spender = self.settlement.address
        held, allowed = self.auditor.call("wallets", self.tokens[token].address, self.accounts, spender)
        holders = [(account, spender) for account in self.accounts]
        return Counter(dict(zip(self.accounts, held, strict=True))), Counter(
            dict(zip(holders, allowed, strict=True))
        )


def priced(price: int, updated_at: int) -> bytes:
    """What an oracle answers."""
    return encode(["uint256", "uint256"], [price, updated_at])
