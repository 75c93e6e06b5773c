"""Models in tests: one line that fails, with the reasons, where a model does not fit in here."""

from __future__ import annotations

from typing import Any

from agent.model.conformity import Check, Conformity, check_model

__all__ = ["Check", "Conformity", "assert_conforms", "check_model"]


def assert_conforms(model: Any, **options: Any) -> Conformity:
    """Require that a model passes every check.

    Parameters
    ----------
    model
        As for `agent.model.conformity.check_model`.
    **options
        As for `agent.model.conformity.check_model`.

    Returns
    -------
    Conformity
        What the checks came to.

    Raises
    ------
    AssertionError
        Where one fails; it names each that did, with its evidence.
    """
    __tracebackhide__ = True
    result = check_model(model, **options)
    if not result.passed:
        raise AssertionError("\n".join(f"{check.name} Not so: {check.detail}" for check in result.failed))
    return result
