"""Putting the contracts on a chain, and the record of where they are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from eth_account.signers.local import LocalAccount
from eth_utils import is_checksum_address

from agent.chain.client import Chain
from agent.chain.contracts import (
    FeedContract,
    ModelsContract,
    OracleContract,
    SettlementContract,
    TokenContract,
)
from agent.chain.values import Market
from agent.errors import ChainError, UsageError
from agent.files import Unreadable, contents

BASE_DECIMALS = 18
QUOTE_DECIMALS = 6


@dataclass(frozen=True)
class Deployment:
    """Where the contracts of one market are.

    Attributes
    ----------
    chain_id
        The chain they are on.
    block
        The block before the first of them, where a reader of events may start.
    settlement, models, base, quote, feed, oracle
        Checksummed addresses.
    """

    chain_id: int
    block: int
    settlement: str
    models: str
    base: str
    quote: str
    feed: str
    oracle: str

    @property
    def market(self) -> Market:
        return Market(base=self.base, quote=self.quote, oracle=self.oracle)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild a deployment; UsageError where the document is not one."""
        names = {field.name for field in fields(cls)}
        if not isinstance(document, Mapping) or set(document) != names:
            raise UsageError(
                "This is not a record of a deployment.", cure="patternsettle deploy --out FILE writes one."
            )
        for name in sorted(names - {"chain_id", "block"}):
            if not is_checksum_address(document[name]):
                raise UsageError(
                    f"The deployment's {name!r} is {document[name]!r}, not an address.", cure="Deploy again."
                )
        return cls(**document)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a deployment from a file that `patternsettle deploy --out` wrote."""
        try:
            return cls.from_json(json.loads(contents(path)))
        except Unreadable as error:
            raise UsageError(f"{path} cannot be read as a deployment: {error.problem}", cure=error.cure) from error
        except (OSError, ValueError) as error:
            raise UsageError(
                f"{path} cannot be read as a deployment: {error}.",
                cure="patternsettle deploy --out FILE writes one.",
            ) from error

    def check(self, chain: Chain) -> None:
        """Refuse to use a deployment that is not on this chain, or whose oracle prices other tokens than its market's.

        The settlement contract does not ask an oracle what it prices, so whoever trades by it must.
        """
        if chain.chain_id != self.chain_id:
            raise ChainError(
                f"The deployment is on chain {self.chain_id}, the node is of chain {chain.chain_id}.",
                cure="Give the node or the deployment that belongs to the other.",
            )
        chain.require_contract(
            self.settlement, cure="A local chain forgets everything when it stops: deploy again."
        )
        base, quote = OracleContract(chain, self.oracle).pair()
        if (base, quote) != (self.base, self.quote):
            raise ChainError(
                f"The oracle {self.oracle} prices the token {base} in {quote}; the market's base is {self.base} and its "
                f"quote {self.quote}.",
                cure="Name the oracle of these two tokens, in this order.",
            )


def deploy(
    chain: Chain, publisher: LocalAccount, *, base: str = "BASE", quote: str = "QUOTE", feed_decimals: int = 8
) -> Deployment:
    """Deploy everything a local market needs: contracts, two demo tokens, a feed to replay into and its oracle.

    Parameters
    ----------
    chain
        Where to.
    publisher
        Who pays, and from then on may publish to the feed.
    base, quote
        Symbols of the demo tokens.
    feed_decimals
        Digits after the point of the feed's prices.
    """
    block = chain.block_number
    settlement = SettlementContract.deploy(chain, publisher)
    models = ModelsContract.deploy(chain, publisher)
    base_token = TokenContract.deploy(chain, publisher, f"Demo {base}", base, BASE_DECIMALS)
    quote_token = TokenContract.deploy(chain, publisher, f"Demo {quote}", quote, QUOTE_DECIMALS)
    feed = FeedContract.deploy(chain, publisher, feed_decimals)
    oracle = OracleContract.deploy(chain, publisher, feed.address, base_token.address, quote_token.address)
    return Deployment(
        chain_id=chain.chain_id,
        block=block,
        settlement=settlement.address,
        models=models.address,
        base=base_token.address,
        quote=quote_token.address,
        feed=feed.address,
        oracle=oracle.address,
    )


def fund(
    chain: Chain,
    publisher: LocalAccount,
    deployment: Deployment,
    accounts: Iterable[str],
    *,
    base: int,
    quote: int,
) -> None:
    """Mint demo tokens to each account, in smallest units."""
    for account in accounts:
        TokenContract(chain, deployment.base).mint(publisher, account, base)
        TokenContract(chain, deployment.quote).mint(publisher, account, quote)
