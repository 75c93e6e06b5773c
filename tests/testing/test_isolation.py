"""What one test does to the chain, the next does not see; nor does one example of hypothesis that of another."""

from __future__ import annotations

HEAD = """
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.stateful import initialize, invariant, rule
from agent.testing import ChainStateMachine

@pytest.fixture(scope="module")
def purse(deploy):
    return deploy("Purse", "mine")
"""


def run(project, tests: str, *options: str):
    project.makepyfile(HEAD + tests)
    return project.runpytest("-q", *options)


def test_a_test_finds_the_chain_as_wider_fixtures_left_it(project):
    tests = """
@pytest.fixture(scope="session", autouse=True)
def early(chain):
    chain.mine(5)

@pytest.fixture
def paid(purse):
    assert purse.paid() == 0
    purse.pay(value=3)

@pytest.mark.parametrize("time", [1, 2])
def test_pays(purse, chain, time):
    assert (purse.paid(), chain.block_number) == (0, 6)
    purse.pay(value=5)
    chain.travel(seconds=100)

def test_finds_what_its_own_fixture_did(purse, paid):
    assert purse.paid() == 3

class TestClass:
    def setup_method(self):
        self.own = None

    def test_in_a_class(self, purse, paid):
        assert purse.paid() == 3

def test_does_not_name_the_chain(request):
    assert request.getfixturevalue("purse").paid() == 0
    request.getfixturevalue("purse").pay(value=5)

def test_after_one_that_did_not_name_the_chain(purse):
    assert purse.paid() == 0
"""
    run(project, tests).assert_outcomes(passed=6)


def test_what_a_failing_test_or_fixture_did_is_undone_too(project):
    tests = """
@pytest.fixture
def broken(purse):
    purse.pay(value=3)
    raise KeyError

def test_breaks_early(purse, broken): ...

def test_breaks(purse):
    purse.pay(value=3)
    raise KeyError

def test_goes_on(purse):
    assert purse.paid() == 0
"""
    run(project, tests).assert_outcomes(errors=1, failed=1, passed=1)


def test_a_fixture_is_torn_down_on_the_chain_that_its_test_left(project):
    tests = """
@pytest.fixture
def watched(purse):
    yield
    assert purse.paid() == 7

def test_pays(purse, watched):
    purse.pay(value=7)
"""
    run(project, tests).assert_outcomes(passed=1)


def test_a_wider_fixture_first_used_inside_a_test_is_refused_with_the_cure(project):
    tests = """
@pytest.fixture(scope="session")
def late(chain):
    chain.mine()

def test_asks_late(purse, request):
    request.getfixturevalue("late")
"""
    result = run(project, tests)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*session-scoped fixture 'late' changed the chain inside a test*Name it among*"])


def test_each_example_of_a_given_test_begins_anew(project):
    tests = """
AMOUNTS = []

@given(amount=st.integers(1, 1000))
@settings(max_examples=20, deadline=None)
def test_pays(purse, chain, amount):
    assert purse.paid() == 0
    AMOUNTS.append(amount)
    purse.pay(value=amount)
    assert purse.paid() == chain.balance(purse) == amount

class TestClass:
    @given(amount=st.integers(1, 1000))
    @settings(max_examples=5, deadline=None)
    @pytest.mark.parametrize("times", [1, 2])
    def test_pays(self, purse, times, amount):
        assert purse.paid() == 0
        for _ in range(times):
            purse.pay(value=amount)

def test_all_were_tried(purse):
    assert len(set(AMOUNTS)) > 5
"""
    run(project, tests).assert_outcomes(passed=4)


def test_a_failing_example_is_shrunk_and_explained(project, at):
    tests = """
@pytest.fixture(scope="module")
def failing(deploy):
    return deploy("Failing", 10)

@given(given=st.integers(0, 100))
@settings(deadline=None, database=None)
def test_refuses(failing, given):
    failing.requireString(100 - given)
"""
    result = run(project, tests)
    result.assert_outcomes(failed=1)
    text = result.stdout.str()
    assert "given = 90" in text
    assert at("require string") in text


def test_who_sends_what_names_no_sender_is_undone_too(project):
    tests = """
@pytest.mark.parametrize("time", [1, 2])
def test_pays(purse, chain, accounts, time):
    assert chain.sender == accounts[0]
    chain.sender = accounts[3]
    with chain.undone():
        chain.sender = accounts[4]
    assert chain.sender == accounts[3]
"""
    run(project, tests).assert_outcomes(passed=2)


def test_each_run_of_a_state_machine_begins_anew(project):
    tests = """
class PurseMachine(ChainStateMachine):
    runs = 0

    @initialize()
    def start(self):
        self.purse, self.paid = self.deploy("Purse", "mine"), 0
        self.first = getattr(type(self), "first", self.purse.address)
        assert self.purse == self.first
        type(self).first = self.purse.address
        type(self).runs += 1

    @rule(amount=st.integers(1, 5), who=st.integers(0, 9))
    def pay(self, amount, who):
        self.purse.pay(value=amount, sender=self.accounts[who])
        self.paid += amount

    @rule()
    def wait(self):
        self.chain.travel(seconds=60)

    @invariant()
    def agrees(self):
        if hasattr(self, "purse"):
            assert self.purse.paid() == self.paid

TestPurse = PurseMachine.TestCase
TestPurse.settings = settings(TestPurse.settings, max_examples=10, stateful_step_count=6)

def test_they_ran(chain):
    assert PurseMachine.runs >= 10
    assert chain.block_number == 0
"""
    run(project, tests).assert_outcomes(passed=2)


def test_a_state_machine_can_have_a_desk(project):
    tests = """
class DeskMachine(ChainStateMachine):
    with_desk = True

    @rule()
    def open(self):
        mandate = self.desk.mandate()
        self.desk.open(self.desk.signal(), mandate)
        assert self.desk.settlement.state_of(mandate.id).trading

TestDesk = DeskMachine.TestCase
TestDesk.settings = settings(TestDesk.settings, max_examples=3, stateful_step_count=2)

def test_the_desk_is_there_for_others_too(desk):
    assert desk.settlement.balance_of(desk.owner, desk.base.address) == 1_000 * 10**18
"""
    run(project, tests).assert_outcomes(passed=2)
