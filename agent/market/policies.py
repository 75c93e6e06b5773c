"""What a reader of price files may be told to do about a fault; importable without waiting for pandas."""

from __future__ import annotations

from typing import Literal

Duplicates = Literal["refuse", "first", "last"]
Impossible = Literal["refuse", "drop"]
DateOrder = Literal["dmy", "mdy"]
Stamped = Literal["start", "close"]
