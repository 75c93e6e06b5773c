"""Authority on the gas table: what a row is, the committed snapshot, and what may differ from it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import Any, Self

from agent.chain.cache import write_whole
from agent.chain.compile import SOLC_VERSION, Settings
from agent.errors import UsageError

SNAPSHOT = "gas.json"
TABLE = "GAS.md"
RECORD = "scripts/bench gas --record"
# A rise beyond this is refused; so is a fall beyond that which nobody recorded.
RISE_BPS = 200
UNRECORDED_FALL_BPS = 20


class Group(StrEnum):
    """Whose a row is; the order is that of the table."""

    OURS = "patternsettle"
    BARE = "bare"
    PEERS = "peers"


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    group
        Whose it is.
    name
        The call, unique in its group.
    gas
        What the transaction's receipt says it used, so with its 21,000, its call data and its refunds; of each further
        fill, what it adds to that.
    what
        What exactly was measured, in a sentence.
    """

    group: Group
    name: str
    gas: int
    what: str


@dataclass(frozen=True)
class Snapshot:
    """The committed figures.

    Attributes
    ----------
    compiler
        What our own and the bare contracts were compiled with.
    gas
        Gas by group and name.
    """

    compiler: Mapping[str, Any]
    gas: Mapping[str, Mapping[str, int]]

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Self:
        """The snapshot of a measurement made now."""
        return cls(
            compiler={"solc": SOLC_VERSION, **asdict(Settings())},
            gas={group: {row.name: row.gas for row in found} for group, found in _grouped(rows)},
        )

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the snapshot of a folder; UsageError where there is none."""
        path = folder / SNAPSHOT
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, TypeError, ValueError) as error:
            raise UsageError(
                f"{path} cannot be read as a gas snapshot: {error}.", cure=f"Run {RECORD}."
            ) from error

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2) + "\n"

    def differences(self, rows: Sequence[Row]) -> list[str]:
        """What is not as it was recorded, a sentence each; empty where the measurement agrees.

        Groups of which nothing was measured are passed over.
        """
        return list(self._differences(rows))

    def _differences(self, rows: Sequence[Row]) -> Iterator[str]:
        now = Snapshot.of(rows)
        if now.compiler != self.compiler:
            yield f"The compiler was {dict(self.compiler)}, and is {dict(now.compiler)} now."
        for group, figures in now.gas.items():
            recorded = self.gas.get(group, {})
            for name, gas in figures.items():
                if name not in recorded:
                    yield f"{group}: {name} takes {gas:,} gas, and nothing is recorded for it."
                elif problem := _difference(gas, recorded[name]):
                    yield f"{group}: {name} {problem}."
            for name in sorted(recorded.keys() - figures.keys()):
                yield f"{group}: {name} is recorded, and is not measured any more."


def _difference(gas: int, recorded: int) -> str:
    """How a figure differs from the one recorded; "" where it may."""
    change = gas - recorded
    if -UNRECORDED_FALL_BPS * recorded <= 10_000 * change <= RISE_BPS * recorded:
        return ""
    word = "more" if change > 0 else "less"
    return f"takes {gas:,} gas, {abs(change) / recorded:.1%} {word} than the {recorded:,} recorded"


def record(rows: Sequence[Row], folder: Path) -> None:
    """Write the snapshot and the table that people read."""
    write_whole(folder / SNAPSHOT, Snapshot.of(rows).to_json())
    write_whole(folder / TABLE, "".join(f"{line}\n" for line in _markdown(rows)))


def table(rows: Sequence[Row], recorded: Snapshot) -> Iterator[str]:
    """The lines for a terminal; behind each figure how it differs from the one recorded, where it does."""
    width = max(len(row.name) for row in rows)
    for group, found in _grouped(rows):
        for row in found:
            change = row.gas - recorded.gas.get(group, {}).get(row.name, row.gas)
            yield f"{group:15}{row.name:{width}}{row.gas:>10,}" + (f"{change:>+9,}" if change else "")


def over_bare(rows: Sequence[Row]) -> dict[str, float]:
    """By how much each of our calls exceeds the bare one of the same name, as a fraction of that one."""
    gas = Snapshot.of(rows).gas
    return {name: gas[Group.OURS][name] / bare - 1 for name, bare in gas[Group.BARE].items()}


_ABOUT = f"""\
# Gas

Written by `{RECORD}`, not by hand: what it measured on eth-tester's chain in process, by the rules of
Prague, all in one run on one chain and with the same two ERC-20 tokens. Each figure is `gasUsed` of a transaction's
receipt, with its 21,000, its call data and its refunds; of each further fill, what it adds to that.

*Steady* means that every storage slot a call writes holds something before, and something else after. What is paid once
for a slot that was empty is not in it: 17,100 more each. Allowances are unlimited, so that none is written.

A test measures our own rows and the bare ones again and compares them with `{SNAPSHOT}`."""

_HEADINGS = {
    Group.OURS: f"""\
## Ours

Compiled by solc {SOLC_VERSION} for {Settings().evm_version}, through the IR, for {Settings().optimizer_runs:,} runs.""",
    Group.BARE: """\
## Bare

`tests/contracts/sol/Bare.sol`, compiled alike: the least that keeps a ledger of tokens.""",
    Group.PEERS: """\
## Others

Other things, measured alike. Each exchanges two tokens once, from wallet to wallet, sent by who pays for it, and there it
ends: none asks for a signal or an oracle, and none has a second half that a barrier sets off. Of criteria, the order of
1inch has a price and an expiry, and a swap of a router has a least amount. Each was made twice before it was measured, so
that no slot was empty.""",
}


def _markdown(rows: Sequence[Row]) -> Iterator[str]:
    yield _ABOUT
    for group, found in _grouped(rows):
        yield from ("", _HEADINGS[group], "", "| call | gas | what is measured |", "|---|---:|---|")
        yield from (f"| {row.name} | {row.gas:,} | {row.what} |" for row in found)
        if group is Group.BARE:
            excess = (f"`{name}` takes {each:.1%} more" for name, each in over_bare(rows).items())
            yield from ("", f"Our {', our '.join(excess)}.")


def _grouped(rows: Iterable[Row]) -> Iterator[tuple[Group, list[Row]]]:
    order = list(Group)
    for group, found in groupby(sorted(rows, key=lambda row: order.index(row.group)), key=lambda row: row.group):
        yield group, list(found)
