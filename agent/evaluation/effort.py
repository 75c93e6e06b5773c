"""How much is asked: the test windows, the longest cooldown, and the draws behind each p-value, interval and baseline."""

from __future__ import annotations

from dataclasses import dataclass, fields

from agent.errors import ModelError

__all__ = ["DEFAULT_EFFORT", "FOLDS", "LONGEST_COOLDOWN", "Effort"]

FOLDS = 5
"""Test windows, by default."""

LONGEST_COOLDOWN = 100_000
"""Bars: with more, times would no longer fit into 64 bits, and hardly any series is as long."""

_PERMUTATIONS_PER_TRIAL = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """Numbers of draws.

    Attributes
    ----------
    permutations
        Of block-shuffled labels, at least: more trials take more, see `permutations_for`.
    resamples
        Behind each interval.
    random_entries
        Of random entries.

    Raises
    ------
    ModelError
        Where chance would not be asked at all.
    """

    permutations: int = 2_000
    resamples: int = 500
    random_entries: int = 300

    def __post_init__(self) -> None:
        for field in fields(self):
            if (draws := getattr(self, field.name)) < 1:
                raise ModelError(
                    f"an effort of {draws} {field.name.replace('_', ' ')} asks chance nothing.",
                    cure=f"Give {field.name} of at least 1.",
                )

    def permutations_for(self, trials: int) -> int:
        """Return how often to shuffle: so often that an edge can be told, however many trials it is to be told after."""
        return max(self.permutations, _PERMUTATIONS_PER_TRIAL * trials)


DEFAULT_EFFORT = Effort()
