"""What is swept: every model with every combination of its parameters and barriers, on every market; or some, at random."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import accumulate
from math import isfinite
from typing import Any

import numpy as np
from sklearn.model_selection import ParameterGrid

from agent.errors import UsageError
from agent.model.labels import DEFAULT_BARRIERS, Barriers

__all__ = ["MOST_POINTS", "Grid", "Point", "Swept"]

MOST_POINTS = 100_000
"""Points of one sweep: more than that nobody waits for, and none would stand out after so many trials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """A model, and what of it is swept.

    Attributes
    ----------
    model
        A name, or ``module:factory``.
    parameters
        Values to try of each of its parameters, by their full names in scikit-learn; see
        `agent.evaluation.sweep.parameters.full_name`.
    """

    model: str
    parameters: Mapping[str, Sequence[Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One combination: what is tried at once.

    Attributes
    ----------
    market
        Place among the markets of the sweep.
    model
        As it was asked for.
    parameters
        Those that are swept, by full name in ascending order, with their values.
    barriers
        How trades end.
    """

    market: int
    model: str
    parameters: tuple[tuple[str, Any], ...]
    barriers: Barriers

    @property
    def settings(self) -> str:
        """The parameters as a person reads them, each by the last part of its name where that says enough."""
        short = [name.rpartition("__")[2] for name, _ in self.parameters]
        return ", ".join(
            f"{last if short.count(last) == 1 else name}={value!r}"
            for last, (name, value) in zip(short, self.parameters, strict=True)
        )

    @property
    def label(self) -> str:
        """The model with its parameters."""
        return f"{self.model}({self.settings})" if self.parameters else self.model

    def as_json(self) -> dict[str, Any]:
        """Return JSON values, less the market; a parameter that is none is told as Python writes it."""
        return {
            "model": self.model,
            "parameters": {name: _plain(value) for name, value in self.parameters},
            "barriers": asdict(self.barriers),
        }


class Grid:
    """All points, by market, then model, then barriers, then parameters, each made when it is asked for.

    Parameters
    ----------
    markets
        How many markets there are.
    models
        What is swept, at least one.
    barriers
        Values to try of ``take_profit_bps``, ``stop_loss_bps`` and ``horizon``; one that is left out keeps its default.
    spread_bps
        The spread, for all.

    Raises
    ------
    UsageError
        Where a model or a value is asked for twice: it would be tried, and paid for, once.
    ModelError
        Where some of the barriers cannot be meant.
    """

    def __init__(
        self,
        *,
        markets: int,
        models: Sequence[Swept],
        barriers: Mapping[str, Sequence[int]] | None = None,
        spread_bps: int = DEFAULT_BARRIERS.spread_bps,
    ) -> None:
        _require_different("model", [each.model for each in models])
        for each in models:
            for name, values in each.parameters.items():
                _require_different(f"value of {name}", [repr(value) for value in values])
        for name, values in (barriers or {}).items():
            _require_different(f"value of {name}", values)
        self._barriers = [
            replace(DEFAULT_BARRIERS, **combination, spread_bps=spread_bps)
            for combination in ParameterGrid(dict(barriers or {}))
        ]
        self._models = [(each.model, ParameterGrid(dict(each.parameters))) for each in models]
        self._markets = markets
        sizes = [len(self._barriers) * len(parameters) for _, parameters in self._models]
        self._ends = list(accumulate(sizes))

    def __len__(self) -> int:
        return self._markets * self._ends[-1]

    def __getitem__(self, place: int) -> Point:
        if not 0 <= place < len(self):
            raise IndexError(place)
        market, place = divmod(place, self._ends[-1])
        which = int(np.searchsorted(self._ends, place, side="right"))
        model, parameters = self._models[which]
        place -= self._ends[which - 1] if which else 0
        barriers, place = divmod(place, len(parameters))
        chosen = parameters[place]
        return Point(
            market=market,
            model=model,
            parameters=tuple(sorted(chosen.items())),
            barriers=self._barriers[barriers],
        )

    def __iter__(self) -> Iterator[Point]:
        return (self[place] for place in range(len(self)))

    def points(self, *, sample: int | None = None, seed: int = 0) -> tuple[Point, ...]:
        """Return all points; or so many of them, drawn at random without any twice, in the order of the grid.

        Raises
        ------
        UsageError
            Where they are more than `MOST_POINTS`.
        """
        if sample is None or sample >= len(self):
            places: Iterable[int] = range(len(self))
        else:
            drawn = np.random.default_rng(seed).choice(len(self), min(sample, MOST_POINTS + 1), replace=False)
            places = sorted(drawn.tolist())
        wanted = len(self) if sample is None else min(sample, len(self))
        if wanted > MOST_POINTS:
            raise UsageError(
                f"The sweep has {wanted:,} points.", cure=f"Try up to {MOST_POINTS:,} of them, with --sample."
            )
        return tuple(self[place] for place in places)


def _plain(value: Any) -> Any:
    plain = value is None or isinstance(value, (bool, int, str)) or (isinstance(value, float) and isfinite(value))
    return value if plain else repr(value)


def _require_different(what: str, values: Sequence[Any]) -> None:
    for place, value in enumerate(values):
        if value in values[:place]:
            raise UsageError(f"The {what} {value} is asked for twice.", cure="Leave one of the two out.")
