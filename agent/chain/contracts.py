"""Typed handles: each contract's functions as Python methods that take and return the project's own values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from eth_abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_account.signers.local import LocalAccount
from eth_utils import to_checksum_address
from eth_utils.abi import collapse_if_tuple

from agent.chain.artifact import Artifact, artifact
from agent.chain.client import Announce, Chain, Receipt, unannounced
from agent.chain.values import (
    Barrier,
    Fill,
    Levels,
    Mandate,
    MandateState,
    Market,
    Permit,
    Price,
    Reason,
    Signal,
    Struct,
    struct_from,
)
from agent.errors import ChainError


class Contract:
    """A deployed contract on a chain.

    Parameters
    ----------
    chain
        Where it is.
    address
        Its checksummed address.
    compiled
        What it was compiled to; the committed artifact unless another is given.
    """

    ARTIFACT: str

    def __init__(self, chain: Chain, address: str, *, compiled: Artifact | None = None) -> None:
        self.chain = chain
        self.address = address
        self._functions = _functions(compiled or artifact(self.ARTIFACT))

    @classmethod
    def deploy(
        cls, chain: Chain, account: LocalAccount, *arguments: Any, compiled: Artifact | None = None
    ) -> Self:
        """Create the contract."""
        compiled = compiled or artifact(cls.ARTIFACT)
        types = [
            collapse_if_tuple(item)
            for entry in compiled.abi
            if entry["type"] == "constructor"
            for item in entry["inputs"]
        ]
        address = chain.deploy(account, compiled.bytecode + encode(types, arguments))
        return cls(chain, address, compiled=compiled)

    def encode(self, function: str, *arguments: Any) -> bytes:
        """Return the call data of a function."""
        selector, inputs, _ = self._functions[function]
        return selector + encode(inputs, [_abi(argument) for argument in arguments])

    def call(
        self, function: str, *arguments: Any, sender: str | None = None, block: str = "latest"
    ) -> tuple[Any, ...]:
        """Call a function and return its decoded outputs."""
        answer = self.chain.call(self.address, self.encode(function, *arguments), sender=sender, block=block)
        try:
            return decode(self._functions[function][2], answer)
        except DecodingError as error:
            raise ChainError(
                f"There is no {self.ARTIFACT} at {self.address} on chain {self.chain.chain_id}: "
                f"{function} answered {len(answer)} bytes.",
                cure="A local chain forgets everything when it stops: deploy again.",
            ) from error

    def send(
        self,
        account: LocalAccount,
        function: str,
        *arguments: Any,
        gas: int | None = None,
        announce: Announce = unannounced,
    ) -> Receipt:
        """Send a transaction to a function."""
        return self.chain.send(
            account, self.address, self.encode(function, *arguments), gas=gas, announce=announce
        )


class SettlementContract(Contract):
    """`contracts/Settlement.sol`."""

    ARTIFACT = "Settlement"

    # Measured use is about half; explicit limits save the estimate, and unused gas costs nothing.
    _GAS_CALL = 160_000
    _GAS_FILL = 120_000
    # What lets a call pass 2,000,000 on: a source that fails with less fails the call.
    _GAS_SOURCE = 2_040_000

    def deposit(self, account: LocalAccount, token: str, amount: int, on_behalf: str | None = None) -> Receipt:
        return self.send(account, "deposit", token, amount, on_behalf or account.address, gas=200_000)

    def deposit_with_permit(self, account: LocalAccount, token: str, owner: str, permit: Permit) -> Receipt:
        """Deposit an owner's tokens into its ledger balance; whoever sends it."""
        terms = (permit.deadline, permit.v, permit.r, permit.s)
        return self.send(account, "depositWithPermit", token, permit.amount, owner, *terms, gas=300_000)

    def withdraw(self, account: LocalAccount, token: str, amount: int, receiver: str | None = None) -> Receipt:
        return self.send(account, "withdraw", token, amount, receiver or account.address, gas=200_000)

    def authorize(self, account: LocalAccount, operator: str, allowed: bool = True) -> Receipt:
        return self.send(account, "authorize", operator, allowed, gas=100_000)

    def create(self, account: LocalAccount, mandate: Mandate, *, announce: Announce = unannounced) -> Receipt:
        return self.send(account, "create", mandate, gas=200_000, announce=announce)

    def create_for(self, account: LocalAccount, mandate: Mandate, signature: bytes) -> Receipt:
        """Lodge a mandate that its owner signed; whoever sends it."""
        return self.send(account, "createFor", mandate, signature, gas=250_000)

    def cancel(self, account: LocalAccount, *mandates: Mandate) -> Receipt:
        return self.send(account, "cancel", mandates, gas=50_000 + 50_000 * len(mandates))

    def release(self, account: LocalAccount, mandate: Mandate) -> Receipt:
        """End the owner's open trade: what it holds goes to the owner's ledger balance."""
        return self.send(account, "release", mandate, gas=120_000)

    def open(
        self,
        account: LocalAccount,
        signal: Signal,
        evidence: bytes,
        fills: Sequence[Fill],
        *,
        gas: int | None = None,
        announce: Announce = unannounced,
    ) -> Receipt:
        gas = gas or self._gas(fills) + self._GAS_SOURCE * len({fill.mandate.source for fill in fills})
        return self.send(account, "open", signal, evidence, fills, gas=gas, announce=announce)

    def close(
        self, account: LocalAccount, market: Market, fills: Sequence[Fill], *, announce: Announce = unannounced
    ) -> Receipt:
        return self.send(account, "close", market, fills, gas=self._gas(fills), announce=announce)

    def check_open(self, sender: str, signal: Signal, evidence: bytes, fill: Fill) -> Reason:
        return Reason(self.call("checkOpen", signal, evidence, fill, sender=sender)[0])

    def check_close(self, sender: str, market: Market, fill: Fill) -> tuple[Reason, Barrier]:
        reason, barrier = self.call("checkClose", market, fill, sender=sender)
        return Reason(reason), Barrier(barrier)

    def balance_of(self, account: str, token: str) -> int:
        return self.call("balanceOf", account, token)[0]

    def is_authorized(self, account: str, operator: str) -> bool:
        return self.call("isAuthorized", account, operator)[0]

    def state_of(self, mandate_id: bytes) -> MandateState:
        return struct_from(MandateState, self.call("stateOf", mandate_id)[0])

    def trade_of(self, mandate_id: bytes) -> tuple[int, int]:
        """Amounts given and taken at the open of the last trade."""
        return self.call("tradeOf", mandate_id)[0]

    def digest_of(self, mandate: Mandate) -> bytes:
        """What the mandate's owner signs for `create_for`, 32 bytes."""
        return self.call("digestOf", mandate)[0]

    def barriers_of(self, mandate: Mandate) -> Levels:
        return Levels(*self.call("barriersOf", mandate))

    def least_taken(self, given: int, *, gives_base: bool, price: int, slippage_bps: int) -> int:
        return self.call("leastTaken", given, gives_base, price, slippage_bps)[0]

    def _gas(self, fills: Sequence[Fill]) -> int:
        return self._GAS_CALL + self._GAS_FILL * len(fills)


