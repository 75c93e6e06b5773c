"""What an evaluation found: every number of the report, its page and its JSON, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from agent.evaluation.measured import Baseline, Bin, Calibration, Estimate, Interval, Measures, Part, Scores
from agent.market.bars import Bars, Floats, Ints
from agent.model.labels import Barriers

__all__ = [
    "Baseline",
    "Bin",
    "Calibration",
    "Costs",
    "Estimate",
    "Evaluation",
    "Fold",
    "Interval",
    "Judged",
    "Luck",
    "Measures",
    "Part",
    "Scores",
    "Span",
    "Trade",
    "Trials",
    "Verdict",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What each trade is charged.

    Attributes
    ----------
    spread_bps
        Part of the price lost against the oracle, at the entry and again at the exit.
    gas_bps
        Gas of opening and of closing together, in basis points of the trade's size.
    gas_origin
        Where that figure comes from, in words.
    """

    spread_bps: int
    gas_bps: float
    gas_origin: str


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of bars.

    Attributes
    ----------
    start, stop
        Positions in the series: from `start` up to and without `stop`.
    first, last
        Start of its first and of its last bar, UTC.
    """

    start: int
    stop: int
    first: datetime
    last: datetime

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """One trade as the contract would have settled it.

    Attributes
    ----------
    fold
        Number of its fold, from 0.
    decided, entered, ended
        Positions, in the series, of the bar at whose close it was decided, of the bar at whose open it
        was entered (the next), and of the bar in which it ended.
    entered_at, ended_at, due
        Start of those bars, and when its horizon is reached, unix seconds.
    side
        1 long, -1 short.
    entry, exit
        Prices it was entered at (with the spread) and that the oracle showed when it ended, in the integer
        units of the series.
    take_profit, stop_loss
        Prices of its two barriers, likewise.
    barrier
        What ended it: ``profit``, ``stop`` or ``horizon``.
    result_bps
        Gain in basis points of its size, after spread and gas.
    confidence_bps
        Probability that the model gave to its side.
    patterns
        Mask of the patterns at the bar it was decided on.
    """

    fold: int
    decided: int
    entered: int
    ended: int
    entered_at: int
    ended_at: int
    due: int
    side: int
    entry: int
    exit: int
    take_profit: int
    stop_loss: int
    barrier: str
    result_bps: float
    confidence_bps: int
    patterns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """One step of the walk.

    Attributes
    ----------
    number
        From 0.
    training
        The bars trained on; for a saved model those of its manifest have no place here, and it is None.
    test
        The bars that were traded on, all later.
    threshold_bps
        Least confidence of a signal, chosen inside the training part.
    measures, scores
        What came of it.
    """

    number: int
    training: Span | None
    test: Span
    threshold_bps: int
    measures: Measures
    scores: Scores


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """How often this data was tried before, and now; counted by the tool.

    Attributes
    ----------
    count
        Different trials on these bars, those of this evaluation included.
    earlier
        How many of them were made before it.
    unfinished
        How many of all have no outcome: they were interrupted, or measured while training, and count.
    log
        The file that says so.
    """

    count: int
    earlier: int
    unfinished: int
    log: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Luck:
    """How well luck alone explains the result.

    Attributes
    ----------
    p_value
        Probability that the best of as many trials as were made would look as good if no model knew anything:
        ``1 - (1 - p_alone) ** trials`` (Šidák). None without trades.
    p_alone
        Share of the draws with block-shuffled labels that did at least as well, this one counted in.
    draws, block
        Number of draws, and bars in a block.
    deflated_sharpe
        Probability that the true Sharpe ratio is above zero, given how many trials it is the best of.
    pbo
        Probability that the best of all trials on one half of the time is below the median on the other;
        None where that cannot be told.
    pbo_untold
        Why it cannot be told, in a clause; "" where it can.
    gained
        Share of all trials with a Sharpe ratio above zero; one without an outcome has none.
    """

    p_value: float | None
    p_alone: float | None
    draws: int
    block: int
    deflated_sharpe: float | None
    pbo: float | None
    pbo_untold: str
    gained: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """The conclusion.

    Attributes
    ----------
    edge
        Whether there is evidence of an edge.
    reason
        One sentence that says so, and why.
    """

    edge: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judged:
    """One model, and all that came of it.

    Attributes
    ----------
    name
        As it was asked for: ``boosting``, ``mine:make``, or the folder of a saved model.
    classifier
        Type of the fitted estimator.
    saved
        Whether it came fitted: then nothing was trained, and all folds asked the same model.
    elsewhere
        Whether that was trained elsewhere, on bars that only its maker knows.
    folds
        In time order.
    overall, scores
        All folds together.
    sides, patterns
        The same trades by side, and by pattern.
    calibration
        Of all folds together.
    trades
        Every trade, in the order of entry.
    equity
        Result so far in basis points at each of the evaluation's `times`, marked to market, shape (periods,).
    random
        Random entries with the turnover of this model.
    luck, verdict
        The judgement.
    seconds
        How long its training and its test took.
    """

    name: str
    classifier: str
    saved: bool
    folds: tuple[Fold, ...]
    overall: Measures
    scores: Scores
    sides: tuple[Part, ...]
    patterns: tuple[Part, ...]
    calibration: Calibration
    trades: tuple[Trade, ...]
    equity: Floats
    random: Baseline
    luck: Luck
    verdict: Verdict
    seconds: float
    elsewhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evaluation:
    """Models tried on bars they had not seen.

    Attributes
    ----------
    bars
        The whole series; positions in spans and trades are positions in it.
    scheme
        ``expanding``: each fold trains on everything before it; ``rolling``: on as many bars as the first one; ``saved``.
    gap
        Bars left out between training and test: what a label and a window reach over, and the embargo.
    embargo
        How many of those are the embargo.
    cooldown
        Bars that must pass after the one in which a trade ended, before the next one of its side.
    barriers, costs
        How trades end, and what they are charged.
    tests
        The test windows, in time order, the same for all models.
    times
        Ends of the periods of 24 bars that equities are told at, unix seconds, shape (periods,).
    models
        What was tried, in the order asked for.
    baselines
        What needs no model: always long, buy and hold, patterns alone.
    trials
        The count of the log.
    seed
        Of all randomness.
    seconds
        How long it took.
    """

    bars: Bars
    scheme: str
    gap: int
    embargo: int
    cooldown: int
    barriers: Barriers
    costs: Costs
    tests: tuple[Span, ...]
    times: Ints
    models: tuple[Judged, ...]
    baselines: tuple[Baseline, ...]
    trials: Trials
    seed: int
    seconds: float

    @property
    def leader(self) -> Judged:
        """The model with the best Sharpe ratio, of those with an edge if there are any.

        Choosing it is paid for: its figures of luck are corrected for every trial.
        """
        return max(self.models, key=lambda each: (each.verdict.edge, _or_least(each.overall.sharpe.value)))

    @property
    def known(self) -> Bars:
        """The bars before the first test window: what may be known beforehand, as which barriers fit."""
        return self.bars[: self.tests[0].start]

    @property
    def elsewhere(self) -> bool:
        """Whether a model that was trained elsewhere is among those tried."""
        return any(model.elsewhere for model in self.models)

    @property
    def verdict(self) -> Verdict:
        """The leader's."""
        return self.leader.verdict

    def baselines_of(self, model: Judged) -> tuple[Baseline, ...]:
        """Return the baselines of one model: those of all, and random entries with its own turnover."""
        return (*self.baselines, model.random)


def _or_least(value: float | None) -> float:
    return float("-inf") if value is None else value
