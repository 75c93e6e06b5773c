"""What a model says of a bar: the patterns it saw and how likely each way out is, in whole basis points."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.market.bars import Bars, Ints

__all__ = ["Prediction", "Predictions", "inputs_hash", "inputs_hash_of_bars"]


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model says of one bar.

    Attributes
    ----------
    patterns
        Mask of the patterns present, see `agent.model.patterns`.
    down_bps, flat_bps, up_bps
        Probability, in basis points and rounded down, that a short trade takes its profit, that neither
        does, and that a long trade does.
    inputs
        Hash of the closes it was read from, 32 bytes, see `inputs_hash`.
    """

    patterns: int
    down_bps: int
    flat_bps: int
    up_bps: int
    inputs: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """What a model says of each bar of a series; all shapes (n,), meanings as in `Prediction`.

    Bars without a full window of closes have no pattern and only zeros.
    """

    patterns: NDArray[np.uint32]
    down_bps: Ints
    flat_bps: Ints
    up_bps: Ints

    @property
    def direction(self) -> NDArray[np.int8]:
        """1 where up is the most likely, -1 where down is, 0 where flat is or where they are equal."""
        up = (self.up_bps > self.down_bps) & (self.up_bps > self.flat_bps)
        down = (self.down_bps > self.up_bps) & (self.down_bps > self.flat_bps)
        return up.astype(np.int8) - down.astype(np.int8)

    @property
    def confidence_bps(self) -> Ints:
        """Probability of the likelier of up and down, in basis points."""
        return np.maximum(self.up_bps, self.down_bps)


def inputs_hash(window: Sequence[int]) -> bytes:
    """Return the SHA-256 of a window's closes, oldest first, each as 32 bytes, most significant first.

    It is what ``sha256(abi.encodePacked(closes))`` gives for a ``uint256[]`` in a contract.
    """
    return hashlib.sha256(b"".join(close.to_bytes(32, "big") for close in window)).digest()


def inputs_hash_of_bars(window: Bars) -> bytes:
    """Return the SHA-256 of a window's bars, oldest first, for a model that reads all of them.

    Of each bar its time, open, high, low and close, each as 32 bytes, most significant first, and its volume as an
    IEEE 754 number of eight bytes. After them, of each market beside it, the name it is read under, ended by a zero
    byte, the number of its bars in four bytes, and those bars likewise.
    """
    digest = hashlib.sha256(_rows_of(window))
    for name, other in window.beside:
        digest.update(name.encode() + b"\0" + len(other).to_bytes(4, "big") + _rows_of(other))
    return digest.digest()


def _rows_of(window: Bars) -> bytes:
    rows = []
    prices = zip(window.time, window.open, window.high, window.low, window.close, strict=True)
    for row, volume in zip(prices, window.volume, strict=True):
        rows.append(b"".join(int(value).to_bytes(32, "big") for value in row) + struct.pack(">d", volume))
    return b"".join(rows)
