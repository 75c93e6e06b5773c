"""The flow of a swap: what is asked of a run about its model, carried out between two bars, each step journalled.

A swap is a generator that rests wherever the market must come first. It rests on a bar where it needs one to go on, and
lets the desk look at the market between any two of its transactions. Nothing of the run changes before the step that
says so is in the journal; until the switch, the live model and its mandates are exactly what they were.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self

from agent.chain.node import RpcFault
from agent.chain.values import Side
from agent.desk import entries
from agent.desk.decision import Standing
from agent.desk.desks import Desks
from agent.desk.entries import Kind, Phase
from agent.desk.journal import Journal
from agent.desk.loop import Desk
from agent.desk.owners import Owner
from agent.desk.swap.examine import Examined, Examiner
from agent.desk.swap.ground import Ground
from agent.desk.swap.request import SHADOW_BARS, Request, Source, What
from agent.desk.swap.stories import Story, last_run, live_at_the_end, stories_of
from agent.desk.swap.task import Pause, Steps, Task
from agent.desk.swap.usable import SHORTEST_SECONDS, require_usable, terms
from agent.errors import ModelError, OutOfGas, Reverted, SwapRefused
from agent.market.bars import Bars

# What ends a request and not the run. Where a node is gone, or says nothing of a transaction, the run cannot go on either.
_REFUSALS = (SwapRefused, ModelError, Reverted, OutOfGas, RpcFault)


@dataclass(frozen=True, kw_only=True)
class Swapping:
    """How the model of a run may be swapped.

    Attributes
    ----------
    sources
        Where it hears of requests; none, and it never does.
    shadow
        Bars to hear a model in the shadow of the live one, where a request does not say.
    """

    sources: Sequence[Source] = ()
    shadow: int = SHADOW_BARS


class Swaps:
    """Carries out what is asked of a run about its model.

    Parameters
    ----------
    desks
        The run's desks.
    ground
        The run's chain.
    journal
        The run's journal.
    swapping
        How the model may be swapped.
    examiner
        What examines models.
    market_waits
        Whether the market waits for the desk, as in a replay. Then all that can be done between two bars is done there;
        otherwise one transaction at most, and what has closed meanwhile is decided on before the next.
    """

    def __init__(
        self,
        *,
        desks: Desks,
        ground: Ground,
        journal: Journal,
        swapping: Swapping,
        examiner: Examiner,
        market_waits: bool,
    ) -> None:
        self._desks = desks
        self._owners = desks.owners
        self._ground = ground
        self._journal = journal
        self._swapping = swapping
        self._examiner = examiner
        self._market_waits = market_waits
        self._tasks: deque[Task] = deque()
        self._bars: Bars | None = None
        self._told: set[str] = set()
        self._passed: dict[str, Examined] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.end()

    # ---- when

    def begin(self) -> None:
        """Say what does not hold any more of the run before this one in the same journal, because that was killed."""
        before = last_run(self._journal, other_than=self._journal.run)
        if before is None or any(self._journal.rows(Kind.RUN_ENDED, run=before)):
            return
        told = stories_of(self._journal, run=before)
        self._told = {story.request for story in told}
        for story in told:
            if not story.over:
                reason = (
                    "The run that was asked has ended before it was done, and this one begins anew: ask again."
                )
                self._say_again(story, Phase.UNFINISHED, story.model, reason)
        story, left_with = live_at_the_end(told)
        if story is not None and left_with != self._desks.live.model.id:
            reason = "The run that did it has ended, and this one begins with the model it was given."
            self._say_again(story, Phase.LAPSED, left_with, reason)

    def between(self, bars: Bars) -> None:
        """Do what can be done now, between two bars; `bars` are those that have closed so far."""
        self._bars = bars
        for request in self._heard():
            self._take(request)
        self._go_on()

    def end(self) -> None:
        """Say what is left unfinished as the run ends."""
        for task in self._tasks:
            task.end()
            self._tell(task, Phase.UNFINISHED, "The run has ended.")
        self._tasks.clear()
        for request in self._heard():
            self._tell(self._requested(request), Phase.REFUSED, "The run has ended.")

    def _heard(self) -> Iterator[Request]:
        for source in self._swapping.sources:
            for request in source.requests(decided=self._desks.decided, busy=self._under_way is not None):
                if isinstance(request, Request):
                    # What a run asks of itself has the same name in each run; in the journal it must have its own.
                    ours = request.by != "command"
                    yield replace(request, id=f"{self._journal.run}-{request.id}") if ours else request
                elif request.id not in self._told:
                    self._say(request.id, Phase.REFUSED, None, request.reason)

    def _take(self, request: Request) -> None:
        task = self._requested(request)
        match request.what:
            case What.SWAP if (other := self._under_way) is not None:
                refused = SwapRefused(
                    f"Another swap is under way, to {other.request.place}.",
                    cure="End it first with patternsettle swap --back, or wait until it is done.",
                )
                self._tell(task, Phase.REFUSED, str(refused))
                return
            case What.SWAP:
                task.steps = self._swap(task)
            case What.BACK:
                task.steps = self._back(task)
            case What.AGREE:
                task.steps = self._agree(task)
        if request.what is What.SWAP:
            self._tasks.append(task)
        else:
            self._tasks.appendleft(task)  # must not wait until a shadow has seen its bars

    @property
    def _under_way(self) -> Task | None:
        """The swap that has not switched yet, or None."""
        return next((task for task in self._tasks if task.request.what is What.SWAP), None)

    def _go_on(self) -> None:
        while self._tasks:
            task = self._tasks[0]
            assert task.steps is not None
            try:
                pause = next(task.steps, None)
            except _REFUSALS as error:
                self._tell(task, Phase.REFUSED, str(error))
                pause = None
            if pause is None:
                self._tasks.remove(task)
            elif pause is Pause.NEWS or not self._market_waits:
                return

    # ---- another model

    def _swap(self, task: Task) -> Steps:
        request, desks = task.request, self._desks
        self._require_other(task.model)
        task.agreed |= {self._owners.find(name).address for name in request.agreed}
        examined = yield from self._examined(task)
        model, task.model = examined.model, examined.model.id
        self._require_other(model.id)
        while self._closed_at is None:
            yield Pause.NEWS
        shortest = SHORTEST_SECONDS if self._market_waits else 0
        require_usable(model, closed_at=self._closed_at, interval=self._ground.interval, shortest=shortest)
        self._tell(task, Phase.CHECKED, name=model.manifest.name, checks=examined.checks)
        yield Pause.TURN
        desk = desks.of(model.id)
        if desk is None:
            desk = self._ground.seat(model)
            desks.seat(desk)
        else:
            self._ground.registered(desk.model_id)
        bars = self._swapping.shadow if request.shadow is None else request.shadow
        self._tell(task, Phase.REGISTERED, id=desk.model_id, shadow=bars, **terms(model))
        yield Pause.TURN
        yield from self._shadowed(task, desk, bars)
        yield from self._created(task, desk)
        self._switch(task, desk)

    def _examined(self, task: Task) -> Generator[Pause, None, Examined]:
        """Wait until the model has passed; what has passed in this run before is known by its hash."""
        if (known := self._passed.get(task.model or "")) is not None:
            return known
        exam = self._examiner.begin(task.request)
        try:
            while (examined := exam.outcome()) is None:
                yield Pause.NEWS
        finally:
            exam.end()
        self._passed[examined.model.id] = examined
        return examined

    def _require_other(self, model: str | None) -> None:
        if model is not None and model == self._desks.live.model.id:
            raise SwapRefused("It is the model that is live already.", cure="Name another.")

    @property
    def _closed_at(self) -> int | None:
        """When the last bar closed that is known; None before the first."""
        bars = self._bars
        return None if bars is None or not len(bars) else bars.closed_at(len(bars) - 1)

    def _shadowed(self, task: Task, desk: Desk, bars: int) -> Steps:
        trial = self._desks.begin_trial(desk)
        try:
            while trial.bars < bars:
                if trial.failure is not None:
                    raise SwapRefused(
                        f"It failed in the shadow, after {trial.bars} bars: {trial.failure}.",
                        cure="Mend it, and see what patternsettle check says.",
                    )
                yield Pause.NEWS
        finally:
            self._desks.end_trial()
        if bars:
            assert self._bars is not None
            self._tell(task, Phase.SHADOWED, **trial.compared(self._bars).to_json())

    def _created(self, task: Task, desk: Desk) -> Steps:
        """Create the mandates that name the model, for owners who agree to it."""
        while missing := self._missing(self._agreeing(task), desk):
            yield Pause.TURN
            self._owners.keep(self._ground.create(*missing, desk))

    def _missing(self, owners: Sequence[Owner], desk: Desk) -> tuple[Owner, Side] | None:
        found = ((owner, self._owners.missing(owner, desk.model_id)) for owner in owners)
        return next(((owner, side) for owner, side in found if side is not None), None)

    def _agreeing(self, task: Task) -> list[Owner]:
        """Who moves to a model: those who agreed to it, or to any that is swapped in."""
        return [owner for owner in self._owners.people if owner.temper.agrees or owner.address in task.agreed]

    def _switch(self, task: Task, desk: Desk) -> None:
        movers = self._agreeing(task)
        former = self._desks.live
        with_it = {*movers, *self._owners.of(desk.model_id)}
        staying = [owner for owner in self._owners.people if owner not in with_it]
        self._tell(
            task,
            Phase.SWITCHED,
            id=desk.model_id,
            former=former.model_id,
            moved=[owner.number for owner in movers],
            staying=[owner.number for owner in staying],
        )
        self._desks.switch(desk, movers)
        for owner in staying:
            self._tell(
                task,
                Phase.OFFERED,
                owner=owner.number,
                address=owner.address,
                id=desk.model_id,
                stays_with=self._owners.model_of(owner),
                **terms(desk.model),
            )

    # ---- the former one

    def _back(self, task: Task) -> Steps:
        left = self._withdrawn(task) if self._under_way is not None else self._left(task)
        if not task.request.revoke:
            return
        if left is None or self._desks.standing(left) is not Standing.RESTING:
            raise SwapRefused(
                "The model was not revoked: it is not registered, or still serves owners who are with it."
            )
        yield Pause.TURN
        self._ground.revoke(left)
        self._tell(task, Phase.REVOKED, id=left.model_id)

    def _withdrawn(self, task: Task) -> Desk | None:
        """End the swap that is under way; return the desk of its model, if it has one."""
        swap = self._under_way
        assert swap is not None
        swap.end()
        self._tasks.remove(swap)
        task.model = swap.model
        self._tell(swap, Phase.WITHDRAWN, f"Withdrawn by the request {task.request.id}.")
        self._returned(task, self._desks.live)
        return None if swap.model is None else self._desks.of(swap.model)

    def _left(self, task: Task) -> Desk:
        """Let the former desk be the live one again; return the one that is left."""
        left, former = self._desks.live, self._desks.former
        task.model = left.model.id
        if former is None:
            raise SwapRefused(
                "There is no former model to go back to.", cure="Ask for another with patternsettle swap MODEL."
            )
        self._returned(task, former)
        self._desks.back()
        return left

    def _returned(self, task: Task, desk: Desk) -> None:
        self._tell(task, Phase.RETURNED, id=desk.model_id, artifact=desk.model.id, name=desk.model.manifest.name)

    # ---- owners who agree

    def _agree(self, task: Task) -> Steps:
        owners = [self._owners.find(name) for name in task.request.agreed]
        if (swap := self._under_way) is not None:
            task.model = swap.model
            swap.agreed |= {owner.address for owner in owners}
            self._tell(task, Phase.AGREED, owners=[owner.number for owner in owners])
            return
        desk = self._desks.live
        task.model = desk.model.id
        owners = [owner for owner in owners if self._owners.model_of(owner) != desk.model_id]
        if not owners:
            raise SwapRefused("They are with the live model already.", cure="Nothing needs to be done.")
        while missing := self._missing(owners, desk):
            yield Pause.TURN
            self._owners.keep(self._ground.create(*missing, desk))
        if desk is not self._desks.live:
            raise SwapRefused("The model was left meanwhile, so nobody was moved.", cure="Ask again.")
        self._tell(task, Phase.MOVED, id=desk.model_id, owners=[owner.number for owner in owners])
        for owner in owners:
            self._desks.move(owner)

    # ---- telling

    def _requested(self, request: Request) -> Task:
        """Journal a request, before anything is done about it."""
        task = Task(request, model=request.expected or None)
        facts: dict[str, Any] = {"what": request.what, "by": request.by}
        facts |= {"place": request.place} if request.place else {}
        facts |= {"agreed": list(request.agreed)} if request.agreed else {}
        facts |= {"revoke": True} if request.revoke else {}
        self._tell(task, Phase.REQUESTED, **facts)
        return task

    def _tell(self, task: Task, phase: Phase, reason: str | None = None, **facts: Any) -> None:
        self._say(task.request.id, phase, task.model, reason, **facts)

    def _say_again(self, story: Story, phase: Phase, model: str | None, reason: str) -> None:
        """Say of a request to the run before what it was, and what became of it."""
        asked = {name: story.asked[name] for name in ("agreed", "revoke") if name in story.asked}
        self._say(story.request, phase, model, reason, place=story.name, what=story.what, **asked)

    def _say(self, request: str, phase: Phase, model: str | None, reason: str | None = None, **facts: Any) -> None:
        self._journal.append(
            entries.Swap(
                request=request,
                phase=phase,
                model=model,
                bar_time=self._desks.decided_at,
                reason=reason,
                facts=facts,
            )
        )
