"""AffectNet's YOLO form, on small samples: what is cut out, and what is said of the rest."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from agent.training import data
from agent.training.corpora import Faults
from agent.training.yolo import read_yolo
from agent.vision.expression import preprocess


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
    "names",
    [
        "names: [Anger,\n  'Fear', Happy]  # in order\n",
        "names: {0: Anger, 2: Happy, 1: Fear}\n",
        'nc: 3\nnames:\n  0: Anger\n  1: "Fear"  # afraid\n\n  2: Happy\ntrain: ../images\n',
        "names:\n- Anger\n- Fear\n# a note\n- Happy\nnc: 3\n",
        "# made by hand\nnames:\n    - 'Anger'\n    - Fear\n    - Happy",
    ],
)
def test_yolo_names_come_in_several_forms(tmp_path: Path, names: str) -> None:
    root = yolo(tmp_path / "d", {"a": "2 0.5 0.5 1 1", "b": "1 0.5 0.5 1 1", "c": "3 .5 .5 1 1"})
    (root / "data.yaml").write_text(names)
    faults = Faults()
    assert read_yolo(root, faults).label.tolist() == [3, 2]
    assert faults.found[0][1:] == ("class out of range", "0 to 2 wanted, not 3")


@pytest.mark.parametrize(
    "names", ["nc: 8\n", "names:\nnc: 8\n", "names:\n  0: Anger\n  2: Fear\n", "names: x.txt\n"]
)
def test_yolo_names_that_do_not_say_which_is_which(tmp_path: Path, names: str) -> None:
    root = yolo(tmp_path / "d", {"a": "2 0.5 0.5 1 1"})
    (root / "data.yaml").write_text(names)
    with pytest.raises(data.DataError, match="does not say which class is which"):
        read_yolo(root, Faults())
    (root / "data.yaml").write_bytes(b"names: [\xff]")
    with pytest.raises(data.DataError, match=r"data\.yaml cannot be read"):
        read_yolo(root, Faults())


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "missing label"),
        ("3 0.5 0.5 1.4 0.5", "box outside the image"),
        ("3 0.5 0.5 0 0", "box outside the image"),
        ("3 0.5 0.5", "unreadable label"),
        ("3 a b c d", "unreadable label"),
        ("3 nan 0.5 0.5 0.5", "unreadable label"),
        ("3 0.5 inf 0.5 0.5", "unreadable label"),
        ("3 0.5 0.5 1e308 1e308", "box outside the image"),
        ("3 1e308 0.5 1e308 0.5", "box outside the image"),
        ("3 1.0052 .5 .0104 .5", "box outside the image"),  # just right of the picture
        ("3 -0.0052 .5 .0104 .5", "box outside the image"),
        ("3 .5 1.0052 .5 .0104", "box outside the image"),
        ("3 0.5 0.5 -0.5 0.5", "box outside the image"),
        ("² 0.5 0.5 0.5 0.5", "class out of range"),
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


def test_yolo_names_every_file_that_has_no_partner(tmp_path: Path) -> None:
    root = yolo(tmp_path / "d", {"a": "0 0.5 0.5 1 1", "b": "1 .5 .5 1 1", "c": "2 .5 .5 1 1"})
    (root / "images" / "b.png").unlink()
    (root / "labels" / "c.txt").write_bytes(b"2 0.5 0.5 1 1 \xff")
    (root / "images" / "z.png").mkdir()
    (root / "images" / "e.txt").write_text("a note among the pictures")
    (root / "images" / ".DS_Store").touch()
    faults = Faults()
    assert read_yolo(root, faults).label.tolist() == [0]
    assert [(Path(where).name, kind) for where, kind, _ in faults.found] == [
        ("c.txt", "unreadable label"), ("e.txt", "unreadable picture"), ("z.png", "nested folder"),
        ("b.txt", "missing picture"),
    ]  # fmt: skip
    with pytest.raises(data.DataError, match=r"no face to train on\. 1 left out: nested folder"):
        read_yolo(bare(tmp_path / "bare"), Faults())
    (tmp_path / "bare" / "images" / "train").rmdir()
    with pytest.raises(data.DataError, match=r"no face to train on\. There is none in it\."):
        read_yolo(tmp_path / "bare", Faults())


def bare(root: Path) -> Path:
    """A folder of the form with no picture, but one folder too deep."""
    (root / "images" / "train").mkdir(parents=True)
    return root


@pytest.mark.parametrize("ending", [".tif", ".TIFF", ".jfif"])
def test_yolo_reads_a_picture_whatever_its_name_ends_in(tmp_path: Path, ending: str) -> None:
    root = yolo(tmp_path / "d", {"a": "5 0.5 0.5 1 1"})
    kind = ".jpg" if ending == ".jfif" else ".tif"
    encoded = cv2.imencode(kind, np.full((60, 60, 3), 90, np.uint8))[1]
    (root / "images" / "a.png").unlink()
    (root / "images" / f"a{ending}").write_bytes(encoded.tobytes())
    faces = read_yolo(root, Faults(refuse=True))
    assert faces.label.tolist() == [5]
    assert abs(int(faces.pictures[0, 20, 20]) - 90) <= 2
