"""What is looked at before anything costly begins, so that what cannot work is refused at once and leaves nothing behind."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from eth_account.signers.local import LocalAccount

from agent.chain.client import Chain
from agent.desk.journal import Journal
from agent.desk.place import Place
from agent.errors import ChainError, DeskError, UsageError
from agent.settings import Settings

MOST_GENERATED = 1_000_000


def require_journal(place: str) -> None:
    """Raise where a journal cannot be kept, without making one.

    Raises
    ------
    DeskError
        If the place is none, is no journal, or may not be written to.
    """
    found = Place.parse(place)
    if found.url is not None:
        # Only the server knows whether it takes writes; what this leaves there is an empty journal.
        Journal.open(place).close()
    elif found.path is not None:
        _require_file(place, found.path)


def _require_file(place: str, path: Path) -> None:
    if path.exists() and not path.is_file():
        raise DeskError(f"The journal {place} is not a plain file.", cure="Name another one with --journal.")
    if not (takes_files(path.parent) and os.access(path if path.exists() else path.parent, os.W_OK)):
        raise DeskError(
            f"The journal {place} cannot be written.",
            cure="Make the file and its folder writable, or name another one with --journal.",
        )
    if path.exists() and path.stat().st_size:
        Journal.open(place, readonly=True).close()


def takes_files(folder: Path) -> bool:
    """Whether a file can be made in a folder; the one that is made to find out is gone at once."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def require_development(settings: Settings) -> None:
    """Raise where a chain in this process would have to know other accounts than it does.

    Raises
    ------
    UsageError
        If the seed phrase is not the development phrase.
    """
    if not settings.is_development:
        raise UsageError(
            "A chain in this process funds the development accounts alone, and PATTERNSETTLE_MNEMONIC names others.",
            cure="Unset it, or give with --rpc a node on which they are funded.",
        )


def require_funds(chain: Chain, accounts: Iterable[LocalAccount]) -> None:
    """Raise where an account that is to send transactions could not pay for any.

    Raises
    ------
    ChainError
        If one has nothing on this chain.
    """
    for account in accounts:
        if chain.balance_of(account.address) == 0:
            raise ChainError(
                f"The account {account.address} has nothing on chain {chain.chain_id} to pay for gas.",
                cure="Fund it, or set PATTERNSETTLE_MNEMONIC to the seed phrase of accounts that are funded there.",
            )


def require_generable(bars: int) -> None:
    """Raise where more synthetic bars are asked for than anybody can wait for.

    Raises
    ------
    UsageError
        If they are more than `MOST_GENERATED`.
    """
    if bars > MOST_GENERATED:
        raise UsageError(
            f"--bars asks for {bars:,} synthetic bars.",
            cure=f"Ask for {MOST_GENERATED:,} at most, or give real ones with --data.",
        )
