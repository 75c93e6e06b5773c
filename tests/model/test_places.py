"""A model is the same model in a folder, in one file, and beside its ONNX file; what is none of these says so."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from agent.errors import ArtifactError
from agent.model.artifact import identify, load, require_free, save
from agent.model.features import FEATURES
from agent.model.places import ESTIMATORS, MANIFEST, Parts, read, write
from agent.model.train import train

PARTS = Parts(manifest=b'{"format": 1}', estimator=b"numbers", kind="model.skops")


@pytest.fixture
def file(trained, tmp_path: Path) -> Path:
    return save(trained, tmp_path / "model.psm")


def names(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir())


class TestOneFile:
    def test_is_the_same_model_as_the_folder(self, trained, file, tmp_path, planted_bars):
        folder = save(trained, tmp_path / "model")
        assert load(file).id == load(folder).id == identify(file) == identify(folder) == trained.id
        one, other = (load(path).predict_series(planted_bars.close) for path in (file, folder))
        assert one.up_bps.tolist() == other.up_bps.tolist()

    def test_holds_the_very_files_of_the_folder(self, trained, file, tmp_path):
        folder = save(trained, tmp_path / "model")
        with zipfile.ZipFile(file) as archive:
            assert {name: archive.read(name) for name in archive.namelist()} == {
                item.name: item.read_bytes() for item in folder.iterdir()
            }

    def test_is_the_same_to_the_byte_whenever_it_is_saved(self, trained, file, tmp_path):
        again = save(load(file), tmp_path / "again.psm")
        assert again.read_bytes() == file.read_bytes()
        with zipfile.ZipFile(file) as archive:
            assert {(member.date_time, member.create_system) for member in archive.infolist()} == {
                ((1980, 1, 1, 0, 0, 0), 3)
            }

    def test_replaces_a_model_and_leaves_nothing_else_behind(self, trained, file, planted_bars):
        other = train(planted_bars, name="another", seed=6)
        save(other, file)
        assert load(file).id == other.id
        assert names(file.parent) == ["model.psm"]

    def test_may_be_written_where_an_empty_file_is(self, trained, tmp_path):
        (tmp_path / "model.psm").touch()
        assert load(save(trained, tmp_path / "model.psm")).id == trained.id

    def test_leaves_another_file_of_that_name_alone(self, trained, tmp_path):
        (tmp_path / "model.psm").write_text("mine")
        with pytest.raises(
            ArtifactError, match=r"exists and is not a model's file, so it is left alone\. Name an"
        ):
            save(trained, tmp_path / "model.psm")
        assert (tmp_path / "model.psm").read_text() == "mine"

    def test_leaves_a_folder_of_that_name_alone(self, trained, tmp_path):
        (tmp_path / "model.psm").mkdir()
        with pytest.raises(ArtifactError, match=r"is not a model's file, so it is left alone"):
            save(trained, tmp_path / "model.psm")

    def test_leaves_what_was_there_where_it_cannot_be_written(self, trained, file, planted_bars, monkeypatch):
        def full(file: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("agent.model.places.os.fsync", full)
        with pytest.raises(ArtifactError, match=r"cannot be saved as .*: No space left on device\. Name a place"):
            save(train(planted_bars, name="another", seed=6), file)
        assert load(file).id == trained.id
        assert names(file.parent) == ["model.psm"]


def packed(path: Path, **content: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name.replace("__", "."), data)
    return path


def id_of(path: Path) -> str | None:
    """Return a model's id, None where it is refused."""
    try:
        return load(path).id
    except ArtifactError:
        return None


