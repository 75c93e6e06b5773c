"""Wherever a command takes a place, its name is judged before anything else is done."""

from __future__ import annotations

from pathlib import Path

import pytest

ADDRESS = "https://example.org/x"


@pytest.mark.parametrize(
    "arguments",
    [
        ["data", "{}"],
        ["data", "--sample", "{}"],
        ["demo", "--data", "{}"],
        ["demo", "--model", "{}"],
        ["run", "--data", "{}"],
        ["run", "--rpc", "http://127.0.0.1:1", "--requests", "{}"],
        ["chain", "--data", "{}"],
        ["check", "{}"],
        ["check", "logistic", "--data", "{}"],
        ["evaluate", "{}"],
        ["evaluate", "--model", "{}"],
        ["evaluate", "tree", "--html", "{}"],
        ["evaluate", "tree", "--trials", "{}"],
        ["train", "--data", "prices.csv", "--out", "{}"],
        ["train", "--model", "{}", "--data", "prices.csv", "--out", "x"],
        ["sweep", "--model", "tree", "--data", "{}", "--out", "x"],
        ["sweep", "--model", "tree", "--data", "prices.csv", "--out", "{}"],
        ["swap", "{}"],
        ["new-model", "mine", "--out", "{}"],
        ["deploy", "--rpc", "http://127.0.0.1:1", "--out", "{}"],
        ["mandate", "new", "--out", "{}"],
        ["mandate", "show", "{}"],
        ["mandate", "lodge", "x", "--key-file", "{}"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize(
    ("place", "words"),
    [
        (ADDRESS, "is an address, not a file"),
        ("x" * 300, "longer"),
        ("~nobody-at-all/x", "home of somebody unknown"),
    ],
    ids=["address", "long", "home"],
)
def test_a_name_that_no_file_can_have(arguments, place, words, command):
    command(*(each.format(place) for each in arguments)).is_refused(words)
    assert list(Path.cwd().iterdir()) == []


@pytest.mark.parametrize("option", ["--data", "--model"])
def test_a_loop_of_links_and_a_link_to_nothing(option, command):
    Path("loop").symlink_to("loop")
    Path("nothing").symlink_to("gone")
    command("demo", option, "loop").is_refused("leads back to itself")
    command("demo", option, "nothing").is_refused("a link to gone, which is not there")


def test_a_home_is_written_to_and_no_folder_is_called_so(command, tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    assert command("new-model", "mine", "--out", "~/models").code == 0
    assert command("data", "--sample", "~/prices.csv").code == 0
    assert sorted(each.name for each in home.iterdir()) == ["models", "prices.csv"]
    assert list(Path.cwd().iterdir()) == []


def test_a_name_of_letters_without_end_is_no_model_and_no_file(command):
    command("new-model", "x" * 300).is_refused("longer than the name of a file can be")
    command("check", f"{'x' * 300}:make").is_refused("longer than the name of a file can be")


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/full"])
def test_a_device_is_no_model_and_no_price_file(device, command):
    command("data", device).is_refused("may never end")
    command("check", device).is_refused("may never end")


def test_a_price_file_given_as_a_model_is_told_as_one(command):
    command("data", "--sample", "prices.csv")
    command("check", "prices.csv").is_refused("prices.csv is a file of prices by its name, not a model")
    command("demo", "--model", "prices.csv").is_refused("a file of prices")


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/full"])
def test_nor_is_it_a_mandate_or_a_record_of_a_deployment(device, command):
    command("mandate", "show", device).is_refused("may never end")
    command("mandate", "new", "--deployment", device, "--out", "mine.json").is_refused("may never end")
