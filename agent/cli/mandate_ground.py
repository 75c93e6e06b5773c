"""Where a mandate is meant for: its contracts and tokens, as a node or a record tells them, and who judges it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from agent.chain.client import Chain
from agent.chain.contracts import ModelsContract, OracleContract, SettlementContract, TokenContract
from agent.chain.deploy import Deployment
from agent.chain.local import LocalChain
from agent.chain.node import RpcFault
from agent.chain.rpc.evm import Genesis
from agent.chain.values import Mandate, Market
from agent.desk.mandate_file import MandateFile
from agent.desk.token import MOST_DECIMALS, Token
from agent.errors import ChainError, ConnectionFailed, Reverted, UsageError
from agent.settings import load_settings

__all__ = [
    "Ground",
    "answered",
    "connected",
    "ground",
    "model_id",
    "pair_of",
    "require_pair",
    "require_tokens",
    "verdict",
]

T = TypeVar("T")

_PLAIN = re.compile(r"[!-~]{1,16}")


@dataclass(frozen=True, kw_only=True)
class Ground:
    """Where a mandate is meant for.

    Attributes
    ----------
    deployment
        Its contracts.
    base, quote
        Its tokens.
    now
        Unix seconds: of the chain's last block, or of this machine where there is no node.
    chain
        The node, where one was given.
    """

    deployment: Deployment
    base: Token
    quote: Token
    now: int
    chain: Chain | None


@contextmanager
def ground(
    record: Path | None, rpc: str | None, *, base_decimals: int | None, quote_decimals: int | None
) -> Iterator[Ground]:
    """Find out where a mandate is meant for, from a record of a deployment, from a node, or from both.

    Raises
    ------
    UsageError
        If neither is given, or they do not suffice.
    ChainError
        If the node does not answer, or is of another chain than the record.
    """
    if record is None and rpc is None:
        raise UsageError(
            "Nothing says which contracts the mandate is for.",
            cure="Give --deployment FILE, or --rpc URL of a chain that patternsettle chain serves.",
        )
    deployment = None if record is None else Deployment.read(record)
    if rpc is None:
        assert deployment is not None
        if base_decimals is None or quote_decimals is None:
            raise UsageError(
                "Nothing says how many decimals the tokens have.",
                cure="Give --rpc URL, or both --base-decimals and --quote-decimals.",
            )
        base, quote = Token("base", base_decimals), Token("quote", quote_decimals)
        yield Ground(deployment=deployment, base=base, quote=quote, now=int(time.time()), chain=None)
        return
    with Chain.connect(rpc, settings=load_settings()) as chain:
        if deployment is None:
            deployment = _followed(chain)
        deployment.check(chain)
        base = _token(chain, deployment.base, "base", base_decimals)
        quote = _token(chain, deployment.quote, "quote", quote_decimals)
        yield Ground(deployment=deployment, base=base, quote=quote, now=chain.time_of(), chain=chain)


def _followed(chain: Chain) -> Deployment:
    if not chain.supports("patternsettle_deployment"):
        raise UsageError(
            "This node does not say where the contracts are.",
            cure="Give --deployment FILE, which patternsettle deploy --out writes.",
        )
    facts = chain.request("patternsettle_deployment")
    with chain.reading("patternsettle_deployment"):
        return Deployment.from_json(facts["deployment"])


def _token(chain: Chain, address: str, which: str, said: int | None) -> Token:
    contract = TokenContract(chain, address)
    decimals = contract.decimals()
    if decimals > MOST_DECIMALS or said not in (None, decimals):
        raise UsageError(
            f"The {which} token says that it has {decimals} decimals.",
            cure=f"Leave out --{which}-decimals, or use another token.",
        )
    symbol = answered(contract.symbol)
    return Token(symbol if symbol is not None and _PLAIN.fullmatch(symbol) else which, decimals)


@contextmanager
def connected(file: MandateFile, rpc: str) -> Iterator[Chain]:
    """Connect to the chain that a mandate is meant for, and on which its contract is.

    Raises
    ------
    ChainError
        If the node is of another chain, or knows no contract there.
    """
    with Chain.connect(rpc, settings=load_settings()) as chain:
        if chain.chain_id != file.chain_id:
            raise ChainError(
                f"The mandate is for chain {file.chain_id}, the node is of chain {chain.chain_id}.",
                cure="Give with --rpc a node of that chain.",
            )
        chain.require_contract(
            file.settlement,
            cure="A local chain forgets everything when it stops: deploy, and write the mandate again.",
        )
        yield chain


def require_tokens(chain: Chain, file: MandateFile) -> None:
    """Raise where the tokens have other decimals than the file says: nothing of that is signed.

    Raises
    ------
    ChainError
        If they do, or are no tokens.
    """
    market = file.mandate.market
    for which, address, token in (("base", market.base, file.base), ("quote", market.quote, file.quote)):
        decimals = TokenContract(chain, address).decimals()
        if decimals != token.decimals:
            raise ChainError(
                f"The file says that the {which} token has {token.decimals} decimals, the token says {decimals}.",
                cure="Amounts are not what they were meant to be: write the mandate again.",
            )


def answered(ask: Callable[[], T]) -> T | None:
    """Return what a contract answers; None where it is another contract than is asked, or none."""
    try:
        return ask()
    except (ConnectionFailed, RpcFault):
        raise
    except (ChainError, UnicodeDecodeError):
        return None


def pair_of(chain: Chain, market: Market) -> tuple[str, str] | None:
    """Return the base and the quote that a market's oracle says it prices; None where it does not say."""
    return answered(OracleContract(chain, market.oracle).pair)


def require_pair(chain: Chain, market: Market) -> None:
    """Raise where the oracle says that it prices other tokens than the market's: the contract does not ask.

    Raises
    ------
    ChainError
        If it does.
    """
    pair = pair_of(chain, market)
    if pair not in (None, (market.base, market.quote)):
        raise ChainError(
            f"The oracle {market.oracle} prices {pair[0]} in {pair[1]}, and the market is {market.base} in "
            f"{market.quote}.",
            cure="Use the oracle of this market: at that price anything could be taken.",
        )


def model_id(path: Path, *, publisher: str, key: str) -> str:
    """Return the id on chain of a saved model, as the registry words it.

    Raises
    ------
    ArtifactError
        If there is no model.
    """
    from agent.model.artifact import identify  # here, for scikit-learn takes a second

    artifact = bytes.fromhex(identify(path).removeprefix("0x"))
    with _aside() as chain:
        models = ModelsContract.deploy(chain, chain.someone)
        return "0x" + models.id_of(publisher, key, artifact).hex()


def verdict(mandate: Mandate, where: Ground) -> Reverted | None:
    """Return what the contract has against a mandate, or None: it is asked on the node, or on a chain in this process."""
    if where.chain is not None:
        return _refusal(SettlementContract(where.chain, where.deployment.settlement), mandate)
    with _aside(where.now) as chain:
        return _refusal(SettlementContract.deploy(chain, chain.someone), mandate)


def _refusal(settlement: SettlementContract, mandate: Mandate) -> Reverted | None:
    try:
        settlement.call("create", mandate, sender=mandate.owner)
    except Reverted as error:
        return error
    return None


class _Aside(Chain):
    """A chain of a moment, on which the contract can be asked."""

    def __init__(self, local: LocalChain) -> None:
        super().__init__(local.provider(), settings=load_settings(), on_close=local.close)
        self.someone = local.accounts[0]


@contextmanager
def _aside(now: int = 0) -> Iterator[_Aside]:
    with _Aside(LocalChain(Genesis(time=now))) as chain:
        yield chain
