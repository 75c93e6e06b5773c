"""A request that is being carried out, and what it waits for."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from enum import Enum, auto

from agent.desk.swap.request import Request


class Pause(Enum):
    """What a request waits for: a turn of the market between two transactions, or news of a bar or an examination."""

    TURN = auto()
    NEWS = auto()


Steps = Generator[Pause, None, None]


@dataclass(eq=False)
class Task:
    """A request that is being carried out.

    Attributes
    ----------
    request
        The request.
    model
        Hash of the artifact of the model it is about, once it is known.
    agreed
        Owners who agreed to that model.
    steps
        What is still to be done.
    """

    request: Request
    model: str | None = None
    agreed: set[str] = field(default_factory=set)
    steps: Steps | None = None

    def end(self) -> None:
        """Leave undone what is still to be done."""
        if self.steps is not None:
            self.steps.close()
