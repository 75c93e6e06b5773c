"""Authority on finding out what becomes of a mutant: compiled, put before the tests, and remembered; several at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue

from compiled import Contracts, code_key
from mutants import Mutant
from results import Outcome, Results
from workspace import Checkout, Workspace

from agent.errors import ChainError

__all__ = ["Trial"]

# What the tests may take: in times of what they take unharmed, and in seconds at least.
_PATIENCE = 4.0
_LEAST_PATIENCE = 120.0
_COMMENT = b"\n// A test that minds a comment shows itself.\n"


class Trial:
    """Mutants before the tests.

    Parameters
    ----------
    contracts, checkout, results
        What is changed, what is copied, and what is known.
    folder
        Where the copies go.
    jobs
        How many mutants at a time.
    """

    def __init__(
        self, contracts: Contracts, checkout: Checkout, results: Results, *, folder: Path, jobs: int
    ) -> None:
        self._contracts, self._results = contracts, results
        self._original = code_key(contracts.original)
        self._limit = _LEAST_PATIENCE
        cache = folder / "cache"
        self._workspaces = [Workspace(checkout, folder / str(job), cache=cache) for job in range(jobs)]
        self._free: SimpleQueue[Workspace] = SimpleQueue()
        for workspace in self._workspaces:
            self._free.put(workspace)

    def begin(self) -> None:
        """Make sure that the tests pass as long as nothing is wrong, and learn how long each takes.

        Raises
        ------
        ChainError
            If they do not. The sources have a comment more than they should, and the artifacts are made anew: a test
            that minds either would seem to kill every mutant.
        """
        seconds = self._results.whole_run(self._original)
        if seconds is None:
            texts = {name: text + _COMMENT for name, text in self._contracts.texts.items()}
            workspace = self._workspaces[0]
            run = workspace.run(texts, self._contracts.original, order=[], limit=None, whole=True)
            if run.failed:
                raise ChainError(
                    f"With nothing changed in the contracts but a comment, these fail: {', '.join(run.failed)}.",
                    cure="Mend them; one that is about text or gas belongs in NO_KILLERS of scripts/mutate.d.",
                )
            seconds = run.seconds
            self._results.add_whole_run(self._original, seconds)
        self._limit = max(_LEAST_PATIENCE, _PATIENCE * sum(seconds.values()))

    def outcomes(self, mutants: Sequence[Mutant]) -> Iterator[tuple[Mutant, Outcome]]:
        """What becomes of each, as soon as it is known; to stop early, close the iterator."""
        pool = ThreadPoolExecutor(max_workers=len(self._workspaces))
        try:
            futures = {pool.submit(self._outcome, mutant): mutant for mutant in mutants}
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            self.stop()
            pool.shutdown()

    def stop(self) -> None:
        """End what is running."""
        for workspace in self._workspaces:
            workspace.stop()

    def _outcome(self, mutant: Mutant) -> Outcome:
        began = time.monotonic()
        text = mutant.applied(self._contracts.texts[mutant.source])
        key = self._contracts.text_key(mutant.source, text)
        code = self._results.code_of(key)
        if code is not None and (known := self._judged(code)):
            return known
        artifacts = self._contracts.changed(mutant.source, text)
        code = "" if artifacts is None else code_key(artifacts)
        outcome = self._judged(code)
        if outcome is None:
            workspace = self._free.get()
            try:
                run = workspace.run(
                    {mutant.source: text},
                    artifacts or (),
                    order=self._results.order(mutant),
                    limit=self._limit,
                )
            finally:
                self._free.put(workspace)
            if run.timed_out:
                outcome = Outcome("timeout")
            else:
                outcome = Outcome("killed", run.failed[0]) if run.failed else Outcome("survived")
        outcome = replace(outcome, seconds=time.monotonic() - began)
        self._results.add(mutant, key, code, outcome)
        return outcome

    def _judged(self, code: str) -> Outcome | None:
        """What needs no run of the tests: because of the code itself, or because it was run before."""
        if not code:
            return Outcome("invalid")
        if code == self._original:
            return Outcome("identical")
        return self._results.verdict(code)
