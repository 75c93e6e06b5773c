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


def key_for(settings: Settings, artifact_hash: bytes) -> LocalAccount:
    """Derive the key that signs for one model and no other, at m/44'/60'/1'/0'/n', which wallets leave alone.

    Only the seed phrase has to be kept: the same phrase and model give the same key again.

    Parameters
    ----------
    settings
        With the seed phrase.
    artifact_hash
        Hash of the model's artifact, 32 bytes; its first 31 bits are n.

    Raises
    ------
    UsageError
        If the phrase is not a valid one.
    """
    number = int.from_bytes(artifact_hash[:4], "big") >> 1
    return _derived(settings.mnemonic.get_secret_value(), f"m/44'/60'/1'/0'/{number}'")[0]


@cache
def _derive(phrase: str) -> tuple[LocalAccount, ...]:
    return _derived(phrase, *(f"m/44'/60'/0'/0/{i}" for i in range(COUNT)))


def _derived(phrase: str, *paths: str) -> tuple[LocalAccount, ...]:
    Account.enable_unaudited_hdwallet_features()
    try:
        return tuple(Account.from_mnemonic(phrase, account_path=path) for path in paths)
    except ValidationError:
        raise UsageError(
            "PATTERNSETTLE_MNEMONIC is not a valid seed phrase: a word or the checksum is wrong.",
            cure="Mend or unset it.",
        ) from None
