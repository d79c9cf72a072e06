"""The packed corpora, their votes, and the split that keeps twins together."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from agent.training import data
from agent.training.twins import twin_groups


def test_plurality_needs_a_clear_lead_of_one_of_the_seven() -> None:
    votes = np.array(
        [
            [1, 7, 0, 0, 1, 0, 0, 0, 1, 0],  # happiness
            [5, 5, 0, 0, 0, 0, 0, 0, 0, 0],  # shared lead
            [1, 0, 0, 0, 2, 0, 0, 6, 1, 0],  # contempt leads
            [0, 0, 1, 0, 0, 2, 0, 0, 0, 7],  # no face
            [0, 0, 0, 0, 0, 0, 4, 3, 3, 0],  # fear, though no majority
        ],
        np.uint8,
    )
    assert data.plurality(votes).tolist() == [3, -1, -1, -1, 2]


def test_vote_columns_name_the_same_emotions() -> None:
    from agent.types import EMOTIONS

    alike = {"anger": "angry", "happiness": "happy", "sadness": "sad"}
    named = [data.VOTE_NAMES[column] for column in data.VOTE_COLUMN]
    assert tuple(alike.get(name, name) for name in named) == EMOTIONS


def test_stray_votes_are_dropped_and_doubtful_faces_weigh_less() -> None:
    votes = np.array([[1, 6, 0, 0, 0, 0, 2, 0, 1, 0], [0, 2, 0, 0, 0, 0, 0, 0, 8, 0]], np.uint8)
    soft, weight = data.vote_targets(votes)
    assert soft[0].tolist() == pytest.approx([0, 0, 0.25, 0.75, 0, 0, 0])
    assert weight.tolist() == pytest.approx([0.8, 0.0])


def test_twins_never_stand_on_both_sides() -> None:
    rng = np.random.default_rng(1)
    n = 300
    number = rng.permutation(n).astype(np.int32)
    twin = rng.integers(0, n, n).astype(np.int32)
    alike = rng.random(n) < 0.4
    group = twin_groups(number, twin, alike)
    place = {int(v): row for row, v in enumerate(number)}
    for row in np.flatnonzero(alike):
        assert group[row] == group[place[int(twin[row])]]
    assert len(np.unique(group)) > 100  # linked, not lumped
    none = np.zeros((n, 2), np.float32)
    faces = data.Faces(
        np.zeros((n, 48, 48), np.uint8), np.zeros((n, 2, 7), np.float32), none,
        np.arange(n), np.arange(n), group,
    )  # fmt: skip
    training, held = data.split(faces, 0.2, seed=5)
    assert len(training) + len(held) == n
    assert 0 < len(held) < n / 2
    assert not set(training.group) & set(held.group)


def test_corpora_are_read_and_kept_decoded(folder: Path, tmp_path: Path) -> None:
    first = data.read_ferplus(folder / "ferplus.npz", tmp_path, 0)
    (kept,) = tmp_path.iterdir()
    again = data.read_ferplus(folder / "ferplus.npz", tmp_path, 0)
    assert kept.suffix == ".npy"
    np.testing.assert_array_equal(first.pictures, again.pictures)
    assert first.pictures.shape == (42, 48, 48)
    assert first.plurality.tolist() == first.label.tolist()
    np.testing.assert_allclose(first.targets.sum(axis=2), 1, atol=1e-5)
    assert first.group[0] == first.group[1] == first.group[2]


def test_muxspace_holds_out_whole_persons(folder: Path, tmp_path: Path) -> None:
    whole = data.read_muxspace(folder / "muxspace.npz", tmp_path)
    training, held = data.muxspace_parts(folder, tmp_path)
    assert not set(training.group) & set(held.group)
    assert len(held) > 0
    contempt = whole.label < 0
    assert contempt.sum() == 4
    assert not whole.weights[contempt].any()


def test_at_most_keeps_the_rare_and_thins_the_common(
    parts: tuple[data.Faces, data.Faces],
) -> None:
    thinned = data.at_most(parts[0], 2, seed=0)
    assert np.bincount(thinned.best_label(), minlength=7).tolist() == [2] * 7


def test_class_shares_follow_the_votes(parts: tuple[data.Faces, data.Faces]) -> None:
    shares = data.shares(parts[1])
    assert shares.sum() == pytest.approx(1)
    count = np.bincount(parts[1].plurality, minlength=7)
    np.testing.assert_allclose(shares, count / count.sum(), atol=0.02)


def test_missing_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOODTRAY_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(data.DataError, match=r"nowhere.*--data DIR"):
        data.data_folder()


def test_a_damaged_picture_is_named(folder: Path, tmp_path: Path) -> None:
    with np.load(folder / "muxspace.npz") as good:
        content = {key: good[key] for key in good.files}
    content["jpeg"] = content["jpeg"].copy()
    content["jpeg"][content["off"][2] : content["off"][3]] = 0
    np.savez(tmp_path / "muxspace.npz", **content)
    with pytest.raises(data.DataError, match="Picture 2 of"):
        data.read_muxspace(tmp_path / "muxspace.npz", tmp_path)
    assert not list(tmp_path.glob("*.npy"))  # nothing half done is kept


def test_one_head_learns_from_the_one_label(folder: Path, tmp_path: Path) -> None:
    faces = data.read_ferplus(folder / "ferplus.npz", tmp_path, 0)
    doubtful, unknown = faces.plurality.copy(), faces.label.copy()
    doubtful[:2], unknown[0] = -1, -1  # the first face has no label at all, the second one of two
    unknown[2] = 6 - faces.plurality[2]  # the third has two that differ
    faces = dataclasses.replace(faces, plurality=doubtful, label=unknown)
    single = data.single_label(faces)
    assert single.weights.tolist() == [[0, 0]] + [[1, 0]] * (len(faces) - 1)
    assert not single.targets[:, 1].any()
    assert not single.targets[0].any()
    assert single.targets[1, 0].tolist() == [1, 0, 0, 0, 0, 0, 0]
    np.testing.assert_array_equal(single.targets[1:, 0].argmax(axis=1), faces.best_label()[1:])
    assert single.targets[2, 0, faces.plurality[2]] == 1
    np.testing.assert_array_equal(single.pictures, faces.pictures)
