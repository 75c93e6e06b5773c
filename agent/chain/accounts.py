"""Who is who on a chain: the accounts of one seed phrase, each with its role."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils import ValidationError

from agent.errors import UsageError
from agent.settings import Settings

COUNT = 10


@dataclass(frozen=True)
class Accounts:
    """The accounts that take part, by role. Different roles never share a nonce.

    Attributes
    ----------
    operator
        Sends the desk's transactions.
    owners
        Whose mandates are traded.
    filler
        Takes the other side, out of its own deposit.
    model_key
        Signs signals, and nothing else.
    spare
        Free for wallets and experiments.
    publisher
        Deploys, mints demo tokens and publishes the feed.
    """

    operator: LocalAccount
    owners: tuple[LocalAccount, ...]
    filler: LocalAccount
    model_key: LocalAccount
    spare: tuple[LocalAccount, ...]
    publisher: LocalAccount

    @property
    def all(self) -> tuple[LocalAccount, ...]:
        return (self.operator, *self.owners, self.filler, self.model_key, *self.spare, self.publisher)


def accounts_of(settings: Settings) -> Accounts:
    """Derive the accounts from the seed phrase, at the path that wallets use (m/44'/60'/0'/0/i).

    Raises
    ------
    UsageError
        If the phrase is not a valid one; the phrase itself is never shown.
    """
    derived = _derive(settings.mnemonic.get_secret_value())
    return Accounts(
        operator=derived[0],
        owners=derived[1:3],
        filler=derived[3],
        model_key=derived[4],
        spare=derived[5:9],
        publisher=derived[9],
    )


@cache
def _derive(phrase: str) -> tuple[LocalAccount, ...]:
    Account.enable_unaudited_hdwallet_features()
    try:
        return tuple(Account.from_mnemonic(phrase, account_path=f"m/44'/60'/0'/0/{i}") for i in range(COUNT))
    except ValidationError:
        raise UsageError(
            "PATTERNSETTLE_MNEMONIC is not a valid seed phrase: a word or the checksum is wrong.",
            cure="Mend or unset it.",
        ) from None
