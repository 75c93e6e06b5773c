"""What a chain answers, in the names of any contract: arrays, structs, hashed arguments, and those without a name."""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi import encode
from eth_utils import keccak, to_checksum_address
from eth_utils.abi import collapse_if_tuple

from agent.chain.decode import Decoder

ALICE, BOB = ("0x" + pair * 20 for pair in ("a1", "b2"))


def item(
    kind: str, name: str = "", *, indexed: bool = False, parts: tuple[dict[str, Any], ...] = ()
) -> dict[str, Any]:
    return {"type": kind, "name": name, "indexed": indexed} | ({"components": parts} if parts else {})


def event(*inputs: dict[str, Any]) -> dict[str, Any]:
    return {"type": "event", "name": "Told", "inputs": inputs}


def log(entry: dict[str, Any], topics: list[bytes], *values: Any) -> dict[str, Any]:
    kinds = [collapse_if_tuple(each) for each in entry["inputs"]]
    plain = [collapse_if_tuple(each) for each in entry["inputs"] if not each["indexed"]]
    return {
        "topics": [keccak(text=f"Told({','.join(kinds)})").hex(), *(topic.hex() for topic in topics)],
        "data": encode(plain, values).hex(),
    }


@pytest.mark.parametrize("kind", ["string", "bytes", "uint8[]", "address[2]"])
def test_of_a_long_indexed_argument_there_is_the_hash(kind):
    entry = event(item(kind, "what", indexed=True), item("uint256", "amount"))
    digest = keccak(text="hashed")
    assert Decoder([[entry]]).named(log(entry, [digest], 5)) == ("Told", {"what": digest, "amount": 5})


def test_addresses_are_checksummed_wherever_they_are():
    pair = item("tuple[]", "pairs", parts=(item("address", "who"), item("address[]", "others")))
    entry = event(item("address[]", "all"), pair)
    _, told = Decoder([[entry]]).named(log(entry, [], [ALICE, BOB], [(ALICE, [BOB])]))
    alice, bob = map(to_checksum_address, (ALICE, BOB))
    assert told == {"all": (alice, bob), "pairs": ((alice, (bob,)),)}


def test_what_has_no_name_goes_by_its_place():
    entry = event(item("uint256"), item("address"), item("uint256", "amount"))
    _, told = Decoder([[entry]]).named(log(entry, [], 1, ALICE, 2))
    assert told == {"_0": 1, "_1": to_checksum_address(ALICE), "amount": 2}

    error = {"type": "error", "name": "Odd", "inputs": (item("uint256"), item("uint256"))}
    data = keccak(text="Odd(uint256,uint256)")[:4] + encode(["uint256", "uint256"], [1, 2])
    assert Decoder([[error]]).error(data).args_by_name == {"_0": 1, "_1": 2}


def test_a_log_of_the_same_name_with_other_arguments_indexed_is_another_events():
    entry = event(item("uint256", "amount"))
    assert Decoder([[entry]]).named(log(entry, [keccak(b"one too many")], 5)) is None
