"""Every error a person can meet, in one tree.

PatternSettleError            anything this project refuses, with what to do about it
├── UsageError                a command or option that cannot be meant
├── DataError                 a price file that cannot be read safely
├── ModelError                a model that cannot be trained, or that answers nonsense
│   └── ArtifactError         a saved model that is not what its manifest says
├── ChainError                the chain, its node, or what was sent to it
│   ├── CompilerMissing       no Solidity compiler, and no way to fetch one
│   ├── ConnectionFailed      no node answers at the given address
│   ├── OutOfGas              a transaction or call that needed more gas than its limit
│   └── Reverted              a transaction or call that the contract refused, by the contract's own name for it
└── DeskError                 the loop, the journal or the books
    ├── BooksUnbalanced       events and ledger disagree
    └── SwapRefused           a request about its model that a running desk does not grant

Each carries one sentence that says what is wrong and where (`problem`) and one that says what to do
(`cure`); `str(error)` is both on one line. The command line prints that line and exits with code 2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = [
    "ArtifactError",
    "BooksUnbalanced",
    "ChainError",
    "CompilerMissing",
    "ConnectionFailed",
    "DataError",
    "DeskError",
    "ModelError",
    "OutOfGas",
    "PatternSettleError",
    "Reverted",
    "SwapRefused",
    "UsageError",
]


class PatternSettleError(Exception):
    """Base of all errors this project raises on purpose.

    Parameters
    ----------
    problem
        What is wrong and where, in one sentence without line breaks.
    cure
        What the reader can do about it, in one sentence.
    """

    def __init__(self, problem: str, *, cure: str = "") -> None:
        super().__init__(problem, cure)
        self.problem = problem
        self.cure = cure

    def __str__(self) -> str:
        return " ".join(f"{self.problem} {self.cure}".split())

    def __reduce__(self) -> tuple[Any, ...]:
        # An error of another process arrives as it left, whatever its class takes to be made.
        return _arrived, (type(self), self.args, self.__dict__)


def _arrived(kind: type[PatternSettleError], args: tuple[Any, ...], state: dict[str, Any]) -> PatternSettleError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class UsageError(PatternSettleError):
    """A command or option that cannot be meant."""


class DataError(PatternSettleError):
    """A price file that cannot be read safely.

    Parameters
    ----------
    problem, cure
        As in `PatternSettleError`.
    file, line, column
        Where it was found; `line` counts from 1 as an editor does. None where a place makes no sense.
    """

    def __init__(
        self,
        problem: str,
        *,
        cure: str = "",
        file: str | None = None,
        line: int | None = None,
        column: str | None = None,
    ) -> None:
        place = ", ".join(
            part
            for part in (file, f"line {line}" if line else None, f"column {column!r}" if column else None)
            if part
        )
        super().__init__(f"{place}: {problem}" if place else problem, cure=cure)
        self.file, self.line, self.column = file, line, column


class ModelError(PatternSettleError):
    """A model that cannot be trained, or that answers nonsense."""


class ArtifactError(ModelError):
    """A saved model that is not what its manifest says, or is of a format that is never loaded."""


class ChainError(PatternSettleError):
    """The chain, its node, or what was sent to it.

    Attributes
    ----------
    mined
        Hash, block and gas used of the transaction, where one was mined and failed; None otherwise.
    where
        Works out, when called, where in its Solidity sources the contract failed. None where nobody can.
    """

    mined: tuple[str, int, int] | None = None
    where: Callable[[], str] | None = None


class CompilerMissing(ChainError):
    """No Solidity compiler of the pinned version, and no way to fetch one."""


class ConnectionFailed(ChainError):
    """No node answers at the given address, or it stopped answering."""


class OutOfGas(ChainError):
    """A transaction or call that needed more gas than its limit."""


class Reverted(ChainError):
    """A call or transaction that the chain refused.

    Parameters
    ----------
    name
        The custom error's name, `Error` for a reason string, `Panic` for a panic, "" where the chain gave no data.
    args_by_name
        The error's arguments by parameter name.
    data
        The raw revert data.
    """

    def __init__(self, name: str, args_by_name: Mapping[str, Any] | None = None, *, data: bytes = b"") -> None:
        self.name = name
        self.args_by_name = dict(args_by_name or {})
        self.data = data
        super().__init__(f"the contract refused: {self._told()}" if name else "the call reverted without a reason")

    def _told(self) -> str:
        """The refusal as its contract words it; Solidity's own kinds as its documentation does."""
        told = self.args_by_name
        if self.name == "Error" and "message" in told:
            return f'"{told["message"]}"'
        if self.name == "Panic" and "code" in told:
            return f"panic 0x{told['code']:02x} ({told.get('meaning', 'unknown')})"
        return f"{self.name}({', '.join(f'{key}={_shown(value)}' for key, value in told.items())})"


def _shown(value: Any) -> Any:
    return f"0x{value.hex()}" if isinstance(value, bytes) else value


class DeskError(PatternSettleError):
    """The loop, the journal or the books."""


class BooksUnbalanced(DeskError):
    """The balances rebuilt from the events are not those the contract holds."""


class SwapRefused(DeskError):
    """A request about its model that a running desk does not grant; the desk goes on as before."""
