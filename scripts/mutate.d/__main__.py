"""Makes small mistakes in the contracts and runs their tests against each: what survives shows what is not tested."""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from compiled import Contracts
from mutants import Mutant
from results import Outcome, Results
from table import Explanations, Report, change, place
from trial import Trial
from workspace import Checkout

from agent.chain.cache import write_whole
from agent.errors import PatternSettleError, UsageError

ROOT = Path(__file__).absolute().parents[2]
TABLE = "contracts/MUTANTS.md"
EXPLANATIONS = "contracts/mutants.toml"
_EPILOG = f"""Without --only and --sample, the result is written to {TABLE}. A survivor is explained in {EXPLANATIONS}.
The exit code is 1 where less than 95 % are killed, or an explanation is missing or stale. A run that was cut short
goes on where it was."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the mutants that are asked for, print what became of them, and return the exit code."""
    chosen = _options(arguments)
    try:
        contracts = Contracts(ROOT / "contracts")
        explanations = Explanations.read(ROOT / EXPLANATIONS)
        mutants = chosen_from(contracts.mutants, chosen.only)
        if chosen.sample is not None:
            mutants = sampled(mutants, chosen.sample, seed=chosen.seed)
        if chosen.list:
            for mutant in mutants:
                print(f"{place(mutant)}  {mutant.id}  {mutant.kind}: {change(mutant)}")
            return 0
        outcomes = _tried(contracts, mutants, jobs=chosen.jobs)
        report = Report(outcomes, explanations, frozenset(each.id for each in contracts.mutants))
        if len(mutants) == len(contracts.mutants):
            write_whole(ROOT / TABLE, report.to_markdown())
    except PatternSettleError as error:
        print(f"error: {error.problem}\n{error.cure}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted: what was found is kept, and the next run goes on from there.", file=sys.stderr)
        return 130
    print(json.dumps(report.to_json(), indent=2) if chosen.json else report.to_text())
    return 0 if report.is_good else 1


def chosen_from(mutants: Sequence[Mutant], only: Sequence[str]) -> list[Mutant]:
    """The mutants of the named files, lines (``FILE:LINE``) or ids; all where nothing is named.

    Raises
    ------
    UsageError
        If a name names nothing.
    """
    if not only:
        return list(mutants)
    chosen: set[str] = set()
    for name in only:
        file, _, line = name.removeprefix("contracts/").partition(":")
        found = {
            each.id
            for each in mutants
            if each.id == name or (file in (each.source, Path(each.source).name) and line in ("", str(each.line)))
        }
        if not found:
            files = dict.fromkeys(each.source for each in mutants)
            raise UsageError(f"There is no mutant in {name!r}.", cure=f"There are some in: {', '.join(files)}.")
        chosen |= found
    return [each for each in mutants if each.id in chosen]


def sampled(mutants: Sequence[Mutant], size: int, *, seed: int) -> list[Mutant]:
    """Some of the mutants, in their order; the same for the same seed."""
    places = random.Random(seed).sample(range(len(mutants)), min(size, len(mutants)))
    return [mutants[place] for place in sorted(places)]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/mutate", description=__doc__, epilog=_EPILOG)
    parser.add_argument(
        "--only", action="append", default=[], metavar="FILE[:LINE]", help="try these alone; an id will do too"
    )
    parser.add_argument("--sample", type=_positive, metavar="N", help="try so many, chosen at random")
    parser.add_argument("--seed", type=int, default=0, help="of the choice (default: 0)")
    parser.add_argument(
        "--jobs", type=_positive, default=os.cpu_count() or 1, metavar="N", help="how many at a time"
    )
    parser.add_argument("--list", action="store_true", help="print the mutants and try none")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError(text)
    return number


def _tried(contracts: Contracts, mutants: Sequence[Mutant], *, jobs: int) -> list[tuple[Mutant, Outcome]]:
    """Try the mutants, showing how far it has come."""
    checkout = Checkout(ROOT)
    results = Results(checkout, without=tuple(each.name for each in contracts.original))
    found: dict[str, Outcome] = {}
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        trial = Trial(contracts, checkout, results, folder=Path(folder), jobs=min(jobs, len(mutants)))
        try:
            print("Running the tests against the contracts as they are ...", file=sys.stderr)
            trial.begin()
            began, tried = time.monotonic(), 0
            for mutant, outcome in trial.outcomes(mutants):
                found[mutant.id] = outcome
                tried += outcome.seconds > 0  # what was remembered says nothing about the rest
                left = (len(mutants) - len(found)) * (time.monotonic() - began) / max(tried, 1)
                _show(mutant, outcome, done=f"{len(found)}/{len(mutants)}", left=left)
        finally:
            trial.stop()
            contracts.close()
    return [(mutant, found[mutant.id]) for mutant in mutants]


def _show(mutant: Mutant, outcome: Outcome, *, done: str, left: float) -> None:
    by = f" by {outcome.test.rpartition('/')[2]}" if outcome.test else ""
    print(
        f"[{done}, {left / 60:.0f} min left] {outcome.how:9} {outcome.seconds:5.1f} s  "
        f"{place(mutant)} {mutant.kind}{by}",
        file=sys.stderr,
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
