"""What tests of the page share: an evaluation made by hand, any part of which may be another; and a browser."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from websockets.sync.client import ClientConnection, connect

from agent.evaluation.measured import Baseline, Bin, Calibration, Estimate, Interval, Measures, Part, Scores
from agent.evaluation.result import Costs, Evaluation, Fold, Judged, Luck, Span, Trade, Trials, Verdict
from agent.market.bars import Bars
from agent.market.synthetic import random_walk
from agent.model.labels import DEFAULT_BARRIERS, Barrier, triple_barrier

TESTS = ((400, 700), (700, 1_000))
ENDINGS = {Barrier.TAKE_PROFIT: "profit", Barrier.STOP_LOSS: "stop", Barrier.HORIZON: "horizon"}
CLIENTS = Path(__file__).parents[2] / "clients"


def about(value: float | None, width: float = 10.0) -> Estimate:
    return Estimate(value, None if value is None else Interval(value - width, value + width))


NOTHING = Measures(
    trades=0,
    take_profits=0,
    stop_losses=0,
    horizons=0,
    hit_rate=Estimate(None),
    base_rate=None,
    mean_bps=Estimate(None),
    return_bps=Estimate(0.0),
    profit_factor=Estimate(None),
    drawdown_bps=0.0,
    exposure=0.0,
    sharpe=Estimate(None),
)


def measures(mean_bps: float, *, trades: int = 40) -> Measures:
    return replace(
        NOTHING,
        trades=trades,
        take_profits=trades // 2,
        stop_losses=trades - trades // 2,
        hit_rate=Estimate(0.5, Interval(0.35, 0.65)),
        base_rate=0.48,
        mean_bps=about(mean_bps),
        return_bps=about(mean_bps * trades, 400.0),
        profit_factor=Estimate(1.1, Interval(0.8, 1.5)),
        drawdown_bps=812.0,
        exposure=0.25,
        sharpe=about(0.4, 1.2),
    )


SCORES = Scores(
    bars=300, log_loss=about(1.0421, 0.02), log_loss_base=1.0433, brier=about(0.63, 0.01), brier_base=0.64
)


def walked(bars: Bars, start: int, stop: int) -> Span:
    return Span(start, stop, *(datetime.fromtimestamp(int(bars.time[at]), UTC) for at in (start, stop - 1)))


@cache
def traded(bars: Bars) -> tuple[Trade, ...]:
    """A long and a short trade in turn, entered every thirteenth bar and ended as the contract would."""
    outcomes = triple_barrier(bars)
    made = []
    for decided in range(TESTS[0][0], TESTS[-1][1], 13):
        side = 1 if decided % 2 else -1
        exits = outcomes.long if side > 0 else outcomes.short
        levels = DEFAULT_BARRIERS.levels(bars.open[decided + 1 : decided + 2], direction=side)
        entered_at = int(bars.time[decided + 1])
        made.append(
            Trade(
                fold=sum(decided >= start for start, _ in TESTS) - 1,
                decided=decided,
                entered=decided + 1,
                ended=int(exits.index[decided]),
                entered_at=entered_at,
                ended_at=int(bars.time[exits.index[decided]]),
                due=entered_at + DEFAULT_BARRIERS.horizon * bars.interval,
                side=side,
                entry=int(levels.entry[0]),
                exit=int(exits.price[decided]),
                take_profit=int(levels.take_profit[0]),
                stop_loss=int(levels.stop_loss[0]),
                barrier=ENDINGS[Barrier(int(exits.barrier[decided]))],
                result_bps=float(exits.result_bps[decided]),
                confidence_bps=6_250,
                patterns=0b101,
            )
        )
    return tuple(made)


def baseline(name: str, mean_bps: float, times: np.ndarray) -> Baseline:
    return Baseline(
        name=name,
        meaning=f"What {name} does.",
        measures=measures(mean_bps),
        equity=np.linspace(0, 40 * mean_bps, len(times)),
    )


SERIES = random_walk(1_100, seed=5)


def judged_by_hand(bars: Bars, times: np.ndarray, **changes: Any) -> Judged:
    folds = tuple(
        Fold(
            number=number,
            training=walked(bars, 0, start - 60),
            test=walked(bars, start, stop),
            threshold_bps=5_500,
            measures=measures(mean_bps, trades=20),
            scores=SCORES,
        )
        for number, ((start, stop), mean_bps) in enumerate(zip(TESTS, (14.0, -31.0), strict=True))
    )
    bins = tuple(
        Bin(low=at - 0.05, high=at + 0.05, predicted=at, observed=about(at + 0.02, 0.06), count=60)
        for at in (0.35, 0.45, 0.55)
    )
    judged = Judged(
        name="boosting",
        classifier="HistGradientBoostingClassifier",
        saved=False,
        folds=folds,
        overall=measures(-8.5),
        scores=SCORES,
        sides=(Part("long", 300, measures(5.0)), Part("short", 300, measures(-22.0))),
        patterns=(Part("breakout_up", 80, measures(12.0)), Part("double_top", 7, NOTHING)),
        calibration=Calibration(bins, 0.02),
        trades=traded(bars),
        equity=np.cumsum(np.random.default_rng(1).normal(-10, 60, size=len(times))),
        random=baseline("random entries", -14.0, times),
        luck=Luck(
            p_value=0.412,
            p_alone=0.087,
            draws=2_000,
            block=26,
            deflated_sharpe=0.183,
            pbo=None,
            pbo_untold="there is only one trial",
            gained=0.25,
        ),
        verdict=Verdict(False, "No evidence of an edge: p = 0.41 after 12 trials."),
        seconds=1.0,
    )
    return replace(judged, **changes)


@pytest.fixture(scope="session")
def judged() -> Callable[..., Judged]:
    """Return a function that makes one model's judgement, in which whatever is named is another."""

    def make(**changes: Any) -> Judged:
        return judged_by_hand(SERIES, SERIES.time[400:1_000:24] + 24 * SERIES.interval, **changes)

    return make


