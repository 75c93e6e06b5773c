"""Time of one decision, from closes to whole basis points, beside scikit-learn and TA-Lib asked about the same bar."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from others import NO_TALIB, as_talib_takes_them, indicators, talib_here
from sklearn.pipeline import make_pipeline
from timing import in_turns, percentile

from agent.market.bars import Bars
from agent.market.synthetic import planted, random_walk
from agent.model.closes import WINDOW, windows
from agent.model.estimators import resolve
from agent.model.features import PatternFeatures, feature_matrix, features_of_window
from agent.model.named import MODELS
from agent.model.threads import one_thread
from agent.model.train import train
from agent.model.trained import TrainedModel, probabilities_bps

BARS = 6_000
DECISIONS = 1_000
AT_ONCE = 25
# Those with an extra read more than closes: most of their time is that of another library.
NAMES = tuple(each.name for each in MODELS if not each.extra)

OURS = "ours"
FEATURES_ALONE = "features"
ASKED = "predict_proba"
PIPELINE = "pipeline"
TALIB = "TA-Lib"


@dataclass(frozen=True)
class Timing:
    """Microseconds of one bar, on one thread.

    Attributes
    ----------
    model
        The named model.
    decision_p50, decision_p99
        All that the agent asks of a model: features, patterns, probabilities, and the hash of the closes.
    features_p50
        The features and patterns in it.
    predict_proba_p50, predict_proba_p99
        What scikit-learn takes for the probabilities alone, of features it is handed.
    pipeline_p50, pipeline_p99
        What it takes from the closes, with this project's transformer as its first step.
    ratio
        How many times as long as a whole decision scikit-learn's probabilities alone take, at the median.
    talib_p50
        What TA-Lib takes for as many indicators as there are features; None where it is not installed.
    """

    model: str
    decision_p50: float
    decision_p99: float
    features_p50: float
    predict_proba_p50: float
    predict_proba_p99: float
    pipeline_p50: float
    pipeline_p99: float
    ratio: float
    talib_p50: float | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and fail if a decision is not what scikit-learn says."""
    parser = argparse.ArgumentParser(prog="scripts/bench decision", description=__doc__)
    parser.add_argument("--models", nargs="+", default=NAMES, choices=NAMES, help="all that read closes alone")
    parser.add_argument("--bars", type=int, default=BARS, help="length of the series to train on")
    parser.add_argument("--decisions", type=int, default=DECISIONS, help="decisions to time of each model")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    chosen = parser.parse_args(arguments)
    bars = planted(chosen.bars, seed=1)
    asked = random_walk(chosen.decisions + WINDOW, seed=2)
    timings = []
    for name in chosen.models:
        model = train(bars, factory=resolve(name), name=name)
        if not agree(model, asked.close):
            print(f"{name} decides otherwise than scikit-learn.", file=sys.stderr)
            return 1
        timings.append(timed(model, asked, chosen.decisions))
    if chosen.json:
        document = {"decisions": chosen.decisions, "models": [asdict(timing) for timing in timings]}
        print(json.dumps(document, indent=2))
        return 0
    print(f"microseconds of one bar, p50 / p99 of {chosen.decisions:,}, in turns of {AT_ONCE}, on one thread")
    print(f"{'':10}{'one decision':>16}{'its features':>14}{'TA-Lib':>8}{'pipeline':>18}{'predict_proba':>18}")
    for each in timings:
        talib = "-" if each.talib_p50 is None else f"{each.talib_p50:,.0f}"
        print(
            f"{each.model:10}{beside(each.decision_p50, each.decision_p99):>16}{each.features_p50:>14,.0f}{talib:>8}"
            f"{beside(each.pipeline_p50, each.pipeline_p99):>18}"
            f"{beside(each.predict_proba_p50, each.predict_proba_p99):>18}   {each.ratio:,.1f} times as long"
        )
    print(
        "one decision   features, patterns, probabilities and the hash of the closes, as the agent asks for them"
    )
    print(f"TA-Lib         {'as many indicators of the same window' if talib_here() else NO_TALIB}")
    print("pipeline       scikit-learn's, from the closes, with the transformer of this project as its first step")
    print(
        "predict_proba  scikit-learn's, of features it is handed and nothing else; so much longer than one decision"
    )
    return 0


def agree(model: TrainedModel, closes: np.ndarray) -> bool:
    """Whether decisions have the probabilities of scikit-learn, asked about one bar at a time."""
    features = feature_matrix(closes)[WINDOW - 1 :]
    for window, row in zip(windows(closes), features, strict=True):
        said = model.predict(window)
        theirs = probabilities_bps(model.estimator, row[np.newaxis])[0].tolist()
        if [said.down_bps, said.flat_bps, said.up_bps] != theirs:
            return False
    return True


def timed(model: TrainedModel, bars: Bars, decisions: int) -> Timing:
    """Time one model's decisions beside what others take for the same bars."""
    several = windows(bars.close)
    features = feature_matrix(bars.close)[WINDOW - 1 :]
    # The features need no training: the pipeline only has to see what windows look like.
    pipeline = make_pipeline(PatternFeatures().fit(several[:1]), model.estimator)
    contenders: dict[str, Callable[[int], object]] = {
        OURS: lambda turn: model.predict(several[turn]),
        FEATURES_ALONE: lambda turn: features_of_window(several[turn]),
        ASKED: lambda turn: model.estimator.predict_proba(features[turn][np.newaxis]),
        PIPELINE: lambda turn: pipeline.predict_proba(several[turn][np.newaxis]),
    }
    talib = talib_here()
    if talib is not None:
        prices = as_talib_takes_them(bars)
        contenders[TALIB] = lambda turn: indicators(talib, tuple(each[turn : turn + WINDOW] for each in prices))
    with one_thread():
        taken = in_turns(contenders, rounds=decisions, at_once=AT_ONCE)

    def micro(name: str, share: int) -> float:
        return round(percentile(taken[name], share) * 1e6, 1)

    return Timing(
        model=model.manifest.name,
        decision_p50=micro(OURS, 50),
        decision_p99=micro(OURS, 99),
        features_p50=micro(FEATURES_ALONE, 50),
        predict_proba_p50=micro(ASKED, 50),
        predict_proba_p99=micro(ASKED, 99),
        pipeline_p50=micro(PIPELINE, 50),
        pipeline_p99=micro(PIPELINE, 99),
        ratio=round(micro(ASKED, 50) / micro(OURS, 50), 1),
        talib_p50=micro(TALIB, 50) if talib is not None else None,
    )


def beside(p50: float, p99: float) -> str:
    """Return a median and a slow one as a person reads them."""
    return f"{p50:,.0f} / {p99:,.0f}"


if __name__ == "__main__":
    sys.exit(main())
