"""Python's enums, structs, events and ids are the contract's own."""

from __future__ import annotations

import re
from dataclasses import fields, replace

import pytest
from eth_utils.abi import collapse_if_tuple
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.chain import events
from agent.chain.artifact import artifact
from agent.chain.values import (
    Barrier,
    Fill,
    Levels,
    Mandate,
    MandateState,
    Market,
    Reason,
    Side,
    Signal,
    struct_from,
)

ABI = artifact("ISettlement").abi


def snake(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


@pytest.mark.parametrize("enum", [Side, Barrier, Reason])
def test_an_enum_has_the_contracts_members_in_its_order(pytestconfig, enum):
    source = (pytestconfig.rootpath / "contracts" / "interfaces" / "ISettlement.sol").read_text("utf-8")
    body = re.search(rf"^enum {enum.__name__} {{(.*?)^}}", source, re.DOTALL | re.MULTILINE)[1]
    members = re.findall(r"\w+", re.sub(r"//.*", "", body))
    assert [member.name for member in enum] == [snake(name).upper() for name in members]
    assert [int(member) for member in enum] == list(range(len(members)))


STRUCTS = [
    (Market, "marketIdOf"),
    (Mandate, "create"),
    (Signal, "open"),
    (Fill, "checkOpen"),
    (MandateState, "stateOf"),
]


@pytest.mark.parametrize(("cls", "function"), STRUCTS)
def test_a_struct_has_the_contracts_fields_in_its_order(cls, function):
    found = struct(cls.__name__, function)
    assert [field.name for field in fields(cls)] == [snake(item["name"]) for item in found["components"]]


@pytest.mark.parametrize(("cls", "function"), [(Market, "marketIdOf"), (Mandate, "create")])
def test_the_type_that_an_id_is_hashed_as_is_the_contracts(cls, function):
    assert collapse_if_tuple(struct(cls.__name__, function)) == cls.ABI_TYPE


def test_every_event_is_typed_and_has_the_contracts_fields():
    logged = {entry["name"]: entry["inputs"] for entry in ABI if entry["type"] == "event"}
    assert logged.keys() == events.TYPED.keys()
    for name, inputs in logged.items():
        # A signal is logged member by member, and typed as the signal that it is.
        typed = Signal if name == "Presented" else events.TYPED[name]
        assert [field.name for field in fields(typed)] == [snake(item["name"]) for item in inputs]


def test_barriers_of_returns_levels():
    [barriers_of] = [entry for entry in ABI if entry.get("name") == "barriersOf"]
    assert [field.name for field in fields(Levels)] == [snake(item["name"]) for item in barriers_of["outputs"]]


addresses = st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex())
words = st.binary(min_size=32, max_size=32)
markets = st.builds(Market, base=addresses, quote=addresses, oracle=addresses)


def uint(bits):
    return st.integers(min_value=0, max_value=2**bits - 1)


mandates = st.builds(
    Mandate,
    owner=addresses,
    filler=addresses,
    market=markets,
    source=addresses,
    model=words,
    side=st.sampled_from(Side),
    patterns=uint(32),
    min_confidence_bps=uint(16),
    max_slippage_bps=uint(16),
    ramp=uint(32),
    take_profit_bps=uint(16),
    stop_loss_bps=uint(16),
    horizon=uint(32),
    cooldown=uint(32),
    max_signal_age=uint(32),
    max_price_age=uint(32),
    min_amount=uint(128),
    max_amount=uint(128),
    min_price=uint(256),
    max_price=uint(256),
    drawdown_limit=uint(128),
    expiry=uint(40),
    salt=words,
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mandate=mandates)
def test_ids_are_what_the_contract_hashes(desk, mandate):
    assert desk.settlement.call("idOf", mandate) == (mandate.id,)
    assert desk.settlement.call("marketIdOf", mandate.market) == (mandate.market.id,)


@settings(deadline=None)
@given(mandate=mandates, salt=words)
def test_a_struct_comes_back_from_the_abi_as_it_went(mandate, salt):
    assert struct_from(Mandate, mandate.abi()) == mandate
    assert (replace(mandate, salt=salt).id == mandate.id) == (salt == mandate.salt)


def struct(name, function):
    """A struct's ABI entry, from a function that takes or returns it."""
    [entry] = [entry for entry in ABI if entry.get("name") == function]
    places = [*entry["inputs"], *entry["outputs"]]
    return next(item for item in places if item["internalType"].removesuffix("[]") == f"struct {name}")
