"""What all tests share: pytest's own tool for testing plugins, which only the outermost conftest may load, and how long
hypothesis looks for a counterexample.
"""

import gc

import pytest
from hypothesis import settings

pytest_plugins = ["pytester"]

# A slow machine is no fault of what is tested. `--hypothesis-profile=thorough` looks longer, where a test sets no number.
settings.register_profile("everyday", max_examples=25, deadline=None)
settings.register_profile("thorough", max_examples=500, deadline=None)
settings.load_profile("everyday")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no process is left alone with it at the end."""
    items.sort(key=lambda item: item.path.name != "test_readme.py")


def pytest_collection_finish() -> None:
    """Take what was imported and collected, which stays to the end, out of the search for what can go."""
    gc.collect()
    gc.freeze()
