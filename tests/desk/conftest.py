"""What the desk's tests stand on: a market on the in-process chain, its people, and a desk to seat there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from eth_account.signers.local import LocalAccount

from agent.chain.accounts import Accounts, accounts_of
from agent.chain.client import Announce, Chain, Receipt
from agent.chain.contracts import FeedContract, ModelsContract, OracleContract, SettlementContract, TokenContract
from agent.chain.deploy import Deployment, deploy, fund
from agent.chain.feed import Publisher, ReplayClock
from agent.chain.local import LocalChain
from agent.chain.rpc.evm import Genesis
from agent.chain.values import ANYONE, Fill, Mandate, Market, Side, Signal
from agent.desk.entries import Entry
from agent.desk.journal import Journal
from agent.desk.loop import Desk, Terms
from agent.desk.replay import replay
from agent.desk.report import Report
from agent.desk.session import Run, run_replay
from agent.desk.signing import sign_signal
from agent.desk.stage import BOLD, Plan, Temper, mandate_of
from agent.desk.venue import ContractVenue
from agent.market.bars import Bars
from agent.market.synthetic import planted
from agent.model.labels import DRIFT_BPS, Barriers
from agent.model.signal import Prediction, inputs_hash
from agent.model.splits import split
from agent.model.train import train
from agent.model.trained import TrainedModel
from agent.settings import Settings, load_settings

START = 1_704_067_200  # where synthetic bars begin, too
HOUR = 3_600
UNIT = 10**8  # a whole price, in the integers of bars with 8 decimals
SIZE = 1_000 * 10**6
BARRIERS = Barriers()
CLIENTS = Path(__file__).parents[1] / "clients"
SHARED = Path(__file__).parents[3] / "shared" / "data"

Says = Callable[[int], str]


@dataclass(frozen=True)
class Scripted:
    """A model that says what a test tells it: ``up``, ``down``, ``flat`` or ``nothing``, given a bar's close."""

    says: Says
    threshold_bps: int = 5_000
    window: int = 1
    reads_bars: bool = False

    def predict(self, window: np.ndarray) -> Prediction:
        said = self.says(int(window[-1]))
        shares = {"up": (1_000, 1_000, 8_000), "down": (8_000, 1_000, 1_000)}.get(said, (1_000, 8_000, 1_000))
        return Prediction(0 if said == "nothing" else 1, *shares, inputs_hash([int(window[-1])]))


@dataclass(frozen=True)
class Sudden(ContractVenue):
    """The real venue, on which what is put into `happens` happens after the last look, before the next transaction."""

    happens: list[Callable[[], object]] = field(default_factory=list)

    def open(self, signal: Signal, evidence: bytes, fills: Sequence[Fill], *, announce: Announce) -> Receipt:
        self._happen()
        return super().open(signal, evidence, fills, announce=announce)

    def close(self, fills: Sequence[Fill], *, announce: Announce) -> Receipt:
        self._happen()
        return super().close(fills, announce=announce)

    def _happen(self) -> None:
        while self.happens:
            self.happens.pop()()


