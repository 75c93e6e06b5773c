"""What `patternsettle mandate lodge`, `release` and `cancel` do: what cannot work is refused before anything is sent."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_keys.constants import SECPK1_N
from rich.text import Text

from agent.chain.accounts import accounts_of
from agent.chain.answers import Receipt
from agent.chain.client import Chain
from agent.chain.contracts import SettlementContract
from agent.chain.events import Released
from agent.cli.beforehand import require_funds
from agent.cli.mandate_ground import connected, require_pair, require_tokens
from agent.cli.mandate_words import moment, unsound
from agent.cli.output import show, show_json
from agent.desk.mandate_file import MandateFile
from agent.errors import ChainError, Reverted, UsageError
from agent.settings import load_settings

__all__ = ["cancel", "lodge", "release", "sender_of"]

_KEY = re.compile(r"(?:0x)?([0-9a-fA-F]{64})")
_SIGNATURE = re.compile(r"0x((?:[0-9a-fA-F]{2}){1,8192})")
_LARGEST_KEY_FILE = 1_000


def lodge(path: Path, rpc: str, *, signature: str | None, key_file: Path | None, json: bool) -> None:
    """Lodge a mandate: as its owner, or for its owner who signed it."""
    file = MandateFile.read(path)
    signed = None if signature is None else _signature(signature)
    sender = sender_of(file, key_file, anybody=signed is not None)
    with connected(file, rpc) as chain:
        settlement = SettlementContract(chain, file.settlement)
        require_tokens(chain, file)
        require_pair(chain, file.mandate.market)
        _require_taken(file, chain, settlement, sender, signed)
        require_funds(chain, (sender,))
        if signed is None:
            receipt = settlement.create(sender, file.mandate)
        else:
            receipt = settlement.create_for(sender, file.mandate, signed)
        since = settlement.state_of(file.mandate.id).usable_from
    said = f"The mandate {file.id} is lodged. Signals are accepted of bars that close from {moment(since)} on."
    _tell(file, receipt, said, json=json, usable_from=since)


def release(path: Path, rpc: str, *, key_file: Path | None, json: bool) -> None:
    """End the open trade of a mandate, as its owner."""
    file = MandateFile.read(path)
    owner = sender_of(file, key_file)
    with connected(file, rpc) as chain:
        settlement = SettlementContract(chain, file.settlement)
        state = settlement.state_of(file.mandate.id)
        if not state.trading:
            raise ChainError(
                f"The mandate {file.id} has no open trade, so there is nothing to release.",
                cure="patternsettle mandate check FILE tells how it stands.",
            )
        require_funds(chain, (owner,))
        receipt = settlement.release(owner, file.mandate)
    [released] = [event.taken for event in receipt.events if isinstance(event, Released)]
    said = f"The trade has ended: {file.taken.text(released)} are in the ledger balance of {file.mandate.owner}."
    if not state.cancelled:
        said += " The mandate may open another: patternsettle mandate cancel FILE prevents it."
    _tell(file, receipt, said, json=json, released=str(released), token=file.mandate.taken_token)


def cancel(path: Path, rpc: str, *, key_file: Path | None, json: bool) -> None:
    """Cancel a mandate, as its owner."""
    file = MandateFile.read(path)
    owner = sender_of(file, key_file)
    with connected(file, rpc) as chain:
        settlement = SettlementContract(chain, file.settlement)
        state = settlement.state_of(file.mandate.id)
        if state.cancelled:
            raise ChainError(f"The mandate {file.id} is cancelled already.", cure="Nothing opens any more.")
        require_funds(chain, (owner,))
        receipt = settlement.cancel(owner, file.mandate)
    said = f"The mandate {file.id} is cancelled: nothing opens any more."
    if state.trading:
        said += " Its trade is still open: a barrier closes it, or patternsettle mandate release FILE ends it."
    elif not state.usable_from:
        said += " It was not lodged, and never can be now."
    _tell(file, receipt, said, json=json, trading=state.trading)


def sender_of(file: MandateFile, key_file: Path | None, *, anybody: bool = False) -> LocalAccount:
    """Return who sends: the account of a key file, else the owner, if it is one of PATTERNSETTLE_MNEMONIC.

    Parameters
    ----------
    file
        The mandate.
    key_file
        A file with a private key.
    anybody
        Whether it need not be the owner; the first spare account of the phrase will do then.

    Raises
    ------
    UsageError
        If there is no key, or it is another's.
    """
    owner = file.mandate.owner
    if key_file is not None:
        account = _account_in(key_file)
        if anybody or account.address == owner:
            return account
        raise UsageError(
            f"The key in {key_file} is that of {account.address}, and the mandate's owner is {owner}.",
            cure="Give the owner's.",
        )
    accounts = accounts_of(load_settings())
    for account in accounts.all:
        if account.address == owner:
            return account
    if anybody:
        return accounts.spare[0]
    raise UsageError(
        f"No key of the owner {owner} is here.",
        cure="Give --key-file FILE, or set PATTERNSETTLE_MNEMONIC to the owner's phrase.",
    )


def _account_in(path: Path) -> LocalAccount:
    """Read a private key. Nothing of it is ever shown, and one that others may read is not used."""
    try:
        if not path.is_file():
            raise UsageError(f"There is no file --key-file {path}.", cure="Name one that holds a private key.")
        if os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise UsageError(f"Others may read --key-file {path}.", cure=f"chmod 600 {path} makes it yours alone.")
        with path.open(encoding="ascii") as file:
            found = _KEY.fullmatch(file.read(_LARGEST_KEY_FILE).strip())
    except OSError as error:
        raise UsageError(f"--key-file {path} cannot be read: {error.strerror}.", cure="Name another.") from error
    except UnicodeDecodeError:
        found = None
    # Asked here, for what a library says of a number that is no key may hold the key.
    if found is not None and 0 < int(found[1], 16) < SECPK1_N:
        account: LocalAccount = Account.from_key("0x" + found[1])
        return account
    raise UsageError(
        f"--key-file {path} holds no private key.", cure="It has to hold 64 hex digits and nothing else."
    )


def _signature(text: str) -> bytes:
    found = _SIGNATURE.fullmatch(text.strip())
    if found is None:
        raise UsageError("--signature is not bytes in hex.", cure="Give 0x and 130 hex digits, as a wallet does.")
    return bytes.fromhex(found[1])


def _require_taken(
    file: MandateFile, chain: Chain, settlement: SettlementContract, sender: LocalAccount, signed: bytes | None
) -> None:
    """Refuse what the contract would, before it costs anything."""
    try:
        if signed is None:
            settlement.call("create", file.mandate, sender=sender.address)
        else:
            settlement.call("createFor", file.mandate, signed, sender=sender.address)
    except Reverted as error:
        if error.name == "InvalidSignature":
            raise ChainError(
                f"The signature is not that of the owner {file.mandate.owner} over this mandate.",
                cure="Sign the file again as its owner: cast wallet sign --data --from-file FILE.",
            ) from error
        raise unsound(file, error, now=chain.time_of()) from error


def _tell(file: MandateFile, receipt: Receipt, said: str, *, json: bool, **more: Any) -> None:
    if json:
        show_json({"id": file.id, "transaction": receipt.transaction, "block": receipt.block, **more})
    else:
        show(Text(said))
