"""The one settings object: what can be set from outside, its environment variable, and its default."""

from __future__ import annotations

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from agent.errors import UsageError

# Known to everybody (hardhat and anvil use it too), so worth nothing on any chain but a local one.
DEVELOPMENT_MNEMONIC = "test test test test test test test test test test test junk"


class Settings(BaseSettings):
    """Settings, each read from ``PATTERNSETTLE_<NAME>`` where that is set.

    Attributes
    ----------
    mnemonic
        Seed phrase of the accounts that send and sign. The default is the well-known development phrase.
    receipt_timeout
        Seconds to wait for a transaction to be mined.
    request_timeout
        Seconds to wait for a node's answer.
    """

    model_config = SettingsConfigDict(env_prefix="PATTERNSETTLE_", frozen=True, extra="ignore")

    mnemonic: SecretStr = SecretStr(DEVELOPMENT_MNEMONIC)
    receipt_timeout: float = Field(default=120.0, gt=0)
    request_timeout: float = Field(default=30.0, gt=0)

    @field_validator("mnemonic")
    @classmethod
    def _has_a_length_that_seed_phrases_have(cls, value: SecretStr) -> SecretStr:
        words = len(value.get_secret_value().split())
        if words not in (12, 15, 18, 21, 24):
            raise ValueError(f"has {words} words; a seed phrase has 12, 15, 18, 21 or 24")
        return value

    @property
    def is_development(self) -> bool:
        """Whether the accounts are the well-known ones."""
        return self.mnemonic.get_secret_value() == DEVELOPMENT_MNEMONIC


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises
    ------
    UsageError
        If a variable holds what its setting cannot be; the value itself is never shown.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        name = f"PATTERNSETTLE_{'_'.join(str(part) for part in first['loc']).upper()}"
        raise UsageError(
            f"The environment variable {name} {_said(first['msg'])}.", cure="Mend or unset it."
        ) from None


def _said(message: str) -> str:
    return message.removeprefix("Value error, ").replace("Input should", "should").rstrip(".")
