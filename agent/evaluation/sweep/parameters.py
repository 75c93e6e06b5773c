"""The parameters of a model: what they are called, and a model that is made with other values of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from difflib import get_close_matches
from functools import update_wrapper
from typing import Any

from agent.errors import ModelError
from agent.model.estimators import Factory, made_by, resolve
from agent.model.reasons import reason

__all__ = ["configured", "full_name"]

_SEEDED = "random_state"
_STEP = "__"


def full_name(model: str, asked: str) -> str:
    """Return the full name, in scikit-learn, of a parameter of a model.

    The end of the name is enough where only one parameter ends so: ``max_depth`` for ``estimator__max_depth``.

    Parameters
    ----------
    model
        A name, or ``module:factory``.
    asked
        The parameter.

    Raises
    ------
    ModelError
        Where the model has no such parameter, or several, or it is the seed.
    """
    if asked.split(_STEP)[-1] == _SEEDED:
        raise ModelError(
            f"{asked} of {model} is its seed, and all models get the same.", cure="Give one with --seed."
        )
    made = made_by(resolve(model), seed=0)
    known = sorted(name for name in made.get_params(deep=True) if name.split(_STEP)[-1] != _SEEDED)
    meant = [name for name in known if name == asked] or [name for name in known if name.endswith(_STEP + asked)]
    if len(meant) == 1:
        return meant[0]
    if meant:
        raise ModelError(
            f"the model {model} has {len(meant)} parameters called {asked!r}: {', '.join(meant)}.",
            cure="Give the full name of one.",
        )
    ends = Counter(name.rpartition(_STEP)[2] for name in known)
    short = sorted(name if ends[end := name.rpartition(_STEP)[2]] > 1 else end for name in known)
    near = get_close_matches(asked, short, n=1)
    raise ModelError(
        f"the model {model} has no parameter {asked!r}.",
        cure=f"{f'Did you mean {near[0]!r}? ' if near else ''}It has {', '.join(short) or 'none'}.",
    )


def configured(factory: Factory, parameters: Mapping[str, Any]) -> Factory:
    """Return a factory of the same classifiers with other values of some parameters, by their full names."""

    def make(**options: Any) -> Any:
        made = factory(**options)
        try:
            return made.set_params(**parameters)
        except (AttributeError, TypeError, ValueError) as error:
            raise ModelError(
                f"the parameters {', '.join(parameters)} could not be set: {reason(error)}.",
                cure="Set those that its get_params tells of.",
            ) from error

    # With its signature: one that asks for a gap still does.
    return update_wrapper(make, factory, updated=()) if parameters else factory
