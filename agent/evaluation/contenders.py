"""What is on trial: a saved model, or one that is made and trained anew in each fold; and what it says of a test window."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator, clone

from agent.errors import ModelError
from agent.evaluation.folds import Step
from agent.market.bars import Bars, Ints
from agent.model.artifact import load
from agent.model.dates import require_no_dates
from agent.model.estimators import Factory, made_by, require_unfitted, resolve
from agent.model.labels import Barriers
from agent.model.named import is_saved
from agent.model.reading import Reading, reading_of
from agent.model.signal import Predictions
from agent.model.train import train
from agent.model.trained import TrainedModel

__all__ = ["Contender", "Said", "ask", "contender_of", "params_of", "untrained"]

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


@dataclass(frozen=True, slots=True, eq=False)
class Contender:
    """A model on trial.

    Attributes
    ----------
    name
        As it was asked for.
    saved
        The fitted model; None where each fold trains one.
    factory
        Makes the unfitted classifier, or names what does, so that another process can find it; None where it is saved.
    """

    name: str
    saved: TrainedModel | None
    factory: Factory | str | None

    @property
    def elsewhere(self) -> bool:
        """Whether only its maker knows which bars it was trained on."""
        return self.saved is not None and self.saved.elsewhere

    @property
    def make(self) -> Factory:
        """What makes the unfitted classifier, found where it is only named; there is none where it is saved."""
        assert self.factory is not None
        return resolve(self.factory) if isinstance(self.factory, str) else self.factory

    def reading(self, *, seed: int) -> Reading:
        """Return how it reads bars.

        Raises
        ------
        ModelError
            Where its factory makes no classifier, or one that does not tell.
        """
        if self.saved is not None:
            return self.saved.reading
        return reading_of(made_by(self.make, seed=seed))

    def params(self, *, seed: int) -> Mapping[str, Any]:
        """Return what sets it apart from other models: its id, or its classifier with all parameters.

        Raises
        ------
        ModelError
            Where its factory makes no classifier, or one that comes fitted: no fold would train it.
        """
        if self.saved is not None:
            return {"id": self.saved.id}
        made = made_by(self.make, seed=seed)
        require_unfitted(made, self.name)
        return params_of(made)


def params_of(made: Any) -> Mapping[str, Any]:
    """Return what sets a classifier apart from others: its type, and all its parameters."""
    return {
        "classifier": f"{type(made).__module__}.{type(made).__qualname__}",
        "parameters": {name: _told(value) for name, value in sorted(made.get_params(deep=True).items())},
    }


def _told(value: Any) -> str:
    # A whole file, as of an ONNX model, is as well known by its hash.
    return hashlib.sha256(value).hexdigest() if isinstance(value, bytes) else _ADDRESS.sub("", repr(value))


def contender_of(model: Any, *, trusted: Sequence[str] = ()) -> Contender:
    """Return what is to be tried.

    Parameters
    ----------
    model
        A trained model, the folder of one, a name, ``module:factory``, a factory, or an unfitted classifier.
    trusted
        As for `agent.model.artifact.load`.

    Raises
    ------
    ModelError
        Where it is none of these.
    ArtifactError
        Where a saved model cannot be loaded.
    """
    if isinstance(model, TrainedModel):
        return Contender(model.manifest.name, model, None)
    if isinstance(model, Path) or (isinstance(model, str) and is_saved(model)):
        return Contender(str(model), load(model, trusted=trusted), None)
    if isinstance(model, str):
        resolve(model)
        return Contender(model, None, model)
    if isinstance(model, BaseEstimator):
        return Contender(type(model).__name__, None, partial(clone, model))
    if not callable(model):
        raise ModelError(
            f"something of type {type(model).__name__} is no model.",
            cure="Give a trained model, the folder of one, a name, module:factory, or a scikit-learn classifier.",
        )
    return Contender(getattr(model, "__name__", type(model).__name__), None, model)


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What a model said of some bars of a test window, and how it decides.

    Attributes
    ----------
    predictions
        Of just the bars asked about.
    threshold_bps
        Least confidence of a signal.
    classifier
        Type of the fitted estimator.
    seconds
        How long training and asking took.
    """

    predictions: Predictions
    threshold_bps: int
    classifier: str
    seconds: float


def ask(
    contender: Contender,
    bars: Bars,
    step: Step,
    places: Ints,
    *,
    barriers: Barriers,
    share: float,
    seed: int,
) -> Said:
    """Train a model on the training part of a step, if it is to be trained, and ask it about its test window.

    It is given the training part and nothing else; the threshold is chosen in there too. What it then reads of the
    test window are closes up to the bar in question.

    Parameters
    ----------
    contender, bars, step
        What, on which series, in which step.
    places
        Positions of the bars it is asked about, all in the test window.
    barriers, share, seed
        As for `agent.model.train.train`.

    Raises
    ------
    ModelError
        Where it cannot be trained, or answers nonsense.
    """
    began = time.perf_counter()
    model = contender.saved
    if model is None:
        assert step.training is not None
        part = bars[step.training.start : step.training.stop]
        factory = contender.make
        # Asked in every fold: it may have been fitted in the one before.
        require_unfitted(made_by(factory, seed=seed), contender.name)
        try:
            model = train(
                part,
                barriers=barriers,
                factory=factory,
                name=contender.name,
                seed=seed,
                trade_share=share,
            )
        except ModelError as error:
            raise untrained(contender, part, error) from error
    first = step.test.start - (model.window - 1)
    window = bars[first : step.test.stop]
    said = model.predict_series(window)
    require_no_dates(model.reading, window, model.estimator)
    rows = places - first
    return Said(
        Predictions(said.patterns[rows], said.down_bps[rows], said.flat_bps[rows], said.up_bps[rows]),
        model.threshold_bps,
        model.manifest.classifier,
        time.perf_counter() - began,
    )


def untrained(contender: Contender, part: Bars, error: ModelError) -> ModelError:
    """Return the error that tells which model could not be trained on which bars."""
    return ModelError(
        f"{contender.name}, trained on the {len(part):,} bars until {part.last:%Y-%m-%d %H:%M} UTC: {error.problem}",
        cure=error.cure,
    )
