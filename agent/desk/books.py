"""The proof of the books: every balance rebuilt from the events alone, against what the contract says it holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from agent.chain.events import Closed, Deposited, Event, MandateCreated, Opened, Withdrawn
from agent.chain.values import Mandate
from agent.desk.venue import Venue
from agent.errors import BooksUnbalanced, DeskError

Balances = dict[tuple[str, str], int]


@dataclass(frozen=True)
class TokenBooks:
    """What the contract holds of a token, and what it owes by its ledger; both in smallest units."""

    held: int
    owed: int

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
        Whether each balance rebuilt from the events equals the ledger's.
    balances
        How many balances were compared.
    events
        How many events they were rebuilt from.
    tokens
        Held and owed by token address.
    """

    rebuilt: bool
    balances: int
    events: int
    tokens: Mapping[str, TokenBooks]

    @property
    def balanced(self) -> bool:
        """Whether the ledger is what the events say, and of each token all that is owed is held.

        Anybody can send the contract tokens without a deposit, so a surplus is shown, and is no fault.
        """
        return self.rebuilt and all(token.surplus >= 0 for token in self.tokens.values())


def rebuild(events: Iterable[Event]) -> Balances:
    """Rebuild every ledger balance from the events alone.

    Returns
    -------
    dict
        Smallest units by (account, token), zero balances included.

    Raises
    ------
    DeskError
        If a trade is of a mandate that no event created: events are missing.
    """
    balances: defaultdict[tuple[str, str], int] = defaultdict(int)
    mandates: dict[bytes, Mandate] = {}
    for event in events:
        match event:
            case Deposited(account, token, _, amount):
                balances[account, token] += amount
            case Withdrawn(account, token, _, amount):
                balances[account, token] -= amount
            case MandateCreated(mandate_id, _, mandate):
                mandates[mandate_id] = mandate
            case Opened() | Closed():
                mandate = _known(mandates, event.id)
                give, take = mandate.given_token, mandate.taken_token
                if isinstance(event, Closed):
                    give, take = take, give
                balances[mandate.owner, give] -= event.given
                balances[event.filler, give] += event.given
                balances[event.filler, take] -= event.taken
                balances[mandate.owner, take] += event.taken
    return dict(balances)


def prove(venue: Venue) -> Books:
    """Compare what the events say with what the contract says, balance by balance and token by token.

    All of it as of one block, so that whoever uses the contract meanwhile does not look like a fault.
    """
    block = venue.block()
    events = [log.event for log in venue.events(block)]
    balances = rebuild(events)
    tokens = sorted({token for _, token in balances} | {venue.market.base, venue.market.quote})
    owed = {token: sum(amount for (_, of), amount in balances.items() if of == token) for token in tokens}
    return Books(
        rebuilt=all(venue.balance_of(*key, block) == amount for key, amount in balances.items()),
        balances=len(balances),
        events=len(events),
        tokens={token: TokenBooks(held=venue.held(token, block), owed=owed[token]) for token in tokens},
    )


def require_balanced(books: Books) -> None:
    """Raise where the books do not balance.

    Raises
    ------
    BooksUnbalanced
        Saying whether it is the ledger that differs from the events, or the tokens from the ledger.
    """
    if not books.rebuilt:
        raise BooksUnbalanced(
            f"The {books.balances} balances rebuilt from the events are not those of the contract's ledger.",
            cure="Do not trade on; keep the journal and the chain's events.",
        )
    if not books.balanced:
        raise BooksUnbalanced(
            "The contract does not hold what its ledger owes: "
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
            f"The events open a trade of mandate 0x{mandate_id.hex()}, which none of them created.",
            cure="Read the events from the block in which the contract was deployed.",
        ) from None
