"""Memory of dates: the same prices at other times, and other prices at the same times, are read as what they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from agent.errors import ModelError
from agent.market.bars import Bars
from agent.model.conformity.result import Finding
from agent.model.conformity.subject import Subject, values
from agent.model.dates import Shown, fault_of_moves, fault_of_other_prices, phrases

__all__ = ["same_at_other_dates", "same_dates_other_prices"]

_Fault = Callable[[Shown, Bars, Sequence[str]], ModelError | None]


def same_at_other_dates(subject: Subject) -> Finding:
    """Whether what it reads and says stays the same where all times are moved by whole weeks."""
    return _found(subject, fault_of_moves, "read the same one week, and 523 weeks, later.")


def same_dates_other_prices(subject: Subject) -> Finding:
    """Whether other prices at the same times are read as they are at times that it has never met."""
    return _found(subject, fault_of_other_prices, "with other prices read the same at dates it has not met.")


def _found(subject: Subject, fault_of: _Fault, passed: str) -> Finding:
    names = phrases(subject.names)
    outcomes = [f"the probability of {label}" for label in subject.classes]
    fault = fault_of(lambda bars: values(subject.features(bars)), subject.bars, names)
    fault = fault or fault_of(subject.probabilities, subject.bars, outcomes)
    if fault is not None:
        return Finding(False, f"{fault.problem} {fault.cure}")
    return Finding(True, f"{len(subject.bars)} bars, {passed}")
