"""How a failing test looks: the traceback ends in it, and beneath stand the contract's file, line and surroundings."""

from __future__ import annotations

import re

import pytest

TESTS = """
import pytest

@pytest.fixture(scope="module")
def failing(deploy):
    return deploy("Failing", 10)

def test_custom_error(failing):
    failing.customError(3)

def test_require_string(failing):
    failing.requireString(10)

def test_first_of_two(failing):
    failing.requireSame(1)

def test_second_of_two(failing):
    failing.requireSame(2)

def test_panic(failing):
    failing.overflow(2)

def test_out_of_gas(failing):
    failing.outOfGas(gas=200_000)

def test_library(failing):
    failing.throughLibrary(101)

def test_other_contract(failing):
    failing.throughCall(False)

def test_wasteful_contract(failing):
    failing.throughWaste.transact()

def test_after_a_catch(failing):
    failing.caught()

def test_view(failing):
    failing.get(0)

def test_constructor(deploy):
    deploy("Failing", 0)

def test_narrow_argument(failing, chain):
    data = failing.small.encode(1)
    chain.send(chain.sender, failing.address, data[:-2] + b"\\x01\\x00")

def test_ether_not_wanted(failing):
    failing.noEther(value=1)

def test_made_contract(deploy):
    factory = deploy("Factory")
    factory.make(1)
    factory.grow(0, 0)

def test_package(deploy, accounts):
    deploy("Coin").transfer(accounts[1], 1001)

def helper(contract):
    contract.customError(1)

def test_by_way_of_a_helper(failing):
    helper(failing)

def test_in_a_group(failing):
    try:
        failing.customError(2)
    except Exception as error:
        raise ExceptionGroup("several", [error])
"""


@pytest.fixture(scope="module")
def shown() -> dict[str, str]:
    return {}


@pytest.fixture
def failures(project, shown) -> dict[str, str]:
    """The failure of each test above, as it is printed; they run once."""
    if not shown:
        project.makepyfile(test_failing=TESTS)
        result = project.runpytest("-q")
        result.assert_outcomes(failed=TESTS.count("def test_"))
        text = result.stdout.str().partition("= FAILURES =")[2].partition("= short test summary")[0]
        parts = re.split(r"^_+ test_(\w+) _+$", text, flags=re.MULTILINE)
        shown |= dict(zip(parts[1::2], parts[2::2], strict=True))
    return shown


def lines(failure: str) -> list[str]:
    """What is printed of the error, without pytest's margin."""
    return [line.removeprefix("E").strip() for line in failure.splitlines() if line.startswith("E ")]


FOUR_KINDS = {
    "custom_error": ("customError", "Small(given=3, least=10)", "custom error"),
    "require_string": ("requireString", '"ten or less"', "require string"),
    "panic": ("overflow", "panic 0x11 (arithmetic overflow or underflow)", "panic"),
    "out_of_gas": ("outOfGas", "out of gas at its limit, 200,000", "out of gas"),
}


@pytest.mark.parametrize("kind", FOUR_KINDS)
def test_shows_what_was_refused_and_the_line_and_the_lines_around_it(failures, at, kind):
    function, problem, marker = FOUR_KINDS[kind]
    what, place, *around = lines(failures[kind])
    assert problem in what
    assert place == f"{at(marker)}: in Failing.{function}"
    assert len(around) == 5
    number = at(marker).rpartition(":")[2]
    assert re.fullmatch(rf"> +{number} \|.*// {marker}", around[2])
    assert not any(line.startswith(">") for line in (*around[:2], *around[3:]))


@pytest.mark.parametrize("kind", FOUR_KINDS)
def test_the_traceback_ends_in_the_test(failures, kind):
    files = re.findall(r"^(\S+\.py):\d+: ", failures[kind], flags=re.MULTILINE)
    assert files == ["test_failing.py"]


@pytest.mark.parametrize(
    ("test", "marker", "inside"),
    [
        ("first_of_two", "first of two", "Failing.requireSame"),
        ("second_of_two", "second of two", "Failing.requireSame"),
        ("after_a_catch", "after a catch", "Failing.caught"),
        ("view", "in a view", "Failing.get"),
        ("constructor", "in the constructor", "Failing.constructor"),
    ],
)
def test_finds_the_line_among_others_that_compile_to_the_same(failures, at, test, marker, inside):
    assert lines(failures[test])[1] == f"{at(marker)}: in {inside}"


