"""A manifest says what a model is, field by field, and one that cannot be meant is refused with the field."""

from __future__ import annotations

import pytest

from agent.errors import ArtifactError
from agent.model.artifact import load


@pytest.mark.parametrize("text", ["", "{", "NaN", '{"format": NaN}', "[" * 100_000, "\udcff"])
def test_a_manifest_that_is_no_json_is_refused(folder, text):
    (folder / "manifest.json").write_text(text, errors="surrogateescape")
    with pytest.raises(ArtifactError, match=r"manifest\.json is not the JSON of a manifest"):
        load(folder)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": None}, "the field 'name' is missing"),
        ({"extra": 1}, "the field 'extra' is unknown"),
        ({"name": 5}, "the field 'name' is 5, not of type str"),
        ({"synthetic": 1}, "the field 'synthetic' is 1, not of type bool"),
        ({"interval": True}, "the field 'interval' is True, not of type int"),
        ({"threshold_bps": 10_001}, "its threshold_bps is 10001"),
        ({"first": "yesterday"}, "the field 'first' is 'yesterday', not a time like 2024-01-31T12:00:00Z"),
        ({"features": "all"}, "the field 'features' is not a list of names"),
        ({"versions": []}, "versions. is not a JSON object"),
        ({"versions__numpy": 2}, "the field 'versions.numpy' is 2, not of type str"),
        ({"metrics__brier": "low"}, "the field 'metrics.brier' is 'low', not a number"),
        ({"barriers__horizon": 0}, "the barrier horizon is 0"),
        ({"trained_until": "2001-01-01T00:00:00Z"}, "its trained_until is not when its last bar closed"),
        ({"last": "2001-01-01T00:00:00Z"}, "its trained_until is not when its last bar closed"),
        ({"interval": 60}, "its trained_until is not when its last bar closed"),
        ({"interval": 10**18}, "its trained_until is not when its last bar closed"),
        ({"data_sha256": "abc"}, "its data_sha256 is not a SHA-256 in hex"),
    ],
    ids=str,
)
def test_a_manifest_with_a_field_that_cannot_be_meant_is_refused_with_the_field(with_manifest, fields, said):
    with pytest.raises(ArtifactError, match="the manifest is damaged: ") as refused:
        load(with_manifest(**fields))
    assert said in str(refused.value)


def test_a_manifest_that_is_a_list_is_refused(folder):
    (folder / "manifest.json").write_text("[]")
    with pytest.raises(ArtifactError, match="it is not a JSON object"):
        load(folder)


def test_a_manifest_may_say_that_nothing_was_decided(with_manifest):
    nothing = {"hit_rate": "hit", "base_rate": "base"}
    changed = {f"metrics__{name}": None for name in nothing}
    assert load(with_manifest(**changed)).manifest.metrics.hit_rate is None


def test_a_manifest_changed_by_hand_is_another_model(trained, with_manifest):
    assert load(with_manifest(threshold_bps=1)).id != trained.id
