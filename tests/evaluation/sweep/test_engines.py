"""Whoever does the work: the answers are the same, in spite of whatever happens to a process."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from agent.errors import ModelError
from agent.evaluation.statistics import wilson
from agent.evaluation.sweep.engines import Failed, Here, Processes


@pytest.fixture(scope="module")
def processes():
    with Processes(2) as engine:
        yield engine


class OddError(Exception):
    """Of no kind that anybody expects of a model."""


def halved(n: int) -> float:
    if n == 3:
        raise OddError("three is odd")
    if n == 5:
        raise ModelError("five cannot be halved.", cure="Give another.")
    return n / 2


def test_errors_of_any_kind_are_answers_and_the_others_go_on():
    answers = dict(Here().answers(halved, [(n,) for n in range(6)]))
    odd = answers.pop(3)
    assert answers == {
        0: 0.0, 1: 0.5, 2: 1.0, 4: 2.0, 5: Failed("five cannot be halved. Give another."),
    }  # fmt: skip
    line = halved.__code__.co_firstlineno + 2
    assert odd == Failed(f"OddError in {__name__}, line {line}: three is odd.")


def test_ctrl_c_is_no_error_of_a_point():
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(Here().answers(stop, [()]))


def test_processes_find_what_this_one_finds_to_the_last_bit(plan, swept, whole, timeless, processes):
    assert timeless(swept(plan(), engine=processes)) == timeless(whole)


def test_what_goes_wrong_in_a_process_is_told_like_here(plan, swept, processes):
    failing = plan(horizon=(12,), max_depth=(3, -1))
    assert swept(failing, engine=processes).failed == swept(failing, folder="here").failed


def test_an_error_in_another_library_is_told_with_the_line_of_ours_that_led_to_it(processes):
    """So that a fault of this package is told from one of a model, in whatever process it arose."""
    [(_, here)] = Here().answers(wilson, [(4, 3)])
    assert re.fullmatch(
        r"ValueError in scipy\.\S+, line \d+, from agent\.evaluation\.statistics, line \d+: .*\.", here.reason
    )
    assert list(processes.answers(wilson, [(4, 3)])) == [(0, here)]


def test_calls_are_drawn_when_somebody_is_free_to_answer_them(processes):
    drawn, answered = [], []

    def calls():
        for n in range(8):
            drawn.append(n)
            assert len(drawn) - len(answered) <= processes.jobs
            yield (n, 2)

    for place, answer in processes.answers(pow, calls()):
        answered.append(place)
        assert answer == place**2
    assert sorted(answered) == list(range(8))


def test_a_call_whose_process_was_killed_is_made_again(tmp_path, processes):
    def once(n: int, folder: Path) -> int:
        first = folder / "first"
        if n == 1 and not first.exists():
            first.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return n * n

    answers = dict(processes.answers(once, [(n, tmp_path) for n in range(5)]))
    assert answers == {n: n * n for n in range(5)}
    assert (tmp_path / "first").exists()


def test_a_call_that_ends_its_process_whenever_it_is_made_has_failed(processes):
    def deadly(n: int) -> int:
        if n == 1:
            os._exit(1)
        return n

    answers = dict(processes.answers(deadly, [(n,) for n in range(4)]))
    assert answers == {
        0: 0,
        1: Failed("The process it was tried in ended twice, as when memory runs out."),
        2: 2,
        3: 3,
    }
