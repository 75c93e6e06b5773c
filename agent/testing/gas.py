"""Authority on what calls cost: collected while tests run, and the table printed at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence


class GasTable:
    """Gas used by every transaction that succeeded, by contract and function."""

    def __init__(self) -> None:
        self._used: dict[str, list[int]] = {}

    def record(self, call: str, gas: int) -> None:
        """Add one transaction of a call such as ``Token.transfer(address,uint256)``."""
        self._used.setdefault(call, []).append(gas)

    def to_json(self) -> dict[str, list[int]]:
        """What was collected, in a form that can be sent to another process and there be given to `add`."""
        return self._used

    def add(self, used: Mapping[str, Sequence[int]]) -> None:
        """Add what another process collected."""
        for call, amounts in used.items():
            self._used.setdefault(call, []).extend(amounts)

    def lines(self) -> Iterator[str]:
        """The table: calls, and the least, median and most gas of a call. Overloads alone show their parameters."""
        if not self._used:
            yield "No transaction succeeded."
            return
        names = self._names()
        width = max(map(len, [*names.values(), "function"]))
        yield f"{'function':{width}}  {'calls':>7}  {'min':>11}  {'median':>11}  {'max':>11}"
        for call in sorted(self._used, key=names.__getitem__):
            used = self._used[call]
            yield f"{names[call]:{width}}  {len(used):7,}  {min(used):11,}  {_median(used):11,}  {max(used):11,}"

    def _names(self) -> dict[str, str]:
        short = {call: call.partition("(")[0] for call in self._used}
        names = list(short.values())
        return {call: call if names.count(name) > 1 else name for call, name in short.items()}


def _median(amounts: Sequence[int]) -> int:
    """The middle amount, or the mean of the middle two; not by `statistics`, whose import is slow."""
    ordered, half = sorted(amounts), len(amounts) // 2
    return (ordered[half] + ordered[~half]) // 2
