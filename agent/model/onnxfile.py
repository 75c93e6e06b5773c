"""ONNX: a classifier trained anywhere and kept as a graph, run by onnxruntime behind the interface of scikit-learn.

A graph is a model here if it takes one matrix of numbers with a column for each feature, and answers with
the probabilities of -1, 0 and 1: a tensor with a column for each, or a map, as skl2onnx writes by default. Which
column means what is in the file's metadata as ``classes``, for example ``-1,0,1``, which is also what counts
where it says nothing; if the graph has an output of labels too, that has to agree. So a graph that calls its classes 0, 1
and 2 states what they stand for, in that order.

Features are integers below 2**24, so the 32-bit numbers most graphs read hold them exactly. Probabilities are
then 32-bit as well: a model of scikit-learn and its conversion differ by up to about a millionth, which can be
a basis point at most where one rounds down and the other does not.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from agent.errors import ArtifactError, ModelError
from agent.extras import install
from agent.market.bars import Floats
from agent.market.synthetic import random_walk
from agent.model.classes import OUTCOMES
from agent.model.closes import WINDOW
from agent.model.features import FEATURES, feature_matrix
from agent.model.reasons import reason

__all__ = ["OnnxClassifier", "from_bytes", "from_file"]

_NUMBERS = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
}
_PROBED = 200
_STATE = (
    "If its classes have other names, state in its metadata what they stand for, in their order: classes, as -1,1."
)
_CONVERT = (
    "Export it with one input of shape (rows, features) and one output of probabilities, shape (rows, classes)."
)


@dataclass(frozen=True, slots=True, eq=False)
class _Graph:
    """A graph that is ready to run, and what of it is used."""

    session: Any
    source: str
    dtype: type
    answers: str
    classes: tuple[int, ...]
    keys: tuple[int, ...] | None
    """What a map calls the classes, in their order; None where it answers with a tensor."""

    def ask(self, features: NDArray[Any]) -> Floats:
        """Return the probabilities of rows, each asked alone: what a graph adds up may depend on how many there are."""
        said = np.empty((len(features), len(self.classes)))
        rows = np.ascontiguousarray(features, dtype=self.dtype)
        with _as_no_model():
            for place in range(len(rows)):
                (answer,) = self.session.run([self.answers], {self.source: rows[place : place + 1]})
                said[place] = answer[0] if self.keys is None else [answer[0][key] for key in self.keys]
        return said


class OnnxClassifier(ClassifierMixin, BaseEstimator):
    """A classifier that answers by running an ONNX graph.

    Parameters
    ----------
    content
        The bytes of the ONNX file.

    Attributes
    ----------
    classes_ : ndarray of int64, shape (n_classes,)
        The classes, in the order of the columns.
    n_features_in_ : int
        Number of columns it reads.
    """

    def __init__(self, content: bytes = b"") -> None:
        self.content = content

    def fit(self, X: Any, y: Any = None) -> OnnxClassifier:
        """Check that the graph is a model of these columns; nothing is learned, for it was trained elsewhere.

        Raises
        ------
        ModelError
            Where onnxruntime is not installed, or the graph is no such model.
        """
        self._asked(X)
        return self

    @property
    def classes_(self) -> NDArray[np.int64]:
        return np.array(self._graph.classes, dtype=np.int64)

    @property
    def outcomes(self) -> tuple[int, ...]:
        """What its classes stand for: its file states it, or nothing about them could be meant otherwise."""
        return self._graph.classes

    @property
    def n_features_in_(self) -> int:
        return len(FEATURES)

    def predict_proba(self, X: Any) -> Floats:
        """Return the probabilities of the classes, shape (n_samples, n_classes)."""
        return self._graph.ask(self._asked(X))

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Return the likeliest class of each row, shape (n_samples,)."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def _asked(self, X: Any) -> NDArray[Any]:
        features = np.asarray(X)
        if features.ndim != 2 or features.shape[1] != len(FEATURES):
            raise ModelError(
                f"an ONNX model reads {len(FEATURES)} features, and is given the shape {features.shape}.",
                cure="Ask it with the features of agent.model.features.",
            )
        return features

    @property
    def _graph(self) -> _Graph:
        # Kept by content: copies of one model, as made by `clone` or sent to another thread, share what runs it.
        return _ready(self.content)

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"OnnxClassifier({len(self.content):,} bytes)"


def from_file(path: str) -> OnnxClassifier:
    """Return the classifier in an ONNX file, ready to be asked.

    Raises
    ------
    ArtifactError
        Where the file cannot be read, or is no model of these features.
    ModelError
        Where onnxruntime is not installed.
    """
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        raise ArtifactError(
            f"{path} cannot be read: {error.strerror or error}.", cure="Check the path."
        ) from error
    return from_bytes(content, path)


def from_bytes(content: bytes, place: str) -> OnnxClassifier:
    """Return the classifier in the bytes of an ONNX file, ready to be asked.

    Parameters
    ----------
    content
        The file's content.
    place
        Where it was read from, for messages.

    Raises
    ------
    ArtifactError
        Where it is no model of these features.
    ModelError
        Where onnxruntime is not installed.
    """
    _runtime()
    try:
        _ready(content)
    except ModelError as error:
        raise ArtifactError(f"{place}: {error.problem}", cure=error.cure) from error
    return OnnxClassifier(content)


def _runtime() -> ModuleType:
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError(
            "an ONNX model is run by onnxruntime, which is not installed.",
            cure=f"Run: {install('onnx')}.",
        ) from error
    return onnxruntime


@lru_cache(maxsize=8)
def _ready(content: bytes) -> _Graph:
    """Return a graph with everything about it that can be checked checked."""
    session = _session(content)
    source, dtype = _source(session)
    answers, maps = _answers(session)
    stated = _stated(session)
    probes = feature_matrix(random_walk(_PROBED + WINDOW, seed=0).close)[WINDOW - 1 :]
    first = _run(session, None, source, probes[:1].astype(dtype))
    outputs = [output.name for output in session.get_outputs()]
    answer = first[outputs.index(answers)]
    keys = tuple(sorted(answer[0])) if maps else None
    classes = _by_column(stated, np.shape(answer)) if keys is None else _by_key(stated, keys)
    graph = _Graph(session, source, dtype, answers, _require_outcomes(classes), keys)
    _require_labels(graph, probes, stated=stated is not None)
    return graph


def _session(content: bytes) -> Any:
    runtime = _runtime()
    options = runtime.SessionOptions()
    # One thread: sums in one order, and a decision need not wait for others to wake.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    with tempfile.TemporaryDirectory() as empty, _as_no_model():
        # Numbers kept in other files would be no part of what the model's id commits to: none is found here.
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", empty)
        return runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


@contextmanager
def _as_no_model() -> Iterator[None]:
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    # Each is an Exception of its own; they have no other class in common.
    raised = (
        state.Fail,
        state.InvalidArgument,
        state.InvalidGraph,
        state.InvalidProtobuf,
        state.NoModel,
        state.NotImplemented,
        state.RuntimeException,
    )
    try:
        yield
    except (*raised, RuntimeError, ValueError) as error:
        said = reason(error)
        if "External data" in said:
            raise ModelError(
                "the ONNX model keeps some of its numbers in another file.",
                cure="Save it as one file: its id must commit to all of it.",
            ) from error
        raise ModelError(
            f"it is not an ONNX model that onnxruntime {_runtime().__version__} can run: {said}.",
            cure="Get the file again, or export it for an older version of ONNX.",
        ) from error


def _source(session: Any) -> tuple[str, type]:
    """Return the name of the one input, and the type of its numbers."""
    inputs = session.get_inputs()
    if len(inputs) != 1:
        names = ", ".join(each.name for each in inputs)
        raise ModelError(f"the ONNX model has {len(inputs)} inputs: {names}.", cure=_CONVERT)
    (source,) = inputs
    if source.type not in _NUMBERS or len(source.shape) != 2:
        raise ModelError(f"the ONNX model reads a {source.type} of shape {source.shape}.", cure=_CONVERT)
    rows, columns = source.shape
    if isinstance(rows, int) and rows != 1:
        raise ModelError(f"the ONNX model reads {rows} rows at once, and is asked about one.", cure=_CONVERT)
    if isinstance(columns, int) and columns != len(FEATURES):
        raise ModelError(
            f"the ONNX model reads {columns} columns, and there are {len(FEATURES)} features.",
            cure="Train it on the features of agent.model.features, all of them in their order.",
        )
    return source.name, _NUMBERS[source.type]


def _answers(session: Any) -> tuple[str, bool]:
    """Return the name of the output with the probabilities, and whether it is one of maps."""
    maps = [each.name for each in session.get_outputs() if each.type.startswith("seq(map(int64,")]
    tensors = [
        each.name
        for each in session.get_outputs()
        if each.type in ("tensor(float)", "tensor(double)") and len(each.shape) == 2
    ]
    found = [*maps, *tensors]
    if len(found) != 1:
        names = ", ".join(f"{each.name} ({each.type})" for each in session.get_outputs())
        raise ModelError(
            f"the ONNX model has {len(found)} outputs of probabilities; it has {names}.", cure=_CONVERT
        )
    return found[0], bool(maps)


def _stated(session: Any) -> tuple[int, ...] | None:
    """Return the classes that the metadata states, and see that the features it states are ours."""
    metadata = session.get_modelmeta().custom_metadata_map
    if metadata.get("features", ",".join(FEATURES)) != ",".join(FEATURES):
        raise ModelError(
            "the ONNX model was made for other features, or for these in another order.",
            cure="Train it again on the features of this version.",
        )
    if "classes" not in metadata:
        return None
    try:
        return tuple(int(label) for label in metadata["classes"].split(","))
    except ValueError as error:
        raise ModelError(
            f"the ONNX model states the classes {metadata['classes']!r}.",
            cure="State them as, for example, -1,0,1.",
        ) from error


def _by_column(stated: tuple[int, ...] | None, shape: Sequence[int]) -> tuple[int, ...]:
    classes = stated or OUTCOMES
    if tuple(shape) != (1, len(classes)):
        raise ModelError(
            f"the ONNX model answers one row with the shape {tuple(shape)}, where its classes are {_list(classes)}.",
            cure="State them in its metadata as classes, for example -1,1.",
        )
    return classes


def _by_key(stated: tuple[int, ...] | None, keys: tuple[int, ...]) -> tuple[int, ...]:
    """Return what the keys of a map stand for, in their order."""
    if stated is None:
        if set(keys) == {0, 1}:
            raise ModelError(
                "the ONNX model tells the classes 0, 1 apart, and nothing says whether its 0 is down or neither.",
                cure=_STATE,
            )
        return keys
    if len(stated) != len(keys):
        raise ModelError(
            f"the ONNX model tells the classes {_list(keys)} apart, and states that they are {_list(stated)}.",
            cure=_STATE,
        )
    return keys if set(keys) == set(stated) else stated


def _require_outcomes(classes: Sequence[int]) -> tuple[int, ...]:
    if not classes or len(set(classes)) < len(classes) or not set(classes) <= set(OUTCOMES):
        raise ModelError(
            f"the ONNX model tells the classes {_list(classes)} apart, not -1, 0 and 1.",
            cure=f"Train it on labels -1 (down), 0 (neither) and 1 (up). {_STATE}",
        )
    return tuple(classes)


def _require_labels(graph: _Graph, probes: NDArray[Any], *, stated: bool) -> None:
    """Refuse a graph whose own labels say that its columns stand in another order.

    Its labels are the outcomes; or, where it is stated what its columns stand for, the numbers of the columns.
    """
    labels = [
        each.name
        for each in graph.session.get_outputs()
        if each.type in ("tensor(int64)", "tensor(int32)") and len(each.shape) <= 1
    ]
    if not labels:
        return
    names = [graph.classes, tuple(range(len(graph.classes)))] if stated else [graph.classes]
    for row in probes:
        said = _run(graph.session, [labels[0]], graph.source, row[np.newaxis].astype(graph.dtype))[0]
        label = int(np.asarray(said).reshape(-1)[0])
        probabilities = graph.ask(row[np.newaxis])[0]
        likeliest = np.flatnonzero(probabilities == probabilities.max()).tolist()
        names = [each for each in names if label in [each[place] for place in likeliest]]
        if not names:
            raise ModelError(
                f"the ONNX model labels a row {label} whose likeliest class would be "
                f"{min(graph.classes[place] for place in likeliest)} if its columns were {_list(graph.classes)}: they "
                "stand in another order.",
                cure="State the order in its metadata as classes.",
            )


def _run(session: Any, outputs: Sequence[str] | None, source: str, rows: NDArray[Any]) -> list[Any]:
    with _as_no_model():
        return session.run(outputs, {source: rows})


def _list(classes: Sequence[int]) -> str:
    return ", ".join(map(str, classes))
