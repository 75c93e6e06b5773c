"""Publishing prices into a replay feed, at times that the chain is told."""

from __future__ import annotations

from dataclasses import dataclass

from eth_account.signers.local import LocalAccount

from agent.chain.client import Chain
from agent.chain.contracts import FeedContract
from agent.errors import ChainError
from agent.market.bars import Bars


class ReplayClock:
    """Sets the time of each block of a development chain, so that a replay is the same on each.

    Parameters
    ----------
    chain
        A chain that allows it.
    shift
        Seconds by which its clock runs ahead of the data's.
    """

    def __init__(self, chain: Chain, shift: int) -> None:
        self._chain = chain
        self._shift = shift
        self._due = 0

    def at(self, time: int) -> None:
        """Let the next block be of `time` (unix seconds in the data), or as soon after it as the chain allows."""
        self._due = time + self._shift

    def tick(self) -> None:
        """Set the time of the next block; to be called before each transaction."""
        self._chain.set_next_time(max(self._due, self._chain.time_of() + 1))

    def pass_until(self, time: int) -> None:
        """Let time pass until `time` (unix seconds in the data) with a block in which nothing happens."""
        self.at(time)
        self.tick()
        self._chain.request("evm_mine")


@dataclass(frozen=True)
class Publisher:
    """Whoever publishes prices to the replay feed.

    Attributes
    ----------
    feed
        The feed.
    account
        Its publisher.
    clock
        The replay's clock.
    factor
        Oracle price, scaled by 1e36, per unit of the feed's answer.
    """

    feed: FeedContract
    account: LocalAccount
    clock: ReplayClock
    factor: int

    def publish(self, answer: int, time: int) -> None:
        """Publish a price, in the feed's units, as of a time of the data."""
        self.clock.at(time)
        self.clock.tick()
        self.feed.push(self.account, answer)


def clock_shift(chain: Chain, bars: Bars, start: int) -> int:
    """Seconds to add to the data's times so that bar `start` begins after the chain's now.

    Zero where the chain's clock is not later than the data's; else whole intervals.
    """
    late = chain.time_of() + 1 - int(bars.time[start])
    return max(0, -(-late // bars.interval) * bars.interval)


def require_settable_time(chain: Chain) -> None:
    """Raise where the chain's clock cannot be set."""
    if not chain.supports("evm_setNextBlockTimestamp", hex(chain.time_of() + 1)):
        raise ChainError(
            f"The clock of {chain.client} cannot be set, so bars cannot be replayed on it.",
            cure="Use a development chain: anvil, or patternsettle chain.",
        )