class ModelsContract(Contract):
    """`contracts/sources/AttestedModels.sol`."""

    ARTIFACT = "AttestedModels"

    def register(
        self, account: LocalAccount, artifact_hash: bytes, key: str, *, announce: Announce = unannounced
    ) -> Receipt:
        return self.send(account, "register", artifact_hash, key, gas=150_000, announce=announce)

    def revoke(self, account: LocalAccount, model: bytes, *, announce: Announce = unannounced) -> Receipt:
        return self.send(account, "revoke", model, gas=100_000, announce=announce)

    def id_of(self, publisher: str, key: str, artifact_hash: bytes) -> bytes:
        return self.call("idOf", publisher, key, artifact_hash)[0]

    def model_of(self, model: bytes) -> tuple[str, str, bool]:
        """Key, publisher and whether revoked; zero addresses where there is no such model."""
        key, publisher, revoked = self.call("modelOf", model)
        return to_checksum_address(key), to_checksum_address(publisher), revoked

    def digest(self, settlement: str, signal: Signal) -> bytes:
        return self.call("digest", settlement, signal)[0]


class OracleContract(Contract):
    """`contracts/oracles/FeedOracle.sol`."""

    ARTIFACT = "FeedOracle"

    def price(self) -> Price:
        return Price(*self.call("price"))

    def pair(self) -> tuple[str, str]:
        """The base and the quote token that it prices, as checksummed addresses."""
        return to_checksum_address(self.call("BASE")[0]), to_checksum_address(self.call("QUOTE")[0])

    def factor(self) -> int:
        """Price, scaled by 1e36, per unit of the feed's answer."""
        return self.call("FACTOR")[0]


class FeedContract(Contract):
    """`contracts/demo/ReplayFeed.sol`."""

    ARTIFACT = "ReplayFeed"

    def push(self, account: LocalAccount, answer: int) -> Receipt:
        return self.send(account, "push", answer, gas=100_000)

    def decimals(self) -> int:
        return self.call("decimals")[0]


class TokenContract(Contract):
    """`contracts/demo/DemoToken.sol`, and any other ERC-20 token as far as it is used here."""

    ARTIFACT = "DemoToken"

    def mint(self, account: LocalAccount, to: str, amount: int) -> Receipt:
        return self.send(account, "mint", to, amount, gas=100_000)

    def approve(self, account: LocalAccount, spender: str, amount: int) -> Receipt:
        return self.send(account, "approve", spender, amount, gas=100_000)

    def transfer(self, account: LocalAccount, to: str, amount: int) -> Receipt:
        return self.send(account, "transfer", to, amount, gas=100_000)

    def balance_of(self, account: str) -> int:
        return self.call("balanceOf", account)[0]

    def nonce_of(self, account: str) -> int:
        """The nonce of the account's next permit."""
        return self.call("nonces", account)[0]

    def decimals(self) -> int:
        return self.call("decimals")[0]

    def name(self) -> str:
        return self.call("name")[0]

    def symbol(self) -> str:
        return self.call("symbol")[0]


def _functions(compiled: Artifact) -> dict[str, tuple[bytes, list[str], list[str]]]:
    """Selector, input types and output types by function name; no contract here overloads a name."""
    found = {}
    for entry in compiled.abi:
        if entry["type"] != "function":
            continue
        inputs = [collapse_if_tuple(item) for item in entry["inputs"]]
        outputs = [collapse_if_tuple(item) for item in entry["outputs"]]
        selector = bytes.fromhex(compiled.method_identifiers[f"{entry['name']}({','.join(inputs)})"])
        found[entry["name"]] = (selector, inputs, outputs)
    return found


def _abi(argument: Any) -> Any:
    if isinstance(argument, Struct):
        return argument.abi()
    if isinstance(argument, (list, tuple)):
        return [_abi(item) for item in argument]
    return argument
