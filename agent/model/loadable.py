"""Whether a trained model loads back from its file and answers there as it does here: found out before anything is written."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np

from agent.errors import ArtifactError
from agent.market.bars import Bars
from agent.model.estimatorfile import from_bytes, kind_of, require_answer, to_bytes, untrusted_types
from agent.model.framed import framed
from agent.model.reasons import Foreign
from agent.model.skopsfile import not_saved
from agent.model.threads import one_thread
from agent.model.trained import TrainedModel

__all__ = ["as_loaded"]

_ASKED = 8


def as_loaded(trained: TrainedModel, bars: Bars) -> TrainedModel:
    """Return a model as it will be once it is loaded from its file; it is the same one wherever that writes the same file.

    CatBoost's does not: its file knows that it was just fitted.

    Parameters
    ----------
    trained
        The model.
    bars
        Bars to ask both about, at least as many as its window.

    Raises
    ------
    ArtifactError
        Where it does not load, is of another class there, does not answer what it is asked when it is loaded, or answers a
        handful of bars with other bytes.
    """
    estimator = trained.estimator
    written, kind, name = to_bytes(estimator), kind_of(estimator), type(estimator).__name__
    try:
        loaded = from_bytes(written, kind, "its file", trusted=untrusted_types(estimator))
    except ArtifactError as error:
        if error.__cause__ is None or "cannot be saved" in error.problem:
            raise
        raise not_saved(estimator, error.__cause__) from error
    if type(loaded) is not type(estimator):
        raise not_saved(estimator, TypeError(f"another class is found under the name of {name}"))
    require_answer(loaded, len(trained.reading.names), f"the classifier {name}, loaded from its file,")
    rows = framed(estimator, trained.reading.matrix(bars[-(trained.window + _ASKED) :])[-_ASKED:])
    with one_thread(), Foreign(f"the classifier {name}, loaded from its file"):
        before, after = (np.asarray(each.predict_proba(rows)) for each in (estimator, loaded))
    if before.shape != after.shape or before.tobytes() != after.tobytes():
        raise ArtifactError(
            f"the classifier {name} answers otherwise once it is loaded from its file, so it was not saved.",
            cure="Keep all that its answers depend on in attributes that fit sets: numbers, arrays and estimators.",
        )
    again = to_bytes(loaded)
    if again == written:
        return trained
    return TrainedModel(loaded, replace(trained.manifest, artifact_sha256=hashlib.sha256(again).hexdigest()))
