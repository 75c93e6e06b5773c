"""The desks of a run as one: one model is live, others serve who stayed with them, are tried, or close what they opened.

There is one desk a model, and it keeps its model, key, mandates and open trades for as long as the run lasts. To swap
the model is to let another desk be the live one, between two bars; so a trade always ends at the barriers that it was
opened with, and by the desk that opened it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from numpy.typing import NDArray

from agent.desk.decision import Decision, Standing
from agent.desk.loop import Desk
from agent.desk.owners import Owner, Owners
from agent.desk.swap.compare import Trial
from agent.desk.trades import OpenTrade, Tally
from agent.market.bars import Bars
from agent.model.conformity.result import Attempt, told


class Desks:
    """All desks of a run, to be driven as a single `Desk` is.

    Parameters
    ----------
    desk
        The one that the run begins with.
    owners
        Whose mandates are traded, and which model each is with.

    Attributes
    ----------
    live
        The desk whose decisions are the run's own, one a bar.
    decided
        How many bars were decided on.
    decided_at
        When the last of them closed, unix seconds in the time of the data; None before the first.
    """

    def __init__(self, desk: Desk, owners: Owners) -> None:
        self.live = desk
        self.owners = owners
        self.decided = 0
        self.decided_at: int | None = None
        self._all = [desk]
        self._former: list[tuple[Desk, Mapping[str, bytes]]] = []
        self._trial: Trial | None = None

    def __iter__(self) -> Iterator[Desk]:
        """All desks, in the order in which they came."""
        return iter(self._all)

    @property
    def tally(self) -> Tally:
        """What all of them have done; they share it."""
        return self.live.tally

    @property
    def open_trades(self) -> Mapping[bytes, OpenTrade]:
        """Open trades by mandate id."""
        if len(self._all) == 1:
            return self.live.open_trades
        return {mandate: trade for desk in self._all for mandate, trade in desk.open_trades.items()}

    def consider(self, known: NDArray | Bars, closed_at: int, *, late: bool = False) -> Decision:
        """Let the live desk decide on a bar, then those whose models are kept on or tried; return the live decision."""
        for desk in self._all:
            desk.let_fall()
        decision = self.live.consider(known, closed_at, late=late)
        for desk in self._all:
            match self.standing(desk):
                case Standing.KEPT:
                    beside = desk.consider(known, closed_at, late=late, standing=Standing.KEPT)
                    if self._trial is not None and self._trial.desk is desk:
                        self._trial.note(decision, beside)
                case Standing.SHADOW:
                    self._hear(known, decision, late=late)
        self.decided += 1
        self.decided_at = closed_at
        return decision

    def _hear(self, known: NDArray | Bars, decision: Decision, *, late: bool) -> None:
        """Hear the model that is tried; where it fails, in whichever way, that is its own affair."""
        trial = self._trial
        if trial is None or trial.failure is not None:
            return
        with Attempt() as attempt:
            beside = trial.desk.conclude(known, decision.closed_at, late=late)
        if attempt.error is not None:
            trial.failure = told(attempt.error)
            return
        trial.desk.record(beside, Standing.SHADOW)
        trial.note(decision, beside)

    def act(self) -> None:
        """Let each act on the signal that waits with it."""
        for desk in self._all:
            desk.act()

    @property
    def due(self) -> int | None:
        """When to act again: the first of their times, or None; as in `Desk.due`."""
        return min((due for desk in self._all if (due := desk.due) is not None), default=None)

    def look(self) -> None:
        """Let each learn which of its trades others have ended."""
        for desk in self._all:
            desk.look()

    def watch(self, only: Collection[bytes] | None = None) -> None:
        """Let each close those of its trades of which a barrier has been touched; `only` as in `Desk.watch`."""
        for desk in self._all:
            desk.watch(only)

    # ---- who is what

    def standing(self, desk: Desk) -> Standing:
        """What a desk's model is to the run now."""
        if desk is self.live:
            return Standing.LIVE
        if desk.mandates:
            return Standing.KEPT
        trying = self._trial is not None and self._trial.desk is desk
        return Standing.SHADOW if trying else Standing.RESTING

    def of(self, model: str) -> Desk | None:
        """The desk of a model by the hash of its artifact, or None."""
        return next((desk for desk in self._all if desk.model.id == model), None)

    def seat(self, desk: Desk) -> None:
        """Add a desk; it rests."""
        self._all.append(desk)

    def begin_trial(self, desk: Desk) -> Trial:
        """Let a desk be heard beside the live one."""
        self._trial = Trial(live=self.live, desk=desk)
        return self._trial

    def end_trial(self) -> None:
        """Stop hearing it."""
        self._trial = None

    # ---- swapping; each takes effect with the next bar that is decided on

    def switch(self, desk: Desk, movers: Sequence[Owner]) -> None:
        """Let a desk be the live one, for the owners who move to its model."""
        self._former.append((self.live, self.owners.now()))
        self.live = desk
        for owner in movers:
            self.owners.move(owner, desk.model_id)
        self._share_out()

    def move(self, owner: Owner) -> None:
        """Move an owner to the live model."""
        self.owners.move(owner, self.live.model_id)
        self._share_out()

    @property
    def former(self) -> Desk | None:
        """The desk that was live before; None where this is the first."""
        return self._former[-1][0] if self._former else None

    def back(self) -> None:
        """Let the former desk be the live one again; owners who are with the model left return to what they were with."""
        left = self.live
        self.live, before = self._former.pop()
        for owner in self.owners.of(left.model_id):
            self.owners.move(owner, before[owner.address])
        self._share_out()

    def _share_out(self) -> None:
        for desk in self._all:
            desk.mandates = self.owners.mandates(desk.model_id)
