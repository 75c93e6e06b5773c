"""Authority on what Halmos is asked: properties of tests/forge/symbolic, decided for every input there is."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from report import Section, table
from tools import PLACE, for_foundry, forge, in_tools, run, tell

__all__ = ["Property", "Verdict", "decide", "verdict"]

_OUT = PLACE / "halmos"
# The longest first, so that no core is left waiting for the last; the quick run has time for the last alone.
_CONTRACTS = ("OpeningProof", "ClosingProof", "LedgerProof")
_PASS, _COUNTEREXAMPLE = 0, 1
_ENDS = {
    _PASS: "proved",
    _COUNTEREXAMPLE: "refuted",
    2: "timed out",
    3: "stuck",
    4: "always reverts",
    5: "crashed",
}
_TEXT = """\
Each for every caller, account, token, amount, mandate, signal and time, from **any** state of the contract's storage, reached or
not: what one call does from there is what every call does in every history. Oracles and sources may answer anything, or revert.

`open`, `close` and `release` are called as an outsider calls them, and that the call does not revert is part of each proof: whatever
the gas, it does so only with `TooLittleGas`, and only where the oracle failed or the source did not vouch. For that, three things are
assumed of the state, each of which the contract sees to: a balance that is credited is below 2**192 (a deposit lifts none above
2**128 - 1, and a fill adds less than 2**128), the drawdown of a trade that closes is below 2**128 (it was below its limit at the open),
and the clock has not come to the end of its 40 bits.

Of `LedgerProof` it is the committed bytecode; its token keeps to ERC-20 and starts with any balances. `OpeningProof` and
`ClosingProof` are of `Settlement.sol` as it is, compiled with the same settings, but with `Pricing` left open: any answer to
each of its questions, because its products of 512 bits are more than the solver decides. So what is proved there holds whatever
the rounding; the rounding itself is tested above, against exact arithmetic. One fill a call, and evidence of no bytes, which only
a source reads.

Not asked: signatures and ids, which are hashes, to a solver unknown functions without collisions; and batches, of which the
fills multiply the paths. Forge and the machine hold those. A `reach_` is the other way round: that it is refuted shows that the
proofs beside it are about something.
"""


@dataclass(frozen=True)
class Property:
    """A function of a proof: its contract and its name."""

    contract: str
    name: str

    @property
    def wanted(self) -> int:
        """How Halmos must end: a `reach_` is there to be refuted."""
        return _COUNTEREXAMPLE if self.name.startswith("reach_") else _PASS


@dataclass(frozen=True)
class Verdict:
    """What Halmos said of a property.

    Attributes
    ----------
    asked
        The property.
    end
        How it ended, in a word.
    paths
        How many ways through the code there are.
    seconds
        Of walking them all and of solving.
    fault
        Why that is not what is wanted; None where it is.
    """

    asked: Property
    end: str
    paths: int
    seconds: float
    fault: str | None


def decide(*, quick: bool, jobs: int) -> Section:
    """Decide every property; a quick run, those of the ledger."""
    began = time.monotonic()
    _OUT.mkdir(parents=True, exist_ok=True)
    built = run([forge(), "build"], **for_foundry("symbolic"))
    if built.code:
        problem = f"forge build: {(built.err or built.out).strip()[-2_000:]}"
        return Section("Halmos", "It did not run.", (problem,), time.monotonic() - began)
    asked = [each for contract in (_CONTRACTS[-1:] if quick else _CONTRACTS) for each in _properties(contract)]
    with ThreadPoolExecutor(jobs) as pool:
        verdicts = list(pool.map(_ask, asked))
    faults = tuple(each.fault for each in verdicts if each.fault is not None)
    return Section("Halmos", _text(verdicts), faults or _empty(asked), time.monotonic() - began)


def verdict(asked: Property, answer: dict[str, Any] | None, said: str = "") -> Verdict:
    """Read Halmos' answer about a property; None where it left none, and then what it said instead."""
    where = f"halmos: {asked.contract}.{asked.name}"
    found = [each for tests in (answer or {}).get("test_results", {}).values() for each in tests]
    if len(found) != 1:
        return Verdict(asked, "crashed", 0, 0.0, f"{where} was not decided: {said.strip()[-1_000:]}")
    [test] = found
    end = _ENDS.get(test["exitcode"], "crashed")
    paths, seconds = (test["num_paths"] or [0])[0], (test["time"] or [0.0])[0]
    fault = None if test["exitcode"] == asked.wanted else f"{where} is {end}"
    if fault is None and asked.wanted == _PASS and test["num_bounded_loops"]:
        fault = f"{where} is proved for short loops only"
    return Verdict(asked, end, paths, seconds, fault)


def _properties(contract: str) -> Iterator[Property]:
    built = _OUT / "out" / f"{contract.removesuffix('Proof')}.t.sol" / f"{contract}.json"
    for signature in json.loads(built.read_text(encoding="utf-8"))["methodIdentifiers"]:
        if signature.startswith(("check_", "reach_")):
            yield Property(contract, signature.split("(")[0])


def _empty(asked: Sequence[Property]) -> tuple[str, ...]:
    return () if asked else ("halmos: no property was found",)


def _ask(asked: Property) -> Verdict:
    answer = _OUT / f"{asked.contract}.{asked.name}.json"
    answer.unlink(missing_ok=True)
    ended = run(
        [
            *(in_tools("halmos"), "--root", ".", "--forge-build-out", ".prove/halmos/out", "--no-status"),
            *("--contract", asked.contract, "--match-test", rf"^{asked.name}\(", "--json-output", answer),
            *("--solver-threads", "1", "--solver-timeout-assertion", "5m"),
            # A little longer at each branch than it takes by default: sums that cannot overflow are seen there, all at once.
            *("--solver-timeout-branching", "20ms"),
        ],
        **for_foundry("symbolic"),
    )
    content = json.loads(answer.read_text(encoding="utf-8")) if answer.is_file() else None
    judged = verdict(asked, content, ended.out + ended.err)
    tell(f"  {asked.contract}.{asked.name}: {judged.end} ({judged.seconds:.0f} s)")
    return judged


def _text(verdicts: Sequence[Verdict]) -> str:
    rows = [
        (f"`{each.asked.contract}.{each.asked.name}`", each.paths, f"{each.seconds:.1f} s", each.end)
        for each in verdicts
    ]
    return f"{_TEXT}\n{table(('property', 'paths', 'time', ''), rows, numbers=(1, 2))}"
