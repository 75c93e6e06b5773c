"""Authority on refusals that a test expects: by name and arguments, by reason, or by panic code."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import pytest

from agent.chain.decode import PANICS
from agent.errors import ChainError, OutOfGas, Reverted, UsageError
from agent.testing.abi import same, whole


class Reverts:
    """Expects that the ``with`` block ends in a refusal.

    >>> with reverts("PriceTooLow", price=1): ...        # a custom error, and those of its arguments that are given
    >>> with reverts("must be more than ten"): ...       # the reason of a require or revert
    >>> with reverts(panic=0x11): ...                    # an overflow
    >>> with reverts(): ...                              # whatever the reason

    Parameters
    ----------
    name
        Name of a custom error, or a reason; whichever the contract gives.
    panic
        Code of a panic.
    arguments
        Arguments of the custom error by name. Those not given may be anything.

    Attributes
    ----------
    error
        After the block, what was raised.
    """

    error: Reverted

    def __init__(self, name: str | None = None, /, *, panic: int | None = None, **arguments: Any) -> None:
        if panic is not None and (name is not None or arguments):
            raise UsageError("reverts takes either a panic's code or a name.", cure="A panic has no name.")
        if arguments and name is None:
            raise UsageError(
                "reverts was given arguments and no name.", cure='Say reverts("PriceTooLow", price=1).'
            )
        if name is not None and not isinstance(name, str):
            raise UsageError(f"reverts was given {name!r} for a name.", cure='Say reverts("PriceTooLow").')
        self._name, self._arguments = name, arguments
        self._panic = None if panic is None else whole(panic, "panic")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        __tracebackhide__ = True
        if error is None:
            pytest.fail(f"nothing was refused; expected {self}")
        if not isinstance(error, Reverted | OutOfGas):
            return False
        if isinstance(error, Reverted) and self._fits(error):
            self.error = error
            return True
        raise pytest.fail.Exception(
            self._unlike(error) or f"expected {self}, but {self._instead(error)}"
        ) from None

    def _fits(self, error: Reverted) -> bool:
        told = error.args_by_name
        if self._panic is not None:
            return error.name == "Panic" and told.get("code") == self._panic
        if self._name is None:
            return True
        if error.name == "Error" and not self._arguments:
            return told.get("message") == self._name
        if error.name != self._name or not self._arguments.keys() <= told.keys():
            return False
        return all(same(value, told[key]) for key, value in self._arguments.items())

    def _unlike(self, error: ChainError) -> str | None:
        """What is wrong with the expectation itself: arguments that this error does not have."""
        if not isinstance(error, Reverted) or error.name != self._name:
            return None
        unknown = self._arguments.keys() - error.args_by_name.keys()
        has = ", ".join(error.args_by_name) or "none"
        return f"{error.name} has no argument {', '.join(sorted(unknown))}; it has {has}" if unknown else None

    def _instead(self, error: ChainError) -> str:
        where = f"\n{error.where()}" if error.where else ""
        return f"{error.problem}{where}"

    def __str__(self) -> str:
        if self._panic is not None:
            return f"a panic 0x{self._panic:02x} ({PANICS.get(self._panic, 'unknown')})"
        if self._name is None:
            return "a refusal"
        if not self._arguments:
            return repr(self._name)
        return f"{self._name}({', '.join(f'{key}={value!r}' for key, value in self._arguments.items())})"


reverts = Reverts
