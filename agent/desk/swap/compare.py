"""What a model was worth in the shadow of the live one: where the two agreed, and what each would have come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from agent.chain.values import Side
from agent.desk.decision import Decision
from agent.desk.loop import Desk
from agent.market.bars import Bars
from agent.model.labels import Barriers, triple_barrier


@dataclass(frozen=True, kw_only=True)
class Would:
    """What a model's signals would have come to, each as a trade of its own that was entered at the next open.

    Attributes
    ----------
    signals
        How many there were.
    ended
        Of how many the end is known.
    result_bps
        The sum of their results after the spread, in basis points of a trade's size.
    """

    signals: int
    ended: int
    result_bps: int


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two models on the same bars.

    Attributes
    ----------
    bars
        How many both decided on.
    agreed
        At how many both came to the same: no signal, or one of the same side.
    live, shadow
        What the signals of each would have come to; neither was traded for this.
    """

    bars: int
    agreed: int
    live: Would
    shadow: Would

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return asdict(self)


@dataclass(eq=False)
class Trial:
    """A model that is heard beside the live one, and what both said of each bar.

    Attributes
    ----------
    live, desk
        The desk whose decisions count, and the one that is tried.
    failure
        What its model failed with, as part of a sentence; None where it did not.
    """

    live: Desk
    desk: Desk
    failure: str | None = None
    _pairs: list[tuple[Decision, Decision]] = field(default_factory=list)

    @property
    def bars(self) -> int:
        """How many bars both have decided on."""
        return len(self._pairs)

    def note(self, live: Decision, shadow: Decision) -> None:
        """Remember what both said of a bar."""
        self._pairs.append((live, shadow))

    def compared(self, bars: Bars) -> Comparison:
        """Compare the two by the bars that are known so far."""
        live, shadow = [pair[0] for pair in self._pairs], [pair[1] for pair in self._pairs]
        return Comparison(
            bars=len(self._pairs),
            agreed=sum(one.side is other.side for one, other in self._pairs),
            live=would(live, bars, self.live.model.manifest.barriers),
            shadow=would(shadow, bars, self.desk.model.manifest.barriers),
        )


def would(decisions: Sequence[Decision], bars: Bars, barriers: Barriers) -> Would:
    """Say what signals would have come to at a model's barriers, as its labels are made.

    Parameters
    ----------
    decisions
        Decisions in ascending time, each on one of the bars.
    bars
        The bars that are known.
    barriers
        Where the trades would have ended.
    """
    signals = [decision for decision in decisions if decision.side is not None]
    if not signals:
        return Would(signals=0, ended=0, result_bps=0)
    places = np.searchsorted(bars.time, [decision.closed_at - bars.interval for decision in signals])
    span = bars[int(places[0]) :]
    outcomes = triple_barrier(span, barriers)
    results = np.array(
        [
            (outcomes.long if decision.side is Side.LONG else outcomes.short).result_bps[place - places[0]]
            for decision, place in zip(signals, places, strict=True)
        ]
    )
    known = results[~np.isnan(results)]
    return Would(signals=len(signals), ended=len(known), result_bps=round(float(known.sum())))
