"""What a run can be asked for: its options, and the one value they are carried in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from agent.desk.swap.request import MOST_SHADOW_BARS, SHADOW_BARS
from agent.errors import UsageError
from agent.market.policies import DateOrder, Duplicates, Impossible, Stamped
from agent.model.named import is_saved

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
    str | None,
    typer.Option(
        "--model",
        metavar="MODEL",
        help="A saved model (a folder, .psm or .onnx), or one to train: a name of `patternsettle models`, or MODULE:FACTORY.",
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


WatchOption = Annotated[
    bool,
    typer.Option("--watch", help="Watch the saved model of --model; when it has become another, swap to it."),
]
RequestsOption = Annotated[
    Path | None,
    typer.Option(
        "--requests",
        metavar="FOLDER",
        help="Folder in which `patternsettle swap` asks; unless given, it lies beside the journal where that is a file.",
        show_default=False,
    ),
]
ShadowOption = Annotated[
    int,
    typer.Option(
        "--shadow-bars",
        metavar="N",
        min=0,
        max=MOST_SHADOW_BARS,
        help="Bars to hear a model in the shadow of the live one before the two are swapped.",
    ),
]
SwapAtOption = Annotated[
    int | None,
    typer.Option(
        "--swap-at",
        metavar="N",
        min=1,
        help="Swap the model for another, asked for after N bars of the replay.",
        show_default=False,
    ),
]
SwapToOption = Annotated[
    str | None,
    typer.Option(
        "--swap-to",
        metavar="MODEL",
        help="Which model --swap-at swaps to: a name, MODULE:FACTORY, or a saved one (boosting unless given).",
        show_default=False,
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
    model: str | None
    trust: tuple[str, ...]
    rpc: str | None
    journal: str
    walk: bool
    generate: bool
    json: bool
    watch: bool = False
    requests: Path | None = None
    shadow: int = SHADOW_BARS
    swap_at: int | None = None
    swap_to: str | None = None
    stamped: Stamped = "start"
    columns: str | None = None
    trials: Path | None = None
    inputs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.data is not None and self.walk:
            raise UsageError("--walk makes bars and --data reads them.", cure="Give one of the two.")
        if self.trust and self.saved is None:
            raise UsageError("--trust is about a saved model, and there is none.", cure="Give one with --model.")
        if self.market is not None and self.data is None:
            raise UsageError("--market chooses from a file, and there is none.", cure="Give one with --data.")
        if self.inputs and self.data is None:
            raise UsageError(
                "--input stands beside a price file, and there is none.", cure="Give one with --data."
            )
        if self.watch and self.saved is None:
            raise UsageError("--watch looks at a saved model, and there is none.", cure="Give one with --model.")
        if self.swap_to is not None and self.swap_at is None:
            raise UsageError(
                "--swap-to names a model, and nothing says when to swap to it.",
                cure="Give the bar with --swap-at.",
            )

    @property
    def saved(self) -> Path | None:
        """Where the model is saved; None where one is to be trained."""
        return Path(self.model) if self.model is not None and is_saved(self.model) else None
