"""What can be asked of a running desk about its model, and the one JSON form in which it is handed over."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:  # scikit-learn takes a second that whoever only asks need not wait
    from agent.model.trained import TrainedModel

SHADOW_BARS = 24
MOST_SHADOW_BARS = 100_000
_NAME = re.compile(r"[\w.-]{1,64}")


class What(StrEnum):
    """What is asked for: another model, the former one, or that owners may be moved to a model they were offered."""

    SWAP = "swap"
    BACK = "back"
    AGREE = "agree"


@dataclass(frozen=True, kw_only=True)
class Request:
    """Something asked of a running desk.

    Attributes
    ----------
    id
        Its name, by which the journal tells of it.
    what
        What is asked for.
    by
        Who asks: ``command``, ``watch`` or ``plan``.
    place
        Folder of the model.
    model
        The model itself, where it is in memory already.
    expected
        Hash of the artifact that whoever asks has seen there, or "": another one is refused.
    trusted
        Types that the model may hold beside those known to be safe.
    shadow
        Bars to hear the model in the shadow of the live one; None leaves it to the run.
    agreed
        Owners, by number or address, who agree to be moved.
    revoke
        Whether a model that is left is revoked on chain, too.
    made_at
        When it was made, unix seconds by this machine's clock; 0 where it cannot be older than the run.
    """

    id: str
    what: What
    by: str = "command"
    place: str = ""
    model: TrainedModel | None = field(default=None, compare=False, repr=False)
    expected: str = ""
    trusted: tuple[str, ...] = ()
    shadow: int | None = None
    agreed: tuple[str, ...] = ()
    revoke: bool = False
    made_at: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "id": self.id,
            "what": str(self.what),
            "by": self.by,
            "place": self.place,
            "expected": self.expected,
            "trusted": list(self.trusted),
            "shadow": self.shadow,
            "agreed": list(self.agreed),
            "revoke": self.revoke,
            "made_at": self.made_at,
        }

    @classmethod
    def from_json(cls, document: object) -> Self:
        """Return the request that JSON values describe.

        Raises
        ------
        ValueError
            Where they describe none, saying why.
        """
        if not isinstance(document, Mapping):
            raise ValueError("it is not a JSON object")
        for name, fits in _FIELDS.items():
            if name not in document or not fits(document[name]):
                raise ValueError(f"its field {name!r} is {document.get(name)!r}")
        if unknown := sorted(document.keys() - _FIELDS.keys()):
            raise ValueError(f"it has the unknown field {unknown[0]!r}")
        lists = {name: tuple(document[name]) for name in ("trusted", "agreed")}
        return cls(**{**document, **lists, "what": What(document["what"])})


@dataclass(frozen=True)
class Unfit:
    """A request that cannot be one, or comes too late: its name, and the reason in a sentence."""

    id: str
    reason: str


class Source(Protocol):
    """Where a run hears of requests."""

    def requests(self, *, decided: int, busy: bool) -> Iterator[Request | Unfit]:
        """Yield what is new; when the next one is asked for, the one before has been journalled.

        Parameters
        ----------
        decided
            How many bars the run has decided on.
        busy
            Whether a swap is under way, so that another would be refused.
        """


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _text(value: object) -> bool:
    return isinstance(value, str)


_FIELDS = {
    "id": lambda value: _text(value) and _NAME.fullmatch(value) is not None,
    "what": lambda value: value in set(What),
    "by": lambda value: _text(value) and _NAME.fullmatch(value) is not None,
    "place": _text,
    "expected": _text,
    "trusted": _texts,
    "shadow": lambda value: value is None or (type(value) is int and 0 <= value <= MOST_SHADOW_BARS),
    "agreed": _texts,
    "revoke": lambda value: type(value) is bool,
    "made_at": lambda value: type(value) in (int, float),
}
