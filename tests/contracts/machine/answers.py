"""Authority on what the model says of a call: an answer with its events, or a refusal with its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agent.chain.events import Event

ZERO = "0x" + "00" * 20


@dataclass(frozen=True)
class Answer:
    """What a call returns, and what it logs, in order."""

    values: tuple[Any, ...] = ()
    events: tuple[Event, ...] = ()


class Refusal(Exception):
    """The whole call is refused.

    Parameters
    ----------
    name
        Of the custom error; "" where there is no reason given.
    arguments
        All of the error's arguments, by name.
    """

    def __init__(self, name: str, **arguments: Any) -> None:
        super().__init__(name, arguments)
        self.name, self.arguments = name, arguments
