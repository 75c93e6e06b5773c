"""Gas of every call that moves value, measured on the in-process chain, beside bare contracts and those of others."""

# npm: contracts tests/peers

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from gasbench import bare, market, peers
from gasbench.rows import RECORD, Row, Snapshot, over_bare, record, table

from agent.chain.client import Chain
from agent.chain.local import LocalChain
from agent.chain.rpc.evm import Genesis
from agent.errors import PatternSettleError

FOLDER = bare.ROOT / "contracts"


def measure(*, others: bool = True) -> list[Row]:
    """Measure on one fresh chain: the same figures each time, whatever the day."""
    local = LocalChain(Genesis(time=1_700_000_000))
    with Chain(local.provider(), settings=market.SETTINGS, on_close=local.close) as chain:
        place = market.Market(chain)
        # Ours come first, so that they do not depend on whether the others are measured too.
        rows = market.measure(place) + bare.measure(place)
        return rows + peers.measure(place) if others else rows


def report(rows: Sequence[Row]) -> None:
    """Print the table, and what the snapshot does not know yet."""
    recorded = Snapshot.read(FOLDER)
    print("\n".join(table(rows, recorded)))
    for name, excess in over_bare(rows).items():
        print(f"{name} takes {excess:.1%} more than the bare one.")
    if differences := recorded.differences(rows):
        print(*differences, f"Where that is meant, {RECORD} records it.", sep="\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, then print or record; return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/bench gas", description=__doc__)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="print one JSON document")
    how.add_argument("--record", action="store_true", help="write contracts/gas.json and contracts/GAS.md")
    options = parser.parse_args(arguments)
    try:
        rows = measure()
        if options.json:
            print(Snapshot.of(rows).to_json(), end="")
        elif options.record:
            record(rows, FOLDER)
        else:
            report(rows)
    except PatternSettleError as error:
        print(f"{error.problem}\n{error.cure}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
