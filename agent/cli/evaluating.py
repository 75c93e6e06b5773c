"""What `patternsettle evaluate` does once its options are read: the evaluation, its page, and its report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from agent.cli import page
from agent.cli.judgement import report
from agent.cli.output import show, show_json
from agent.cli.progress import step
from agent.errors import UsageError
from agent.evaluation.contenders import contender_of
from agent.evaluation.costs import costs_of
from agent.evaluation.document import document
from agent.evaluation.folds import walk
from agent.evaluation.page import render
from agent.evaluation.run import evaluate
from agent.evaluation.trials import TrialLog, default_log
from agent.market.bars import Bars
from agent.model.artifact import identify
from agent.model.labels import DEFAULT_BARRIERS, Barriers
from agent.model.named import is_saved

_FEW = 20_000  # bars times models, below which starting processes takes longer than they save


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the command line asked for; fields as the options are called."""

    data: Path | None
    models: tuple[str, ...]
    html: Path | None
    folds: int
    scheme: Literal["expanding", "rolling"]
    barriers: Mapping[str, int | None]
    gas_bps: float | None
    cooldown: int
    share: float
    trusted: tuple[str, ...]
    trials: Path | None
    seed: int
    jobs: int | None
    json: bool

    def require_possible(self) -> None:
        """Refuse at once what could only fail at the end.

        Raises
        ------
        UsageError
            Where the page cannot be written or would take the place of another file, or types are trusted that nothing would load.
        ModelError
            Where the barriers cannot be meant, or a model is none.
        ArtifactError
            Where a saved one is not there whole.
        """
        self.require_page()
        if self.trusted and not any(map(is_saved, self.models)):
            raise UsageError("--trust is about a saved model, and there is none.", cure="Leave it out.")
        if not 0 < self.share <= 1:
            raise UsageError(
                f"A share of {self.share} of the bars cannot trade.",
                cure="Give one above 0, up to 1, with --share.",
            )
        costs_of(self.chosen_barriers() or DEFAULT_BARRIERS, gas_bps=self.gas_bps)
        for model in self.models:
            if is_saved(model):
                identify(model)
            else:
                contender_of(model).params(seed=self.seed)

    def require_page(self) -> None:
        """Refuse a page that would take the place of anything but an earlier one.

        Raises
        ------
        UsageError
            With what it would destroy.
        """
        if self.html is None:
            return
        taken = [(Path(model), "a model to evaluate") for model in self.models if is_saved(model)]
        if self.data is not None:
            taken.append((self.data, "the file of prices"))
        page.require_free(self.html, taken=[*taken, (self.trials or default_log(), "the log of trials")])

    def chosen_barriers(self) -> Barriers | None:
        """Return the barriers asked for; None where none of their options was given."""
        given = {name: value for name, value in self.barriers.items() if value is not None}
        return replace(DEFAULT_BARRIERS, **given) if given else None


def run(bars: Bars, asked: Asked) -> None:
    """Evaluate, write the page where one is asked for, and show what was found."""
    if not any(map(is_saved, asked.models)):
        barriers = asked.chosen_barriers() or DEFAULT_BARRIERS
        # What these bars cannot be cut into is refused before anything is said.
        window = max(contender_of(model).reading(seed=asked.seed).reach for model in asked.models)
        walk(bars, folds=asked.folds, horizon=barriers.horizon, window=window, scheme=asked.scheme)
    jobs = asked.jobs or (1 if len(bars) * len(asked.models) < _FEW else None)
    folds = "1 fold" if asked.folds == 1 else f"{asked.folds} folds"
    what = f"Evaluating {', '.join(asked.models)} on {len(bars):,} bars in {folds}"
    with step(what, total=asked.folds * len(asked.models)) as advance:
        evaluation = evaluate(
            bars,
            asked.models,
            barriers=asked.chosen_barriers(),
            gas_bps=asked.gas_bps,
            cooldown=asked.cooldown,
            folds=asked.folds,
            scheme=asked.scheme,
            share=asked.share,
            seed=asked.seed,
            jobs=jobs,
            log=None if asked.trials is None else TrialLog(asked.trials),
            trusted=asked.trusted,
            on_progress=lambda done, total: advance(done),
        )
    if asked.html is not None:
        asked.require_page()  # again: somebody may have written there meanwhile
        page.write(asked.html, render(evaluation))
    if asked.json:
        show_json(document(evaluation))
    else:
        show(*report(evaluation, page=asked.html))