@pytest.fixture(scope="session")
def evaluation(judged: Callable[..., Judged]) -> Callable[..., Evaluation]:
    """Return a function that makes an evaluation, in which whatever is named is another."""

    def make(**changes: Any) -> Evaluation:
        times = SERIES.time[400:1_000:24] + 24 * SERIES.interval
        made = Evaluation(
            bars=replace(SERIES, source="prices.csv", synthetic=False, market="ETH/USD"),
            scheme="expanding",
            gap=60,
            embargo=12,
            cooldown=0,
            barriers=DEFAULT_BARRIERS,
            costs=Costs(spread_bps=5, gas_bps=3.49, gas_origin="97,476 gas to open"),
            tests=tuple(walked(SERIES, *test) for test in TESTS),
            times=times,
            models=(judged(),),
            baselines=tuple(
                baseline(name, mean_bps, times)
                for name, mean_bps in (("always long", -11.0), ("buy and hold", 20.0), ("patterns alone", -6.0))
            ),
            trials=Trials(count=12, earlier=11, unfinished=1, log="trials.jsonl"),
            seed=3,
            seconds=2.0,
        )
        return replace(made, **changes)

    return make


class Opened:
    """A page in a real browser, spoken to by the DevTools protocol."""

    def __init__(self, line: ClientConnection, page: Path) -> None:
        self.line = line
        self.sent, self.heard, self.session = 0, [], None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.ask(f"{domain}.enable")
        self.ask("Page.navigate", url=page.as_uri())
        self.until("Page.loadEventFired")

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and return its result; what happens meanwhile is heard."""
        self.sent += 1
        message = {"id": self.sent, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        self.line.send(json.dumps(message))
        while True:
            answer = self._next()
            if answer.get("id") == self.sent:
                assert "error" not in answer, answer
                return answer["result"]

    def until(self, event: str) -> None:
        """Wait for something to happen."""
        while not any(each["method"] == event for each in self.heard):
            self._next()

    def _next(self) -> dict[str, Any]:
        message = json.loads(self.line.recv(timeout=30))
        if "method" in message:
            self.heard.append(message)
        return message

    def run(self, script: str) -> Any:
        """Return what a script of one expression gives, once two frames have been drawn."""
        waited = f"new Promise(r => {{ const v = {script}; requestAnimationFrame(() => requestAnimationFrame(() => r(v))) }})"
        answer = self.ask("Runtime.evaluate", expression=waited, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    @property
    def complaints(self) -> list[str]:
        """Everything that went wrong in the page: errors, refusals of its policy, messages of its scripts."""
        kinds = {"Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"}
        return [json.dumps(each["params"]) for each in self.heard if each["method"] in kinds]

    @property
    def requests(self) -> list[str]:
        """Every address that was asked for."""
        return [
            each["params"]["request"]["url"]
            for each in self.heard
            if each["method"] == "Network.requestWillBeSent"
        ]


@contextmanager
def opened_in(program: str, page: Path, profile: Path) -> Iterator[Opened]:
    """Start a browser that finds no network, and open a page in it."""
    sandbox = ["--no-sandbox", "--no-zygote"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    options = [
        "--headless",
        "--remote-debugging-port=0",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        f"--user-data-dir={profile}",
        "--window-size=1200,900",
        *sandbox,
    ]
    with subprocess.Popen(
        [program, *options], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            address = next(line.split()[-1] for line in process.stderr if "DevTools listening on" in line)
            with connect(address, max_size=None, proxy=None) as line:
                yield Opened(line, page)
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def browser_program(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Chromium: named by PATTERNSETTLE_BROWSER, on PATH, or npm's where the clients of the tests are installed."""
    named = [os.environ.get("PATTERNSETTLE_BROWSER", "")]
    names = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
    found = next(filter(None, map(shutil.which, [*filter(None, named), *names])), None)
    package, node = CLIENTS / "node_modules" / "@sparticuz" / "chromium", shutil.which("node")
    if (
        found is None
        and package.is_dir()
        and node
        and (platform.system(), platform.machine()) == ("Linux", "x86_64")
    ):
        unpack = "import c from '@sparticuz/chromium'; console.log(await c.executablePath())"
        environment = os.environ | {"TMPDIR": str(tmp_path_factory.mktemp("chromium"))}
        command = [node, "--input-type=module", "-e", unpack]
        done = subprocess.run(command, cwd=CLIENTS, env=environment, capture_output=True, text=True, check=True)
        found = done.stdout.strip()
    if found is None:
        pytest.skip("there is no Chromium on PATH; name one with PATTERNSETTLE_BROWSER to open the page in it")
    return found


@pytest.fixture
def opened(browser_program: str, tmp_path: Path) -> Iterator[Callable[[str], Opened]]:
    """Return a function that opens a page in a browser without a network."""
    with ExitStack() as pages:

        def open_(text: str) -> Opened:
            file = tmp_path / "page.html"
            file.write_text(text, "utf-8")
            return pages.enter_context(opened_in(browser_program, file, tmp_path / "profile"))

        yield open_
