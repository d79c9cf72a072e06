"""The packed corpora, their votes, and the split that keeps twins together."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest

from agent.training import data
from agent.training.near_duplicates import twin_groups


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
    with pytest.raises(data.DataError, match=r"muxspace\.npz .*picture 2 cannot be decoded"):
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


Change = Callable[[dict[str, np.ndarray]], object]


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (lambda c: c.pop("votes"), "it has no votes"),
        (lambda c: c.pop("webp"), "it has no webp"),
        (lambda c: c["fer_label"].put(3, 9), "its fer_label holds 9 in row 3, where 0 to 6"),
        (lambda c: c["split"].put(5, 7), "its split holds 7 in row 5, where 0 to 2"),
        (lambda c: c["twin_sim"].put(0, np.nan), "its twin_sim holds nan"),
        (lambda c: c.update(votes=c["votes"][1:]), r"its votes has the shape \(83, 10\)"),
        (lambda c: c.update(votes=c["votes"][:, 1:]), r"84 pictures want \(84, 10\)"),
        (lambda c: c.update(off=c["off"][:-1]), "where 83 pictures want"),
        (lambda c: c.update(off=c["off"][::-1]), "its off does not rise from 0"),
        (lambda c: c.update(off=c["off"][:1]), "its off names no picture"),
        (lambda c: c.update(fer_label=c["fer_label"] + 0.5), "holds float64, not whole numbers"),
        (lambda c: c.update(webp=c["webp"][:-9]), "its webp ends before the last picture"),
        (lambda c: c["split"].fill(1), "no picture of split 0"),
    ],
)
def test_a_packed_corpus_says_what_is_wrong_with_it(
    folder: Path, tmp_path: Path, change: Change, wrong: str
) -> None:
    file = tmp_path / "ferplus.npz"
    with np.load(folder / "ferplus.npz") as good:
        content = {key: good[key] for key in good.files}
    change(content)
    np.savez(file, **content)
    with pytest.raises(data.DataError, match=f"{file}.*{wrong}"):
        data.read_ferplus(file, tmp_path / "cache", 0)


def test_a_label_out_of_range_in_muxspace(folder: Path, tmp_path: Path) -> None:
    with np.load(folder / "muxspace.npz") as good:
        content = {key: good[key] for key in good.files}
    content["label"] = content["label"] + 43
    np.savez(tmp_path / "muxspace.npz", **content)
    with pytest.raises(data.DataError, match="its label holds 43 in row 0, where 0 to 7"):
        data.muxspace_parts(tmp_path, tmp_path)


@pytest.mark.parametrize("kept", [0, 30, 5000, -30, "garbage", "npy"])
def test_a_torn_packed_corpus_is_named(folder: Path, tmp_path: Path, kept: int | str) -> None:
    file = tmp_path / "ferplus.npz"
    if kept == "npy":
        with file.open("wb") as out:
            np.save(out, np.zeros(3))
    else:
        whole = (folder / "ferplus.npz").read_bytes()
        file.write_bytes(whole[:kept] if isinstance(kept, int) else b"garbage")
    for read in (lambda: data.read_ferplus(file, tmp_path, 0), lambda: data.twins(file, 1)):
        with pytest.raises(data.DataError, match=f"{file} is damaged.*Fetch it again"):
            read()
    file.unlink()
    with pytest.raises(data.DataError, match=f"no file {file}"):
        data.twins(file, 1)


def test_a_damaged_cache_is_made_anew(folder: Path, tmp_path: Path) -> None:
    first = data.read_muxspace(folder / "muxspace.npz", tmp_path)
    (kept,) = tmp_path.iterdir()
    whole = kept.read_bytes()
    for torn in (b"", whole[:5000]):
        kept.write_bytes(torn)
        again = data.read_muxspace(folder / "muxspace.npz", tmp_path)
        np.testing.assert_array_equal(first.pictures, again.pictures)
        assert kept.read_bytes() == whole


def test_a_cache_that_cannot_be_written_is_done_without(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = data.read_muxspace(folder / "muxspace.npz", tmp_path / "cache")
    (tmp_path / "file").touch()
    for cache in (tmp_path / "file", tmp_path / "file" / "below"):
        decoded = data.read_muxspace(folder / "muxspace.npz", cache)
        np.testing.assert_array_equal(decoded.pictures, kept.pictures)

    def full(out: BinaryIO, _: object) -> None:
        out.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    decoded = data.read_muxspace(folder / "muxspace.npz", tmp_path / "full")
    np.testing.assert_array_equal(decoded.pictures, kept.pictures)
    assert list((tmp_path / "full").iterdir()) == []


def test_a_missing_supplement_is_said(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "ferplus.npz", tmp_path)
    with pytest.raises(data.DataError, match=r"no muxspace\.npz in .*--no-supplement"):
        data.corpora(tmp_path, tmp_path / "cache", 0.25, 3, supplement=True)
    training, _ = data.corpora(tmp_path, tmp_path / "cache", 0.25, 3, supplement=False)
    assert len(training) > 0