class TestAFileThatIsNoModel:
    @pytest.mark.parametrize("data", [b"", b"hello", b"PK\x03\x04 and then nothing"])
    def test_that_is_no_zip_is_refused(self, tmp_path, data):
        (tmp_path / "x.psm").write_bytes(data)
        with pytest.raises(
            ArtifactError, match=r"x\.psm is not a model saved as one file, or is damaged: .* again"
        ):
            load(tmp_path / "x.psm")

    @pytest.mark.parametrize("length", [100, 1_000, 10_000, -30])
    def test_cut_short_is_refused(self, file, length):
        file.write_bytes(file.read_bytes()[:length])
        with pytest.raises(ArtifactError, match="is not a model saved as one file, or is damaged"):
            load(file)

    def test_with_any_one_byte_changed_is_refused_or_is_another_model_in_nothing(self, trained, file):
        data = file.read_bytes()
        for place in range(0, len(data), len(data) // 60):
            changed = bytearray(data)
            changed[place] ^= 0x55
            file.write_bytes(changed)
            # A byte of a zip's index may mean nothing to anybody.
            assert id_of(file) in (None, trained.id)

    def test_that_lacks_a_part_or_holds_another_is_refused_with_what_it_holds(self, tmp_path):
        for content in ({}, {"manifest__json": b"{}"}, {"model__skops": b""}):
            with pytest.raises(ArtifactError, match="or is damaged: it holds"):
                load(packed(tmp_path / "x.psm", **content))
        many = {"manifest__json": b"{}", "model__skops": b"", "readme__md": b""}
        with pytest.raises(ArtifactError, match=r"it holds manifest\.json, model\.skops, readme\.md\. Get"):
            load(packed(tmp_path / "x.psm", **many))

    def test_of_another_maker_is_refused_for_its_manifest(self, tmp_path):
        path = packed(tmp_path / "x.psm", manifest__json=b"not json", model__skops=b"")
        with pytest.raises(ArtifactError, match=r"x\.psm/manifest\.json is not the JSON of a manifest"):
            load(path)

    def test_that_was_tampered_with_is_refused(self, file, tmp_path):
        with zipfile.ZipFile(file) as archive:
            manifest, estimator = archive.read("manifest.json"), archive.read("model.skops")
        path = packed(tmp_path / "x.psm", manifest__json=manifest, model__skops=estimator + b" ")
        with pytest.raises(
            ArtifactError, match=r"x\.psm/model\.skops is not the file that the manifest beside it"
        ):
            load(path)

    def test_that_holds_a_pickle_is_refused_for_what_it_is(self, tmp_path):
        path = packed(tmp_path / "x.psm", manifest__json=b"{}", model__skops=b"\x80\x04K\x01.")
        with pytest.raises(ArtifactError, match="is a pickle; pickle and joblib files are never loaded"):
            load(path)

    def test_that_unpacks_to_more_than_there_is_room_for_is_refused_unpacked(self, tmp_path, monkeypatch):
        monkeypatch.setattr("agent.model.places._LARGEST", 2**20)
        path = packed(tmp_path / "x.psm", manifest__json=b"{}", model__skops=bytes(2**20))
        with pytest.raises(ArtifactError, match=r"it unpacks to 1,048,578 bytes"):
            load(path)


class TestBesideAnOnnxFile:
    ONNX = Parts(manifest=b'{"artifact_sha256": "?"}', estimator=b"a graph", kind="model.onnx")

    def test_the_manifest_has_its_name(self, tmp_path):
        write(self.ONNX, tmp_path / "net.onnx")
        assert names(tmp_path) == ["net.json", "net.onnx"]
        found = read(tmp_path / "net.onnx")
        assert (found.manifest, found.estimator, found.kind) == (self.ONNX.manifest, b"a graph", "model.onnx")

    def test_in_a_folder_both_have_the_names_they_always_have(self, tmp_path):
        write(self.ONNX, tmp_path / "net")
        assert names(tmp_path / "net") == sorted((MANIFEST, ESTIMATORS[1]))
        assert read(tmp_path / "net" / "model.onnx").manifest == read(tmp_path / "net").manifest

    def test_a_file_without_one_is_refused_with_how_to_make_it(self, tmp_path):
        (tmp_path / "net.onnx").write_bytes(b"a graph")
        said = r"net\.onnx has no manifest beside it: there is no .*net\.json\. .* train --model .*net\.onnx --data FILE"
        with pytest.raises(ArtifactError, match=said):
            load(tmp_path / "net.onnx")

    def test_a_graph_that_is_there_is_given_its_manifest(self, tmp_path):
        (tmp_path / "net.onnx").write_bytes(b"a graph")
        write(self.ONNX, tmp_path / "net.onnx")
        assert read(tmp_path / "net.onnx").manifest == self.ONNX.manifest

    def test_another_graph_that_nobody_vouched_for_is_left_alone(self, tmp_path):
        (tmp_path / "net.onnx").write_bytes(b"another graph")
        with pytest.raises(ArtifactError, match="is another ONNX model and has no manifest, so it is left alone"):
            write(self.ONNX, tmp_path / "net.onnx")
        assert names(tmp_path) == ["net.onnx"]

    def test_a_model_of_another_kind_is_not_written_as_one(self, trained, tmp_path):
        with pytest.raises(
            ArtifactError, match=r"would be an ONNX file, and the model is of another kind\. Name a"
        ):
            save(trained, tmp_path / "net.onnx")
        assert names(tmp_path) == []


def test_a_folder_that_is_no_model_is_not_blamed_for_what_nobody_named(tmp_path):
    for name in ("p.psm", "prices.csv.gz", "notes"):
        (tmp_path / name).write_bytes(b"\x80\x04K\x01.")
    with pytest.raises(ArtifactError) as refused:
        read(tmp_path)
    assert str(refused.value).startswith(f"{tmp_path} is not a model: it has no manifest.json. Name a folder")
    (tmp_path / "model.bin").write_bytes(b"\x80\x04K\x01.")
    with pytest.raises(
        ArtifactError, match=r"is not a model: it has no manifest\.json, and .*model\.bin is a pickle"
    ):
        read(tmp_path)


def test_a_folder_with_an_estimator_of_either_kind_is_refused_for_nobody_knows_which_counts(tmp_path):
    folder = tmp_path / "model"
    write(PARTS, folder)
    (folder / "model.onnx").write_bytes(b"a graph")
    with pytest.raises(ArtifactError, match=r"is not a model: it has both model\.skops and model\.onnx"):
        load(folder)


@pytest.mark.parametrize("name", ["model", "model.psm", "some.json"])
def test_a_place_where_nothing_is_is_free(tmp_path, name):
    require_free(tmp_path / name)


def test_the_manifest_a_person_reads_is_the_same_in_each(trained, file, tmp_path):
    document = json.loads(read(file).manifest)
    assert document["features"] == list(FEATURES)
    assert document == json.loads((save(trained, tmp_path / "model") / MANIFEST).read_text())
