"""What `demo` and `run` share: bars chosen, a model trained or loaded, the run made, its report shown."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from agent.chain.accounts import Accounts, accounts_of
from agent.chain.client import Chain
from agent.chain.feed import require_settable_time
from agent.cli.beforehand import require_development, require_funds, require_generable, require_journal
from agent.cli.choice import Choice
from agent.cli.inputs import require_live, with_given
from agent.cli.next_steps import SAMPLE, next_steps, on_a_sample, typed
from agent.cli.options import load_bars
from agent.cli.output import show, show_json
from agent.cli.progress import note, step, warn
from agent.cli.render import show_report
from agent.cli.stopping import stop_on_interrupt
from agent.desk.books import require_balanced
from agent.desk.follow import Follower, FollowRun, run_follow
from agent.desk.place import Place
from agent.desk.report import Report
from agent.desk.session import Run, require_unseen, run_replay
from agent.desk.swap.mailbox import Mailbox, beside, now
from agent.desk.swap.planned import Planned
from agent.desk.swap.request import Source
from agent.desk.swap.swaps import Swapping
from agent.desk.swap.watch import Watched
from agent.errors import UsageError
from agent.evaluation.fingerprints import fingerprint_of
from agent.evaluation.training import replay_trial
from agent.evaluation.trials import TrialLog, default_log
from agent.market.bars import Bars
from agent.market.synthetic import planted, random_walk
from agent.model.estimators import made_by, resolve
from agent.model.fitting import fit_of
from agent.model.labels import DEFAULT_BARRIERS
from agent.model.named import DEFAULT, is_saved
from agent.model.reading import reading_of
from agent.model.splits import split
from agent.model.train import train
from agent.model.trained import TrainedModel
from agent.settings import Settings, load_settings

REPLAYED = 500
SWAPPED_TO = "boosting"
TRAINED_ON = 6_000  # synthetic bars before those replayed


def carry_out(choice: Choice) -> None:
    """Run as chosen, print the report, and end with an error where the books do not balance."""
    since = now()  # before the journal is opened: what is asked from then on is asked of this run
    settings = load_settings()
    accounts = accounts_of(settings)
    require_journal(choice.journal)
    if choice.model is not None and choice.saved is None:
        resolve(choice.model)  # so that a name nobody knows is told before bars are read
    if choice.model is not None and not choice.generate:
        require_live(choice.model, seed=choice.seed, trusted=choice.trust)
    if choice.rpc is None:
        require_development(settings)
    else:
        with Chain.connect(choice.rpc, settings=settings) as chain:
            require_funds(chain, (accounts.operator, *accounts.owners, accounts.filler))
            if Follower.serves(chain):
                return _show(choice, _followed(choice, chain, settings, since))
            _require_replayable(choice, chain, accounts)
    return _show(choice, _replayed(choice, settings, since))


def _require_replayable(choice: Choice, chain: Chain, accounts: Accounts) -> None:
    if choice.data is None and not choice.generate:
        raise UsageError(
            f"The chain at {choice.rpc} replays no bars.",
            cure="Give some with --data FILE, or the address of a patternsettle chain.",
        )
    require_settable_time(chain)
    require_funds(chain, (accounts.publisher,))


def _replayed(choice: Choice, settings: Settings, since: float) -> Report:
    replayed = choice.bars or REPLAYED
    bars = _bars(choice, replayed)
    start = len(bars) - replayed
    if start < 0:
        raise UsageError(
            f"There are {len(bars):,} bars, and {replayed:,} were to be replayed.",
            cure="Replay fewer with --bars, or give a longer series.",
        )
    if choice.swap_at is not None and choice.swap_at >= replayed:
        raise UsageError(
            f"--swap-at asks for a swap after {choice.swap_at:,} bars, and {replayed:,} are replayed.",
            cure="Give an earlier bar, or replay more with --bars.",
        )
    began = time.monotonic()
    if choice.saved is None:
        model = _trained(bars, replayed, choice.seed, choice.model)
    else:
        model = _saved(choice.saved, choice.trust)
        require_unseen(model, first=int(bars.time[start]), interval=bars.interval)
    others = _others(choice, bars, replayed)
    trials = _counted(choice, bars, [model, *others], replayed=replayed)
    seconds = time.monotonic() - began
    with stop_on_interrupt() as stop, step(f"Replaying {replayed:,} bars", total=replayed) as advance:
        report = run_replay(
            Run(
                bars=bars,
                start=start,
                model=model,
                settings=settings,
                rpc=choice.rpc,
                journal=choice.journal,
                seed=choice.seed,
                train_seconds=seconds,
                stop=stop.is_set,
                on_bar=advance,
                swapping=_swapping(
                    choice, model, since, *(Planned(choice.swap_at or 0, other) for other in others)
                ),
            )
        )
    return _after(report, trials)


def _counted(choice: Choice, bars: Bars, models: Sequence[TrainedModel], *, replayed: int | None) -> int:
    """Write down that models are about to be tried on bars; return how many trials were made on these, or will have been.

    The demonstration as it comes, with its own bars and its own model, is no trial of anything.
    """
    if not (choice.data or choice.model or choice.rpc or choice.swap_to):
        return 1
    log = TrialLog(choice.trials or default_log())
    for model in models:
        log.begin(replay_trial(bars, model, replayed=replayed))
    return len(log.on(fingerprint_of(bars)))


def _after(report: Report, trials: int) -> Report:
    return replace(report, result=replace(report.result, trials=trials))


def _followed(choice: Choice, chain: Chain, settings: Settings, since: float) -> Report:
    if choice.data is not None or choice.walk:
        raise UsageError(
            f"The chain at {choice.rpc} replays bars of its own.",
            cure="Leave out --data and --walk, or give them to patternsettle chain.",
        )
    if choice.swap_at is not None:
        raise UsageError(
            f"The chain at {choice.rpc} goes on by itself, and --swap-at counts bars of a replay.",
            cure="Ask with patternsettle swap while it runs.",
        )
    if choice.model is not None and choice.generate:
        require_live(choice.model, seed=choice.seed, trusted=choice.trust)
    saved = None if choice.saved is None else _saved(choice.saved, choice.trust)

    trials = 1

    def model_for(history: Bars) -> TrainedModel:
        nonlocal trials
        model = saved or _trained(history, 0, choice.seed, choice.model)
        trials = _counted(choice, history, [model], replayed=choice.bars)
        return model

    with stop_on_interrupt() as stop, step("Following the chain", total=choice.bars) as advance:
        report = run_follow(
            chain,
            FollowRun(
                model_for=model_for,
                settings=settings,
                journal=choice.journal,
                seed=choice.seed,
                limit=choice.bars,
                stop=stop.is_set,
                on_bar=advance,
                swapping_for=lambda model: _swapping(choice, model, since),
            ),
        )
    return _after(report, trials)


def _swapping(choice: Choice, model: TrainedModel, since: float, *planned: Source) -> Swapping:
    """Where a run hears of other models: in its folder of requests, where its model is saved, or by a plan."""
    sources = list(planned)
    if (folder := choice.requests or beside(Place.parse(choice.journal))) is not None:
        sources.append(Mailbox(folder, since=since))
    if choice.watch and choice.saved is not None:
        sources.append(Watched(choice.saved.resolve(), seen=model.id, trusted=choice.trust))
    return Swapping(sources=sources, shadow=choice.shadow)


def _others(choice: Choice, bars: Bars, replayed: int) -> list[TrainedModel]:
    """The model that the command line asks to swap to, if it does; it may know what the first one knows."""
    if choice.swap_at is None:
        return []
    asked = choice.swap_to or SWAPPED_TO
    saved = is_saved(asked)
    return [_saved(Path(asked), choice.trust) if saved else _trained(bars, replayed, choice.seed, asked)]


def _bars(choice: Choice, replayed: int) -> Bars:
    if choice.data is not None:
        loaded = load_bars(
            choice.data,
            market=choice.market,
            duplicates=choice.duplicates,
            impossible=choice.impossible,
            date_order=choice.date_order,
            stamped=choice.stamped,
            columns=choice.columns,
        )
        warn(loaded)
        models = [each for each in (choice.model, choice.swap_to) if each is not None]
        return with_given(loaded.bars, choice.inputs, models, seed=choice.seed, trusted=choice.trust)
    require_generable(replayed)
    make = random_walk if choice.walk else planted
    return make(TRAINED_ON + replayed, seed=choice.seed)


def _saved(path: Path, trust: tuple[str, ...]) -> TrainedModel:
    # Here, for skops takes a second that a run without a saved model need not wait.
    from agent.model.artifact import load

    return load(path, trusted=trust)


def _trained(bars: Bars, replayed: int, seed: int, asked: str | None = None) -> TrainedModel:
    """Train on everything before the bars to be replayed, less a gap; the model that is asked for, or the default."""
    factory = resolve(asked or DEFAULT.name)
    window = reading_of(made_by(factory, seed=seed)).window

    def known(horizon: int) -> Bars:
        return split(bars, replay=replayed, horizon=horizon, window=window).training if replayed else bars

    fit = fit_of(known(DEFAULT_BARRIERS.horizon), DEFAULT_BARRIERS)
    barriers = fit.better or DEFAULT_BARRIERS
    if fit.told:
        note(f"{fit.told} They are taken." if fit.better else fit.told)
    training = known(barriers.horizon)
    with step(f"Training {f'{asked} ' if asked else ''}on {len(training):,} bars"):
        if asked is None:
            return train(training, barriers=barriers, seed=seed)
        return train(training, barriers=barriers, factory=factory, name=asked, seed=seed)


def _show(choice: Choice, report: Report) -> None:
    if choice.json:
        show_json(report.to_json())
    else:
        show_report(report)
    require_balanced(report.books)
    if choice.generate and not choice.json:
        show(next_steps(*_next(choice)))


def _next(choice: Choice) -> Iterable[str]:
    """What comes after a demo: asking whether a model is any good, on prices of a file."""
    model = DEFAULT.name if choice.model is None or choice.saved is not None else choice.model
    if choice.data is None:
        return on_a_sample(typed("evaluate", model, data=SAMPLE))
    return (
        typed(
            "evaluate",
            model,
            data=choice.data,
            market=choice.market,
            duplicates=choice.duplicates,
            impossible=choice.impossible,
            date_order=choice.date_order,
            stamped=choice.stamped,
            columns=choice.columns,
            input=choice.inputs,
        ),
    )
