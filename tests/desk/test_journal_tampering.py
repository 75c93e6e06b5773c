"""Whoever changes a journal behind its back is noticed: any field, any byte, any order."""

import sqlite3

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agent.desk.entries import Decided, Outcome, RunEnded, Sent
from agent.desk.journal import GENESIS, Journal
from agent.errors import DeskError

ROWS = 6
SEQS = st.integers(1, ROWS)
FIELDS = ("run", "at", "kind", "payload", "previous", "hash")
TABLE = "patternsettle_journal"
files = settings(deadline=None, max_examples=50)  # an example writes a file


class Original:
    """A journal at rest: its bytes, its rows, and the file that changed copies of it are put in."""

    def __init__(self, file):
        with Journal.open(file, run="né") as journal:
            for bar in range(ROWS - 3):
                journal.append(Decided(bar_time=bar, action="hold", reason="no pattern", threshold_bps=6_000))
            journal.append(Sent(purpose="open", transaction=b"\x01" * 32, nonce=7))
            journal.append(Outcome(transaction=b"\x01" * 32, status=1, block=8, gas_used=96_686))
            journal.append(RunEnded(summary={"trades": 1}))
            self.rows = list(journal.rows())
        self.file, self.content, self.head = file, file.read_bytes(), self.rows[-1].hash


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return Original(tmp_path_factory.mktemp("journal") / "journal.sqlite")


@pytest.fixture(scope="module")
def tampered(original):
    """Return a function that changes a fresh copy directly in the database, triggers removed."""

    def change(*statements):
        original.file.write_bytes(original.content)
        connection = sqlite3.connect(original.file, isolation_level=None)
        connection.execute("PRAGMA synchronous = OFF")  # whoever tampers need not wait for the disk
        connection.execute("BEGIN")
        for event in ("update", "delete", "insert"):
            connection.execute(f"DROP TRIGGER {TABLE}_{event}")
        for statement, *values in statements:
            connection.execute(statement, values)
        connection.execute("COMMIT")
        connection.close()
        return original.file

    return change


def verify(file, expected_head=None):
    with Journal.open(file, readonly=True) as journal:
        return journal.verify(expected_head=expected_head)


@files
@given(seq=SEQS, field=st.sampled_from(FIELDS), place=st.integers(0, 10_000), bits=st.integers(1, 255))
def test_any_changed_byte_of_any_field_is_noticed_and_its_row_named(original, tampered, seq, field, place, bits):
    value = bytearray(getattr(original.rows[seq - 1], field).encode())
    value[place % len(value)] ^= bits
    file = tampered((f"UPDATE {TABLE} SET {field} = CAST(? AS TEXT) WHERE seq = ?", bytes(value), seq))
    with pytest.raises(DeskError, match=f"was altered: row {seq} "):
        verify(file)


@files
@given(
    seq=SEQS,
    field=st.sampled_from(FIELDS),
    value=st.one_of(
        st.text(st.characters(exclude_categories=["Cs"])), st.binary(), st.integers(-9, 9), st.floats()
    ),
)
def test_any_other_value_of_any_field_is_noticed_and_its_row_named(original, tampered, seq, field, value):
    assume(value != getattr(original.rows[seq - 1], field) and value == value)
    file = tampered((f"UPDATE {TABLE} SET {field} = ? WHERE seq = ?", value, seq))
    with pytest.raises(DeskError, match=f"was altered: row {seq} "):
        verify(file)


@files
@given(seq=SEQS, other=st.integers(-(2**63), 2**63 - 1).filter(lambda other: not 1 <= other <= ROWS))
def test_a_row_moved_to_another_number_is_noticed(original, tampered, seq, other):
    file = tampered((f"UPDATE {TABLE} SET seq = ? WHERE seq = ?", other, seq))
    with pytest.raises(DeskError, match=f"row {seq if other > 0 else 1} is "):
        verify(file, expected_head=original.head)


