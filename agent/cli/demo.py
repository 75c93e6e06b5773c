"""`patternsettle demo`: train on the first part of some bars, replay the rest, settle, report."""

from __future__ import annotations

from agent.cli.choice import (
    SEED,
    BarsOption,
    Choice,
    JournalOption,
    ModelOption,
    RpcOption,
    SeedOption,
    ShadowOption,
    SwapAtOption,
    SwapToOption,
    TrustOption,
    WalkOption,
)
from agent.cli.evaluate import TrialsOption
from agent.cli.inputs import InputOption
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
from agent.desk.swap.request import SHADOW_BARS


def demo(
    data: DataOption = None,
    market: MarketOption = None,
    bars: BarsOption = None,
    seed: SeedOption = SEED,
    model: ModelOption = None,
    trust: TrustOption = None,
    rpc: RpcOption = None,
    walk: WalkOption = False,
    journal: JournalOption = ":memory:",
    swap_at: SwapAtOption = None,
    swap_to: SwapToOption = None,
    shadow: ShadowOption = SHADOW_BARS,
    trials: TrialsOption = None,
    duplicates: DuplicatesOption = "refuse",
    impossible: ImpossibleOption = "refuse",
    date_order: DateOrderOption = None,
    stamped: StampedOption = "start",
    columns: ColumnsOption = None,
    inputs: InputOption = None,
    json: JsonOption = False,
) -> None:
    """Watch a model find patterns and a contract settle the trades.

    Without --data the bars are synthetic, with patterns planted in them, and are shown as such. Ctrl-C ends it with the
    report of what was done.
    """
    from agent.cli.running import carry_out  # here, for it takes seconds that other commands need not wait

    carry_out(
        Choice(
            data=data,
            market=market,
            duplicates=duplicates,
            impossible=impossible,
            date_order=date_order,
            stamped=stamped,
            columns=columns,
            inputs=tuple(inputs or ()),
            bars=bars,
            seed=seed,
            model=model,
            trust=tuple(trust or ()),
            rpc=rpc,
            journal=journal,
            swap_at=swap_at,
            swap_to=swap_to,
            shadow=shadow,
            walk=walk,
            generate=True,
            trials=trials,
            json=json,
        )
    )
