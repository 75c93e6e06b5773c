"""A saved model is loaded if it is what its manifest says, and refused for one clear reason otherwise."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import pickle
import stat
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
import pytest
import skops.io
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression

from agent.errors import ArtifactError
from agent.model.artifact import load, save
from agent.model.features import FEATURES
from agent.model.skopsfile import to_bytes
from agent.model.train import train


@pytest.fixture
def with_estimator(folder: Path, with_manifest) -> Callable[[bytes], Path]:
    """Return a function that puts other bytes in the estimator's place and makes the manifest vouch for them."""

    def change(data: bytes) -> Path:
        (folder / "model.skops").write_bytes(data)
        return with_manifest(artifact_sha256=hashlib.sha256(data).hexdigest())

    return change


def members(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir())


class TestASavedModel:
    def test_comes_back_as_the_same_model(self, trained, folder, planted_bars):
        loaded = load(folder)
        assert loaded.id == trained.id
        assert loaded.manifest == trained.manifest
        one, other = (model.predict_series(planted_bars.close) for model in (trained, loaded))
        assert one.up_bps.tolist() == other.up_bps.tolist()
        assert one.flat_bps.tolist() == other.flat_bps.tolist()

    def test_is_a_folder_with_two_files(self, folder):
        assert members(folder) == ["manifest.json", "model.skops"]
        assert members(folder.parent) == ["model"]

    def test_has_a_manifest_a_person_can_read(self, trained, folder):
        document = json.loads((folder / "manifest.json").read_text())
        assert document["features"] == list(FEATURES)
        assert document["trained_until"].endswith("Z")
        assert document["metrics"]["decisions"] == trained.manifest.metrics.decisions
        digest = hashlib.sha256((folder / "model.skops").read_bytes()).hexdigest()
        assert document["artifact_sha256"] == digest

    def test_is_the_same_to_the_byte_when_what_was_loaded_is_saved_again(self, folder, tmp_path):
        again = save(load(folder), tmp_path / "again")
        for name in members(folder):
            assert (again / name).read_bytes() == (folder / name).read_bytes()

    def test_holds_no_time_and_no_memory_address(self, folder):
        with zipfile.ZipFile(folder / "model.skops") as archive:
            assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
            assert "__id__" not in archive.read("schema.json").decode()

    def test_of_an_ordinary_classifier_needs_no_trust(self, planted_bars, tmp_path):
        model = train(planted_bars, factory=DummyClassifier)
        assert load(save(model, tmp_path / "dummy")).id == model.id


