"""Trading on a chain that replays by itself: over HTTP, beside others, and never at a price from before the decision."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from agent.chain.client import Chain, Receipt
from agent.chain.contracts import SettlementContract, TokenContract
from agent.chain.events import MandateCreated, Opened
from agent.chain.local import LocalChain
from agent.chain.rpc.evm import Genesis
from agent.chain.rpc.server import RpcServer
from agent.chain.service import ReplayService, path_of
from agent.desk import follow
from agent.desk.entries import Decided, Outcome, Sent
from agent.desk.follow import Follower, FollowRun, run_follow
from agent.desk.journal import Journal
from agent.desk.report import Report
from agent.errors import ChainError, DataError, ModelError
from agent.market.bars import Bars
from agent.model.trained import TrainedModel
from agent.settings import Settings

HOUR = 3_600
REPLAYED = 6
FAST = 1_000.0
PATIENCE = 30.0


@dataclass
class InStep:
    """Lets a replay go on when the desk has looked at its last price from start to end, and lets others act then.

    It is the event that stops the one, asked after each price, and the question whether to stop the other, asked in each
    round.
    """

    between: Callable[[int], object] = lambda prices: None
    prices: int = 0
    rounds: int = 0
    over: bool = False
    changed: threading.Condition = field(default_factory=threading.Condition)

    def round(self) -> bool:
        with self.changed:
            self.rounds += 1
            self.changed.notify_all()
        return False

    def wait(self, timeout: float | None = None) -> bool:
        self.prices += 1
        self.between(self.prices)
        with self.changed:
            seen = self.rounds + 2  # the round under way may have begun before this price
            assert self.changed.wait_for(lambda: self.over or self.rounds >= seen, timeout=PATIENCE)
        return self.over

    def end(self) -> None:
        with self.changed:
            self.over = True
            self.changed.notify_all()


@pytest.fixture(autouse=True)
def _does_not_dawdle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "POLL_SECONDS", 0)


@pytest.fixture(scope="module")
def eager(model: TrainedModel) -> TrainedModel:
    """The model, which takes every direction for a signal."""
    return replace(model, manifest=replace(model.manifest, threshold_bps=1))


@pytest.fixture(scope="module")
def bars(planted_bars: Bars) -> Bars:
    return planted_bars[: len(planted_bars) - 150 + REPLAYED]


@contextmanager
def served(bars: Bars, start: int, settings: Settings) -> Iterator[tuple[ReplayService, Chain]]:
    """A service, and a connection to it over HTTP."""
    service = ReplayService(bars, start=start, settings=settings)
    try:
        with RpcServer(service.local) as server, Chain.connect(server.url, settings=settings) as chain:
            yield service, chain
    finally:
        service.close()


@pytest.fixture(scope="module")
def still(bars: Bars, settings: Settings) -> Iterator[tuple[ReplayService, Chain]]:
    """A service whose replay does not go on, for tests that leave it so."""
    with served(bars, len(bars) - REPLAYED, settings) as made:
        yield made


def followed(service: ReplayService, chain: Chain, step: Any, run: FollowRun, *, speed: float = FAST) -> Report:
    """Follow a service that replays in another thread."""
    replaying = threading.Thread(target=service.replay, kwargs={"bars_per_second": speed, "stop": step})
    begun = False

    def model_for(history: Bars) -> TrainedModel:
        return run.model_for(history)

    def stop() -> bool:
        nonlocal begun
        if not begun:  # the desk is seated: from here on prices may move
            begun = True
            replaying.start()
        return run.stop()

    try:
        return run_follow(chain, replace(run, model_for=model_for, stop=stop))
    finally:
        step.end()
        if begun:
            replaying.join(PATIENCE)
            assert not replaying.is_alive()


@dataclass(frozen=True)
class Followed:
    """A run that was followed to its end, and what was journalled and published meanwhile."""

    report: Report
    document: dict[str, Any]
    entries: list[Any]
    bars: Bars
    deposited: int


@pytest.fixture(scope="module")
def run(bars: Bars, eager: TrainedModel, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Followed:
    """A desk follows a chain to its end, while a wallet deposits, withdraws, transfers and mines as it likes."""
    place = str(tmp_path_factory.mktemp("follow") / "journal.sqlite")
    deposited = 0
    with (
        pytest.MonkeyPatch.context() as patch,
        served(bars, len(bars) - REPLAYED, settings) as (service, chain),
    ):
        patch.setattr(follow, "POLL_SECONDS", 0)
        wallets = Chain(service.local.provider(), settings=settings)
        at, wallet = service.facts.deployment, service.accounts.spare[0]
        settlement, token = SettlementContract(wallets, at.settlement), TokenContract(wallets, at.quote)
        token.approve(wallet, at.settlement, 2**256 - 1)

        def uses_the_chain(prices: int) -> None:
            nonlocal deposited
            if prices % 19 == 0:
                settlement.deposit(wallet, at.quote, 1_000)
                settlement.withdraw(wallet, at.quote, 400)
                token.transfer(wallet, service.accounts.spare[1].address, 1)
                wallets.request("evm_mine")
                deposited += 600

        step = InStep(between=uses_the_chain)
        report = followed(
            service,
            chain,
            step,
            FollowRun(model_for=lambda history: eager, settings=settings, journal=place, stop=step.round),
        )
        assert settlement.balance_of(wallet.address, at.quote) == deposited > 0
    with Journal.open(place, readonly=True) as journal:
        return Followed(report, report.to_json(), [row.entry for row in journal.rows()], bars, deposited)


def test_a_desk_follows_a_chain_to_its_end_and_the_books_balance(run: Followed) -> None:
    assert run.report.books.balanced
    assert run.document["interrupted"] is False
    assert run.document["bars_replayed"] == REPLAYED
    assert len(run.report.settled) >= 2
    assert run.document["chain"]["clock_shift_seconds"] == 0


def test_every_bar_that_closed_was_decided_on_once_and_in_time(run: Followed) -> None:
    decided = [entry.bar_time for entry in run.entries if isinstance(entry, Decided)]
    assert decided == [run.bars.closed_at(i) for i in range(len(run.bars) - REPLAYED, len(run.bars))]
    assert "too late" not in run.document["decisions"]["hold"]


def test_what_a_wallet_deposits_meanwhile_is_in_the_books_too(run: Followed) -> None:
    assert run.report.books.balances == 7
    assert run.report.books.rebuilt


def test_a_signal_is_filled_at_a_price_of_the_bar_after_the_one_it_was_decided_on(run: Followed) -> None:
    first = len(run.bars) - REPLAYED
    factor = 10**16
    for trade in [*(each.opening for each in run.report.settled), *run.report.still_open]:
        decided = int(run.bars.time.searchsorted(trade.decision.closed_at - HOUR))
        assert decided >= first
        assert trade.opened_at >= trade.decision.closed_at == run.bars.time[decided + 1]
        prices = [answer * factor for answer in path_of(run.bars.bar(decided + 1))]
        if not trade.fill.mandate.ramp:
            assert trade.price == prices[0]
            continue
        # The price goes on while the slippage that its owner accepts grows: the first price after that is traded at.
        assert trade.price == prices[1]
        assert trade.opened_at >= trade.decision.closed_at + trade.fill.mandate.ramp // 2


def test_a_trade_ends_at_the_first_price_that_was_published_beyond_its_barrier(run: Followed) -> None:
    factor = 10**16
    for trade in run.report.settled:
        opening = trade.opening
        entered = int(run.bars.time.searchsorted(opening.decision.closed_at))
        path = [answer * factor for i in range(entered, len(run.bars)) for answer in path_of(run.bars.bar(i))]
        low, high = sorted((opening.levels.take_profit, opening.levels.stop_loss))
        beyond = [price for price in path if not low < price < high]
        if trade.barrier.name == "HORIZON":
            assert trade.price in path
        else:
            assert trade.price == beyond[0]


def test_a_signal_of_the_last_bar_is_not_filled_at_a_price_that_it_was_made_from(run: Followed) -> None:
    last = run.bars.closed_at(len(run.bars) - 1)
    opened = [*(trade.opening for trade in run.report.settled), *run.report.still_open]
    assert all(trade.decision.closed_at < last for trade in opened)
    [decided] = [entry for entry in run.entries if isinstance(entry, Decided) and entry.bar_time == last]
    position = run.entries.index(decided)
    assert not [entry for entry in run.entries[position:] if isinstance(entry, Sent) and entry.purpose == "open"]


def test_each_transaction_was_journalled_before_its_outcome(run: Followed) -> None:
    sent = [entry.transaction for entry in run.entries if isinstance(entry, Sent)]
    outcomes = [entry.transaction for entry in run.entries if isinstance(entry, Outcome)]
    assert sent == outcomes
    assert len(sent) == run.document["gas"]["open"]["n"] + run.document["gas"]["close"]["n"]


def test_some_trades_waited_for_their_owners_slippage_and_some_did_not(run: Followed) -> None:
    opened = [*(trade.opening for trade in run.report.settled), *run.report.still_open]
    assert {bool(trade.fill.mandate.ramp) for trade in opened} == {True, False}
    assert "slippage" not in run.document["refused"]


# ---- owners who release their trades


def test_a_trade_released_while_a_chain_is_followed_is_reported_without_a_result(
    bars: Bars, eager: TrainedModel, settings: Settings
) -> None:
    """The owner releases as soon as it has a trade, and the mandate opens another on the next signal."""
    with served(bars, len(bars) - REPLAYED, settings) as (service, chain):
        wallets = Chain(service.local.provider(), settings=settings)
        at, owner = service.facts.deployment, service.accounts.owners[0]
        settlement = SettlementContract(wallets, at.settlement)
        released: list[Receipt] = []

        def releases(prices: int) -> None:
            if released:
                return
            logs = [log.event for log in wallets.logs(at.settlement)]
            mandates = {event.id: event.mandate for event in logs if isinstance(event, MandateCreated)}
            for event in logs:
                if isinstance(event, Opened) and (mandate := mandates[event.id]).owner == owner.address:
                    released.append(settlement.release(owner, mandate))
                    return

        step = InStep(between=releases)
        report = followed(
            service, chain, step, FollowRun(model_for=lambda _: eager, settings=settings, stop=step.round)
        )
    [receipt] = released
    document = report.to_json()
    assert [trade["release_tx"] for trade in document["released"]] == [receipt.transaction]
    assert document["released"][0]["open_tx"] not in [trade["open_tx"] for trade in document["trades"]]
    assert report.result.quote == sum(trade.profit_in_quote for trade in report.settled)
    assert report.books.balanced


# ---- a chain that does not wait


def test_a_desk_that_comes_behind_trades_on_the_newest_bar_alone_and_says_so(
    bars: Bars, eager: TrainedModel, settings: Settings
) -> None:
    """The replay runs through while the desk is about to look for the first time."""
    with served(bars, len(bars) - REPLAYED, settings) as (service, chain):
        first = True

        def stop() -> bool:
            nonlocal first
            if first:
                first = False
                service.replay(bars_per_second=FAST, stop=threading.Event())
            return False

        report = run_follow(chain, FollowRun(model_for=lambda history: eager, settings=settings, stop=stop))
    holds = {str(hold): n for hold, n in report.holds.items()}
    assert report.bars_replayed == REPLAYED
    assert holds["too late"] >= 3
    assert (report.signals, len(report.settled), report.still_open) == (report.signals, 0, ())
    assert report.signals <= 1
    assert report.books.balanced


def test_a_chain_at_full_speed_is_followed_as_well_as_can_be(
    bars: Bars, eager: TrainedModel, settings: Settings
) -> None:
    class Free(threading.Event):
        end = threading.Event.set

    with served(bars[: len(bars) - 4], len(bars) - REPLAYED, settings) as (service, chain):
        report = followed(service, chain, Free(), FollowRun(model_for=lambda history: eager, settings=settings))
    assert report.signals + sum(report.holds.values()) == report.bars_replayed == REPLAYED - 4
    assert report.books.balanced


def test_a_run_ends_after_as_many_bars_as_it_was_given(
    bars: Bars, eager: TrainedModel, settings: Settings
) -> None:
    done: list[int] = []
    step = InStep()
    with served(bars, len(bars) - REPLAYED, settings) as (service, chain):
        report = followed(
            service,
            chain,
            step,
            FollowRun(
                model_for=lambda history: eager, settings=settings, limit=2, stop=step.round, on_bar=done.append
            ),
        )
    assert (report.bars_replayed, done) == (2, [1, 2])
    assert report.books.balanced


def test_a_run_that_is_stopped_at_once_reports_nothing_but_the_books(
    still: tuple[ReplayService, Chain], eager: TrainedModel, settings: Settings
) -> None:
    _, chain = still
    report = run_follow(chain, FollowRun(model_for=lambda history: eager, settings=settings, stop=lambda: True))
    document = report.to_json()
    assert (document["interrupted"], document["bars_replayed"], document["trades"]) == (True, 0, [])
    assert document["result"]["verdict"].startswith("No evidence of an edge: no trade was settled.")
    assert report.books.balanced


def test_a_model_is_given_the_bars_that_have_closed_and_no_others(
    still: tuple[ReplayService, Chain], bars: Bars, eager: TrainedModel, settings: Settings
) -> None:
    given: list[Bars] = []

    def model_for(history: Bars) -> TrainedModel:
        given.append(history)
        return eager

    _, chain = still
    run_follow(chain, FollowRun(model_for=model_for, settings=settings, stop=lambda: True))
    [history] = given
    for name in ("time", "open", "high", "low", "close"):
        assert getattr(history, name).tolist() == getattr(bars, name)[: len(bars) - REPLAYED].tolist()
    assert (history.interval, history.decimals, history.source, history.synthetic) == (
        bars.interval,
        bars.decimals,
        bars.source,
        True,
    )


def test_a_model_that_knows_what_is_to_come_is_refused_before_anything_is_deposited(
    still: tuple[ReplayService, Chain], bars: Bars, eager: TrainedModel, settings: Settings
) -> None:
    later = replace(eager.manifest, trained_until=bars.last)
    _, chain = still
    before = chain.block_number
    with pytest.raises(ModelError, match="it would trade on its own past"):
        run_follow(chain, FollowRun(model_for=lambda _: replace(eager, manifest=later), settings=settings))
    assert chain.block_number == before


# ---- chains that cannot be followed


def test_a_chain_can_be_followed_if_it_says_what_it_replays(
    still: tuple[ReplayService, Chain], settings: Settings
) -> None:
    _, chain = still
    assert Follower.serves(chain)
    with LocalChain(Genesis(time=1)) as plain:
        assert not Follower.serves(Chain(plain.provider(), settings=settings))


def test_a_chain_without_history_is_refused_with_the_cure(
    bars: Bars, eager: TrainedModel, settings: Settings
) -> None:
    with (
        served(bars, 0, settings) as (_, chain),
        pytest.raises(ChainError, match=r"has no bars yet\. Wait until its replay has begun\."),
    ):
        run_follow(chain, FollowRun(model_for=lambda history: eager, settings=settings))


def test_a_chain_whose_oracle_prices_another_pair_is_not_followed(bars: Bars, settings: Settings) -> None:
    with served(bars, len(bars) - REPLAYED, settings) as (service, chain):
        facts, at = service.facts.to_json(), service.facts.deployment
        turned = facts["deployment"] | {"base": at.quote, "quote": at.base}
        service.local.register("patternsettle_deployment", lambda: facts | {"deployment": turned})
        with pytest.raises(ChainError) as caught:
            Follower(chain)
    assert str(caught.value) == (
        f"The oracle {at.oracle} prices the token {at.base} in {at.quote}; the market's base is {at.quote} and its quote "
        f"{at.base}. Name the oracle of these two tokens, in this order."
    )


BAR = [1_704_067_200, 10, 12, 9, 11]


def test_a_chain_that_tells_of_bars_that_are_none_is_not_followed(bars: Bars, settings: Settings) -> None:
    with served(bars, len(bars) - REPLAYED, settings) as (service, chain):
        nonsense = {"bars": [[*BAR[:3], 0, 11]], "more": False, "finished": False}
        service.local.register("patternsettle_bars", lambda after=None: nonsense)
        with pytest.raises(DataError, match="which is no bar after time 0"):
            Follower(chain).news()