class Room:
    """A market on the in-process chain; 2,000 quote for a base until a test says otherwise. What is done is undone.

    Two owners and a filler have deposits for twenty and a hundred trades; `operator` sends, the filler has authorised it.
    """

    def __init__(self, chain: Chain, people: Accounts, at: Deployment) -> None:
        self.chain, self.people, self.at = chain, people, at
        self.settlement = SettlementContract(chain, at.settlement)
        self.models = ModelsContract(chain, at.models)
        self.oracle = OracleContract(chain, at.oracle)
        self.feed = FeedContract(chain, at.feed)
        self.base, self.quote = TokenContract(chain, at.base), TokenContract(chain, at.quote)
        self.factor = self.oracle.factor()
        self.clock = ReplayClock(chain, 0)
        self.publisher = Publisher(self.feed, people.publisher, self.clock, self.factor)
        self.journal = Journal.open(":memory:")
        self.terms = Terms(size=SIZE, spread_bps=BARRIERS.spread_bps, validity=HOUR)
        self.closed_at = chain.time_of() + 60
        self._salt = 0

    @property
    def model_id(self) -> bytes:
        return self.models.id_of(self.people.operator.address, self.people.model_key.address, b"\x11" * 32)

    def plan(self, barriers: Barriers = BARRIERS) -> Plan:
        return Plan(
            artifact_hash=b"\x11" * 32,
            threshold_bps=5_000,
            barriers=barriers,
            interval=HOUR,
            settling=60,
            terms=replace(self.terms, spread_bps=barriers.spread_bps),
            drift_bps=DRIFT_BPS,
            price=2_000 * UNIT * self.factor,
        )

    def mandate(
        self,
        side: Side = Side.LONG,
        *,
        owner: int = 0,
        temper: Temper = BOLD,
        barriers: Barriers = BARRIERS,
        **changes: Any,
    ) -> Mandate:
        """A mandate of the demo's kind, created by one of the owners."""
        account = self.people.owners[owner]
        self._salt += 1
        draft = mandate_of(
            account.address,
            temper,
            side,
            deployment=self.at,
            model_id=self.model_id,
            plan=self.plan(barriers),
            salt=self._salt.to_bytes(32, "big"),
        )
        mandate = replace(draft, **changes)
        self.settlement.create(account, mandate)
        return mandate

    def venue(self, kind: type[ContractVenue] = ContractVenue) -> ContractVenue:
        return kind(self.chain, self.at, self.people.operator, before_send=self.clock.tick)

    def sudden(self) -> Sudden:
        return Sudden(self.chain, self.at, self.people.operator, before_send=self.clock.tick)

    def sign(self, signal: Signal) -> bytes:
        return sign_signal(
            self.people.model_key,
            registry=self.at.models,
            chain_id=self.chain.chain_id,
            settlement=self.at.settlement,
            signal=signal,
        )

    def desk(
        self,
        says: Says | TrainedModel,
        *mandates: Mandate,
        venue: ContractVenue | None = None,
        journal: Journal | None = None,
        threshold_bps: int = 5_000,
        spread_bps: int = BARRIERS.spread_bps,
        window: int = 1,
    ) -> Desk:
        """A desk for some mandates, with a model that says what it is told, or a trained one."""
        model = says if isinstance(says, TrainedModel) else Scripted(says, threshold_bps, window)
        return Desk(
            venue=venue or self.venue(),
            model=model,
            model_id=self.model_id,
            mandates=mandates,
            filler=self.people.filler.address,
            sign=self.sign,
            journal=journal or self.journal,
            terms=replace(self.terms, spread_bps=spread_bps),
        )

    def replay(self, desk: Desk, bars: Bars, *, start: int = 0) -> int:
        return replay(desk, bars, self.publisher, start=start)

    def publish(self, price: float, *, at: int | None = None) -> int:
        """Publish a price, in whole quote, as of a time of the data; return it as bars have it."""
        answer = round(price * UNIT)
        self.publisher.publish(answer, self.chain.time_of() + 1 if at is None else at)
        return answer

    def signalled(self, desk: Desk, *, price: float = 2_000) -> None:
        """Let a desk decide on a bar that closed at 2,000, publish the next price, and let it act."""
        desk.consider(np.array([2_000 * UNIT]), self.closed_at)
        self.publish(price, at=self.closed_at)
        desk.act()

    def see_through(self, desk: Desk) -> None:
        """Let time pass until no mandate waits any more for its slippage to grow."""
        while (due := desk.due) is not None:
            self.clock.pass_until(due)
            desk.act()

    def entries(self, kind: type[Entry] = Entry) -> list[Any]:
        """What the journal says, in order."""
        return [row.entry for row in self.journal.rows() if isinstance(row.entry, kind)]

    def withdraw_all(self, account: LocalAccount, token: TokenContract) -> Receipt:
        held = self.settlement.balance_of(account.address, token.address)
        return self.settlement.withdraw(account, token.address, held)


@pytest.fixture(scope="session")
def settings() -> Settings:
    return load_settings()


@pytest.fixture(scope="session")
def people(settings: Settings) -> Accounts:
    return accounts_of(settings)


@contextmanager
def built(settings: Settings, people: Accounts) -> Iterator[tuple[Chain, Deployment]]:
    """A chain with a market on it, in which everybody is ready to trade."""
    local = LocalChain(Genesis(time=START - HOUR))
    with Chain(local.provider(), settings=settings, on_close=local.close) as chain:
        at = deploy(chain, people.publisher, feed_decimals=8)
        settlement = SettlementContract(chain, at.settlement)
        ModelsContract(chain, at.models).register(people.operator, b"\x11" * 32, people.model_key.address)
        traders = [*people.owners, people.filler]
        wealth = {at.base: 50 * 10**18, at.quote: 100 * SIZE}
        fund(
            chain,
            people.publisher,
            at,
            [trader.address for trader in traders],
            base=4 * wealth[at.base],
            quote=4 * wealth[at.quote],
        )
        for trader in traders:
            for token, amount in wealth.items():
                TokenContract(chain, token).approve(trader, at.settlement, 2**256 - 1)
                settlement.deposit(trader, token, amount)
        settlement.authorize(people.filler, people.operator.address)
        yield chain, at


@pytest.fixture(scope="session")
def market(settings: Settings, people: Accounts) -> Iterator[tuple[Chain, Deployment]]:
    with built(settings, people) as made:
        yield made


@pytest.fixture
def room(market: tuple[Chain, Deployment], people: Accounts) -> Iterator[Room]:
    chain, at = market
    with chain.undone():
        room = Room(chain, people, at)
        with room.journal:
            yield room


@pytest.fixture
def closed_at(room: Room) -> int:
    """When the bar closed that a test decides on: a minute after everybody was ready."""
    return room.closed_at


