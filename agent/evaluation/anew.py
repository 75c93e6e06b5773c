"""Anew: whether a model that is trained in each fold forgets there what it was taught in the ones before.

What a class, a module or a factory keeps from one training to the next is seen by no look at the classifier. It tells by
what the classifier says: the same bars teach the same, whatever was taught in between.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from agent.errors import ModelError
from agent.evaluation.contenders import Contender, untrained
from agent.evaluation.folds import Step
from agent.market.bars import Bars, Floats
from agent.model.estimators import Factory, made_by, require_unfitted, with_gap
from agent.model.framed import framed
from agent.model.labels import Barriers
from agent.model.reading import reading_of
from agent.model.reasons import Foreign
from agent.model.splits import purge
from agent.model.threads import one_thread
from agent.model.train import Samples, fitted, samples_of
from agent.model.trained import no_probability

__all__ = ["require_anew"]

_PART = 0.75  # of the samples, as many as `train` measures with: what cannot be trained on them cannot be trained
_ALIKE = 1e-6
"""Of a probability: more than threads and other sums move one that was learned anew, less than memory of any worth does."""


def require_anew(contender: Contender, bars: Bars, step: Step, *, barriers: Barriers, seed: int) -> None:
    """Refuse a model that answers otherwise when it is trained on the same bars again, with others in between.

    Parameters
    ----------
    contender
        The model; one that is saved is not trained, so there is nothing to ask.
    bars, step
        The series, and the first step through it: only what that trains on is looked at.
    barriers, seed
        As for `agent.model.train.train`.

    Raises
    ------
    ModelError
        Where it does, comes fitted, or cannot be trained.
    """
    if contender.saved is not None:
        return
    assert step.training is not None
    part = bars[step.training.start : step.training.stop]
    first_made = made_by(contender.make, seed=seed)
    require_unfitted(first_made, contender.name)
    reading = reading_of(first_made)
    make = with_gap(contender.make, purge(barriers.horizon, reading.window))
    samples = samples_of(part, barriers, reading)
    many = round(len(samples) * _PART)
    early, late = samples[:many], samples[len(samples) - many :]
    try:
        first, _, again = (_answers(make, taught, samples, seed=seed) for taught in (early, late, early))
    except ModelError as error:
        raise untrained(contender, part, error) from error
    if first.shape == again.shape and np.allclose(first, again, rtol=0, atol=_ALIKE, equal_nan=True):
        return
    raise ModelError(
        f"{contender.name}, trained twice on the same bars and on others in between, does not answer the same: it keeps "
        "what it was taught before, or draws at random without a seed.",
        cure="Let fit begin anew, keep what it learns in the estimator alone, and take a random_state.",
    )


def _answers(make: Factory, taught: Samples, asked: Samples, *, seed: int) -> Floats:
    with one_thread(), _same_draws(seed):
        estimator = fitted(make, taught, seed=seed, anew=True)
        with Foreign(f"the model {type(estimator).__name__}"):
            answers = np.asarray(estimator.predict_proba(framed(estimator, asked.features)))
    if answers.dtype.kind not in "fiu":
        raise no_probability(answers.flat[0] if answers.size else "nothing")
    return answers.astype(np.float64)


@contextmanager
def _same_draws(seed: int) -> Iterator[None]:
    """Let what draws from the generators that all share draw the same each time: that is chance, and no memory."""
    kept, kept_here = np.random.get_state(), random.getstate()
    np.random.seed(seed % 2**32)
    random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(kept)
        random.setstate(kept_here)
