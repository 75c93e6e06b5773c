"""Where requests come from: a folder that two processes share, a model's folder that is watched, a plan."""

from __future__ import annotations

import json
import os
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.desk.place import Place
from agent.desk.swap.mailbox import Mailbox, beside
from agent.desk.swap.planned import Planned
from agent.desk.swap.request import Request, Unfit, What
from agent.desk.swap.watch import PATIENCE_SECONDS, Watched
from agent.errors import DeskError
from agent.model.artifact import save
from agent.model.train import train
from agent.model.trained import TrainedModel

WORDS = st.text(st.characters(codec="utf-8"), max_size=8)


def asked(request: str = "r", **options: Any) -> Request:
    return Request(id=request, what=options.pop("what", What.BACK), **{"made_at": 5.0, **options})


def taken(source: Any, *, decided: int = 0, busy: bool = False) -> list[Request | Unfit]:
    return list(source.requests(decided=decided, busy=busy))


@given(
    st.builds(
        Request,
        id=st.from_regex(r"[\w.-]{1,64}", fullmatch=True),
        what=st.sampled_from(What),
        place=WORDS,
        expected=WORDS,
        trusted=st.lists(WORDS, max_size=2).map(tuple),
        shadow=st.none() | st.integers(0, 100_000),
        agreed=st.lists(WORDS, max_size=2).map(tuple),
        revoke=st.booleans(),
        made_at=st.floats(0, 1e10),
    )
)
def test_a_request_is_read_as_it_was_written(request: Request):
    assert Request.from_json(json.loads(json.dumps(request.to_json()))) == request


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"what": "sell"}, "'what' is 'sell'"),
        ({"shadow": -1}, "'shadow' is -1"),
        ({"shadow": True}, "'shadow' is True"),
        ({"id": "../r"}, "'id' is '../r'"),
        ({"agreed": "12"}, "'agreed' is '12'"),
        ({"made_at": None}, "'made_at' is None"),
        ({"more": 1}, "unknown field 'more'"),
    ],
)
def test_what_is_no_request_is_told_by_its_field(change: dict[str, Any], why: str):
    with pytest.raises(ValueError, match=why):
        Request.from_json(asked().to_json() | change)


def test_nothing_else_than_an_object_is_a_request():
    with pytest.raises(ValueError, match="not a JSON object"):
        Request.from_json([1])


class TestTheFolder:
    @pytest.fixture
    def box(self, tmp_path: Path) -> Mailbox:
        return Mailbox(tmp_path / "journal.sqlite-swap", since=1.0)

    def test_belongs_to_a_journal_that_is_a_file(self, tmp_path: Path):
        place = Place.parse(tmp_path / "journal.sqlite")
        assert beside(place) == tmp_path / "journal.sqlite-swap"
        assert beside(Place.parse(":memory:")) is None

    def test_is_not_made_by_looking(self, box: Mailbox):
        assert taken(box) == []
        assert not box.folder.exists()

    def test_gives_each_request_once_in_the_order_they_were_made(self, box: Mailbox):
        for name, made_at in (("late", 7.5), ("soon", 2.0), ("later", 11.0)):
            box.put(asked(name, made_at=made_at))
        assert [request.id for request in taken(box)] == ["soon", "late", "later"]
        assert taken(box) == []
        assert list(box.folder.iterdir()) == []

    def test_is_for_its_user_alone(self, box: Mailbox):
        box.put(asked())
        assert box.folder.stat().st_mode & 0o077 == 0

    @pytest.mark.skipif(not hasattr(os, "geteuid"), reason="this system has no users of that kind")
    def test_takes_nothing_from_another_user(self, box: Mailbox, monkeypatch: pytest.MonkeyPatch):
        box.put(asked())
        monkeypatch.setattr(os, "geteuid", lambda: 12_345)
        [unfit] = taken(box)
        assert "left by another user" in unfit.reason

    def test_keeps_a_request_until_it_was_journalled(self, box: Mailbox):
        box.put(asked())
        hearing = box.requests(decided=0, busy=False)
        assert next(hearing) == asked()
        assert [path.suffix for path in box.folder.iterdir()] == [".taken"]
        assert list(hearing) == []
        assert list(box.folder.iterdir()) == []

    def test_tells_of_what_was_being_taken_when_a_run_was_killed(self, box: Mailbox):
        box.put(asked())
        hearing = box.requests(decided=0, busy=False)
        next(hearing)
        hearing.close()
        [unfit] = taken(Mailbox(box.folder, since=6.0))
        assert (unfit.id, "ask again" in unfit.reason) == ("r", True)
        assert list(box.folder.iterdir()) == []

    def test_tells_of_what_was_made_to_an_earlier_run(self, box: Mailbox):
        box.put(asked(made_at=0.5))
        assert taken(box) == [Unfit("r", "It was made before this run began: ask again.")]

    @pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b"x" * 70_000, b"[" * 20_000])
    def test_tells_of_what_is_no_request(self, box: Mailbox, content: bytes):
        box.folder.mkdir()
        (box.folder / "0-noise.json").write_bytes(content)
        [unfit] = taken(box)
        assert unfit.id == "noise"
        assert "cannot be read" in unfit.reason
        assert list(box.folder.iterdir()) == []

    def test_tells_once_of_what_it_cannot_remove_and_again_in_the_next_run(self, box: Mailbox):
        (box.folder / "0-odd.json" / "inside").mkdir(parents=True)
        for run in (box, Mailbox(box.folder)):
            read, left = taken(run)
            assert (read.id, "it is not a small plain file" in read.reason) == ("odd", True)
            assert (left.id, "odd.taken in " in left.reason) == ("mailbox", True)
            assert taken(run) == []
        shutil.rmtree(box.folder / "0-odd.taken")
        assert taken(run) == []

    def test_tells_once_of_what_it_cannot_take_and_takes_the_others(self, box: Mailbox):
        (box.folder / "0-odd.json").mkdir(parents=True)
        (box.folder / "0-odd.taken" / "inside").mkdir(parents=True)
        box.put(asked())
        told = taken(box)
        assert [each.id for each in told] == ["odd", "odd", "mailbox", "r"]
        assert "0-odd.json cannot be taken: " in told[0].reason
        assert taken(box) == []
        (box.folder / "0-odd.json").rmdir()
        assert taken(box) == []
        (box.folder / "0-odd.json").mkdir()
        assert [each.id for each in taken(box)] == ["odd"]

    def test_leaves_a_request_alone_that_is_still_being_written(self, box: Mailbox):
        box.folder.mkdir()
        (box.folder / "r.new").write_text("{")
        assert taken(box) == []

    def test_that_cannot_be_read_is_told_of_once(self, box: Mailbox):
        box.folder.write_text("a file")
        [unfit] = taken(box)
        assert "cannot be read" in unfit.reason
        assert taken(box) == []

    def test_that_cannot_be_written_is_refused(self, box: Mailbox):
        box.folder.write_text("a file")
        with pytest.raises(DeskError, match="cannot be left in"):
            box.put(asked())

    def test_gives_a_request_to_the_desk_or_back_and_never_to_both(self, tmp_path: Path):
        for turn in range(40):
            box = Mailbox(tmp_path / str(turn))
            box.put(asked())
            back: list[bool] = []
            withdrawing = threading.Thread(target=lambda box=box, back=back: back.append(box.withdraw(asked())))
            withdrawing.start()
            got = taken(box)
            withdrawing.join()
            assert len(got) + back.count(True) == 1


