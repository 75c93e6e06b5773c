"""`patternsettle run`: the desk alone, with a model of one's own, on a chain of one's own, and a journal that stays."""

from __future__ import annotations

from agent.cli.choice import (
    SEED,
    BarsOption,
    Choice,
    JournalOption,
    ModelOption,
    RequestsOption,
    RpcOption,
    SeedOption,
    ShadowOption,
    TrustOption,
    WatchOption,
)
from agent.cli.evaluate import TrialsOption
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
from agent.errors import UsageError

JOURNAL = "patternsettle.sqlite"


def run(
    data: DataOption = None,
    market: MarketOption = None,
    bars: BarsOption = None,
    seed: SeedOption = SEED,
    model: ModelOption = None,
    trust: TrustOption = None,
    rpc: RpcOption = None,
    journal: JournalOption = JOURNAL,
    watch: WatchOption = False,
    shadow: ShadowOption = SHADOW_BARS,
    requests: RequestsOption = None,
    trials: TrialsOption = None,
    duplicates: DuplicatesOption = "refuse",
    impossible: ImpossibleOption = "refuse",
    date_order: DateOrderOption = None,
    stamped: StampedOption = "start",
    columns: ColumnsOption = None,
    json: JsonOption = False,
) -> None:
    """Trade on a chain that replays bars, or on bars from a file.

    Such a chain is what `patternsettle chain` serves, and it goes on by itself; bars from a file are replayed on a chain in
    this process, or on a development node. `patternsettle swap` puts another model to work while it runs. Ctrl-C ends it
    with the report of what was done.
    """
    if data is None and rpc is None:
        raise UsageError(
            "There is nothing to trade on.",
            cure="Give bars with --data FILE, or a chain that replays some with --rpc URL.",
        )
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
            bars=bars,
            seed=seed,
            model=model,
            trust=tuple(trust or ()),
            rpc=rpc,
            journal=journal,
            watch=watch,
            shadow=shadow,
            requests=requests,
            walk=False,
            generate=False,
            trials=trials,
            json=json,
        )
    )
