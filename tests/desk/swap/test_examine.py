"""Whether a model fits in, found out at once or aside: the same answer, and nothing of the desk's time or life at stake."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.desk.swap import examine, examiner
from agent.desk.swap.examine import Aside, AtOnce, Exam, Examined, passed
from agent.desk.swap.request import Request, What
from agent.errors import ArtifactError, SwapRefused
from agent.model.artifact import save
from agent.model.conformity import Check, Conformity
from agent.model.trained import TrainedModel

PATIENCE = 60.0


def asked(**options: Any) -> Request:
    return Request(id="r", what=What.SWAP, **options)


def waited(exam: Exam) -> Examined:
    """Wait for an examination as a desk does, looking now and then."""
    deadline = time.monotonic() + PATIENCE
    try:
        while (examined := exam.outcome()) is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)  # another process: there is nothing to wait on
        return examined
    finally:
        exam.end()


@pytest.fixture
def folder(model: TrainedModel, tmp_path: Path) -> Path:
    return save(model, tmp_path / "model")


class Moody:
    """A classifier that answers something else each time."""

    def __init__(self, estimator: Any) -> None:
        self.classes_ = estimator.classes_
        self._rng = np.random.default_rng(1)

    def predict_proba(self, features: Any) -> Any:
        shares = self._rng.random((len(features), len(self.classes_)))
        return shares / shares.sum(axis=1, keepdims=True)


def test_a_model_that_fits_in_passes_at_once(model: TrainedModel):
    examined = AtOnce().begin(asked(model=model, expected=model.id)).outcome()
    assert examined is not None
    assert examined.model is model
    assert examined.checks >= 14


def test_a_model_that_does_not_is_refused_by_what_it_fails(model: TrainedModel):
    moody = replace(model, estimator=Moody(model.estimator))
    with pytest.raises(SwapRefused, match=r"moody fails \d+ of \d+ checks: .*same input twice"):
        AtOnce().begin(asked(model=moody, place="moody")).outcome()


def test_every_failed_check_is_named_with_its_evidence():
    checks = (Check("One.", True, "x"), Check("Two.", False, "it is 3."), Check("Four.", False, "it is 5."))
    with pytest.raises(SwapRefused, match=r"m fails 2 of 3 checks: Two: it is 3; Four: it is 5\."):
        passed(Conformity(False, checks), "m")


def test_a_damaged_model_is_refused_in_the_words_of_whoever_loads_it(folder: Path):
    (folder / "model.skops").write_bytes(b"damaged")
    with pytest.raises(ArtifactError, match="damaged or was changed"):
        AtOnce().begin(asked(place=str(folder))).outcome()


def test_a_model_that_was_changed_after_it_was_asked_for_is_refused(folder: Path):
    with pytest.raises(SwapRefused, match="was changed after it was asked for"):
        AtOnce().begin(asked(place=str(folder), expected="0x" + "00" * 32)).outcome()


def test_aside_a_model_passes_as_at_once(folder: Path, model: TrainedModel):
    exam = Aside().begin(asked(place=str(folder)))
    assert exam.outcome() is None  # it goes on by itself
    examined = waited(exam)
    assert examined.model.id == model.id
    at_once = AtOnce().begin(asked(model=model)).outcome()
    assert at_once is not None
    assert examined.checks == at_once.checks


def test_aside_a_model_is_refused_in_the_words_of_whoever_loads_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (folder / "model.skops").write_bytes(b"damaged")
    said = json.dumps(examiner.report(str(folder), ()))
    stand_in = tmp_path / "says what the process would"
    stand_in.write_text(f"#!/bin/sh\nprintf '%s\\n' {shlex.quote(said)}\n")
    stand_in.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(stand_in))
    with pytest.raises(SwapRefused, match="damaged or was changed"):
        waited(Aside().begin(asked(place=str(folder))))


def test_aside_a_process_that_dies_ends_the_swap_and_nothing_else(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "executable", shutil.which("false") or "false")
    with pytest.raises(SwapRefused, match="ended with code 1 and without a result: no word"):
        waited(Aside().begin(asked(place=str(folder))))


def test_aside_a_process_that_cannot_be_started_is_told_of(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "executable", str(folder / "nothing"))
    with pytest.raises(SwapRefused, match="No process could be started"):
        Aside().begin(asked(place=str(folder)))


def test_aside_a_model_that_hangs_is_given_up(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(examine, "LONGEST_SECONDS", 0.05)
    with pytest.raises(SwapRefused, match="did not end within"):
        waited(Aside().begin(asked(place=str(folder))))


def test_aside_what_is_not_waited_for_is_stopped(folder: Path, model: TrainedModel):
    exam = Aside().begin(asked(model=model, place="in memory"))
    exam.end()
    with pytest.raises(SwapRefused, match="without a result"):
        exam.outcome()
