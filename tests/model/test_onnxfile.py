"""An ONNX file is a model like any other, if it takes the features and answers with the probabilities; else it says why not."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from agent.errors import ArtifactError, ModelError
from agent.market.synthetic import planted
from agent.model.artifact import load, save
from agent.model.closes import LIMIT, WINDOW
from agent.model.conformity import check_model
from agent.model.estimators import made_by, resolve
from agent.model.features import FEATURES, feature_matrix
from agent.model.onnxfile import OnnxClassifier, from_bytes, from_file
from agent.model.threads import one_thread
from agent.model.train import train
from agent.model.trained import TrainedModel

pytest.importorskip("onnxruntime", reason="the extra 'onnx' is not installed")
onnx = pytest.importorskip("onnx", reason="onnx, which the graphs of these tests are made with, is not installed")

COLUMNS = len(FEATURES)


def graph(
    *,
    columns: int | str | None = COLUMNS,
    rows: int | str | None = None,
    classes: int = 3,
    inputs: int = 1,
    dtype: int = 1,
    labels: Sequence[int] | None = None,
    named: str | None = None,
    features: str | None = None,
    answers: int = 1,
    softmax: bool = True,
) -> bytes:
    """Return a small network in ONNX: the softmax of some features of the row, and as its label the likeliest of `labels`."""
    from onnx import helper, numpy_helper

    width = columns if isinstance(columns, int) else COLUMNS
    weights = np.zeros((width, classes), dtype=np.float32)
    # Over sums of 1e-5 of the returns: all the classes come, and every feature counts for a little.
    weights[:, :] = np.random.default_rng(1).normal(size=(width, classes)) * 1e-5
    nodes = [
        helper.make_node("Cast", ["in0"], ["x"], to=1),
        helper.make_node("MatMul", ["x", "weights"], ["z"]),
        helper.make_node("Softmax" if softmax else "Identity", ["z"], ["p0"], **({"axis": 1} if softmax else {})),
    ]
    outputs = [helper.make_tensor_value_info("p0", 1, [None, classes])]
    constants = [numpy_helper.from_array(weights, "weights")]
    for number in range(1, answers):
        nodes.append(helper.make_node("Identity", ["p0"], [f"p{number}"]))
        outputs.append(helper.make_tensor_value_info(f"p{number}", 1, [None, classes]))
    if labels is not None:
        constants.append(numpy_helper.from_array(np.array(labels, dtype=np.int64), "labels"))
        nodes.append(helper.make_node("ArgMax", ["p0"], ["place"], axis=1, keepdims=0))
        nodes.append(helper.make_node("Gather", ["labels", "place"], ["label"]))
        outputs.insert(0, helper.make_tensor_value_info("label", 7, [None]))
    sources = [helper.make_tensor_value_info(f"in{number}", dtype, [rows, columns]) for number in range(inputs)]
    made = helper.make_model(
        helper.make_graph(nodes, "network", sources, outputs, constants),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=10,
    )
    stated = {"classes": named, "features": features}
    helper.set_model_props(made, {name: value for name, value in stated.items() if value is not None})
    return made.SerializeToString()


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    return feature_matrix(planted(500, seed=4).close)[WINDOW - 1 :]


class TestAGraph:
    def test_answers_as_its_numbers_say(self, rows):
        model = from_bytes(graph(), "net.onnx")
        weights = np.random.default_rng(1).normal(size=(COLUMNS, 3)) * 1e-5
        raw = np.exp(rows @ weights)
        assert model.predict_proba(rows) == pytest.approx(raw / raw.sum(axis=1, keepdims=True), abs=1e-5)
        assert model.classes_.tolist() == [-1, 0, 1]
        assert model.n_features_in_ == COLUMNS
        assert model.predict(rows).tolist() == (model.predict_proba(rows).argmax(axis=1) - 1).tolist()

    def test_answers_a_row_alone_as_among_others_to_the_last_bit(self, rows):
        model = from_bytes(graph(), "net.onnx")
        together = model.predict_proba(rows)
        alone = np.vstack([model.predict_proba(rows[place : place + 1]) for place in range(len(rows))])
        assert alone.tobytes() == together.tobytes()

    def test_is_given_every_feature_exactly(self):
        from onnx import helper

        # It answers with the last three features as they are.
        nodes = [helper.make_node("Slice", ["x", "from", "to", "axis"], ["p"])]
        numbers = [
            helper.make_tensor(name, 7, [1], [value])
            for name, value in (("from", COLUMNS - 3), ("to", COLUMNS), ("axis", 1))
        ]
        source = helper.make_tensor_value_info("x", 1, [None, COLUMNS])
        answer = helper.make_tensor_value_info("p", 1, [None, 3])
        made = helper.make_model(
            helper.make_graph(nodes, "g", [source], [answer], numbers),
            opset_imports=[helper.make_opsetid("", 17)],
            ir_version=10,
        )
        row = np.zeros((1, COLUMNS), dtype=np.int32)
        row[0, -3:] = (LIMIT, -LIMIT, LIMIT - 1)
        assert OnnxClassifier(made.SerializeToString()).predict_proba(row)[0].tolist() == [
            LIMIT,
            -LIMIT,
            LIMIT - 1,
        ]

    @pytest.mark.parametrize("dtype", [1, 11, 6, 7], ids=["float", "double", "int32", "int64"])
    def test_may_read_any_kind_of_number(self, rows, dtype):
        said = from_bytes(graph(dtype=dtype), "net.onnx").predict_proba(rows)
        assert said == pytest.approx(from_bytes(graph(), "net.onnx").predict_proba(rows), abs=1e-6)

    @pytest.mark.parametrize("shape", [{"rows": 1}, {"rows": "n", "columns": "k"}, {"columns": None}])
    def test_may_tell_its_shape_or_not(self, rows, shape):
        assert from_bytes(graph(**shape), "net.onnx").predict_proba(rows).shape == (len(rows), 3)

    def test_tells_its_classes_in_its_metadata_where_they_are_not_all_three(self, rows):
        assert from_bytes(graph(classes=2, named="-1,1"), "net.onnx").classes_.tolist() == [-1, 1]
        assert from_bytes(graph(named="1,0,-1", labels=(1, 0, -1)), "x").classes_.tolist() == [1, 0, -1]

    def test_may_call_its_classes_by_the_numbers_of_its_columns_where_it_states_them(self, rows):
        model = from_bytes(graph(named="-1,0,1", labels=(0, 1, 2)), "net.onnx")
        assert model.classes_.tolist() == [-1, 0, 1]
        assert model.predict_proba(rows).tolist() == from_bytes(graph(), "net.onnx").predict_proba(rows).tolist()

    def test_is_made_anew_from_its_content_alone(self, rows):
        model = from_bytes(graph(), "net.onnx")
        assert clone(model).predict_proba(rows).tobytes() == model.predict_proba(rows).tobytes()


class TestAFileThatSkl2onnxWrote:
    """As it does by itself: labels, and a map from each of them to its probability."""

    @pytest.mark.parametrize("labels", [(-1, 0, 1), (-1, 1)])
    def test_is_read_by_the_names_of_its_classes(self, rows, labels):
        skl2onnx = pytest.importorskip("skl2onnx", reason="skl2onnx, which converts models, is not installed")
        told = np.array(labels, dtype=np.int64)[rows[:, 0] % len(labels)]
        with one_thread():
            fitted = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, told)
        content = skl2onnx.to_onnx(fitted, rows[:1].astype(np.float32)).SerializeToString()
        model = from_bytes(content, "net.onnx")
        assert model.classes_.tolist() == list(labels)
        assert model.predict_proba(rows) == pytest.approx(fitted.predict_proba(rows), abs=1e-5)

    @pytest.mark.parametrize("names", [(0, 1, 2), (0, 1)])
    def test_with_classes_of_other_names_is_refused_unless_it_states_them(self, rows, names):
        skl2onnx = pytest.importorskip("skl2onnx", reason="skl2onnx, which converts models, is not installed")
        from onnx import helper

        told = np.array(names, dtype=np.int64)[rows[:, 0] % len(names)]
        with one_thread():
            fitted = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, told)
        made = skl2onnx.to_onnx(fitted, rows[:1].astype(np.float32))
        with pytest.raises(ArtifactError, match=r"tells the classes 0, 1.* apart.* state in its metadata"):
            from_bytes(made.SerializeToString(), "net.onnx")
        helper.set_model_props(made, {"classes": "-1,0,1" if len(names) == 3 else "-1,1"})
        model = from_bytes(made.SerializeToString(), "net.onnx")
        assert model.classes_.tolist() == ([-1, 0, 1] if len(names) == 3 else [-1, 1])
        assert model.predict_proba(rows) == pytest.approx(fitted.predict_proba(rows), abs=1e-5)
        helper.set_model_props(made, {"classes": "-1,0,1" if len(names) == 2 else "-1,1"})
        with pytest.raises(ArtifactError, match="apart, and states that they are"):
            from_bytes(made.SerializeToString(), "net.onnx")


class TestAFileThatIsNoModel:
    @pytest.mark.parametrize(
        ("content", "said"),
        [
            pytest.param(b"", r"is not an ONNX model that onnxruntime .* can run", id="empty"),
            pytest.param(b"hello", r"is not an ONNX model that onnxruntime .* can run", id="no ONNX"),
            pytest.param(graph()[:-40], r"is not an ONNX model that onnxruntime .* can run", id="cut short"),
            pytest.param(graph(columns=5), r"reads 5 columns, and there are 39 features", id="other columns"),
            pytest.param(graph(inputs=2), r"has 2 inputs: in0, in1\. Export it with one input", id="two inputs"),
            pytest.param(graph(rows=64), r"reads 64 rows at once, and is asked about one", id="many rows"),
            pytest.param(graph(dtype=9), r"reads a tensor\(bool\) of shape", id="truth values"),
            pytest.param(graph(answers=2), r"has 2 outputs of probabilities; it has p0 .*, p1", id="two answers"),
            pytest.param(
                graph(classes=2), r"one row with the shape \(1, 2\), where its classes are -1, 0, 1", id="two"
            ),
            pytest.param(graph(named="-1,0"), r"\(1, 3\), where its classes are -1, 0\.", id="too few named"),
            pytest.param(graph(named="down,up"), r"states the classes 'down,up'\. State them as", id="words"),
            pytest.param(graph(named="1,2,3"), r"tells the classes 1, 2, 3 apart, not -1, 0 and 1", id="others"),
            pytest.param(graph(named="1,1,0"), r"tells the classes 1, 1, 0 apart", id="one twice"),
            pytest.param(
                graph(labels=(1, 0, -1)), r"columns were -1, 0, 1: they stand in another order\. State", id="order"
            ),
            pytest.param(
                graph(features="a,b"), r"made for other features, or for these in another order", id="names"
            ),
        ],
    )
    def test_is_refused_in_one_sentence(self, content, said):
        with pytest.raises(ArtifactError, match=rf"^net\.onnx: .*{said}") as caught:
            from_bytes(content, "net.onnx")
        assert "\n" not in str(caught.value)

    def test_that_keeps_its_numbers_elsewhere_is_refused_even_where_they_are_at_hand(self, tmp_path, monkeypatch):
        made = onnx.load_model_from_string(graph())
        onnx.save(
            made,
            tmp_path / "net.onnx",
            save_as_external_data=True,
            location="numbers.bin",
            size_threshold=0,
        )
        monkeypatch.chdir(tmp_path)
        with pytest.raises(
            ArtifactError, match=r"keeps some of its numbers in another file\. Save it as one file"
        ):
            from_file("net.onnx")

    def test_that_is_not_there_is_refused(self, tmp_path):
        with pytest.raises(ArtifactError, match=r"nowhere\.onnx cannot be read: No such file"):
            made_by(resolve(str(tmp_path / "nowhere.onnx")), seed=0)

    def test_that_answers_no_probabilities_is_refused_when_it_is_asked(self, planted_bars, tmp_path):
        (tmp_path / "net.onnx").write_bytes(graph(softmax=False))
        with pytest.raises(ModelError, match="where a probability was expected"):
            train(planted_bars, factory=resolve(str(tmp_path / "net.onnx")))

    def test_asked_with_other_features_it_refuses(self):
        with pytest.raises(ModelError, match=r"reads 39 features, and is given the shape \(2, 5\)"):
            from_bytes(graph(), "net.onnx").predict_proba(np.zeros((2, 5)))

    def test_without_onnxruntime_says_what_to_install(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "onnxruntime", None)
        with pytest.raises(ModelError, match=r"not installed\. Run: pip install '\S+\[onnx\]'\."):
            from_bytes(graph(named="-1,0,1"), "net.onnx")


@pytest.fixture(scope="module")
def model(planted_bars, tmp_path_factory) -> TrainedModel:
    file = tmp_path_factory.mktemp("net") / "net.onnx"
    file.write_bytes(graph())
    return train(planted_bars, factory=resolve(str(file)), name="net")


class TestAModelOfIt:
    @pytest.mark.parametrize("name", ["net", "net.psm", "net.onnx"])
    def test_is_saved_and_loaded_as_any_other(self, model, planted_bars, tmp_path, name):
        again = load(save(model, tmp_path / name))
        assert again.id == model.id
        one, other = (each.predict_series(planted_bars.close) for each in (model, again))
        assert one.down_bps.tolist() == other.down_bps.tolist()

    def test_changed_in_one_byte_is_refused(self, model, tmp_path):
        path = save(model, tmp_path / "net.onnx")
        path.write_bytes(path.read_bytes()[:-1] + b"!")
        with pytest.raises(
            ArtifactError, match=r"net\.onnx is not the file that the manifest beside it was written"
        ):
            load(path)

    def test_does_not_care_which_scikit_learn_is_installed(self, model, tmp_path):
        path = save(model, tmp_path / "net.onnx")
        manifest = Path(tmp_path / "net.json")
        manifest.write_text(manifest.read_text().replace('"scikit_learn": "1', '"scikit_learn": "0'))
        assert load(path).threshold_bps == model.threshold_bps

    def test_passes_every_check_there_is(self, model):
        result = check_model(model)
        assert [check.detail for check in result.failed] == []
        assert len(result.checks) == 16

    def test_decides_alone_as_in_its_series(self, model, planted_bars):
        series = model.predict_series(planted_bars.close)
        for bar in range(WINDOW - 1, len(planted_bars), 200):
            one = model.predict(planted_bars.close[bar - WINDOW + 1 : bar + 1])
            assert (one.down_bps, one.flat_bps, one.up_bps) == (
                series.down_bps[bar],
                series.flat_bps[bar],
                series.up_bps[bar],
            )
