"""The readers, each on a small sample, and what they say about rows that cannot be used."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from agent.training import data
from agent.training.readers import (
    Faults,
    join_added,
    read_added,
    read_fer_csv,
    read_ferplus_csv,
    read_folders,
    read_yolo,
)
from agent.training.twins import near_twins
from agent.vision.expression import preprocess

GREY = " ".join(["128"] * 48 * 48)


def pixels(value: int) -> str:
    return " ".join([str(value)] * 48 * 48)


def fer_csv(folder: Path, rows: list[tuple[str, str, str]]) -> Path:
    file = folder / "fer2013.csv"
    lines = ["emotion,pixels,Usage", *(",".join(row) for row in rows)]
    file.write_text("\n".join(lines) + "\n")
    return file


def yolo(root: Path, labels: dict[str, str], picture: np.ndarray | None = None) -> Path:
    """A folder of AffectNet's YOLO form, one 96 x 96 picture for each label text."""
    (root / "images").mkdir(parents=True)
    (root / "labels").mkdir()
    if picture is None:
        picture = np.zeros((96, 96, 3), np.uint8)
        picture[24:72, 48:96] = (10, 200, 60)
    for name, text in labels.items():
        cv2.imwrite(str(root / "images" / f"{name}.png"), picture)
        (root / "labels" / f"{name}.txt").write_text(text)
    return root


def test_fer_csv_takes_the_part_asked_for(tmp_path: Path) -> None:
    file = fer_csv(
        tmp_path,
        [("3", pixels(7), "Training"), ("6", GREY, "PublicTest"), ("0", pixels(9), "Training")],
    )
    faces = read_fer_csv(file, Faults(refuse=True))
    assert faces.label.tolist() == [3, 0]
    assert faces.pictures[:, 0, 0].tolist() == [7, 9]
    assert faces.weights.tolist() == [[0, 1], [0, 1]]
    assert read_fer_csv(file, Faults(refuse=True), "PublicTest").label.tolist() == [6]


def test_fer_csv_names_counts_and_skips_what_is_broken(tmp_path: Path) -> None:
    rows = [
        ("3", GREY, "Training"), ("", GREY, "Training"), ("9", GREY, "Training"),
        ("1", "1 2 3", "Training"), ("8", GREY, "Training"),
        ("2", GREY.replace("128", "300", 1), "Training"),
    ]  # fmt: skip
    faults = Faults()
    assert read_fer_csv(fer_csv(tmp_path, rows), faults).label.tolist() == [3]
    assert [where for where, _, _ in faults.found] == [f"fer2013.csv line {n}" for n in range(3, 8)]
    text = "\n".join(faults.summary())
    assert "2 left out: class out of range, first fer2013.csv line 4 (0 to 6 wanted, not 9)" in text
    assert "2 left out: unreadable picture, first fer2013.csv line 5 (3 pixels, not 2304)" in text
    assert "1 left out: missing label" in text


def test_a_refused_fault_ends_with_its_name(tmp_path: Path) -> None:
    file = fer_csv(tmp_path, [("7", GREY, "Training")])
    with pytest.raises(data.DataError, match=r"line 2: class out of range .*--on-fault skip"):
        read_fer_csv(file, Faults(refuse=True))


def test_csv_without_its_column_or_file(tmp_path: Path) -> None:
    file = tmp_path / "fer2013.csv"
    with pytest.raises(data.DataError, match="cannot be read"):
        read_fer_csv(file, Faults())
    file.write_text("emotion,Usage\n1,Training\n")
    with pytest.raises(data.DataError, match="no column pixels"):
        read_fer_csv(file, Faults())


def test_ferplus_csv_joins_votes_by_row(tmp_path: Path) -> None:
    file = fer_csv(tmp_path, [("4", GREY, "Training"), ("0", GREY, "Training")])
    votes = tmp_path / "fer2013new.csv"
    head = "Usage,Image name," + ",".join(data.VOTE_NAMES)
    good = "Training,a.png,8,0,0,2,0,0,0,0,0,0"
    votes.write_text(f"{head}\n{good}\nTraining,b.png,0,x,0,0,9,0,0,0,0,1\n")
    faults = Faults()
    faces = read_ferplus_csv(file, votes, faults)
    assert faces.plurality.tolist() == [6]
    assert faces.label.tolist() == [4]
    assert faces.targets[0, 0].tolist() == pytest.approx([0, 0, 0, 0, 0.2, 0, 0.8])
    assert faults.found[0][:2] == ("fer2013new.csv line 3", "unreadable votes")
    votes.write_text(f"{head}\n{good}\n")
    with pytest.raises(data.DataError, match=r"has 2 rows and .* has 1"):
        read_ferplus_csv(file, votes, Faults())
    votes.write_text(f"{head}\n{good}\n{good}\n")
    assert len(read_added(f"ferplus-csv={tmp_path}", Faults())) == 2


