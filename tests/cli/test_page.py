"""A page is written in place of nothing but an earlier page."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent.cli.page import require_free, write
from agent.errors import UsageError

PAGE = (
    '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="generator" content="patternsettle">'
)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_is_not_there_or_empty_or_an_earlier_page_is_free(folder):
    (folder / "empty.html").touch()
    (folder / "page.html").write_text(f"{PAGE}<body>earlier</body>")
    for name in ("new.html", "empty.html", "page.html"):
        require_free(Path(name), taken=[(Path("prices.csv"), "the file of prices")])


@pytest.mark.parametrize(
    "text",
    ["time,close\n1,2\n", "<!DOCTYPE html><p>another</p>", f"# How we write {PAGE}"],
    ids=["prices", "html", "notes"],
)
def test_any_other_file_is_left_alone(folder, text):
    (folder / "file").write_text(text)
    with pytest.raises(UsageError, match="file exists and is not a page of patternsettle, so it is left alone"):
        require_free(Path("file"), taken=[])


def test_a_file_that_the_command_uses_is_left_alone_even_before_it_is_there(folder):
    with pytest.raises(UsageError, match="that is the log of trials"):
        require_free(Path("rep.html"), taken=[(folder / "sub" / ".." / "rep.html", "the log of trials")])


def test_a_file_that_is_used_is_known_by_any_of_its_names(folder):
    (folder / "empty").touch()
    os.link("empty", "other")
    with pytest.raises(UsageError, match="that is the log of trials"):
        require_free(Path("other"), taken=[(Path("empty"), "the log of trials")])


def test_what_is_no_regular_file_is_refused_and_nothing_waits_for_it(folder):
    os.mkfifo("pipe")
    os.symlink("pipe", "link")
    os.symlink("round", "round")
    for name in ("pipe", "link", "round", "."):
        with pytest.raises(UsageError, match="cannot be written: that is no regular file"):
            require_free(Path(name), taken=[])


@pytest.mark.parametrize(
    "name",
    ["no/folder/page.html", "file/page.html", "x" * 300],
    ids=["no folder", "no folder but a file", "too long"],
)
def test_what_cannot_be_made_is_refused(folder, name):
    (folder / "file").touch()
    with pytest.raises(UsageError, match="cannot be written"):
        require_free(Path(name), taken=[])


def test_through_a_link_the_page_it_leads_to_is_replaced(folder):
    (folder / "page.html").write_text(PAGE)
    os.symlink("page.html", "latest.html")
    write(Path("latest.html"), f"{PAGE}new")
    assert (folder / "page.html").read_text() == f"{PAGE}new"
    assert (folder / "latest.html").is_symlink()
    assert {item.name for item in folder.iterdir()} == {"page.html", "latest.html"}


def test_a_link_to_another_file_is_refused(folder):
    (folder / "notes").write_text("mine")
    os.symlink("notes", "latest.html")
    with pytest.raises(UsageError, match=r"latest\.html exists and is not a page"):
        require_free(Path("latest.html"), taken=[])


def test_a_page_that_cannot_be_written_leaves_nothing_behind(folder):
    (folder / "page.html").mkdir()
    with pytest.raises(UsageError, match=r"page\.html cannot be written"):
        write(Path("page.html"), PAGE)
    assert [item.name for item in folder.iterdir()] == ["page.html"]


def test_a_long_name_is_no_obstacle(folder):
    write(Path("x" * 250), PAGE)
    assert (folder / ("x" * 250)).read_text() == PAGE
