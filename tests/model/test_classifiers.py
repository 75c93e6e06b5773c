"""The table of the classifiers names every one there is, and what it says of some is so."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def classifying(monkeypatch):
    """Return a function that gives a module of what `scripts/bench classifiers` stands on."""
    monkeypatch.syspath_prepend(ROOT / "scripts" / "bench.d")
    return lambda name: importlib.import_module(f"classifying.{name}")


@pytest.fixture
def rows(classifying):
    return classifying("table").read(ROOT / "docs" / "classifiers.md")


def test_the_table_has_a_row_for_every_classifier_of_scikit_learn_and_the_boosters(classifying, rows):
    made = classifying("made")
    assert list(rows) == [*sorted(made.KINDS), *sorted(made.BOOSTERS)]


def test_whatever_was_not_done_says_why_in_words(rows):
    for row in rows.values():
        assert row.remark or {row.check, row.train, row.load, row.demo} == {"yes"}, row
        assert "Traceback" not in row.remark
        assert not row.remark.startswith("Ended with"), row


def test_it_is_read_as_it_was_written(classifying, rows):
    table = classifying("table")
    text = (ROOT / "docs" / "classifiers.md").read_text()
    version = text.partition("scikit-learn ")[2].partition(",")[0]
    assert table.written(rows.values(), version=version) == text


@pytest.mark.parametrize("name", ["GaussianNB", "LinearSVC", "ClassifierChain"])
def test_a_row_is_true(classifying, rows, tmp_path, name):
    prices = tmp_path / "prices.csv"
    (tmp_path / "own").mkdir()
    script = importlib.import_module("classifiers")
    prices.write_text(script.csv_of(script.planted(script.BARS, seed=3)))
    row = classifying("tried").tried(name, prices, tmp_path / "own", seconds=300)
    assert not row.crashed
    known = rows[name]
    assert (row.check, row.train, row.load, row.demo) == (known.check, known.train, known.load, known.demo)


def test_one_that_does_not_end_is_told_so(classifying, tmp_path):
    row = classifying("tried").tried("GaussianNB", tmp_path / "no.csv", tmp_path, seconds=0)
    assert (row.check, row.remark) == ("no", "Check did not end in 0 s.")