def test_shows_the_calls_that_led_there(failures, at):
    told = lines(failures["library"])
    assert told[1] == f"{at('calls a library')}: in Failing.throughLibrary"
    assert told[2].startswith(">")
    assert told[3] == f"{at('in a library')}: in Percent.share"


def test_goes_into_the_contract_that_refused(failures, at):
    told = lines(failures["other_contract"])
    assert told[1] == f"{at('calls a contract')}: in Failing.throughCall"
    assert told[3] == f"{at('in another contract')}: in Inner.enter"
    assert "Closed(who=0x" in told[0]


def test_goes_into_the_contract_that_ran_out_of_gas(failures, at):
    told = lines(failures["wasteful_contract"])
    assert told[0].endswith("reverted without a reason")
    assert f"{at('in a loop')}: in Inner.waste" in told


def test_knows_a_contract_that_another_made(failures, at):
    told = lines(failures["made_contract"])
    assert told[0].endswith("the contract refused: Stunted(by=0)")
    assert f"{at('in a child', 'parts/Child.sol')}: in Child.grow" in told


def test_shows_a_packages_line_beneath_ones_own(failures):
    told = lines(failures["package"])
    places = [line for line in told if re.search(r"\.sol:\d+: in ", line)]
    assert "ERC20InsufficientBalance" in told[0]
    assert all(place.startswith("node_modules/@openzeppelin/contracts/") for place in places)
    assert [place.rpartition(" ")[2] for place in places] == ["ERC20.transfer", "ERC20._transfer", "ERC20._update"]


@pytest.mark.parametrize(("test", "function"), [("narrow_argument", "small"), ("ether_not_wanted", "noEther")])
def test_names_the_function_that_could_not_begin(failures, test, function):
    place, *around = lines(failures[test])[1:]
    assert place.endswith(f"in Failing.{function}")
    assert f"function {function}(" in around[2]


def test_a_helper_of_the_tests_stays_in_the_traceback(failures):
    assert len(re.findall(r"\.py:\d+: ", failures["by_way_of_a_helper"])) == 2
    assert "Failing.sol" in failures["by_way_of_a_helper"]


def test_an_error_in_a_group_is_explained_too(failures, at):
    assert at("custom error") in failures["in_a_group"]


def test_a_unittest_and_a_state_machine_show_it_as_well(project, at):
    project.makepyfile("""
        import unittest
        import pytest
        from hypothesis import settings
        from hypothesis.stateful import rule
        from agent.testing import ChainStateMachine

        class TestOld(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def made(self, deploy):
                self.failing = deploy("Failing", 10)

            def test_it(self):
                self.failing.customError(3)

        class Machine(ChainStateMachine):
            @rule()
            def fail(self):
                self.deploy("Failing", 10).customError(3)

        TestNew = Machine.TestCase
        TestNew.settings = settings(max_examples=1, stateful_step_count=1, database=None)
    """)
    result = project.runpytest("-q")
    result.assert_outcomes(failed=2)
    text = result.stdout.str()
    # Where CI is set, pytest repeats each message in its summary, in lines that do not begin with an E.
    shown = re.findall(rf"^E +{re.escape(at('custom error'))}: in Failing\.customError$", text, flags=re.MULTILINE)
    assert len(shown) == 2
    assert not re.search(r"^\S*agent\S+\.py:\d+: ", text, flags=re.MULTILINE)


def test_the_whole_traceback_is_there_for_the_asking(project):
    project.makepyfile(TESTS)
    result = project.runpytest("-q", "--full-trace", "-k", "custom_error")
    result.stdout.re_match_lines([r".*agent.testing.handle\.py:\d+: "])


def test_a_passing_test_executes_nothing_twice(project):
    """What was refused as expected is not looked into."""
    project.makepyfile("""
        import pytest
        from agent.testing.chain import DevChain

        def test_it(deploy, reverts, monkeypatch):
            monkeypatch.setattr(DevChain, "rerun", None)
            failing = deploy("Failing", 10)
            with reverts("Small"):
                failing.customError(3)
    """)
    project.runpytest("-q").assert_outcomes(passed=1)
