"""The plugin in a project: what it needs (nothing), what it costs (nothing), and what can be set."""

from __future__ import annotations

import re

import pytest

COUNTER = """
pragma solidity ^0.8.20;
contract Counter {
    uint256 public count;
    function up(uint256 by) external { count += by; }
    function down(uint256 by) external { count -= by; }
}
"""


def write(pytester, folder: str, source: str = COUNTER) -> None:
    place = pytester.mkdir(folder)
    (place / "Counter.sol").write_text(source)


# ---- nothing to configure, nothing to pay


@pytest.mark.parametrize("folder", ["contracts", "src"])
def test_a_fresh_folder_with_a_contract_and_a_test_is_enough(empty, folder):
    write(empty, folder)
    empty.makepyfile("""
        def test_counts(deploy):
            counter = deploy("Counter")
            counter.up(5)
            assert counter.count() == 5
    """)
    empty.runpytest("-q").assert_outcomes(passed=1)


def test_a_test_may_lie_in_a_folder_below(empty):
    write(empty, "contracts")
    empty.mkdir("tests").joinpath("test_it.py").write_text("def test_it(deploy): deploy('Counter')")
    empty.runpytest("-q", "tests").assert_outcomes(passed=1)


def test_a_project_that_does_not_use_it_loads_nothing(empty):
    empty.makepyfile("""
        import sys

        def test_it():
            heavy = {"web3", "eth", "eth_account", "eth_tester", "solcx", "numpy", "pandas", "sklearn", "pydantic"}
            assert heavy.isdisjoint(sys.modules)
            assert [name for name in sys.modules if name.startswith("agent.chain")] == []
    """)
    result = empty.runpytest_subprocess("-q", "-p", "no:hypothesispytest", "-W", "error")
    result.assert_outcomes(passed=1)
    assert "gas" not in result.stdout.str()


# ---- what can be set


def test_the_folder_of_contracts_can_be_set(empty):
    write(empty, "solidity")
    empty.makeini("[pytest]\npatternsettle_contracts = solidity")
    empty.makepyfile("def test_it(deploy): deploy('Counter')")
    empty.runpytest("-q").assert_outcomes(passed=1)


def test_a_folder_that_is_not_there_is_named(empty):
    empty.makeini("[pytest]\npatternsettle_contracts = nowhere")
    empty.makepyfile("def test_it(deploy): deploy('Counter')")
    result = empty.runpytest("-q")
    result.stdout.fnmatch_lines(["E*There is no folder */nowhere. Mend patternsettle_contracts."])


def test_without_any_contract_the_cure_is_named(empty):
    empty.makepyfile("def test_it(deploy): deploy('Counter')")
    result = empty.runpytest("-q")
    result.stdout.fnmatch_lines(
        ["E*no Solidity sources in contracts/ and src/*patternsettle_contracts in pytest's*"]
    )


def test_the_compiler_can_be_told_how(empty):
    write(empty, "contracts")
    empty.makeini(
        "[pytest]\npatternsettle_via_ir = false\npatternsettle_optimizer_runs = 1\npatternsettle_evm_version = paris"
    )
    empty.makepyfile("""
        from agent.chain.compile import Settings

        def test_it(deploy):
            assert deploy._sources.settings == Settings("paris", 1, False)
            assert b"\\x5f" not in deploy.artifact("Counter").deployed_bytecode[:4]  # no PUSH0 before Shanghai
            deploy("Counter").up(1)
    """)
    empty.runpytest("-q").assert_outcomes(passed=1)


def test_a_number_that_is_none_is_refused(empty):
    empty.makeini("[pytest]\npatternsettle_optimizer_runs = many")
    empty.makepyfile("def test_it(chain): ...")
    empty.runpytest("-q").stdout.fnmatch_lines(["*patternsettle_optimizer_runs is 'many', which is no number*"])


