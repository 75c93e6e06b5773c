"""What came of one point of a sweep, as a value and as JSON; from one to the other and back nothing is lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from itertools import pairwise
from typing import Any

from agent.evaluation.measured import Estimate, Interval, Measures, Scores

__all__ = ["Outcome"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A point's walk, measured but not judged: what it is worth, only all points together tell.

    Attributes
    ----------
    classifier
        Type of the fitted estimator.
    measures, scores
        All folds together, after costs.
    numbers
        Periods that it has returns of, see `agent.evaluation.ground.Periods`.
    returns
        In basis points, to four digits after the point, one for each of them.
    decided, sides, folds
        Of each trade, in the order of entry: the bar at whose close it was decided, 1 for long or -1 for short, and
        the number of its fold.
    seconds
        How long it took.
    """

    classifier: str
    measures: Measures
    scores: Scores
    numbers: tuple[int, ...]
    returns: tuple[float, ...]
    decided: tuple[int, ...]
    sides: tuple[int, ...]
    folds: tuple[int, ...]
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """Return JSON values, short ones: ascending numbers are told by the steps between them."""
        return {
            "classifier": self.classifier,
            "measures": asdict(self.measures),
            "scores": asdict(self.scores),
            "periods": _steps(self.numbers),
            "returns_bps": list(self.returns),
            "trades": [_steps(self.decided), list(self.sides), list(self.folds)],
            "seconds": self.seconds,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Outcome:
        """Return what `as_json` gave.

        Raises
        ------
        KeyError, TypeError, ValueError
            Where that is not what it gave.
        """
        decided, sides, folds = document["trades"]
        outcome = cls(
            classifier=str(document["classifier"]),
            measures=_measured(Measures, document["measures"]),
            scores=_measured(Scores, document["scores"]),
            numbers=_summed(document["periods"]),
            returns=tuple(map(float, document["returns_bps"])),
            decided=_summed(decided),
            sides=tuple(map(int, sides)),
            folds=tuple(map(int, folds)),
            seconds=float(document["seconds"]),
        )
        if len(outcome.numbers) != len(outcome.returns) or len({*map(len, (decided, sides, folds))}) != 1:
            raise ValueError("it has not one value for each period or trade")
        return outcome


def _measured(kind: Any, document: Mapping[str, Any]) -> Any:
    # A store of an earlier version lacks the figures that were added since, and those may be missing.
    known = (field.name for field in fields(kind) if field.name in document or field.default is MISSING)
    return kind(**{name: _value(document[name]) for name in known})


def _value(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    interval = value["interval"]
    return Estimate(value["value"], None if interval is None else Interval(interval["low"], interval["high"]))


def _steps(ascending: tuple[int, ...]) -> list[int]:
    return [*ascending[:1], *(later - earlier for earlier, later in pairwise(ascending))]


def _summed(steps: list[int]) -> tuple[int, ...]:
    total, values = 0, []
    for step in steps:
        total += int(step)
        values.append(total)
    return tuple(values)