class Clock:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class TestAWatchedFolder:
    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def folder(self, tmp_path: Path, model: TrainedModel) -> Path:
        return save(model, tmp_path / "model")

    @pytest.fixture
    def watched(self, folder: Path, model: TrainedModel, clock: Clock) -> Watched:
        made = Watched(folder, seen=model.id, trusted=("a.Type",), clock=clock)
        assert taken(made) == []
        return made

    @pytest.fixture
    def other(self, model: TrainedModel) -> TrainedModel:
        return replace(model, manifest=replace(model.manifest, name="other"))

    def test_asks_once_for_another_model(self, watched: Watched, folder: Path, other: TrainedModel):
        save(other, folder)
        [request] = taken(watched)
        assert request == Request(
            id="watch-1",
            what=What.SWAP,
            by="watch",
            place=str(folder),
            expected=other.id,
            trusted=("a.Type",),
        )
        assert taken(watched) == []

    def test_does_not_ask_for_the_same_model_written_again(
        self, watched: Watched, folder: Path, model: TrainedModel
    ):
        save(model, folder)
        assert taken(watched) == []

    def test_waits_until_a_swap_under_way_is_done(self, watched: Watched, folder: Path, other: TrainedModel):
        save(other, folder)
        assert taken(watched, busy=True) == []
        assert len(taken(watched)) == 1

    @pytest.mark.parametrize("first", ["manifest.json", "model.skops"])
    def test_waits_for_a_model_that_is_half_written(
        self,
        first: str,
        watched: Watched,
        folder: Path,
        planted_bars: Any,
        tmp_path: Path,
        clock: Clock,
        other: TrainedModel,
    ):
        new = save(train(planted_bars[:1_500], seed=1, name="new"), tmp_path / "new")
        second = next(name for name in ("manifest.json", "model.skops") if name != first)
        whole = (new / first).read_bytes()
        for length in (0, len(whole) // 2, len(whole)):
            (folder / first).write_bytes(whole[:length])
            clock.now += PATIENCE_SECONDS / 2
            assert taken(watched) == []
        shutil.copy(new / second, folder / second)
        [request] = taken(watched)
        assert request.expected

    def test_asks_for_what_stays_damaged_so_that_it_is_refused_once(
        self, watched: Watched, folder: Path, clock: Clock, other: TrainedModel
    ):
        (folder / "model.skops").write_bytes(b"half")
        assert taken(watched) == []
        clock.now += PATIENCE_SECONDS
        [request] = taken(watched)
        assert request.expected == ""
        clock.now += PATIENCE_SECONDS
        assert taken(watched) == []
        save(other, folder)
        [mended] = taken(watched)
        assert mended.expected == other.id

    def test_that_is_gone_for_a_moment_is_looked_at_again(
        self, watched: Watched, folder: Path, other: TrainedModel, tmp_path: Path
    ):
        folder.rename(tmp_path / "aside")
        assert taken(watched) == []
        save(other, folder)
        assert len(taken(watched)) == 1


def test_a_plan_asks_once_when_it_is_due(model: TrainedModel):
    plan = Planned(3, model)
    assert taken(plan, decided=2) == []
    [request] = taken(plan, decided=3)
    assert (request.model, request.expected, request.by) == (model, model.id, "plan")
    assert taken(plan, decided=4) == []
