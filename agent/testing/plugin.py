"""Authority on what pytest is given: the fixtures, the options, and the hooks behind them.

The hooks do nothing, and nothing heavy is imported, until a test asks for the chain.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent.testing import session as sessions
from agent.testing.gas import GasTable
from agent.testing.isolation import Isolation

if TYPE_CHECKING:
    from agent.chain.values import Mandate, Signal
    from agent.testing.accounts import Account
    from agent.testing.chain import DevChain
    from agent.testing.deployer import Deployer
    from agent.testing.desk import Desk
    from agent.testing.refusals import Reverts
    from agent.testing.workbench import Workbench

_GAS = "patternsettle_gas"
_TOO_LATE = "The {scope}-scoped fixture {name!r} changed the chain inside a test, whose doings are undone."


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("patternsettle", "contract tests")
    group.addoption("--gas", action="store_true", help="print what each contract function cost")
    parser.addini(
        "patternsettle_contracts", "folders of Solidity sources (default: contracts or src)", type="paths"
    )
    parser.addini("patternsettle_evm_version", "EVM version to compile for (default: cancun)", default="")
    parser.addini("patternsettle_optimizer_runs", "runs the optimizer aims at (default: 1000000)", default="")
    parser.addini("patternsettle_via_ir", "compile by way of Yul (default: true)", type="bool", default=True)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Contracts(config), "patternsettle-session")


class Contracts:
    """The plugin in one session."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._gas = GasTable() if config.getoption("--gas") else None
        self._isolation = Isolation()
        self._bench: Workbench | None = None
        sessions.begin(self.workbench)

    def pytest_unconfigure(self) -> None:
        sessions.end(self.workbench)
        if self._bench is not None:
            self._bench.close()

    def workbench(self) -> Workbench:
        """The session's workbench, made at the first call."""
        if self._bench is None:
            self._bench = _workbench(self._config, self._gas)
            self._isolation.use(self._bench.chain)
        return self._bench

    # ---- isolation

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        self._isolation.begin(item)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> Generator[None, Any, Any]:
        if fixturedef.scope == "function":
            self._isolation.open()
        chain = self._isolation.chain if self._isolation.is_open and fixturedef.scope != "function" else None
        before = chain.block_number if chain else None
        value = yield
        if chain and chain.block_number != before:
            problem = _TOO_LATE.format(scope=fixturedef.scope, name=fixturedef.argname)
            pytest.fail(
                f"{problem} Name it among the test's arguments: then it comes first, and stays.", pytrace=False
            )
        return value

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        self._isolation.open()
        with self._isolation.examples(item):
            return (yield)

    # ---- failures

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[Any]
    ) -> Generator[None, Any, Any]:
        # unittest's runner, and so hypothesis's state machines, keep the error on the item until the report is made.
        excinfo = call.excinfo or next(iter(getattr(item, "_excinfo", None) or ()), None)
        if excinfo is not None and "agent.errors" in sys.modules:
            from agent.testing.report import tell

            tell(excinfo.value, whole=bool(item.config.getoption("fulltrace")))
        return (yield)

    # ---- gas

    def pytest_sessionfinish(self) -> None:
        output = getattr(self._config, "workeroutput", None)
        if output is not None and self._gas is not None:
            output[_GAS] = self._gas.to_json()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        if self._gas is not None:
            self._gas.add(getattr(node, "workeroutput", {}).get(_GAS, {}))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._gas is not None:
            terminalreporter.section("gas")
            for line in self._gas.lines():
                terminalreporter.write_line(line)


def _workbench(config: pytest.Config, gas: GasTable | None) -> Workbench:
    from agent.chain.compile import Settings
    from agent.testing.workbench import Workbench, sources_of

    said: dict[str, Any] = {"via_ir": config.getini("patternsettle_via_ir")}
    if version := config.getini("patternsettle_evm_version"):
        said["evm_version"] = version
    if runs := config.getini("patternsettle_optimizer_runs"):
        if not runs.isdecimal():
            raise pytest.UsageError(f"patternsettle_optimizer_runs is {runs!r}, which is no number")
        said["optimizer_runs"] = int(runs)
    folders: list[Path] = config.getini("patternsettle_contracts")
    places = (config.rootpath, config.invocation_params.dir)
    return Workbench(sources_of(folders, *places, settings=Settings(**said)), gas=gas)


# ---- fixtures


@pytest.fixture(scope="session")
def chain() -> DevChain:
    """A local chain. What a test does to it is undone; what wider fixtures do stays."""
    return sessions.workbench().chain


@pytest.fixture(scope="session")
def accounts(chain: DevChain) -> tuple[Account, ...]:
    """Ten funded accounts: ``alice, bob, *_ = accounts``."""
    return chain.accounts


@pytest.fixture(scope="session")
def deploy(chain: DevChain) -> Deployer:
    """Puts a contract of the project on the chain: ``deploy("Token", "Name", 18)``."""
    return sessions.workbench().deploy


@pytest.fixture(scope="session")
def desk(chain: DevChain) -> Desk:
    """A deployed and funded market in which every fill settles until a test changes something."""
    return sessions.workbench().desk


@pytest.fixture(scope="session")
def mandate(desk: Desk) -> Callable[..., Mandate]:
    """``mandate(min_confidence_bps=6_000)``: a mandate, created by its owner."""
    return desk.mandate


@pytest.fixture(scope="session")
def signal(desk: Desk) -> Callable[..., Signal]:
    """``signal(confidence_bps=5_999)``: a signal on the bar that closes a minute from now."""
    return desk.signal


@pytest.fixture(scope="session")
def reverts() -> type[Reverts]:
    """``with reverts("PriceTooLow", price=1): ...``"""
    from agent.testing.refusals import Reverts

    return Reverts
