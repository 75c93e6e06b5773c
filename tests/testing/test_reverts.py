"""Expected refusals: what fits, what does not, and what is said then."""

from __future__ import annotations

import pytest

from agent.errors import OutOfGas, UsageError
from agent.testing import Handle, reverts


@pytest.fixture(scope="module")
def failing(deploy) -> Handle:
    return deploy("Failing", 10)


def refused(expected: reverts, act) -> str:
    """What is said where an expectation fails."""
    with pytest.raises(pytest.fail.Exception) as caught, expected:
        act()
    return str(caught.value)


# ---- what fits


def test_a_custom_error_fits_by_its_name_and_by_any_of_its_arguments(failing):
    with reverts("Small"):
        failing.customError(3)
    with reverts("Small", given=3):
        failing.customError(3)
    with reverts("Small", given=3, least=10) as caught:
        failing.customError(3)
    assert caught.error.args_by_name == {"given": 3, "least": 10}


def test_a_reason_fits_by_its_words(failing):
    with reverts("ten or less"):
        failing.requireString(10)


def test_a_panic_fits_by_its_code(failing):
    with reverts(panic=0x11):
        failing.overflow(2)


def test_no_expectation_fits_any_refusal(failing):
    with reverts():
        failing.overflow(2)
    with reverts():
        failing.noEther(value=1)


def test_a_view_and_a_constructor_refuse_too(failing, deploy):
    with reverts(panic=0x32):
        failing.get(0)
    with reverts("least is zero"):
        deploy("Failing", 0)


def test_arguments_may_be_accounts_and_contracts(purse, accounts, deploy, chain):
    with reverts("Poor", who=accounts[3]):
        purse.take(1, sender=accounts[3])
    other = deploy("Purse", "another")
    with reverts("Poor", who=other):
        purse.take(1, sender=chain.prank(other))


def test_the_fixture_is_the_same(reverts, failing):
    with reverts("Small", given=3):
        failing.customError(3)


# ---- what does not


def test_nothing_refused_is_said_with_what_was_expected(failing):
    said = refused(reverts("Small", given=3), lambda: failing.customError(11))
    assert said == "nothing was refused; expected Small(given=3)"
    assert refused(reverts(panic=0x11), lambda: None).endswith("a panic 0x11 (arithmetic overflow or underflow)")


def test_another_refusal_is_said_decoded_and_with_its_line(failing):
    said = refused(reverts("Large"), lambda: failing.customError(3)).splitlines()
    assert said[0] == "expected 'Large', but the contract refused: Small(given=3, least=10)"
    assert "Failing.customError" in said[1]


def test_other_arguments_are_another_refusal(failing):
    said = refused(reverts("Small", given=4), lambda: failing.customError(3))
    assert said.startswith("expected Small(given=4), but the contract refused: Small(given=3, least=10)")


def test_an_argument_that_the_error_does_not_have_is_said(failing):
    said = refused(reverts("Small", gave=3), lambda: failing.customError(3))
    assert said == "Small has no argument gave; it has given, least"


@pytest.mark.parametrize(
    "expected", [reverts("Error"), reverts("ten"), reverts(panic=0x01), reverts("Small", given=5)]
)
def test_a_reason_is_no_name_no_panic_and_no_part_of_itself(failing, expected):
    assert 'but the contract refused: "ten or less"' in refused(expected, lambda: failing.requireString(5))


def test_running_out_of_gas_is_no_refusal(failing):
    said = refused(reverts(), lambda: failing.outOfGas(gas=100_000))
    assert said.startswith("expected a refusal, but The transaction failed: out of gas at its limit, 100,000.")
    with pytest.raises(OutOfGas):
        failing.outOfGas(gas=100_000)


def test_an_error_of_the_test_itself_passes_through(failing):
    with pytest.raises(UsageError), reverts():
        failing.customError(-1)
    with pytest.raises(ZeroDivisionError), reverts():
        failing.customError(1 // 0)


def test_a_panic_has_no_name_and_arguments_need_one():
    with pytest.raises(UsageError, match="either a panic's code or a name"):
        reverts("Small", panic=1)
    with pytest.raises(UsageError, match="arguments and no name"):
        reverts(given=1)


@pytest.mark.parametrize("expected", [{"panic": b"s"}, {"panic": "0x11"}, {"panic": -1}])
def test_a_panics_code_is_a_whole_number(expected):
    with pytest.raises(UsageError, match=r"^panic is "):
        reverts(**expected)


def test_a_name_is_a_text():
    with pytest.raises(UsageError, match=r'for a name\. Say reverts\("PriceTooLow"\)'):
        reverts(0x11)
