"""The readers, each on a small sample, and what they say about rows that cannot be used."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from agent.training import data
from agent.training.corpora import Faults, join_added, read_added, read_folders
from agent.training.fer_csv import read_fer_csv, read_ferplus_csv
from agent.training.near_duplicates import near_twins

GREY = " ".join(["128"] * 48 * 48)


def pixels(value: int) -> str:
    return " ".join([str(value)] * 48 * 48)


def fer_csv(folder: Path, rows: list[tuple[str, str, str]]) -> Path:
    file = folder / "fer2013.csv"
    lines = ["emotion,pixels,Usage", *(",".join(row) for row in rows)]
    file.write_text("\n".join(lines) + "\n")
    return file


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


def test_a_csv_says_which_parts_it_has(tmp_path: Path) -> None:
    file = fer_csv(tmp_path, [("3", GREY, "training"), ("3", GREY, "PublicTest")])
    faults = Faults()
    with pytest.raises(data.DataError, match=r"is Training; there are: 'training' \(1\), 'PublicT"):
        read_fer_csv(file, faults)
    assert faults.found[0][:2] == ("fer2013.csv line 2", "unknown Usage")
    with pytest.raises(data.DataError, match="line 2: unknown Usage"):
        read_fer_csv(file, Faults(refuse=True))
    with pytest.raises(data.DataError, match="there are: no rows"):
        read_fer_csv(fer_csv(tmp_path, []), Faults())


def test_a_csv_of_which_nothing_is_left(tmp_path: Path) -> None:
    file = fer_csv(tmp_path, [("9", GREY, "Training")])
    with pytest.raises(data.DataError, match=r"no face to train on\. 1 left out: class out of"):
        read_fer_csv(file, Faults())
    votes = tmp_path / "fer2013new.csv"
    votes.write_text("Usage," + ",".join(data.VOTE_NAMES) + "\nTraining" + ",x" * 10 + "\n")
    with pytest.raises(
        data.DataError, match=r"no face to train on\. 1 left out: class out .*votes"
    ):
        read_ferplus_csv(file, votes, Faults())


@pytest.mark.parametrize("digit", ["²", "٣", "+1", "1.0", "9" * 5000])
def test_only_plain_digits_are_numbers(tmp_path: Path, digit: str) -> None:
    rows = [
        ("1", GREY, "Training"), (digit, GREY, "Training"),
        ("1", GREY.replace("128", digit, 1), "Training"),
    ]  # fmt: skip
    faults = Faults()
    assert len(read_fer_csv(fer_csv(tmp_path, rows), faults)) == 1
    assert [kind for _, kind, _ in faults.found] == ["class out of range", "unreadable picture"]
    votes = tmp_path / "fer2013new.csv"
    row, tail = "Training,1,8", ",0" * 7
    votes.write_text(
        f"Usage,{','.join(data.VOTE_NAMES)}\n{row},0{tail}\n{row},0{tail}\n{row},{digit}{tail}\n",
        encoding="utf-8",
    )
    faults = Faults()
    assert len(read_ferplus_csv(tmp_path / "fer2013.csv", votes, faults)) == 1
    assert faults.found[-1][:2] == ("fer2013new.csv line 4", "unreadable votes")


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (b"emotion,pixels,Usage\n\xff\xfe,1,Training\n", "not UTF-8"),
        (b"emotion,pixels,Usage\n1," + b"1" * 200_000 + b",Training\n", "no csv that can be read"),
        (b"", "no column emotion, pixels, Usage"),
    ],
)
def test_a_csv_that_is_no_text(tmp_path: Path, content: bytes, wrong: str) -> None:
    file = tmp_path / "fer2013.csv"
    file.write_bytes(content)
    with pytest.raises(data.DataError, match=f"{file} .*{wrong}"):
        read_fer_csv(file, Faults())


def test_a_csv_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    file = fer_csv(tmp_path, [("3", GREY, "Training")])
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert len(read_fer_csv(file, Faults(refuse=True))) == 1


def test_votes_of_another_part_are_no_votes_for_this_row(tmp_path: Path) -> None:
    parts_of_pixels = ("Training", "Training", "PublicTest", "PublicTest")
    file = fer_csv(tmp_path, [("4", GREY, usage) for usage in parts_of_pixels])
    votes = tmp_path / "fer2013new.csv"
    rows = [
        usage + ",8,0,0,2,0,0,0,0,0,0"
        for usage in ("Training", "PublicTest", "Training", "PrivateTest")
    ]
    votes.write_text("\n".join([f"Usage,{','.join(data.VOTE_NAMES)}", *rows]) + "\n")
    faults = Faults()
    assert len(read_ferplus_csv(file, votes, faults)) == 1
    assert [(where, kind) for where, kind, _ in faults.found] == [
        ("fer2013new.csv line 3", "votes of another part"),
        ("fer2013new.csv line 4", "votes of another part"),
    ]
    assert faults.found[0][2] == "PublicTest, where fer2013.csv line 3 says Training"


def test_folders_name_what_lies_where_it_is_not_read(tmp_path: Path) -> None:
    picture = cv2.imencode(".png", np.full((60, 60, 3), 50, np.uint8))[1].tobytes()
    for name in (
        "happy/a.png", "happy/more/b.png", "sad/c.png/d.png", "loose.JPG", "contempt/e.png",
        "contempt/inner/f.png", "LICENSE", ".git/x.png", "sad/.DS_Store", "sad/Thumbs.db",
        "happy/g.tiff", "happy/notes.txt",
    ):  # fmt: skip
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"text" if "." not in name or name.endswith("txt") else picture)
    tiff = cv2.imencode(".tiff", np.full((60, 60, 3), 50, np.uint8))[1].tobytes()
    (tmp_path / "happy/g.tiff").write_bytes(tiff)
    (tmp_path / "sad/gone.png").symlink_to(tmp_path / "nowhere.png")
    faults = Faults()
    assert read_folders(tmp_path, faults).label.tolist() == [3, 3]  # a.png and g.tiff
    assert faults.others == 1
    found = {(str(Path(w).relative_to(tmp_path)), kind) for w, kind, _ in faults.found}
    assert found == {
        ("happy/more", "nested folder"), ("sad/c.png", "nested folder"),
        ("contempt/inner", "nested folder"), ("loose.JPG", "loose picture"),
        ("happy/notes.txt", "unreadable picture"), ("sad/gone.png", "unreadable picture"),
    }  # fmt: skip


def test_a_class_tree_without_a_picture(tmp_path: Path) -> None:
    (tmp_path / "happy").mkdir()
    with pytest.raises(data.DataError, match=r"no face to train on\. Wanted is one folder a class"):
        read_folders(tmp_path, Faults())


def test_added_corpora_are_named_by_kind() -> None:
    with pytest.raises(data.DataError, match="one of the kinds fer-csv"):
        read_added("jpegs=/x", Faults())
    with pytest.raises(data.DataError, match="KIND=PATH"):
        read_added("folders", Faults())


def test_added_faces_that_are_held_out_stay_out_of_training(
    folder: Path, parts: tuple[data.Faces, data.Faces], tmp_path: Path
) -> None:
    training, validation = parts
    public = data.read_ferplus(folder / "ferplus.npz", tmp_path / "cache", 1)
    noise = np.random.default_rng(0).normal(0, 6, (48, 48))
    near = (validation.pictures[1] + noise).clip(0, 255).astype(np.uint8)
    flat = np.full((48, 48), 90, np.uint8)
    (tmp_path / "own" / "happy").mkdir(parents=True)
    for name, picture in {
        "copy": validation.pictures[0], "near": near, "flat": flat, "public": public.pictures[3],
        "new": np.random.default_rng(1).integers(0, 256, (48, 48)).astype(np.uint8),
    }.items():  # fmt: skip
        cv2.imwrite(str(tmp_path / "own" / "happy" / f"{name}.png"), picture)
    faults = Faults(refuse=True)
    held = data.held_out(folder, tmp_path / "cache", validation)
    joined = join_added(training, held, [f"folders={tmp_path / 'own'}"], faults)
    assert len(joined) == len(training) + 2  # flat and new alone
    np.testing.assert_array_equal(joined.pictures[-2], flat)
    assert faults.summary() == ["3 left out: near twins of faces held out for validation and tests"]
    assert join_added(training, validation, [], faults) is training


def test_a_flat_picture_has_its_copies_for_twins() -> None:
    flat = np.stack([np.full((48, 48), value, np.uint8) for value in (0, 90, 255)])
    ramp = np.tile(np.arange(48, dtype=np.uint8), (1, 48, 1))
    assert near_twins(flat, np.concatenate([flat[1:2], ramp])).tolist() == [False, True, False]
    assert near_twins(ramp * 2 + 9, ramp).tolist() == [True]  # brighter, more contrast: one face
    assert near_twins(ramp, ramp[:0]).tolist() == [False]
    assert near_twins(ramp[:0], ramp).tolist() == []
