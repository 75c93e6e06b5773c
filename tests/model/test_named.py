"""The models with a name, and what a word on the command line is taken for."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from agent.errors import ModelError
from agent.model.named import DEFAULT, MODELS, NamedModel, is_saved, spec_of


def test_each_has_a_name_of_its_own_and_one_sentence_on_what_it_is_for():
    assert len({model.name for model in MODELS}) == len(MODELS)
    assert [model.name for model in MODELS] == ["logistic", "boosting", "forest", "tree", "candles"]
    for model in MODELS:
        assert model.purpose.endswith(".")
        assert model.purpose.count(". ") == 0


def test_the_first_is_the_one_taken_where_none_is_asked_for_and_needs_nothing():
    assert DEFAULT is MODELS[0]
    assert DEFAULT.available


def test_what_needs_an_extra_that_is_not_there_says_so_and_how_to_get_it():
    model = NamedModel(name="x", purpose="None.", spec="a:b", extra="ta", module="a_library_nobody_has")
    assert not model.available
    assert re.fullmatch(r"pip install '\S+\[ta\]'", model.cure)


def test_a_name_in_capitals_is_not_one_but_is_understood():
    with pytest.raises(ModelError, match="Did you mean 'forest'"):
        spec_of("Forest")


@pytest.mark.parametrize("word", ["logistic", "boostin", "my_models:make", "nowhere", "my-model"])
def test_a_word_that_is_no_path_is_a_model_to_be_trained(word, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert not is_saved(word)


@pytest.mark.parametrize("word", ["models/mine", "./mine", "C:\\models\\mine", "mine.psm", "net.onnx", "NET.ONNX"])
def test_a_path_is_a_saved_model_there_or_not(word, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert is_saved(word)


def test_a_folder_goes_before_a_name(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "forest").mkdir()
    assert is_saved("forest")


def test_reading_the_list_loads_no_heavy_library():
    code = "import sys, agent.model.named; print(*sorted({'sklearn', 'numpy', 'talib'} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "\n"
