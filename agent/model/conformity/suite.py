"""All checks of a model, in their order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import Any

from agent.market.bars import Bars, Ints
from agent.model.conformity.alignment import aligned, can_learn
from agent.model.conformity.answers import (
    HARD_DAYS,
    alike_alone_and_together,
    named,
    probable,
    same_after_saving,
    same_twice,
    unshaken_by,
)
from agent.model.conformity.latency import keeps_up, seconds_an_answer
from agent.model.conformity.lookahead import (
    features_as_known,
    features_whatever_comes,
    said_as_known,
    said_whatever_comes,
)
from agent.model.conformity.memory import same_at_other_dates, same_dates_other_prices
from agent.model.conformity.result import Conformity, Finding, conducted
from agent.model.conformity.subject import Subject, subject_of
from agent.model.haste import in_haste
from agent.model.threads import one_thread

__all__ = ["asked_of", "check_model", "examine"]

_CHECKS: tuple[tuple[str, Callable[[Subject], Finding]], ...] = (
    ("Its answers are probabilities, one column for each class, in the order of its classes.", probable),
    ("The same input twice has the same output.", same_twice),
    ("Saved and loaded, it gives the same probabilities to the last bit.", same_after_saving),
    ("One row at a time has the answers of the batch.", alike_alone_and_together),
    ("The features of the first n bars are the first n of the full run.", features_as_known),
    ("The features of the first n bars stay the same whatever comes after them.", features_whatever_comes),
    ("The probabilities of the first n bars are the first n of the full run.", said_as_known),
    ("The probabilities of the first n bars stay the same whatever comes after them.", said_whatever_comes),
    ("The same prices some weeks later are read and answered alike.", same_at_other_dates),
    ("Other prices at the same times are read as what they are.", same_dates_other_prices),
)


def check_model(
    model: Any,
    *,
    bars: Bars | None = None,
    seed: int = 0,
    features: Callable[[Ints], Any] | None = None,
    feature_names: Sequence[str] | None = None,
    trusted: Collection[str] = (),
) -> Conformity:
    """Check whether a model fits in here, whatever it is worth.

    Parameters
    ----------
    model
        A trained model; the folder of a saved one; a fitted scikit-learn classifier; an unfitted one, what
        makes one, or its name as ``module:factory``, all of which are trained first. A classifier that
        brings its own features (see `FeatureModel`) is examined with those.
    bars
        Bars to examine it on: the last 800 are taken, and those before them to train on where it must be
        trained. None takes synthetic ones with planted patterns.
    seed
        Sets all that is drawn, and each `random_state` of a model trained here.
    features
        The features of the classifier where they are not those of this project: takes all closes of a
        series, shape (n,), integers, and returns one row for each, shape (n, k). A row that is not all
        finite is an abstention: the model is not asked about that bar.
    feature_names
        Their names; those of the columns where they are a data frame, numbers where there are none.
    trusted
        Types that loading a saved model may create beyond those known to be safe.

    Returns
    -------
    Conformity
        All checks that can be made of this model. Whether labels are learned with their own rows can only be
        asked where a new model can be made of it, by `sklearn.base.clone`. What cannot be told from a fitted
        model alone is whether the labels it was once fitted on, elsewhere, belonged to their rows.

    Raises
    ------
    ModelError
        Where it is no model, or cannot be trained, or the bars are too few.
    ArtifactError
        Where a saved model cannot be loaded.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> check_model(make_pipeline(StandardScaler(), LogisticRegression())).passed
    True
    """
    return examine(
        subject_of(model, bars=bars, seed=seed, features=features, feature_names=feature_names, trusted=trusted)
    )


def examine(subject: Subject, *, on_check: Callable[[int], None] = lambda done: None) -> Conformity:
    """Make all checks of a model that is ready for them; `on_check` hears how many are made."""
    with one_thread(), in_haste(seconds_an_answer(subject)):
        # One thread, as in training: the evidence must not depend on what else the machine is doing.
        checks = []
        for name, test in asked_of(subject):
            checks.append(conducted(name, partial(test, subject)))
            on_check(len(checks))
    return Conformity(all(check.passed for check in checks), tuple(checks))


def asked_of(subject: Subject) -> Iterator[tuple[str, Callable[[Subject], Finding]]]:
    """Yield what can be asked of a model, in its order: a sentence, and what tests it."""
    yield from _CHECKS
    if can_learn(subject):
        yield "It learns each label with the row it belongs to.", aligned
    for what, make in HARD_DAYS:
        yield f"It abstains rather than crashes on {what}.", unshaken_by(make)
    own = subject.trained is None and not subject.refused
    yield f"Its features match {'their names' if own else 'its manifest'}.", named
    yield "It decides faster than bars come.", keeps_up
