"""Authority on a mandate in a file: the typed data that its owner's wallet signs, and beside it what people need to read it.

The file is that typed data (EIP-712, as ``eth_signTypedData_v4`` takes it) with one member more, ``patternsettle``, which no
wallet reads: its format, the mandate's id and digest, and what the tokens are called. So nothing is written twice that could
disagree, and ``cast wallet sign --data --from-file FILE`` signs it as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn, Self

from eth_utils.address import is_address, is_checksum_address, is_checksum_formatted_address, to_checksum_address

from agent.chain.cache import write_whole
from agent.chain.values import Mandate, Side, struct_from
from agent.desk.signing import MANDATE_TYPES, digest_of, domain_of, mandate_typed_data
from agent.desk.token import MOST_DECIMALS, Token
from agent.errors import ChainError, UsageError
from agent.files import Unreadable, contents
from agent.nesting import loads

__all__ = ["FORMAT", "MandateFile", "address_of", "word_of"]

FORMAT = 1
LARGEST_FILE = 1_000_000  # a mandate takes 4,000 bytes
MOST_CHAIN_ID = 2**256 - 1

_CURE = "patternsettle mandate new --out FILE writes one."
_SYMBOL = re.compile(r"[!-~]{1,16}")
_DIGITS = re.compile(r"[0-9]{1,78}")
_WORD = re.compile(r"0x[0-9a-fA-F]{64}")


@dataclass(frozen=True, kw_only=True)
class MandateFile:
    """A mandate, and for which settlement contract it is meant.

    Attributes
    ----------
    mandate
        The mandate.
    chain_id, settlement
        Where it is to be lodged.
    base, quote
        What its tokens are called, and their decimals. Nothing of it is signed; a command with a node compares.
    """

    mandate: Mandate
    chain_id: int
    settlement: str
    base: Token
    quote: Token

    @property
    def id(self) -> str:
        """The mandate's id, as it is shown."""
        return "0x" + self.mandate.id.hex()

    @cached_property
    def digest(self) -> str:
        """What is signed, as it is shown."""
        digest = digest_of(self.mandate, chain_id=self.chain_id, settlement=self.settlement)
        return "0x" + digest.hex()

    @property
    def given(self) -> Token:
        """The token that is given at an open."""
        return self.quote if self.mandate.side is Side.LONG else self.base

    @property
    def taken(self) -> Token:
        """The token that a trade takes, and holds until it ends."""
        return self.base if self.mandate.side is Side.LONG else self.quote

    @property
    def typed_data(self) -> dict[str, Any]:
        """What ``eth_signTypedData_v4`` takes: numbers as strings of digits, as not every wallet reads longer ones whole."""
        typed = mandate_typed_data(self.mandate, chain_id=self.chain_id, settlement=self.settlement)
        return typed | {"message": _plain(typed["message"])}

    def to_json(self) -> dict[str, Any]:
        """Return the document that is written."""
        about = {
            "format": FORMAT,
            "id": self.id,
            "digest": self.digest,
            "base": {"symbol": self.base.symbol, "decimals": self.base.decimals},
            "quote": {"symbol": self.quote.symbol, "decimals": self.quote.decimals},
        }
        return self.typed_data | {"patternsettle": about}

    def write(self, path: Path) -> None:
        """Write the document whole or not at all.

        Raises
        ------
        UsageError
            If it cannot be written there.
        """
        try:
            write_whole(path, json.dumps(self.to_json(), indent=2) + "\n")
        except ChainError as error:
            raise UsageError(error.problem, cure="Name a file elsewhere.") from error

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a document that `write` wrote.

        Raises
        ------
        UsageError
            If it cannot be read, or is anything else.
        """
        try:
            if not path.exists():
                raise UsageError(f"There is no file {path}.", cure=_CURE)
            if len(data := contents(path, most=LARGEST_FILE + 1)) > LARGEST_FILE:
                raise UsageError(f"{path} is too large for a mandate.", cure=_CURE)
            document = loads(data)
        except Unreadable as error:
            raise UsageError(f"{path} cannot be read as a mandate: {error.problem}", cure=_CURE) from error
        except (OSError, ValueError) as error:
            said = error.strerror if isinstance(error, OSError) else "it is not JSON"
            raise UsageError(f"{path} cannot be read as a mandate: {said}.", cure=_CURE) from error
        try:
            return cls.from_json(document)
        except UsageError as error:
            raise UsageError(f"{path}: {error.problem}", cure=error.cure) from error

    @classmethod
    def from_json(cls, document: Any) -> Self:
        """Rebuild what `to_json` told.

        Raises
        ------
        UsageError
            If the document is none, is of another format, or was changed since.
        """
        members = _object(document, "it")
        about = _object(members.get("patternsettle"), "its member patternsettle")
        if about.get("format") != FORMAT:
            _refuse(f"its format is {about.get('format')!r}, not {FORMAT}")
        domain = _object(members.get("domain"), "its domain")
        chain_id, settlement = (
            domain.get("chainId"),
            address_of(domain.get("verifyingContract"), "verifyingContract"),
        )
        if type(chain_id) is not int or not 0 < chain_id <= MOST_CHAIN_ID:
            _refuse(f"its chainId is {_shown(chain_id)}, not a chain's")
        made = cls(
            mandate=struct_from(Mandate, _struct(members.get("message"), "Mandate")),
            chain_id=chain_id,
            settlement=settlement,
            base=_token(about.get("base"), "base"),
            quote=_token(about.get("quote"), "quote"),
        )
        made._require_same(members, about)
        return made

    def _require_same(self, members: Mapping[str, Any], about: Mapping[str, Any]) -> None:
        ours = self.typed_data
        for name in ("types", "primaryType"):
            if members.get(name) != ours[name]:
                _refuse(f"its {name} are not those of a mandate")
        if members["domain"] != domain_of(self.chain_id, self.settlement):
            _refuse("its domain is not that of a settlement contract")
        if (about.get("id"), about.get("digest")) != (self.id, self.digest):
            raise UsageError(
                f"its mandate is another than the one of its id, {_shown(about.get('id'))}: it was changed.",
                cure="Nothing in such a file can be changed: write another with patternsettle mandate new.",
            )


def address_of(value: Any, what: str) -> str:
    """Return an address in its one spelling.

    Raises
    ------
    UsageError
        If it is none, or of mixed case with a wrong checksum.
    """
    text = value.strip() if isinstance(value, str) else value
    if not (isinstance(text, str) and text.startswith("0x") and is_address(text)):
        raise UsageError(f"{what} is {_shown(value)}, not an address.", cure="Give 0x and 40 hex digits.")
    if is_checksum_formatted_address(text) and not is_checksum_address(text):
        raise UsageError(f"{what} is {text}, whose checksum is wrong: a digit is.", cure="Copy the address again.")
    return to_checksum_address(text)


def word_of(value: Any, what: str) -> bytes:
    """Return 32 bytes written in hex.

    Raises
    ------
    UsageError
        If they are not.
    """
    text = value.strip() if isinstance(value, str) else value
    if not (isinstance(text, str) and _WORD.fullmatch(text)):
        raise UsageError(f"{what} is {_shown(value)}, not 32 bytes.", cure="Give 0x and 64 hex digits.")
    return bytes.fromhex(text[2:])


# ---- reading


def _struct(message: Any, kind: str) -> tuple[Any, ...]:
    """Read a message member by member, as the types that are signed say."""
    members = _object(message, f"its {kind.lower()}")
    shape = MANDATE_TYPES[kind]
    odd = sorted(set(members) ^ {member["name"] for member in shape})
    if odd:
        _refuse(f"its {kind.lower()} lacks or adds {', '.join(map(_shown, odd[:3]))}")
    return tuple(_member(members[member["name"]], member["name"], member["type"]) for member in shape)


def _member(value: Any, name: str, kind: str) -> Any:
    if kind in MANDATE_TYPES:
        return _struct(value, kind)
    if kind == "address":
        return address_of(value, f"its {name}")
    if kind == "bytes32":
        return word_of(value, f"its {name}")
    return _number(value, name, len(Side) if name == "side" else 1 << int(kind.removeprefix("uint")))


def _number(value: Any, name: str, below: int) -> int:
    digits = str(value) if type(value) is int else value
    if not (isinstance(digits, str) and _DIGITS.fullmatch(digits) and int(digits) < below):
        _refuse(f"its {name} is {_shown(value)}, not a whole number below {below}")
    return int(digits)


def _token(value: Any, which: str) -> Token:
    members = _object(value, f"its {which}")
    symbol, decimals = members.get("symbol"), members.get("decimals")
    if not (isinstance(symbol, str) and _SYMBOL.fullmatch(symbol)):
        _refuse(f"the symbol of its {which} is {_shown(symbol)}, not a short word")
    if type(decimals) is not int or not 0 <= decimals <= MOST_DECIMALS:
        _refuse(f"the decimals of its {which} are {_shown(decimals)}, not 0 to {MOST_DECIMALS}")
    return Token(symbol, decimals)


def _object(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        _refuse(f"{what} is not a JSON object")
    return value


def _refuse(why: str) -> NoReturn:
    raise UsageError(f"this is not the file of a mandate: {why}.", cure=_CURE)


def _shown(value: Any) -> str:
    said = repr(value)
    return said if len(said) <= 90 else f"{said[:87]}..."


def _plain(value: Any) -> Any:
    """A message as JSON has it."""
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)