def test_a_source_that_does_not_compile_is_shown_as_solc_shows_it(empty):
    write(empty, "contracts", COUNTER.replace("count += by", "count += bye"))
    empty.makepyfile("""
        import pytest

        @pytest.mark.parametrize("time", [1, 2])
        def test_it(deploy, time): deploy('Counter')
    """)
    result = empty.runpytest("-q")
    result.assert_outcomes(failed=2)
    result.stdout.re_match_lines([r"E +DeclarationError: Undeclared identifier", r"E +--> Counter.sol:5:\d+:"])
    assert (
        re.findall(r"^(\S+\.py):\d+: ", result.stdout.str(), flags=re.MULTILINE)
        == ["test_a_source_that_does_not_compile_is_shown_as_solc_shows_it.py"] * 2
    )


@pytest.mark.parametrize(
    "written", [str.encode, lambda text: b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()]
)
def test_lines_are_found_however_they_end_and_whatever_stands_before_them(empty, written):
    source = COUNTER.replace("count -= by", "/* größer? */ count -= by /* größer! */")
    empty.mkdir("contracts").joinpath("Counter.sol").write_bytes(written(source))
    empty.makepyfile("def test_it(deploy): deploy('Counter').down(1)")
    empty.runpytest("-q").stdout.fnmatch_lines(["E*contracts/Counter.sol:6: in Counter.down"])


# ---- gas


def table(result) -> dict[str, list[int]]:
    """The gas table: by function, calls, min, median and max."""
    rows = re.findall(
        r"^(\w+\.\w+(?:\(.*\))?) +([\d,]+) +([\d,]+) +([\d,]+) +([\d,]+)$", result.stdout.str(), re.MULTILINE
    )
    return {name: [int(each.replace(",", "")) for each in numbers] for name, *numbers in rows}


GAS_TESTS = """
import pytest

@pytest.mark.parametrize("by", [1, 2, 3, 4])
def test_counts(deploy, reverts, by):
    counter = deploy("Counter")
    assert counter.count() == 0
    counter.up(by)
    counter.up(by)
    with reverts(panic=0x11):
        counter.down(9)
"""


def test_gas_is_counted_by_contract_and_function(empty):
    write(empty, "contracts")
    empty.makepyfile(GAS_TESTS)
    found = table(empty.runpytest("-q", "--gas"))
    assert list(found) == ["Counter.constructor", "Counter.up"]
    calls, least, middle, most = found["Counter.up"]
    # The first writes to an empty slot, the second to one in use.
    assert (calls, most - least, 2 * middle) == (8, 17_100, least + most)
    assert found["Counter.constructor"][0] == 4


def test_gas_is_not_counted_unasked(empty):
    write(empty, "contracts")
    empty.makepyfile(GAS_TESTS)
    assert "gas" not in empty.runpytest("-q").stdout.str()


def test_overloads_and_plain_ether_have_rows_of_their_own(project):
    project.makepyfile("""
        def test_it(deploy, chain, desk):
            purse = deploy("Purse", "mine")
            purse.set(1)
            purse.set(purse)
            chain.transfer(purse, 5)
            desk.mandate()
    """)
    found = table(project.runpytest("-q", "--gas"))
    assert {"Purse.set(uint256)", "Purse.set(address)", "Purse.receive", "Settlement.create"} <= found.keys()


def test_all_works_in_several_processes_and_where_warnings_are_errors(project):
    project.makepyfile("""
        import pytest

        @pytest.fixture(scope="session")
        def purse(deploy):
            return deploy("Purse", "mine")

        @pytest.mark.parametrize("time", range(6))
        def test_pays(purse, chain, time, worker_id):
            assert worker_id != "master"
            assert purse.paid() == 0
            purse.pay(value=5)

        def test_trades(desk):
            desk.mandate()

        def test_fails(deploy):
            deploy("Failing", 10).customError(3)
    """)
    strict = ("-W", "error", "--strict-config", "--strict-markers")
    result = project.runpytest_subprocess("-q", "-n", "2", "--gas", *strict)
    result.assert_outcomes(passed=7, failed=1)
    found = table(result)
    assert found["Purse.pay"][0] == 6
    assert found["Purse.constructor"][0] == 2
    assert "contracts/Failing.sol:" in result.stdout.str()
