"""A store forgets nothing that it was given, whatever happens to whoever gave it."""

from __future__ import annotations

import pytest

from agent.errors import UsageError
from agent.evaluation.sweep.store import FILE, Record, Store


@pytest.fixture
def record(outcome):
    """Return a function that makes a record of a point."""

    def make(key: str, *, failed: str = "") -> Record:
        point = {"model": "tree", "parameters": {"max_depth": 3}}
        return Record(key=key, data="d", trial="t", point=point, result=failed or outcome)

    return make


def test_what_was_added_is_there_when_it_is_opened_again(tmp_path, record):
    with Store(tmp_path / "new" / "sweep") as store:
        store.add(record("a"))
        store.add(record("b", failed="It broke."))
    with Store(tmp_path / "new" / "sweep") as store:
        assert list(store) == [record("a"), record("b", failed="It broke.")]
        assert store.get("a").outcome == record("a").result
        assert store.get("b").outcome is None
        assert store.get("c") is None
        assert len(store) == 2


def test_each_point_is_one_line_on_disk_before_adding_returns(tmp_path, record, lines):
    with Store(tmp_path) as store:
        store.add(record("a"))
        assert [line["key"] for line in lines(tmp_path)] == ["a"]
        store.add(record("b"))
        assert [line["key"] for line in lines(tmp_path)] == ["a", "b"]


def test_the_last_of_several_tries_counts(tmp_path, record):
    with Store(tmp_path) as store:
        store.add(record("a", failed="It broke."))
        store.add(record("a"))
        assert [each.outcome is None for each in store] == [False]
    with Store(tmp_path) as store:
        assert [each.outcome is None for each in store] == [False]


@pytest.mark.parametrize("left", [1, 30, -1])
def test_the_beginning_of_a_line_that_a_killed_process_left_is_taken_away(tmp_path, record, left, lines):
    with Store(tmp_path) as store:
        store.add(record("a"))
        whole = store.path.read_bytes()
        store.add(record("b"))
        both = store.path.read_bytes()
    (tmp_path / FILE).write_bytes(both[: len(whole) + left] if left > 0 else both[:left])
    with Store(tmp_path) as store:
        assert [each.key for each in store] == ["a"]
        assert store.path.read_bytes() == whole
        store.add(record("c"))
    assert [line["key"] for line in lines(tmp_path)] == ["a", "c"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("no JSON", "line 2, is not a point of a sweep: Expecting value"),
        ('{"format":2}', "it is not of format 1"),
        ('{"format":1,"state":"done"}', "'key'"),
        ('{"format":1,"state":"half"}', "'half'"),
        ("[]", "list indices"),
        ("[" * 10_000, "nested more than"),
    ],
    ids=lambda value: value[:20],
)
def test_a_line_that_is_no_point_is_refused_with_its_number(tmp_path, record, line, why):
    with Store(tmp_path) as store:
        store.add(record("a"))
    with (tmp_path / FILE).open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(UsageError, match=why) as refused, Store(tmp_path):
        pass
    assert "its point is tried again" in refused.value.cure


def test_two_sweeps_are_not_at_work_in_one_folder(tmp_path, record):
    with (
        Store(tmp_path) as store,
        pytest.raises(UsageError, match="Another sweep is at work in"),
        Store(tmp_path),
    ):
        pass
    store.path.unlink()
    with Store(tmp_path) as store:
        store.add(record("a"))


def test_a_folder_that_cannot_be_one_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"The sweep cannot be kept in .*file"), Store(tmp_path / "file"):
        pass


def test_a_disk_that_is_full_is_told_and_nothing_is_half_written(tmp_path, record, lines):
    resource = pytest.importorskip("resource", reason="this system cannot limit the size of a file")
    with Store(tmp_path) as store:
        store.add(record("a"))
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (store.path.stat().st_size + 50, before[1]))
        try:
            with pytest.raises(UsageError, match="The sweep cannot be kept in"):
                store.add(record("b"))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert [each.key for each in store] == ["a"]
        store.add(record("c"))
    assert [line["key"] for line in lines(tmp_path)] == ["a", "c"]
