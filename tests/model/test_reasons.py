"""Whatever code of others does to end this process is told of it; only Ctrl-C ends it."""

from __future__ import annotations

import pytest

from agent.errors import ModelError
from agent.model.reasons import Attempt, Foreign


def test_an_attempt_that_would_end_the_process_has_failed():
    with Attempt() as attempt:
        raise SystemExit(0)
    assert isinstance(attempt.error, ModelError)
    assert attempt.error.problem.startswith(f"it ended the process in {__name__}, line ")
    assert attempt.error.problem.endswith(": SystemExit 0.")


def test_foreign_code_that_would_end_the_process_is_a_mistake_in_there():
    said = rf"^the model X ended the process in {__name__}, line \d+: SystemExit 0\. Mend"
    with pytest.raises(ModelError, match=said), Foreign("the model X"):
        raise SystemExit(0)


@pytest.mark.parametrize("stretch", [Attempt, lambda: Foreign("the model X")])
def test_ctrl_c_passes_through(stretch):
    with pytest.raises(KeyboardInterrupt), stretch():
        raise KeyboardInterrupt
