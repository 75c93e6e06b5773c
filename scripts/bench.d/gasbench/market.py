"""Authority on our own figures: a market in which each call that moves value is made once it costs what it always will."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from eth_account.signers.local import LocalAccount

from agent.chain.accounts import accounts_of
from agent.chain.client import Chain
from agent.chain.contracts import FeedContract, ModelsContract, SettlementContract, TokenContract
from agent.chain.deploy import Deployment, deploy, fund
from agent.chain.values import ANYONE, Fill, Mandate, Side, Signal
from agent.desk.signing import sign_mandate, sign_permit, sign_signal
from agent.errors import ChainError
from agent.settings import DEVELOPMENT_MNEMONIC, Settings
from gasbench.rows import Group, Row

BATCH = 5
PRICE = 2_000 * 10**8
BASE, QUOTE = 10**18, 2_000 * 10**6  # one whole base token, and its price
CENT = 10**4
DEPOSIT = 1_000
UNLIMITED = 2**256 - 1
NEVER = 2**40 - 1
# The local chain funds the development accounts, whatever the environment names.
SETTINGS = Settings(mnemonic=DEVELOPMENT_MNEMONIC)


class Market:
    """A deployed market with a filler and enough owners for a batch, each with one mandate."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.people = accounts_of(SETTINGS)
        self.owners = (*self.people.owners, *self.people.spare)[:BATCH]
        # Signs leave for each deposit, and so never gave the contract an allowance.
        self.saver = self.people.spare[-1]
        self.at: Deployment = deploy(chain, self.people.publisher)
        self.settlement = SettlementContract(chain, self.at.settlement)
        models = ModelsContract(chain, self.at.models)
        key, publisher = self.people.model_key, self.people.publisher
        models.register(publisher, bytes(32), key.address)
        self.model = models.id_of(publisher.address, key.address, bytes(32))
        FeedContract(chain, self.at.feed).push(publisher, PRICE)
        self.settlement.authorize(self.people.filler, self.people.operator.address)
        self.traders = (self.people.filler, *self.owners)
        funded = [each.address for each in (*self.traders, self.saver)]
        fund(chain, publisher, self.at, funded, base=10**27, quote=10**15)
        self.approve(self.at.settlement)
        self.mandates = [self._mandate(owner.address) for owner in self.owners]
        # Like the first, and as dear to send as a mandate of its kind can be: zero bytes of call data cost less than others.
        self.dear = replace(
            self.mandates[0],
            salt=b"\x5a" * 32,
            min_price=0x05_5A5A_5A5A_5A5A_5A5A_5A5A_5A,
            max_price=0x07_5A5A_5A5A_5A5A_5A5A_5A5A_5A,
        )
        self._rounds = count(1)

    def approve(self, spender: str) -> None:
        """Let a contract move both tokens of everybody."""
        for token in (self.at.base, self.at.quote):
            for trader in self.traders:
                TokenContract(self.chain, token).approve(trader, spender, UNLIMITED)

    def deposit(self, account: LocalAccount, token: str, *, wholes: int = DEPOSIT) -> int:
        unit = BASE if token == self.at.base else QUOTE
        return self.settlement.deposit(account, token, wholes * unit).gas_used

    def create_for(self) -> int:
        """Lodge another mandate of the first owner's, by the operator; return the gas used."""
        mandate = replace(self.mandates[0], salt=(1).to_bytes(32, "big"))
        signature = sign_mandate(
            self.owners[0], chain_id=self.chain.chain_id, settlement=self.at.settlement, mandate=mandate
        )
        return self.settlement.create_for(self.people.operator, mandate, signature).gas_used

    def deposit_with_permit(self) -> int:
        """Deposit for the saver, by the operator and with the saver's leave; return the gas used."""
        token = TokenContract(self.chain, self.at.base)
        permit = sign_permit(
            self.saver,
            token=token.address,
            name=token.name(),
            chain_id=self.chain.chain_id,
            spender=self.at.settlement,
            amount=BASE,
            nonce=token.nonce_of(self.saver.address),
            deadline=NEVER,
        )
        operator, owner = self.people.operator, self.saver.address
        return self.settlement.deposit_with_permit(operator, token.address, owner, permit).gas_used

    def open(self, mandates: Sequence[Mandate], *, by: LocalAccount) -> int:
        """Open a trade for each of these mandates; return the gas used."""
        signal = self._signal()
        # No two rounds have the same amount: writing what is there already would cost less than a trade does.
        given = QUOTE + next(self._rounds) * CENT
        wanted = [Fill(each, self.people.filler.address, given=given, taken=BASE) for each in mandates]
        evidence = sign_signal(
            self.people.model_key,
            registry=self.at.models,
            chain_id=self.chain.chain_id,
            settlement=self.at.settlement,
            signal=signal,
        )
        self.chain.set_next_time(signal.bar_time + 1)
        receipt = self.settlement.open(by, signal, evidence, wanted)
        return _all_settled(receipt.events[1:], "Opened", receipt.gas_used, len(wanted))

    def close(self, mandates: Sequence[Mandate], *, by: LocalAccount) -> int:
        """Close the trades of these mandates at their horizon; return the gas used."""
        wanted = [Fill(each, self.people.filler.address, given=BASE, taken=QUOTE) for each in mandates]
        self.chain.set_next_time(self.chain.time_of() + self.mandates[0].horizon)
        receipt = self.settlement.close(by, self.at.market, wanted)
        return _all_settled(receipt.events, "Closed", receipt.gas_used, len(wanted))

    def release(self, mandate: Mandate) -> int:
        """End the trade of a mandate of the first owner's; return the gas used."""
        receipt = self.settlement.release(self.owners[0], mandate)
        return _all_settled(receipt.events, "Released", receipt.gas_used, 1)

    def _mandate(self, owner: str) -> Mandate:
        return Mandate(
            owner=owner,
            filler=ANYONE,
            market=self.at.market,
            source=self.at.models,
            model=self.model,
            side=Side.LONG,
            patterns=0b1111,
            min_confidence_bps=6_000,
            max_slippage_bps=30,
            ramp=0,
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
            drawdown_limit=100 * QUOTE,
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


BY_OPERATOR = ", by an operator"
DEAR = ", of a mandate without zero bytes in its salt and bounds"
# In the order of the table.
WHAT = {
    "open, one fill": "A filler opens one mandate's trade out of its own deposit: attested signal, price, all criteria. Steady.",
    "open, each further fill": f"What another owner's mandate adds to that call; the mean of {BATCH - 1}. Steady.",
    f"open, one fill{BY_OPERATOR}": "The one fill, sent by whom the filler authorised: one more slot is read. Steady.",
    f"open, each further fill{BY_OPERATOR}": "What another adds to that call. Steady.",
    f"open, one fill{DEAR}": "The one fill, with 32 bytes of salt that are not zero, and two price bounds of 12; the others have a "
    "salt of zero, as who has one mandate of a kind may, and bounds of one byte. What call data costs, no more. Steady.",
    "open, first fill": "The one fill where the filler never held what it takes, and the mandate never traded: two fresh slots.",
    "close, one fill": "The filler closes one trade at its horizon, at the oracle's price. Steady.",
    "close, each further fill": f"What another owner's trade adds to that call; the mean of {BATCH - 1}. Steady.",
    f"close, one fill{BY_OPERATOR}": "The one fill, sent by whom the filler authorised. Steady.",
    f"close, each further fill{BY_OPERATOR}": "What another adds to that call. Steady.",
    f"close, one fill{DEAR}": "The one fill, likewise. Steady.",
    "release": "An owner ends its open trade and has what that held, with a balance of that token before. Steady.",
    "create": "An owner lodges a mandate: one fresh slot, and the mandate whole in the log.",
    "createFor": "Somebody else lodges what the owner signed: the same, and the check of the signature.",
    "deposit": "Into a balance that is not zero, for oneself. Steady.",
    "depositWithPermit": "Somebody else deposits for an owner who signed leave to take this amount: the same, and the permit, "
    "which sets an allowance that is then used up. Steady.",
    "withdraw": "Part of a balance, to oneself. Steady.",
}


def measure(market: Market) -> list[Row]:
    """Measure on a fresh market, whose chain must let its time be set."""
    filler, operator, owners, at = market.people.filler, market.people.operator, market.owners, market.at
    market.deposit(filler, at.base)
    for owner in owners:
        market.deposit(owner, at.quote)
    one, every, dear = market.mandates[:1], market.mandates, [market.dear]
    created = [market.settlement.create(*each).gas_used for each in zip(owners, market.mandates, strict=True)]
    used = {
        "create": created[0],
        "createFor": market.create_for(),
        "open, first fill": market.open(one, by=filler),
    }
    market.close(one, by=filler)
    market.settlement.create(owners[0], market.dear)
    # From here on nobody's balance is ever zero, and every mandate has traded.
    for owner in owners:
        market.deposit(owner, at.base)
    market.deposit(filler, at.quote)
    market.deposit_with_permit()
    for mandates in (every, dear):
        market.open(mandates, by=filler)
        market.close(mandates, by=filler)
    for whose, sender in (("", filler), (BY_OPERATOR, operator)):
        single = market.open(one, by=sender), market.close(one, by=sender)
        batch = market.open(every, by=sender), market.close(every, by=sender)
        for end, first, several in zip(("open", "close"), single, batch, strict=True):
            used[f"{end}, one fill{whose}"] = first
            used[f"{end}, each further fill{whose}"] = round((several - first) / (BATCH - 1))
    used[f"open, one fill{DEAR}"] = market.open(dear, by=filler)
    used[f"close, one fill{DEAR}"] = market.close(dear, by=filler)
    market.open(one, by=filler)
    used["release"] = market.release(market.mandates[0])
    used["deposit"] = market.deposit(filler, at.base)
    used["depositWithPermit"] = market.deposit_with_permit()
    used["withdraw"] = market.settlement.withdraw(filler, at.base, BASE).gas_used
    return [Row(Group.OURS, name, used[name], what) for name, what in WHAT.items()]


def _all_settled(events: Sequence[object], name: str, gas: int, fills: int) -> int:
    """Return the gas, once it is certain that it paid for this many settled fills and nothing else."""
    if [type(event).__name__ for event in events] != [name] * fills:
        raise ChainError(f"A fill that should settle did not: {events}.", cure="Correct the measurement's market.")
    return gas
