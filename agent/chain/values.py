"""The contract's own words in Python: its enums and structs, field by field in the order of `ISettlement.sol`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from functools import cached_property
from typing import Any

from eth_abi import encode
from eth_utils import keccak

BPS = 10_000
PRICE_SCALE = 10**36
LEAST_AMOUNT = 100_000  # units, below which nothing opens: `contracts/libraries/Criteria.sol`; a test compares
ANYONE = "0x" + 40 * "0"  # the filler of a mandate that names none


class Side(IntEnum):
    """Which way a trade goes. Long gives quote and takes base; Short gives base and takes quote."""

    LONG = 0
    SHORT = 1


class Barrier(IntEnum):
    """The three ways a trade ends."""

    NONE = 0
    TAKE_PROFIT = 1
    STOP_LOSS = 2
    HORIZON = 3


class Reason(IntEnum):
    """Why the contract refused a fill; NONE where it did not."""

    NONE = 0
    UNKNOWN_MANDATE = 1
    CANCELLED = 2
    EXPIRED = 3
    WRONG_MODEL = 4
    WRONG_MARKET = 5
    WRONG_SIDE = 6
    WRONG_PATTERN = 7
    LOW_CONFIDENCE = 8
    SIGNAL_FROM_FUTURE = 9
    SIGNAL_STALE = 10
    SIGNAL_EXPIRED = 11
    SIGNAL_USED = 12
    NOT_VOUCHED = 13
    TRADE_OPEN = 14
    COOLING_DOWN = 15
    DRAWDOWN_LIMIT = 16
    PRICE_INVALID = 17
    PRICE_STALE = 18
    PRICE_TOO_LOW = 19
    PRICE_TOO_HIGH = 20
    AMOUNT_TOO_SMALL = 21
    AMOUNT_TOO_LARGE = 22
    AMOUNT_MISMATCH = 23
    SLIPPAGE = 24
    WRONG_FILLER = 25
    SELF_FILL = 26
    FILLER_NOT_AUTHORIZED = 27
    FILLER_BALANCE = 28
    OWNER_BALANCE = 29
    NO_TRADE = 30
    NO_BARRIER = 31

    @property
    def label(self) -> str:
        """The reason as a person reads it: ``low confidence``."""
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True)
class Struct:
    """A Solidity struct: a frozen dataclass whose fields stand in the struct's order."""

    def abi(self) -> tuple[Any, ...]:
        """Return the struct as the nested tuple that ABI encoders take."""
        return tuple(_abi(getattr(self, field.name)) for field in fields(self))


def _abi(value: Any) -> Any:
    if isinstance(value, Struct):
        return value.abi()
    return int(value) if isinstance(value, IntEnum) else value


@dataclass(frozen=True)
class Market(Struct):
    """What is traded, and the oracle that prices it. Addresses are checksummed strings."""

    base: str
    quote: str
    oracle: str

    ABI_TYPE = "(address,address,address)"

    @cached_property
    def id(self) -> bytes:
        """keccak256(abi.encode(market)), 32 bytes."""
        return keccak(encode([self.ABI_TYPE], [self.abi()]))


@dataclass(frozen=True)
class Mandate(Struct):
    """An owner's standing instruction; fields, units and meaning as in `ISettlement.sol`."""

    owner: str
    filler: str
    market: Market
    source: str
    model: bytes
    side: Side
    patterns: int
    min_confidence_bps: int
    max_slippage_bps: int
    ramp: int
    take_profit_bps: int
    stop_loss_bps: int
    horizon: int
    cooldown: int
    max_signal_age: int
    max_price_age: int
    min_amount: int
    max_amount: int
    min_price: int
    max_price: int
    drawdown_limit: int
    expiry: int
    salt: bytes

    ABI_TYPE = (
        "(address,address,(address,address,address),address,bytes32,uint8,uint32,uint16,uint16,uint32,uint16,uint16,"
        "uint32,uint32,uint32,uint32,uint128,uint128,uint256,uint256,uint128,uint40,bytes32)"
    )

    @cached_property
    def id(self) -> bytes:
        """keccak256(abi.encode(mandate)), 32 bytes."""
        return keccak(encode([self.ABI_TYPE], [self.abi()]))

    @property
    def given_token(self) -> str:
        """The token the owner gives at the open."""
        return self.market.quote if self.side is Side.LONG else self.market.base

    @property
    def taken_token(self) -> str:
        """The token the owner takes at the open."""
        return self.market.base if self.side is Side.LONG else self.market.quote


@dataclass(frozen=True)
class Signal(Struct):
    """A decision to trade, addressed to a market; fields as in `ISettlement.sol`."""

    model: bytes
    market: bytes
    side: Side
    patterns: int
    confidence_bps: int
    bar_time: int
    valid_until: int
    inputs: bytes


@dataclass(frozen=True)
class Fill(Struct):
    """One mandate matched with one filler and two amounts in smallest units, seen from the owner."""

    mandate: Mandate
    filler: str
    given: int
    taken: int


@dataclass(frozen=True)
class MandateState(Struct):
    """What the contract remembers of a mandate."""

    usable_from: int
    changed_at: int
    trading: bool
    cancelled: bool
    drawdown: int


@dataclass(frozen=True, kw_only=True)
class Permit:
    """An owner's signed leave to take tokens of its own (ERC-2612): amount in smallest units, deadline in unix seconds."""

    amount: int
    deadline: int
    v: int
    r: bytes
    s: bytes


@dataclass(frozen=True)
class Levels:
    """Where an open trade ends: two oracle prices scaled by 1e36, and a unix time."""

    take_profit: int
    stop_loss: int
    horizon: int


@dataclass(frozen=True)
class Price:
    """What an oracle says: quote per base in smallest units scaled by 1e36, and when it was updated."""

    value: int
    updated_at: int


def struct_from(cls: type[Struct], values: tuple[Any, ...]) -> Any:
    """Build a struct from a decoded ABI tuple, the inverse of `Struct.abi`."""
    kinds = {"market": Market, "mandate": Mandate}
    enums = {"side": Side}
    arguments = []
    for field, value in zip(fields(cls), values, strict=True):
        if isinstance(value, (tuple, list)):
            value = struct_from(kinds[field.name], tuple(value))
        elif field.name in enums:
            value = enums[field.name](value)
        arguments.append(bytes(value) if isinstance(value, bytes) else value)
    return cls(*arguments)
