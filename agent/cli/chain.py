"""`patternsettle chain`: the local demo chain as a service, with bars replayed into its feed."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.cli.choice import SEED, SeedOption
from agent.cli.options import (
    ColumnsOption,
    DataOption,
    DateOrderOption,
    DuplicatesOption,
    ImpossibleOption,
    JsonOption,
    MarketOption,
    StampedOption,
)


def chain(
    port: Annotated[
        int,
        typer.Option("--port", metavar="PORT", min=0, max=65_535, help="Port on loopback; 0 takes a free one."),
    ] = 8545,
    data: DataOption = None,
    synthetic: Annotated[
        bool, typer.Option("--synthetic", help="Replay synthetic bars with planted patterns (the default).")
    ] = False,
    market: MarketOption = None,
    speed: Annotated[float, typer.Option("--speed", metavar="N", help="Bars a second.")] = 1.0,
    bars: Annotated[
        int | None,
        typer.Option(
            "--bars",
            metavar="N",
            min=1,
            help="Replay the last N bars; those before are history (5,000, or half of a shorter file, unless given).",
            show_default=False,
        ),
    ] = None,
    seed: SeedOption = SEED,
    duplicates: DuplicatesOption = "refuse",
    impossible: ImpossibleOption = "refuse",
    date_order: DateOrderOption = None,
    stamped: StampedOption = "start",
    columns: ColumnsOption = None,
    json: JsonOption = False,
) -> None:
    """Serve a local chain with moving prices as JSON-RPC over HTTP.

    Everything is deployed on it. Wallets, cast, viem, or `patternsettle run --rpc URL` in a second terminal can use it. Ctrl-C ends it.
    """
    from agent.cli.serving import Wish, serve  # here, for it takes seconds that other commands need not wait

    serve(
        Wish(
            port=port,
            data=data,
            synthetic=synthetic,
            market=market,
            speed=speed,
            bars=bars,
            seed=seed,
            duplicates=duplicates,
            impossible=impossible,
            date_order=date_order,
            stamped=stamped,
            columns=columns,
            json=json,
        )
    )
