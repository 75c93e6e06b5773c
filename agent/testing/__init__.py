"""Testing contracts with pytest: fixtures, and what a test imports. Nothing here is loaded before it is used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_WHERE = {
    "Account": "accounts",
    "ChainStateMachine": "machine",
    "Deployer": "deployer",
    "Desk": "desk",
    "DevChain": "chain",
    "Emitted": "events",
    "Handle": "handle",
    "Sources": "sources",
    "assert_conforms": "models",
    "check_model": "models",
    "reverts": "refusals",
}

__all__ = sorted(_WHERE)


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return __all__