@pytest.fixture(scope="session")
def another_room(market: tuple[Chain, Deployment], people: Accounts) -> Callable[[], Any]:
    """Opens one room after another, each as if none had been before: for hypothesis, and to do the same thing twice."""
    chain, at = market

    @contextmanager
    def opened() -> Iterator[Room]:
        with chain.undone():
            room = Room(chain, people, at)
            with room.journal:
                yield room

    return opened


@pytest.fixture(scope="session")
def bars_of() -> Callable[..., Bars]:
    """Makes hourly bars of rows (open, high, low, close) in whole quote; `gaps` names rows before which an hour is missing."""

    def made(rows: Sequence[Sequence[float]], *, gaps: Sequence[int] = ()) -> Bars:
        table = np.rint(np.array(rows, dtype=np.float64) * UNIT).astype(np.int64)
        steps = np.array([0, *(2 if row in gaps else 1 for row in range(1, len(rows)))], dtype=np.int64)
        return Bars(
            START + HOUR * np.cumsum(steps),
            *(np.ascontiguousarray(column) for column in table.T),
            volume=np.zeros(len(rows)),
            interval=HOUR,
            source="rows of a test",
            synthetic=True,
        )

    return made


@pytest.fixture(scope="session")
def mandate_on_paper() -> Callable[..., Mandate]:
    """Makes mandates that no contract knows, for what reads their side and tells them apart by their salt."""

    def made(side: Side, *, salt: int = 0) -> Mandate:
        a, b, c, d, e = ("0x" + digit * 40 for digit in "12345")
        return Mandate(
            owner=a,
            filler=ANYONE,
            market=Market(b, c, d),
            source=e,
            model=b"\x11" * 32,
            side=side,
            patterns=0,
            min_confidence_bps=0,
            max_slippage_bps=0,
            ramp=0,
            take_profit_bps=100,
            stop_loss_bps=100,
            horizon=1,
            cooldown=0,
            max_signal_age=1,
            max_price_age=1,
            min_amount=0,
            max_amount=2**128 - 1,
            min_price=0,
            max_price=0,
            drawdown_limit=1,
            expiry=1,
            salt=salt.to_bytes(32, "big"),
        )

    return made


@pytest.fixture(scope="session")
def planted_bars() -> Bars:
    """Bars with strongly planted patterns; the last 150 are for replays, and what is before them for training."""
    return planted(2_000, seed=11, strength=0.95)


@pytest.fixture(scope="session")
def model(planted_bars: Bars) -> TrainedModel:
    return train(split(planted_bars, replay=150, horizon=BARRIERS.horizon).training, seed=7)


@dataclass(frozen=True)
class Replayed:
    """A run over some bars from one of them on: its report, its journal, and all that is written there."""

    bars: Bars
    start: int
    report: Report
    journal: str
    entries: list[Entry]


@pytest.fixture(scope="session")
def replayed(
    planted_bars: Bars, model: TrainedModel, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Replayed:
    """The model's run over 24 bars in which signals of both sides follow each other soon."""
    start, place = len(planted_bars) - 140, str(tmp_path_factory.mktemp("replayed") / "journal.sqlite")
    bars = planted_bars[: start + 24]
    report = run_replay(
        Run(bars=bars, start=start, model=model, settings=settings, journal=place, train_seconds=1.23456)
    )
    assert len(report.settled) >= 3
    assert {trade.opening.side for trade in report.settled} == set(Side)
    assert report.refused
    with Journal.open(place, readonly=True) as journal:
        return Replayed(bars, start, report, place, [row.entry for row in journal.rows()])


@pytest.fixture(scope="session")
def shared_data() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the real price files (../shared/data beside the project) are not here")
    return SHARED


# ---- anvil, a node that others wrote


def _absent(what: str) -> NoReturn:
    """Skip the test; fail it where the set-up says that everything was installed."""
    reason = f"{what}; scripts/test installs it"
    if os.environ.get("PATTERNSETTLE_REQUIRE_CLIENTS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def anvil(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Starts an anvil on a free port, with options, and returns its address; all are stopped after the test."""
    packaged = CLIENTS / "node_modules" / "@foundry-rs" / "anvil-linux-amd64" / "bin" / "anvil"
    program = str(packaged) if packaged.is_file() else shutil.which("anvil")
    if program is None:
        _absent("foundry's anvil is neither in tests/clients/node_modules nor on PATH")
    started: list[subprocess.Popen[str]] = []

    def start(*options: str) -> str:
        process = subprocess.Popen(
            [program, "--port", "0", "--hardfork", "prague", *options],
            stdout=subprocess.PIPE,
            text=True,
            env={"HOME": str(tmp_path), "PATH": os.environ["PATH"], "NO_COLOR": "1"},
            cwd=tmp_path,
        )
        started.append(process)
        assert process.stdout is not None
        found = (re.search(r"127\.0\.0\.1:\d+", line) for line in process.stdout)
        address = next(match[0] for match in found if match)
        # It tells of every request; a pipe that nobody empties would stop it.
        threading.Thread(target=process.stdout.read, daemon=True).start()
        return f"http://{address}"

    yield start
    for process in started:
        with process:
            process.terminate()
