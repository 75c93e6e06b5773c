"""Authority on the figures of others: one exchange by 1inch and by Uniswap, between the same two tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isqrt
from typing import Any, TypeVar

from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount
from eth_utils import to_checksum_address

from agent.chain.answers import Receipt
from agent.chain.artifact import Artifact
from agent.chain.compile import compile_sources
from agent.chain.contracts import Contract, TokenContract
from agent.errors import ChainError
from gasbench.bare import ROOT
from gasbench.market import BASE, NEVER, QUOTE, Market
from gasbench.published import FOLDER, compiled_of, contract_of, version_of
from gasbench.rows import Group, Row

# Liquidity beside which one exchange is small, as it is on chains that matter.
POOL_BASE, POOL_QUOTE = 10**6 * BASE, 10**6 * QUOTE
GAS = 6_000_000  # creating a pool takes the most, some 4.6 million
POOL_FEE = 3_000
# Of Uniswap v3: the outermost ticks that its pools of that fee allow, and the bounds of a square root of a price.
GREATEST_TICK = 887_220
LEAST_ROOT, GREATEST_ROOT = 4_295_128_739, 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_342

T = TypeVar("T")


def measure(market: Market) -> list[Row]:
    """Measure with the tokens and the people of a market, on its chain."""
    return [Row(Group.PEERS, *each) for venue in (_one_inch, _uniswap_v2, _uniswap_v3) for each in venue(market)]


def _one_inch(market: Market) -> Iterator[tuple[str, int, str]]:
    package = "@1inch/limit-order-protocol-contract"
    compiled = compiled_of(
        f"{package}/contracts/LimitOrderProtocol.sol",
        "LimitOrderProtocol",
        {"evmVersion": "shanghai", "optimizer": {"enabled": True, "runs": 1_000_000}, "viaIR": True},
    )
    # It wants to know the wrapped ether, which is neither of the two tokens.
    protocol = _deployed(market, compiled, market.at.models)
    market.approve(protocol.address)
    maker, taker = market.owners[0], market.people.filler

    def fill(nonce: int) -> Receipt:
        order = _order(market, maker.address, nonce)
        r, vs = _signed(maker, order, market.chain.chain_id, protocol.address)
        # The taker names what it gets, and the most that it pays.
        traits = 1 << 255 | BASE
        return protocol.send(taker, "fillOrder", tuple(order.values()), r, vs, QUOTE, traits, gas=GAS)

    yield (
        "1inch `fillOrder`",
        _steady(market, taker, market.at.quote, fill),
        f"A taker fills a maker's signed order whole, at the price the maker fixed; the maker's nonce word was used before. "
        f"{version_of(package)}, published as source: compiled by the solc 0.8.30 that it pins, for shanghai, "
        "through the IR, for 1,000,000 runs, as its authors do.",
    )


_ORDER = {
    "salt": "uint256",
    "maker": "address",
    "receiver": "address",
    "makerAsset": "address",
    "takerAsset": "address",
    "makingAmount": "uint256",
    "takingAmount": "uint256",
    "makerTraits": "uint256",
}


def _order(market: Market, maker: str, nonce: int) -> dict[str, int]:
    """An order for all or nothing, with an expiry, as its words go into the call."""
    expiry = market.chain.time_of() + 10**6
    words = (
        int.from_bytes(b"\x11" * 32, "big"),
        int(maker, 16),
        0,
        int(market.at.quote, 16),
        int(market.at.base, 16),
        QUOTE,
        BASE,
        1 << 255 | nonce << 120 | expiry << 80,
    )
    return dict(zip(_ORDER, words, strict=True))


def _signed(maker: LocalAccount, order: dict[str, int], chain_id: int, protocol: str) -> tuple[bytes, bytes]:
    """The maker's signature in its short form (EIP-2098)."""
    domain = {
        "name": "1inch Limit Order Protocol",
        "version": "4",
        "chainId": chain_id,
        "verifyingContract": protocol,
    }
    types = {"Order": [{"name": name, "type": kind} for name, kind in _ORDER.items()]}
    message = {name: f"0x{word:040x}" if _ORDER[name] == "address" else word for name, word in order.items()}
    signed = maker.sign_message(encode_typed_data(domain, types, message))
    return signed.r.to_bytes(32, "big"), (signed.s | (signed.v - 27) << 255).to_bytes(32, "big")


def _uniswap_v2(market: Market) -> Iterator[tuple[str, int, str]]:
    core, periphery = "@uniswap/v2-core", "@uniswap/v2-periphery"
    base, quote = market.at.base, market.at.quote
    trader = market.people.filler
    factory = _deployed(
        market, contract_of(f"{core}/build/UniswapV2Factory.json"), market.people.publisher.address
    )
    pair = _pair(market, factory, contract_of(f"{core}/build/UniswapV2Pair.json"))
    # It wants to know the wrapped ether too, and does nothing with it here.
    router = _deployed(
        market, contract_of(f"{periphery}/build/UniswapV2Router02.json"), factory.address, market.at.models
    )
    market.approve(router.address)

    def direct(_: int) -> Receipt:
        TokenContract(market.chain, quote).transfer(trader, pair.address, QUOTE)
        of_base, of_quote = _ordered(market, *pair.call("getReserves")[:2])
        (out,) = router.call("getAmountOut", QUOTE, of_quote, of_base)
        return pair.send(trader, "swap", *_ordered(market, out, 0), trader.address, b"", gas=GAS)

    def routed(_: int) -> Receipt:
        arguments = (QUOTE, 1, [quote, base], trader.address, NEVER)
        return router.send(trader, "swapExactTokensForTokens", *arguments, gas=GAS)

    yield (
        "Uniswap v2 `pair.swap`",
        _steady(market, trader, base, direct),
        "The pair alone, at its own price; what is paid was sent to it beforehand, by a transfer that is not counted; "
        f"the first swap of its block, without protocol fee. {version_of(core)}, as published.",
    )
    yield (
        "Uniswap v2 router",
        _steady(market, trader, base, routed),
        "`swapExactTokensForTokens` over one pair, from and to a wallet, otherwise as above. "
        f"{version_of(periphery)}, as published.",
    )


