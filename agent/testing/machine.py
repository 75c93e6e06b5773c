"""Authority on state machines over contracts: hypothesis walks through rules, and every walk begins on the same chain."""

from __future__ import annotations

from typing import ClassVar

from hypothesis.stateful import RuleBasedStateMachine

from agent.testing.accounts import Account
from agent.testing.chain import DevChain
from agent.testing.deployer import Deployer
from agent.testing.desk import Desk
from agent.testing.session import workbench


class ChainStateMachine(RuleBasedStateMachine):
    """A `RuleBasedStateMachine` whose every run is undone at its end.

    >>> class CounterMachine(ChainStateMachine):
    ...     @initialize()
    ...     def start(self):
    ...         self.counter, self.expected = self.deploy("Counter"), 0
    ...
    ...     @rule(by=st.integers(1, 10))
    ...     def add(self, by):
    ...         self.counter.add(by)
    ...         self.expected += by
    ...
    ...     @invariant()
    ...     def counts(self): ...
    >>> TestCounter = CounterMachine.TestCase

    Attributes
    ----------
    chain, accounts, deploy
        As the fixtures of these names.
    desk
        As the fixture, in a class that sets `with_desk`.
    """

    with_desk: ClassVar[bool] = False
    desk: Desk

    def __init__(self) -> None:
        super().__init__()
        bench = workbench()
        self.chain: DevChain = bench.chain
        self.accounts: tuple[Account, ...] = bench.accounts
        self.deploy: Deployer = bench.deploy
        if self.with_desk:
            self.desk = bench.desk
        self._snapshot = self.chain.snapshot()

    def teardown(self) -> None:
        """Undo the run; one that overrides this calls it last."""
        self.chain.revert(self._snapshot)
        super().teardown()
