"""What a run can be asked for: its options, and the one value they are carried in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from agent.errors import UsageError
from agent.market.policies import DateOrder, Duplicates, Impossible

SEED = 7

BarsOption = Annotated[
    int | None,
    typer.Option(
        "--bars",
        metavar="N",
        min=1,
        help="Replay the last N bars (500 unless given); on a chain that replays by itself, the next N.",
        show_default=False,
    ),
]
SeedOption = Annotated[
    int, typer.Option("--seed", metavar="N", min=0, max=2**32 - 1, help="Seed of all randomness.")
]
ModelOption = Annotated[
    Path | None,
    typer.Option(
        "--model",
        metavar="FOLDER",
        help="A model saved by `patternsettle train`; none trains one.",
        show_default=False,
    ),
]
RpcOption = Annotated[
    str | None,
    typer.Option(
        "--rpc",
        metavar="URL",
        help="Address of a node; none runs a chain in this process.",
        show_default=False,
    ),
]
TrustOption = Annotated[
    list[str] | None,
    typer.Option(
        "--trust",
        metavar="TYPE",
        help="A type the model may hold beside those known to be safe; can be repeated.",
        show_default=False,
    ),
]
WalkOption = Annotated[
    bool, typer.Option("--walk", help="Synthetic bars without any pattern: a plain random walk.")
]
JournalOption = Annotated[
    str,
    typer.Option(
        "--journal", metavar="PLACE", help="Where to keep the journal: a file, a PostgreSQL URL, or :memory:."
    ),
]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What the command line asked for.

    Attributes
    ----------
    generate
        Whether bars are made up where none are given.
    others
        As their options say.

    Raises
    ------
    UsageError
        If its options contradict each other.
    """

    data: Path | None
    market: str | None
    duplicates: Duplicates
    impossible: Impossible
    date_order: DateOrder | None
    bars: int | None
    seed: int
    model: Path | None
    trust: tuple[str, ...]
    rpc: str | None
    journal: str
    walk: bool
    generate: bool
    json: bool

    def __post_init__(self) -> None:
        if self.data is not None and self.walk:
            raise UsageError("--walk makes bars and --data reads them.", cure="Give one of the two.")
        if self.trust and self.model is None:
            raise UsageError("--trust is about a saved model, and there is none.", cure="Give one with --model.")
        if self.market is not None and self.data is None:
            raise UsageError("--market chooses from a file, and there is none.", cure="Give one with --data.")
