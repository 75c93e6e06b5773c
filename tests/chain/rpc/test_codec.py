"""Values of JSON-RPC: what is written is read back, and everything else is refused by name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.chain.rpc import codec
from agent.chain.rpc.errors import INVALID_PARAMS, RpcError, reverted


@given(value=st.integers(0, 2**256 - 1))
def test_a_number_that_is_written_is_read_back(value: int) -> None:
    assert codec.read_quantity(codec.quantity(value), "it") == codec.read_quantity(value, "it") == value


@given(value=st.binary(max_size=100))
def test_bytes_that_are_written_are_read_back(value: bytes) -> None:
    assert codec.read_data(codec.data(value), "it") == value
    assert codec.read_bytes(codec.data(value), "it", len(value)) == value


@pytest.mark.parametrize("value", ["0x0", "0x00", "0x0000"])
def test_zeros_in_front_of_a_number_do_no_harm(value: str) -> None:
    assert codec.read_quantity(value, "it") == 0


@pytest.mark.parametrize(
    "value",
    [-1, 2**256, 1.0, True, None, "", "0x", "1", "0x" + "f" * 65, "0xg", "0x1\n", " 0x1", "0x_1", "٠x1", [], {}],
)
def test_what_is_no_number_is_refused_by_name(value: Any) -> None:
    with pytest.raises(RpcError, match="it must be a number such as 0x1a, not ") as refused:
        codec.read_quantity(value, "it")
    assert refused.value.code == INVALID_PARAMS


@pytest.mark.parametrize("value", ["", "0", "0x1", "12", "0xgg", "0x12\n", None, 12, b"0x12"])
def test_what_is_no_data_is_refused_by_name(value: Any) -> None:
    with pytest.raises(RpcError, match="it must be 0x and an even number of hex digits"):
        codec.read_data(value, "it")


def test_a_long_value_is_cut_in_the_message() -> None:
    with pytest.raises(RpcError) as refused:
        codec.read_quantity("x" * 10_000, "it")
    assert len(refused.value.message) < 200


def text_of(reason: bytes, *, length: int | None = None) -> bytes:
    """Encode the revert data of a reason, whole or cut short."""
    size = len(reason) if length is None else length
    return (
        bytes.fromhex("08c379a0") + (32).to_bytes(32, "big") + size.to_bytes(32, "big") + reason.ljust(32, b"\0")
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "execution reverted"),
        (b"\x12\x34", "execution reverted"),
        (bytes.fromhex("12345678"), "execution reverted: custom error 0x12345678"),
        (text_of(b"too late"), "execution reverted: too late"),
        (text_of("zu spät".encode()), "execution reverted: zu spät"),
        (text_of(b""), "execution reverted: "),
        (text_of(b"\xff\xfe"), "execution reverted: a reason that is not valid text"),
        (text_of(b"x", length=10_000), "execution reverted: a reason that is not valid text"),
        (
            bytes.fromhex("4e487b71") + (0x11).to_bytes(32, "big"),
            "execution reverted: panic: arithmetic underflow",
        ),
        (bytes.fromhex("4e487b71") + (0x99).to_bytes(32, "big"), "execution reverted: panic: unknown code (0x99)"),
        (bytes.fromhex("4e487b71"), "execution reverted: custom error 0x4e487b71"),
    ],
)
def test_revert_data_is_put_into_words_and_handed_on_whole(data: bytes, message: str) -> None:
    error = reverted(data)
    assert (error.code, error.data) == (3, "0x" + data.hex())
    assert error.message.startswith(message.removesuffix(": "))


@given(data=st.binary(max_size=200) | st.binary(max_size=200).map(lambda tail: bytes.fromhex("08c379a0") + tail))
def test_any_revert_data_can_be_put_into_words(data: bytes) -> None:
    assert reverted(data).message.startswith("execution reverted")