def test_folders_are_named_like_their_class(tmp_path: Path) -> None:
    for name, value in (("happiness", 50), ("Sad", 90), ("contempt", 10), ("bored", 10)):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / "a.png"), np.full((60, 60, 3), value, np.uint8))
    (tmp_path / "Sad" / "b.jpg").write_bytes(b"no picture")
    faults = Faults()
    faces = read_folders(tmp_path, faults)
    assert sorted(faces.label.tolist()) == [3, 4]
    assert faults.others == 1
    assert [(Path(w).name, k) for w, k, _ in faults.found] == [
        ("b.jpg", "unreadable picture"),
        ("bored", "class out of range"),
    ]
    with pytest.raises(data.DataError, match="no folder"):
        read_folders(tmp_path / "none", faults)


def test_yolo_cuts_the_face_by_its_box(tmp_path: Path) -> None:
    root = yolo(tmp_path / "d", {"a": "3 0.75 0.5 0.5 0.5\n7 0.5 0.5 0.2 0.2\n"})
    faults = Faults(refuse=True)
    faces = read_yolo(root, faults)
    assert faces.label.tolist() == [3]
    assert faults.others == 1  # contempt
    colour = np.full((48, 48, 3), (10, 200, 60), np.uint8)
    np.testing.assert_array_equal(faces.pictures[0], preprocess(colour))


def test_yolo_classes_may_be_named_in_data_yaml(tmp_path: Path) -> None:
    root = yolo(tmp_path / "d", {"a": "4 0.5 0.5 1 1"})
    names = "['Anger', 'Contempt', 'Disgust', 'Fear', 'Happy', 'Neutral', 'Sad', 'Surprise']"
    (root / "data.yaml").write_text(f"nc: 8\nnames: {names}\n")
    assert read_yolo(root, Faults(refuse=True)).label.tolist() == [3]
    (root / "data.yaml").write_text("names: [Anger, Hungry]\n")
    with pytest.raises(data.DataError, match="unknown classes: hungry"):
        read_yolo(root, Faults())


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "missing label"),
        ("3 0.5 0.5 1.4 0.5", "box outside the image"),
        ("3 0.5 0.5 0 0", "box outside the image"),
        ("3 0.5 0.5", "unreadable label"),
        ("3 a b c d", "unreadable label"),
        ("8 0.5 0.5 0.5 0.5", "class out of range"),
        ("-1 0.5 0.5 0.5 0.5", "class out of range"),
    ],
)
def test_yolo_faults(tmp_path: Path, text: str, kind: str) -> None:
    root = yolo(tmp_path / "d", {"bad": text, "good": "0 0.5 0.5 0.5 0.5"})
    faults = Faults()
    assert read_yolo(root, faults).label.tolist() == [0]
    (fault,) = faults.found
    assert fault[1] == kind
    assert "bad" in fault[0]
    with pytest.raises(data.DataError, match=kind):
        read_yolo(root, Faults(refuse=True))


def test_yolo_unreadable_picture_and_missing_file(tmp_path: Path) -> None:
    root = yolo(tmp_path / "d", {"a": "0 0.5 0.5 1 1", "b": "0 0.5 0.5 1 1", "c": "0 .5 .5 1 1"})
    (root / "images" / "a.png").write_bytes(b"")
    (root / "labels" / "b.txt").unlink()
    faults = Faults()
    assert len(read_yolo(root, faults)) == 1
    assert [kind for _, kind, _ in faults.found] == ["unreadable picture", "missing label"]
    with pytest.raises(data.DataError, match="images/ and labels/"):
        read_yolo(tmp_path, Faults())


def test_added_corpora_are_named_by_kind() -> None:
    with pytest.raises(data.DataError, match="one of the kinds fer-csv"):
        read_added("jpegs=/x", Faults())
    with pytest.raises(data.DataError, match="KIND=PATH"):
        read_added("folders", Faults())


def test_added_faces_that_validation_holds_stay_out_of_training(
    parts: tuple[data.Faces, data.Faces], tmp_path: Path
) -> None:
    training, validation = parts
    noise = np.random.default_rng(0).normal(0, 6, (48, 48))
    near = (validation.pictures[1] + noise).clip(0, 255).astype(np.uint8)
    flat = np.full((48, 48), 90, np.uint8)
    (tmp_path / "happy").mkdir()
    for name, picture in {
        "copy": validation.pictures[0], "near": near, "flat": flat,
        "new": np.random.default_rng(1).integers(0, 256, (48, 48)).astype(np.uint8),
    }.items():  # fmt: skip
        cv2.imwrite(str(tmp_path / "happy" / f"{name}.png"), picture)
    faults = Faults(refuse=True)
    joined = join_added(training, validation, [f"folders={tmp_path}"], faults)
    assert len(joined) == len(training) + 2  # flat and new: copy and near are left out
    np.testing.assert_array_equal(joined.pictures[-2], flat)
    assert faults.summary() == ["2 left out: a copy or near twin of a validation face"]
    assert join_added(training, validation, [], faults) is training


def test_a_flat_picture_has_its_copies_for_twins() -> None:
    flat = np.stack([np.full((48, 48), value, np.uint8) for value in (0, 90, 255)])
    ramp = np.tile(np.arange(48, dtype=np.uint8), (1, 48, 1))
    assert near_twins(flat, np.concatenate([flat[1:2], ramp])).tolist() == [False, True, False]
    assert near_twins(ramp * 2 + 9, ramp).tolist() == [True]  # brighter, more contrast: one face
    assert near_twins(ramp, ramp[:0]).tolist() == [False]
    assert near_twins(ramp[:0], ramp).tolist() == []
