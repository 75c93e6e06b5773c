"""Gas of every call that moves value, measured on the in-process chain."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from eth_account.signers.local import LocalAccount

from agent.chain.accounts import accounts_of
from agent.chain.client import Chain
from agent.chain.contracts import FeedContract, ModelsContract, SettlementContract, TokenContract
from agent.chain.deploy import Deployment, deploy, fund
from agent.chain.local import LocalChain
from agent.chain.rpc.evm import Genesis
from agent.chain.values import Fill, Mandate, Side, Signal
from agent.desk.signing import sign_signal
from agent.settings import DEVELOPMENT_MNEMONIC, Settings

BATCH = 5
PRICE = 2_000 * 10**8
BASE, QUOTE = 10**18, 2_000 * 10**6  # one whole base token, and its price
DEPOSIT = 1_000
# The local chain funds the development accounts, whatever the environment names.
SETTINGS = Settings(mnemonic=DEVELOPMENT_MNEMONIC)


@dataclass(frozen=True)
class OpenGas:
    """Gas of `open`.

    Attributes
    ----------
    first
        One fill, of a mandate that never traded, between accounts that never held what they take.
    steady
        One fill, where every storage slot involved holds something before and after.
    marginal
        Each further fill in the same batch, of another owner's mandate, steady.
    """

    first: int
    steady: int
    marginal: int


@dataclass(frozen=True)
class CloseGas:
    """Gas of `close`; members as in `OpenGas`."""

    steady: int
    marginal: int


@dataclass(frozen=True)
class Gas:
    """Gas of every call that moves value; `deposit` and `withdraw` between used slots."""

    open: OpenGas
    close: CloseGas
    create: int
    deposit: int
    withdraw: int


class Market:
    """A deployed market with a filler and enough owners for a batch, each with one mandate."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.people = accounts_of(SETTINGS)
        self.owners = (*self.people.owners, *self.people.spare)[:BATCH]
        self.at: Deployment = deploy(chain, self.people.publisher)
        self.settlement = SettlementContract(chain, self.at.settlement)
        models = ModelsContract(chain, self.at.models)
        key, publisher = self.people.model_key, self.people.publisher
        models.register(publisher, bytes(32), key.address)
        self.model = models.id_of(publisher.address, key.address, bytes(32))
        FeedContract(chain, self.at.feed).push(publisher, PRICE)
        self.settlement.authorize(self.people.filler, self.people.operator.address)
        traders = [self.people.filler, *self.owners]
        fund(chain, publisher, self.at, [each.address for each in traders], base=10**27, quote=10**15)
        for token in (self.at.base, self.at.quote):
            for trader in traders:
                TokenContract(chain, token).approve(trader, self.at.settlement, 2**256 - 1)
        self.mandates = [self._mandate(owner.address) for owner in self.owners]

    def deposit(self, account: LocalAccount, token: str, *, wholes: int = DEPOSIT) -> int:
        unit = BASE if token == self.at.base else QUOTE
        return self.settlement.deposit(account, token, wholes * unit).gas_used

    def open(self, count: int) -> int:
        """Open a trade for the first `count` mandates; return the gas used."""
        signal = self._signal()
        fills = [
            Fill(mandate, self.people.filler.address, given=QUOTE, taken=BASE) for mandate in self.mandates[:count]
        ]
        evidence = sign_signal(
            self.people.model_key,
            registry=self.at.models,
            chain_id=self.chain.chain_id,
            settlement=self.at.settlement,
            signal=signal,
        )
        self.chain.set_next_time(signal.bar_time + 1)
        receipt = self.settlement.open(self.people.operator, signal, evidence, fills)
        return _all_settled(receipt.events[1:], "Opened", receipt.gas_used, count)

    def close(self, count: int) -> int:
        """Close the trades of the first `count` mandates at their horizon; return the gas used."""
        fills = [
            Fill(mandate, self.people.filler.address, given=BASE, taken=QUOTE) for mandate in self.mandates[:count]
        ]
        self.chain.set_next_time(self.chain.time_of() + self.mandates[0].horizon)
        receipt = self.settlement.close(self.people.operator, self.at.market, fills)
        return _all_settled(receipt.events, "Closed", receipt.gas_used, count)

    def _mandate(self, owner: str) -> Mandate:
        return Mandate(
            owner=owner,
            market=self.at.market,
            source=self.at.models,
            model=self.model,
            side=Side.LONG,
            patterns=0b1111,
            min_confidence_bps=6_000,
            max_slippage_bps=30,
            take_profit_bps=200,
            stop_loss_bps=100,
            horizon=3_600,
            cooldown=60,
            max_signal_age=600,
            max_price_age=2**32 - 1,
            min_amount=QUOTE,
            max_amount=10 * QUOTE,
            min_price=1,
            max_price=2**255,
            loss_limit=100 * QUOTE,
            expiry=self.chain.time_of() + 10**6,
            salt=bytes(32),
        )

    def _signal(self) -> Signal:
        now = self.chain.time_of() + 600
        return Signal(
            model=self.model,
            market=self.at.market.id,
            side=Side.LONG,
            patterns=0b0101,
            confidence_bps=7_000,
            bar_time=now,
            valid_until=now + 600,
            inputs=b"\x11" * 32,
        )


def measure(chain: Chain) -> Gas:
    """Measure on a fresh market of `chain`, which must let its time be set."""
    market = Market(chain)
    filler, owners, at = market.people.filler, market.owners, market.at
    market.deposit(filler, at.base)
    for owner in owners:
        market.deposit(owner, at.quote)
    creates = [
        market.settlement.create(owner, mandate).gas_used
        for owner, mandate in zip(owners, market.mandates, strict=True)
    ]
    first = market.open(1)
    market.close(1)
    # From here on nobody's balance is ever zero, and every mandate has traded.
    for owner in owners:
        market.deposit(owner, at.base)
    market.deposit(filler, at.quote)
    market.open(BATCH)
    market.close(BATCH)
    opens, closes = {}, {}
    for count in (1, BATCH):
        opens[count] = market.open(count)
        closes[count] = market.close(count)
    return Gas(
        open=OpenGas(first=first, steady=opens[1], marginal=_marginal(opens)),
        close=CloseGas(steady=closes[1], marginal=_marginal(closes)),
        create=max(creates),
        deposit=market.deposit(filler, at.base),
        withdraw=market.settlement.withdraw(filler, at.base, BASE).gas_used,
    )


def _marginal(by_count: dict[int, int]) -> int:
    return round((by_count[BATCH] - by_count[1]) / (BATCH - 1))


def _all_settled(events: Sequence[object], name: str, gas: int, count: int) -> int:
    """Return the gas, once it is certain that it paid for `count` settled fills and nothing else."""
    if [type(event).__name__ for event in events] != [name] * count:
        raise SystemExit(f"error: a fill that should settle did not: {events}")
    return gas


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench gas", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    as_json = parser.parse_args(arguments).json
    local = LocalChain(Genesis(time=1_700_000_000))
    with Chain(local.provider(), settings=SETTINGS, on_close=local.close) as chain:
        measured = asdict(measure(chain))
    if as_json:
        json.dump(measured, sys.stdout, indent=2)
        print()
        return
    for call, gas in measured.items():
        for case, used in gas.items() if isinstance(gas, dict) else [("", gas)]:
            print(f"{call:10}{case:10}{used:>10,}")


if __name__ == "__main__":
    main()