@files
@given(st.sets(SEQS, min_size=1).filter(lambda seqs: ROWS not in seqs))
def test_rows_removed_from_within_are_noticed_and_the_first_named(tampered, seqs):
    file = tampered(*((f"DELETE FROM {TABLE} WHERE seq = ?", seq) for seq in seqs))
    with pytest.raises(DeskError, match=f"row {min(seqs)} is missing"):
        verify(file)


@files
@given(SEQS)
def test_rows_removed_and_the_rest_renumbered_are_noticed(tampered, seq):
    assume(seq < ROWS)
    file = tampered(
        (f"DELETE FROM {TABLE} WHERE seq = ?", seq),
        (f"UPDATE {TABLE} SET seq = -seq WHERE seq > ?", seq),
        (f"UPDATE {TABLE} SET seq = -seq - 1 WHERE seq < 0",),
    )
    with pytest.raises(DeskError, match=f"row {seq} does not fit its hash"):
        verify(file)


@files
@given(SEQS, SEQS)
def test_rows_in_another_order_are_noticed(tampered, one, other):
    assume(one < other)
    file = tampered(
        (f"UPDATE {TABLE} SET seq = 0 WHERE seq = ?", one),
        (f"UPDATE {TABLE} SET seq = ? WHERE seq = ?", one, other),
        (f"UPDATE {TABLE} SET seq = ? WHERE seq = 0", other),
    )
    with pytest.raises(DeskError, match=f"row {one} does not fit its hash"):
        verify(file)


@files
@given(at=SEQS, copied=SEQS)
def test_a_row_inserted_between_others_is_noticed(tampered, at, copied):
    file = tampered(
        (f"UPDATE {TABLE} SET seq = -seq WHERE seq >= ?", at),
        (f"UPDATE {TABLE} SET seq = 1 - seq WHERE seq < 0",),
        (
            f"INSERT INTO {TABLE} SELECT ?, run, at, kind, payload, previous, hash FROM {TABLE} WHERE seq = ?",
            at,
            copied + (copied >= at),
        ),
    )
    with pytest.raises(DeskError, match=f"row {at + (copied == at)} does not fit its hash"):
        verify(file)


def test_a_row_written_anew_with_a_fitting_hash_breaks_the_row_behind_it(original, tampered, tmp_path):
    with Journal.open(tmp_path / "forged", run="né") as forged:
        row = forged.append(RunEnded(summary={"trades": 99}))
    file = tampered(
        (f"DELETE FROM {TABLE} WHERE seq = 1",),
        (f"INSERT INTO {TABLE} VALUES (?, ?, ?, ?, ?, ?, ?)", *row.values),
    )
    with pytest.raises(DeskError, match="row 2 does not follow the row before it"):
        verify(file)


@files
@given(st.integers(0, ROWS - 1))
def test_rows_taken_off_the_end_are_noticed_against_a_known_head_only(original, tampered, left):
    file = tampered((f"DELETE FROM {TABLE} WHERE seq > ?", left))
    assert verify(file).rows == left
    assert verify(file, expected_head=original.rows[left - 1].hash if left else GENESIS).rows == left
    with pytest.raises(DeskError, match=f"ends with row {left}, and no row has the hash {original.head}"):
        verify(file, expected_head=original.head)


def test_a_journal_written_anew_from_its_start_is_noticed_against_a_known_head(original, tmp_path):
    with Journal.open(tmp_path / "forged", run="né") as forged:
        forged.append(RunEnded(summary={"trades": 99}))
        assert forged.verify().rows == 1
        with pytest.raises(DeskError, match="written anew"):
            forged.verify(expected_head=original.rows[0].hash)


@files
@given(place=st.integers(0), bits=st.integers(1, 255))
def test_any_changed_byte_of_the_file_is_noticed_or_changes_no_row(original, place, bits):
    damaged = bytearray(original.content)
    damaged[place % len(damaged)] ^= bits
    original.file.write_bytes(damaged)
    try:
        with Journal.open(original.file, readonly=True) as journal:
            journal.verify(expected_head=original.head)
            rows = list(journal.rows())
    except DeskError:
        return
    assert rows == original.rows
