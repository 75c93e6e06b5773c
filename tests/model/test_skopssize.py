"""A small file that would take all memory once it is loaded is refused before anything in it is."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
import skops.io
from scipy.sparse import csr_matrix
from sklearn.dummy import DummyClassifier

from agent.errors import ArtifactError
from agent.model.skopsfile import from_bytes

NAMES_AN_ARRAY = {"__class__": "ndarray", "__module__": "numpy", "__loader__": "NdArrayNode", "type": "numpy"}
NAMES_A_MATRIX = {
    "__class__": "spmatrix",
    "__module__": "scipy.sparse._matrix",
    "__loader__": "SparseMatrixNode",
    "type": "scipy",
}
NAMES_BYTES = {"__class__": "bytearray", "__module__": "builtins", "__loader__": "BytearrayNode"}
DEEP = {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode", "content": "[" * 50_000}
MEGABYTE = 2**20


def packed(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def naming(node: dict[str, str], *, times: int, member: bytes) -> bytes:
    """An estimator's file whose schema names one member so many times."""
    content = [{**node, "file": "large"}] * times
    schema = {"__class__": "list", "__module__": "builtins", "__loader__": "ListNode", "content": content}
    return packed({"schema.json": json.dumps({**schema, "protocol": 2}).encode(), "large": member})


@pytest.fixture(
    params=["an array named often", "a matrix packed twice", "bytes that become a list", "a schema", "a value"]
)
def greedy(request) -> tuple[bytes, str]:
    """The bytes of a small file that asks for much, and what is said of it."""
    match request.param:
        case "an array named often":
            return naming(NAMES_AN_ARRAY, times=1_025, member=bytes(MEGABYTE)), "it unpacks to 1,074,790,400 bytes"
        case "a matrix packed twice":
            matrix = packed({"data.npy": bytes(64 * MEGABYTE)})
            return naming(NAMES_A_MATRIX, times=17, member=matrix), r"it unpacks to 1,14\d,\d{3},\d{3} bytes"
        case "bytes that become a list":
            return naming(NAMES_BYTES, times=1, member=bytes(120 * MEGABYTE)), "it unpacks to 1,132,462,080 bytes"
        case "a schema":
            return packed({"schema.json": b" " * (65 * MEGABYTE)}), "its schema unpacks to 68,157,440 bytes"
    return naming(DEEP, times=1, member=b""), "it is nested more than 200 deep"


def test_a_small_file_that_asks_for_much_is_refused(greedy):
    data, said = greedy
    assert len(data) < 200_000
    with pytest.raises(ArtifactError, match=f"mine.psm is not a model in the skops format: {said}"):
        from_bytes(data, "mine.psm")


@pytest.mark.parametrize("extra", [csr_matrix([[0.0, 1.0]]), bytearray(b"bytes"), b"bytes", np.ones(3)], ids=repr)
def test_what_takes_little_is_loaded(extra):
    fitted = DummyClassifier().fit([[0], [1], [2]], [-1, 0, 1])
    fitted.extra_ = [extra, extra]
    kind = type(extra)
    again = from_bytes(skops.io.dumps(fitted), "mine.psm", trusted=[f"{kind.__module__}.{kind.__qualname__}"])
    assert [type(each) for each in again.extra_] == [kind, kind]
