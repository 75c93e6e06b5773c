"""`patternsettle models` lists the models that have a name, and each of them works wherever a model is asked for."""

from __future__ import annotations

import json
import re

import pytest

from agent.model import named
from agent.model.artifact import load
from agent.model.named import MODELS

MODEL = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)


def test_each_is_listed_with_what_it_is_for(command):
    shown = " ".join(command("models").out.split())
    for model in MODELS:
        assert f"{model.name} {model.purpose}" in shown
    assert "MODULE:FACTORY; patternsettle new-model NAME writes one" in shown


def test_machines_are_told_the_same(command):
    ended = command("models", "--json")
    listed = json.loads(ended.out)["models"]
    assert [model["name"] for model in listed] == [model.name for model in MODELS]
    assert [model["default"] for model in listed] == [True, False, False, False, False]
    assert listed[-1]["extra"] == "ta"
    assert {"name", "purpose", "default", "extra", "available"} == set(listed[0])


def test_one_that_needs_what_is_not_installed_says_how_to_get_it(command, monkeypatch):
    monkeypatch.setattr(named, "find_spec", lambda module: None)
    shown = " ".join(command("models").out.split())
    assert re.search(r"Needs: pip install '\S+\[ta\]'", shown)
    assert [model["available"] for model in json.loads(command("models", "--json").out)["models"]] == [
        *[True] * 4,
        False,
    ]


@MODEL
def test_each_is_trained_by_its_name_and_loads_without_trust(command, price_file, model):
    pytest.importorskip(model.module or "sklearn", reason=f"the extra {model.extra!r} is not installed")
    ended = command(
        "train", "--data", price_file, "--replay", 0, "--model", model.name, "--out", "m.psm", "--json"
    )
    document = json.loads(ended.out)
    assert document["trust"] == []
    assert document["name"] == "m"
    assert load("m.psm").id == document["id"]


def test_a_name_is_trained_anew_by_the_demo(command):
    ended = command("demo", "--bars", 10, "--model", "tree", "--json")
    assert json.loads(ended.out)["model"]["name"] == "tree"
    assert "Training tree on" in ended.err


def test_one_saved_as_one_file_is_checked_and_put_to_work(command, price_file):
    arguments = ("train", "--data", price_file, "--replay", 10, "--model", "tree", "--out", "mine.psm", "--json")
    assert command(*arguments).code == 0
    assert command("check", "mine.psm", "--data", price_file).code == 0
    ended = command("demo", "--data", price_file, "--bars", 10, "--model", "mine.psm", "--json")
    assert json.loads(ended.out)["model"]["name"] == "mine"


@pytest.mark.parametrize(
    "arguments",
    [
        ("demo", "--model", "boostin"),
        ("train", "--data", "{file}", "--out", "m", "--model", "boostin"),
        ("check", "boostin"),
        ("evaluate", "boostin"),
    ],
    ids=" ".join,
)
def test_a_name_that_is_none_is_refused_with_the_one_that_was_meant(command, price_file, arguments):
    command(*(each.replace("{file}", str(price_file)) for each in arguments)).is_refused(
        "there is no model called 'boostin'.", "Did you mean 'boosting'?"
    )


@pytest.mark.parametrize("name", ["nowhere.psm", "nowhere.onnx", "models/nowhere"])
def test_a_path_where_nothing_is_is_refused_as_one(command, name):
    command("demo", "--bars", 40, "--model", name).is_refused(f"there is no model at {name}.")


def test_trust_is_about_saved_models_alone(command):
    command("demo", "--bars", 40, "--model", "tree", "--trust", "x.Y").is_refused("--trust is about a saved model")
