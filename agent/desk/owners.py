"""Whose mandates a run trades, and which model each owner is with: nobody is moved to a model they did not agree to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from eth_account.signers.local import LocalAccount

from agent.chain.values import Mandate, Side
from agent.desk.stage import Temper
from agent.errors import SwapRefused


@dataclass(frozen=True, eq=False)
class Owner:
    """Somebody whose mandates the desk creates, because it holds the key.

    Attributes
    ----------
    number
        From 1, as reports number them.
    account, temper
        Who they are, and what they ask for.
    """

    number: int
    account: LocalAccount
    temper: Temper

    @property
    def address(self) -> str:
        return self.account.address

    def __str__(self) -> str:
        return f"owner {self.number}"


class Owners:
    """The owners, the mandates that were created for them, and the model that each of them is with.

    Parameters
    ----------
    people
        The owners.
    model
        Id on chain of the model that all are with at first.
    mandates
        Their mandates, which name it.
    """

    def __init__(self, people: Sequence[Owner], model: bytes, mandates: Iterable[Mandate]) -> None:
        self.people = tuple(people)
        self._with = {owner.address: model for owner in people}
        self._mandates: dict[tuple[bytes, str, Side], Mandate] = {}
        for mandate in mandates:
            self.keep(mandate)

    def find(self, name: str) -> Owner:
        """Return the owner of a number or an address.

        Raises
        ------
        SwapRefused
            Where there is none.
        """
        for owner in self.people:
            if name.strip().lower() in (str(owner.number), owner.address.lower()):
                return owner
        raise SwapRefused(
            f"There is no owner {name!r} whose mandates this desk creates.",
            cure=f"Name one by a number from 1 to {len(self.people)}, or by its address.",
        )

    def keep(self, mandate: Mandate) -> None:
        """Remember a mandate that was created."""
        self._mandates[mandate.model, mandate.owner, mandate.side] = mandate

    def missing(self, owner: Owner, model: bytes) -> Side | None:
        """The next side for which an owner has no mandate that names a model, or None."""
        return next((side for side in Side if (model, owner.address, side) not in self._mandates), None)

    def model_of(self, owner: Owner) -> bytes:
        """Id of the model that an owner is with."""
        return self._with[owner.address]

    def of(self, model: bytes) -> tuple[Owner, ...]:
        """The owners who are with a model."""
        return tuple(owner for owner in self.people if self.model_of(owner) == model)

    def mandates(self, model: bytes) -> tuple[Mandate, ...]:
        """The mandates of the owners who are with a model: those it may trade for now."""
        return tuple(
            mandate
            for owner in self.of(model)
            for side in Side
            if (mandate := self._mandates.get((model, owner.address, side))) is not None
        )

    def move(self, owner: Owner, model: bytes) -> None:
        """Let an owner be with a model that its mandates name."""
        self._with[owner.address] = model

    def now(self) -> Mapping[str, bytes]:
        """Which owner, by address, is with which model at this moment."""
        return dict(self._with)
