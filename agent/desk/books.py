"""The proof of the books: every balance and every open trade rebuilt from the events alone, against the contract's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from agent.chain.events import Closed, Deposited, Event, MandateCreated, Opened, Released, Withdrawn
from agent.chain.values import Mandate
from agent.desk.venue import Venue
from agent.errors import BooksUnbalanced, DeskError


@dataclass(frozen=True)
class Rebuilt:
    """What the events alone say; amounts in smallest units.

    Attributes
    ----------
    balances
        By account and token, zero balances included.
    holdings
        What each trade holds of what it took, by mandate and in the mandate's own token; zero where it has ended.
    """

    balances: Mapping[tuple[str, str], int]
    holdings: Mapping[Mandate, int]

    @property
    def tokens(self) -> set[str]:
        """The tokens that anybody ever had a balance of, or a trade held."""
        return {token for _, token in self.balances} | {mandate.taken_token for mandate in self.holdings}

    def in_ledger(self, token: str) -> int:
        """What the balances of a token come to."""
        return sum(amount for (_, of), amount in self.balances.items() if of == token)

    def in_trades(self, token: str) -> int:
        """What open trades hold of a token."""
        return sum(amount for mandate, amount in self.holdings.items() if mandate.taken_token == token)


@dataclass(frozen=True)
class TokenBooks:
    """What the contract holds of a token, and what it owes; all in smallest units.

    Attributes
    ----------
    held
        What it really holds.
    owed
        The ledger balances, and what open trades hold for their owners.
    held_by_trades
        The second part of `owed`.
    """

    held: int
    owed: int
    held_by_trades: int = 0

    @property
    def surplus(self) -> int:
        """What was sent to the contract without a deposit, and is owed to nobody; negative where tokens are missing."""
        return self.held - self.owed


@dataclass(frozen=True)
class Books:
    """The outcome of a proof.

    Attributes
    ----------
    rebuilt
        Whether each balance rebuilt from the events equals the ledger's, and each holding that of the trade.
    balances, trades
        How many balances the events come to, those that are zero included, and how many open trades.
    events
        How many events they were rebuilt from.
    tokens
        Held and owed by token address.
    """

    rebuilt: bool
    balances: int
    trades: int
    events: int
    tokens: Mapping[str, TokenBooks]

    @property
    def balanced(self) -> bool:
        """Whether ledger and trades are what the events say, and of each token all that is owed is held.

        Anybody can send the contract tokens without a deposit, so a surplus is shown, and is no fault.
        """
        return self.rebuilt and all(token.surplus >= 0 for token in self.tokens.values())


def rebuild(events: Iterable[Event]) -> Rebuilt:
    """Rebuild every ledger balance and every holding from the events alone.

    Raises
    ------
    DeskError
        If a trade is of a mandate that no event created: events are missing.
    """
    balances: defaultdict[tuple[str, str], int] = defaultdict(int)
    holdings: defaultdict[Mandate, int] = defaultdict(int)
    mandates: dict[bytes, Mandate] = {}
    for event in events:
        match event:
            case Deposited(account, token, _, amount):
                balances[account, token] += amount
            case Withdrawn(account, token, _, amount):
                balances[account, token] -= amount
            case MandateCreated(mandate_id, _, mandate):
                mandates[mandate_id] = mandate
            case Opened(mandate_id, filler, given, taken):
                mandate = _known(mandates, mandate_id)
                balances[mandate.owner, mandate.given_token] -= given
                balances[filler, mandate.given_token] += given
                balances[filler, mandate.taken_token] -= taken
                holdings[mandate] += taken
            case Closed(mandate_id, filler, given, taken):
                mandate = _known(mandates, mandate_id)
                holdings[mandate] -= given
                balances[filler, mandate.taken_token] += given
                balances[filler, mandate.given_token] -= taken
                balances[mandate.owner, mandate.given_token] += taken
            case Released(mandate_id, taken):
                mandate = _known(mandates, mandate_id)
                holdings[mandate] -= taken
                balances[mandate.owner, mandate.taken_token] += taken
    return Rebuilt(dict(balances), dict(holdings))


def prove(venue: Venue) -> Books:
    """Compare what the events say with what the contract says, balance by balance, trade by trade and token by token.

    All of it as of one block, so that whoever uses the contract meanwhile does not look like a fault.
    """
    block = venue.block()
    events = [log.event for log in venue.events(block)]
    told = rebuild(events)
    return Books(
        rebuilt=all(venue.balance_of(*key, block) == amount for key, amount in told.balances.items())
        and all(venue.holding(mandate, block) == amount for mandate, amount in told.holdings.items()),
        balances=len(told.balances),
        trades=sum(amount != 0 for amount in told.holdings.values()),
        events=len(events),
        tokens={
            token: TokenBooks(
                held=venue.held(token, block),
                owed=told.in_ledger(token) + told.in_trades(token),
                held_by_trades=told.in_trades(token),
            )
            for token in sorted(told.tokens | {venue.market.base, venue.market.quote})
        },
    )


def require_balanced(books: Books) -> None:
    """Raise where the books do not balance.

    Raises
    ------
    BooksUnbalanced
        Saying whether it is the contract that differs from its events, or its tokens from what it owes.
    """
    if not books.rebuilt:
        raise BooksUnbalanced(
            f"The balances ({books.balances}) and open trades ({books.trades}) rebuilt from the events are not those of "
            "the contract.",
            cure="Do not trade on; keep the journal and the chain's events.",
        )
    if not books.balanced:
        raise BooksUnbalanced(
            "The contract does not hold what it owes: "
            + ", ".join(
                f"of {token} it holds {each.held} and owes {each.owed}"
                for token, each in books.tokens.items()
                if each.surplus < 0
            )
            + ".",
            cure="Do not trade on: the token takes fees, shrinks balances, or is not what it says.",
        )


def _known(mandates: Mapping[bytes, Mandate], mandate_id: bytes) -> Mandate:
    try:
        return mandates[mandate_id]
    except KeyError:
        raise DeskError(
            f"The events tell of a trade of mandate 0x{mandate_id.hex()}, which none of them created.",
            cure="Read the events from the block in which the contract was deployed.",
        ) from None