class TestSaving:
    def test_makes_the_folders_above_it(self, trained, tmp_path):
        assert load(save(trained, tmp_path / "some" / "where" / "model")).id == trained.id

    def test_replaces_a_model(self, trained, planted_bars, tmp_path):
        other = train(planted_bars, name="another", seed=6)
        save(other, tmp_path / "model")
        save(trained, tmp_path / "model")
        assert load(tmp_path / "model").id == trained.id
        assert members(tmp_path) == ["model"]

    def test_fills_an_empty_folder(self, trained, tmp_path):
        (tmp_path / "model").mkdir()
        assert load(save(trained, tmp_path / "model")).id == trained.id

    def test_leaves_a_folder_with_anything_else_in_it_alone(self, trained, folder):
        (folder / "notes.txt").write_text("mine")
        with pytest.raises(ArtifactError, match=r"is not a model's folder, so it is left alone\. Name another"):
            save(trained, folder)
        assert members(folder) == ["manifest.json", "model.skops", "notes.txt"]

    def test_leaves_a_file_alone(self, trained, tmp_path):
        (tmp_path / "model").write_text("mine")
        with pytest.raises(ArtifactError, match="is not a model's folder"):
            save(trained, tmp_path / "model")
        assert (tmp_path / "model").read_text() == "mine"

    def test_leaves_what_was_there_and_nothing_half_written_where_it_fails(
        self, trained, planted_bars, tmp_path, monkeypatch
    ):
        save(train(planted_bars, name="before", seed=6), tmp_path / "model")

        def full(file: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("agent.model.places.os.fsync", full)
        with pytest.raises(ArtifactError, match=r"cannot be saved as .*: No space left on device"):
            save(trained, tmp_path / "model")
        assert members(tmp_path) == ["model"]
        assert load(tmp_path / "model").manifest.name == "before"

    def test_puts_the_old_model_back_where_the_new_one_cannot_be_moved(
        self, trained, planted_bars, tmp_path, monkeypatch
    ):
        save(train(planted_bars, name="before", seed=6), tmp_path / "model")
        rename = Path.rename

        def stuck(path: Path, target: Path) -> Path:
            if path.suffix == ".new":
                raise OSError(13, "Permission denied")
            return rename(path, target)

        monkeypatch.setattr(Path, "rename", stuck)
        with pytest.raises(ArtifactError, match="Permission denied"):
            save(trained, tmp_path / "model")
        assert members(tmp_path) == ["model"]
        assert load(tmp_path / "model").manifest.name == "before"

    def test_names_the_file_that_is_in_the_way(self, trained, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(
            ArtifactError, match=r"cannot be saved as .*file.model: Not a directory\. Name a place"
        ):
            save(trained, tmp_path / "file" / "model")

    def test_refuses_an_estimator_that_was_changed_after_training(self, planted_bars, tmp_path):
        model = train(planted_bars, factory=DummyClassifier)
        model.estimator.strategy = "uniform"
        with pytest.raises(ArtifactError, match="was changed after its training"):
            save(model, tmp_path / "model")
        assert members(tmp_path) == []


class TestAnythingElse:
    def test_absent_is_refused_with_how_to_make_one(self, tmp_path):
        with pytest.raises(
            ArtifactError, match=r"there is no model at .*nowhere\. Make one with patternsettle train"
        ):
            load(tmp_path / "nowhere")

    @pytest.mark.parametrize("name", ["manifest.json", "model.skops"])
    def test_incomplete_is_refused_with_what_it_lacks(self, folder, name):
        (folder / name).unlink()
        with pytest.raises(ArtifactError, match=f"is not a model: it has no {name}"):
            load(folder)

    @pytest.mark.parametrize("name", ["manifest.json", "model.skops"])
    def test_one_of_the_files_instead_of_the_folder_is_refused_with_the_folder(self, folder, name):
        with pytest.raises(ArtifactError, match=f"is no model: a model is a folder.* Name its folder, {folder}"):
            load(folder / name)

    def test_another_file_is_refused(self, tmp_path):
        (tmp_path / "bars.csv").write_text("time,open")
        with pytest.raises(
            ArtifactError, match=r"a file of prices by its name, not a model\. Name a folder or file that"
        ):
            load(tmp_path / "bars.csv")

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_unreadable_is_refused_with_the_file(self, folder):
        (folder / "model.skops").chmod(stat.S_IWUSR)
        with pytest.raises(ArtifactError, match=r"model\.skops cannot be read: Permission denied"):
            load(folder)


class Boom:
    """Proves that it was unpickled."""

    def __reduce__(self):
        return (pytest.fail, ("a pickle was opened",))


PICKLE = pickle.dumps(Boom())
DISGUISES = {
    "pickle": PICKLE,
    "gzip": gzip.compress(PICKLE),
    "zlib": zlib.compress(PICKLE),
    "bzip2": bz2.compress(PICKLE),
    "xz": lzma.compress(PICKLE),
    "lzma": lzma.compress(PICKLE, format=lzma.FORMAT_ALONE),
}


class TestAPickle:
    REASON = r"pickle and joblib files are never loaded, because reading one runs whatever code its maker put in\."

    @pytest.mark.parametrize("suffix", [".pkl", ".pickle", ".joblib", ".sav", ".PKL"])
    def test_is_refused_by_its_name_whatever_is_in_it(self, tmp_path, suffix):
        (tmp_path / f"model{suffix}").write_bytes(b"cbuiltins\nprint\n(S'old protocols have no magic'\ntR.")
        with pytest.raises(ArtifactError, match=self.REASON):
            load(tmp_path / f"model{suffix}")

    @pytest.mark.parametrize("disguise", DISGUISES)
    def test_is_refused_by_its_first_bytes_whatever_it_is_called(self, tmp_path, folder, disguise):
        (tmp_path / "model.bin").write_bytes(DISGUISES[disguise])
        with pytest.raises(ArtifactError, match=self.REASON):
            load(tmp_path / "model.bin")
        (folder / "model.skops").write_bytes(DISGUISES[disguise])
        with pytest.raises(ArtifactError, match=self.REASON):
            load(folder)

    @pytest.mark.parametrize("compress", [0, 3, ("lzma", 3)])
    def test_that_joblib_wrote_is_refused(self, tmp_path, compress):
        joblib.dump(LinearRegression(), tmp_path / "model", compress=compress)
        with pytest.raises(ArtifactError, match=self.REASON):
            load(tmp_path / "model")

    def test_in_a_folder_without_a_model_is_refused_for_what_it_is(self, tmp_path):
        (tmp_path / "clf.joblib").write_bytes(PICKLE)
        with pytest.raises(ArtifactError, match=r"clf\.joblib is a pickle; " + self.REASON):
            load(tmp_path)


class TestADamagedModel:
    @pytest.mark.parametrize("where", [0, 1_000, -1])
    def test_with_a_byte_changed_is_refused(self, folder, where):
        data = bytearray((folder / "model.skops").read_bytes())
        data[where] ^= 1
        (folder / "model.skops").write_bytes(data)
        with pytest.raises(ArtifactError, match="is not the file that the manifest beside it was written for"):
            load(folder)

    def test_cut_short_is_refused(self, folder):
        (folder / "model.skops").write_bytes((folder / "model.skops").read_bytes()[:5_000])
        with pytest.raises(ArtifactError, match="is not the file that the manifest beside it was written for"):
            load(folder)

    @pytest.mark.parametrize(
        "data",
        [
            pytest.param(b"", id="empty"),
            pytest.param(b"hello", id="no zip"),
            pytest.param(b"PK\x03\x04 and then nothing", id="hardly a zip"),
        ],
    )
    def test_that_is_no_zip_is_refused_even_where_the_manifest_vouches_for_it(self, with_estimator, data):
        with pytest.raises(ArtifactError, match=r"model\.skops is not a model in the skops format"):
            load(with_estimator(data))

    @pytest.mark.parametrize(
        "schema",
        [
            "",
            "[]",
            "{}",
            '{"protocol": 2}',
            '{"protocol": 99, "__loader__": "ObjectNode"}',
            '{"protocol": 2, "__loader__": "NoSuchNode", "__class__": "x", "__module__": "y"}',
            '{"protocol": 2, "__loader__": "JsonNode", "__class__": "str", "__module__": "builtins", "content": "1"}',
            '{"protocol":2,"__loader__":"NdArrayNode","__class__":"ndarray","__module__":"numpy","type":"numpy","file":"no"}',
            '{"a":' * 100_000,
        ],
        ids=lambda schema: schema[:40],
    )
    def test_with_a_schema_that_makes_no_classifier_is_refused(self, with_estimator, schema):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("schema.json", schema)
        with pytest.raises(ArtifactError, match=r"model\.skops is not a model in the skops format"):
            load(with_estimator(buffer.getvalue()))

    def test_that_unpacks_to_more_than_a_gigabyte_is_refused_unpacked(self, with_estimator):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("schema.json", "{}")
            archive.writestr("zeros.npy", b"")
            archive.infolist()[-1].file_size = 1_025 * 2**20  # what it says it is, which alone is believed
        with pytest.raises(ArtifactError, match=r"it unpacks to 1,074,790,402 bytes"):
            load(with_estimator(buffer.getvalue()))

    def test_with_an_array_cut_short_is_refused(self, trained, with_estimator):
        with zipfile.ZipFile(io.BytesIO(to_bytes(trained.estimator))) as archive:
            content = {name: archive.read(name) for name in archive.namelist()}
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, data in content.items():
                archive.writestr(name, data if name == "schema.json" else data[:-3])
        with pytest.raises(ArtifactError, match=r"model\.skops is not a model in the skops format"):
            load(with_estimator(buffer.getvalue()))


class TestAForeignModel:
    def test_that_is_no_classifier_is_refused(self, with_estimator):
        fitted = LinearRegression().fit(np.zeros((3, len(FEATURES))), [1, 2, 3])
        with pytest.raises(ArtifactError, match="it holds a LinearRegression, not a classifier"):
            load(with_estimator(skops.io.dumps(fitted)))

    def test_of_other_outcomes_is_refused(self, with_estimator):
        fitted = DummyClassifier().fit(np.zeros((2, len(FEATURES))), [0, 7])
        with pytest.raises(ArtifactError, match="DummyClassifier tells 0, 7 apart, not -1, 0 and 1"):
            load(with_estimator(skops.io.dumps(fitted)))

    def test_that_was_never_fitted_is_refused(self, with_estimator):
        with pytest.raises(ArtifactError, match=r"model\.skops does not answer as a model: .* has no classes_"):
            load(with_estimator(skops.io.dumps(DummyClassifier())))

    def test_of_fewer_features_is_refused(self, trained, with_estimator):
        fitted = type(trained.estimator[0])().fit(np.zeros((3, 2)))
        pipeline = type(trained.estimator)([("scaler", fitted), ("model", trained.estimator[-1])])
        with pytest.raises(ArtifactError, match=f"X has {len(FEATURES)} features, but .* is expecting 2 features"):
            load(with_estimator(skops.io.dumps(pipeline)))

    def test_with_features_in_another_order_is_refused(self, with_manifest):
        with pytest.raises(ArtifactError, match="trained on other features: the same ones in another order"):
            load(with_manifest(features=[*FEATURES[1:], FEATURES[0]]))

    def test_with_other_features_is_refused_with_which(self, with_manifest):
        with pytest.raises(
            ArtifactError, match=r"other features: it has also moon_phase; it lacks return_1\. Train it again"
        ):
            load(with_manifest(features=["moon_phase", *FEATURES[1:]]))

    def test_with_other_patterns_is_refused(self, with_manifest):
        with pytest.raises(ArtifactError, match="trained on other patterns: it lacks"):
            load(with_manifest(patterns=["breakout_up"]))

    def test_with_features_that_only_share_their_names_is_refused(self, with_manifest):
        with pytest.raises(ArtifactError, match="features of the same names that computed something else"):
            load(with_manifest(fingerprint="0" * 64))

    def test_of_another_scikit_learn_is_refused_with_the_one_to_install(self, with_manifest):
        with pytest.raises(
            ArtifactError, match=r"made with scikit-learn 1\.8\.2, and .* Install scikit-learn 1\.8, or"
        ):
            load(with_manifest(versions__scikit_learn="1.8.2"))

    def test_of_another_patch_release_is_loaded(self, trained, with_manifest):
        assert load(with_manifest(versions__scikit_learn="1.9.77")).threshold_bps == trained.threshold_bps

    def test_of_another_format_is_refused(self, with_manifest):
        with pytest.raises(ArtifactError, match="the model's format is 2, and this version reads format 1"):
            load(with_manifest(format=2))