def _pair(market: Market, factory: Contract, compiled: Artifact) -> Contract:
    """A pair of Uniswap v2 for the market's tokens, with liquidity."""
    base, quote, publisher = market.at.base, market.at.quote, market.people.publisher
    factory.send(publisher, "createPair", base, quote, gas=GAS)
    address = to_checksum_address(factory.call("getPair", base, quote)[0])
    TokenContract(market.chain, base).mint(publisher, address, POOL_BASE)
    TokenContract(market.chain, quote).mint(publisher, address, POOL_QUOTE)
    pair = Contract(market.chain, address, compiled=compiled)
    pair.send(publisher, "mint", publisher.address, gas=GAS)
    return pair


def _uniswap_v3(market: Market) -> Iterator[tuple[str, int, str]]:
    core, periphery = "@uniswap/v3-core", "@uniswap/v3-periphery"
    base, quote = market.at.base, market.at.quote
    trader = market.people.filler
    factory = _deployed(
        market, contract_of(f"{core}/artifacts/contracts/UniswapV3Factory.sol/UniswapV3Factory.json")
    )
    payer = _deployed(market, compile_sources(FOLDER, ["Payer.sol"], include=[ROOT / "contracts"])["Payer"])
    market.approve(payer.address)
    pool = _pool(
        market, factory, contract_of(f"{core}/artifacts/contracts/UniswapV3Pool.sol/UniswapV3Pool.json"), payer
    )
    router = _deployed(
        market,
        contract_of(f"{periphery}/artifacts/contracts/SwapRouter.sol/SwapRouter.json"),
        factory.address,
        market.at.models,
    )
    market.approve(router.address)
    quote_is_first = _ordered(market, False, True)[0]

    def direct(_: int) -> Receipt:
        worst = LEAST_ROOT + 1 if quote_is_first else GREATEST_ROOT - 1
        return payer.send(trader, "swap", pool.address, quote, quote_is_first, QUOTE, worst, gas=GAS)

    def routed(_: int) -> Receipt:
        order = (quote, base, POOL_FEE, trader.address, NEVER, QUOTE, 1, 0)
        return router.send(trader, "exactInputSingle", order, gas=GAS)

    yield (
        "Uniswap v3 `pool.swap`",
        _steady(market, trader, base, direct),
        "The pool of 0.3 %, at its own price, through `tests/peers/Payer.sol`, which pays in the callback and checks "
        "nothing; the tick does not move, which is the cheapest there is; without protocol fee. "
        f"{version_of(core)}, as published.",
    )
    yield (
        "Uniswap v3 router",
        _steady(market, trader, base, routed),
        "`exactInputSingle` of `SwapRouter`, from and to a wallet, otherwise as above. "
        f"{version_of(periphery)}, as published.",
    )


def _pool(market: Market, factory: Contract, compiled: Artifact, payer: Contract) -> Contract:
    """A pool of Uniswap v3 for the market's tokens, with liquidity at every price."""
    base, quote, publisher = market.at.base, market.at.quote, market.people.publisher
    factory.send(publisher, "createPool", base, quote, POOL_FEE, gas=GAS)
    address = to_checksum_address(factory.call("getPool", base, quote, POOL_FEE)[0])
    pool = Contract(market.chain, address, compiled=compiled)
    first, second = _ordered(market, POOL_BASE, POOL_QUOTE)
    pool.send(publisher, "initialize", isqrt((second << 192) // first), gas=GAS)
    provider = market.people.filler
    TokenContract(market.chain, base).mint(publisher, provider.address, POOL_BASE)
    TokenContract(market.chain, quote).mint(publisher, provider.address, POOL_QUOTE)
    payer.send(provider, "mint", address, -GREATEST_TICK, GREATEST_TICK, isqrt(first * second), gas=GAS)
    return pool


def _ordered(market: Market, of_base: T, of_quote: T) -> tuple[T, T]:
    """Two things in the order in which Uniswap has the tokens; applied to things in that order, base and quote again."""
    return (of_base, of_quote) if int(market.at.base, 16) < int(market.at.quote, 16) else (of_quote, of_base)


def _deployed(market: Market, compiled: Artifact, *arguments: Any) -> Contract:
    return Contract.deploy(market.chain, market.people.publisher, *arguments, compiled=compiled)


def _steady(market: Market, trader: LocalAccount, token: str, exchange: Callable[[int], Receipt]) -> int:
    """Gas of an exchange by which a trader gets a token, after two that leave no slot empty."""
    exchange(0)
    exchange(1)
    held = TokenContract(market.chain, token)
    before = held.balance_of(trader.address)
    receipt = exchange(2)
    if held.balance_of(trader.address) <= before:
        raise ChainError("An exchange that was measured did not take place.", cure="Correct the measurement.")
    return receipt.gas_used
