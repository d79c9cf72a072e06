"""AffectNet in YOLO's form: pictures, and beside each a text of boxes with their classes."""

from __future__ import annotations

import math
import re
from itertools import takewhile
from pathlib import Path

from agent.training.data import CLASSES, DataError, Faces, Pictures, as_network_sees
from agent.training.reader_base import (
    CONTEMPT,
    NAMES,
    Faults,
    class_id,
    entries,
    labelled,
    open_picture,
    some,
)


def read_yolo(root: Path, faults: Faults) -> Faces:
    """Read ``images/NAME.png`` (or another kind of picture) and ``labels/NAME.txt``.

    Its lines are ``class cx cy w h``, the box in shares of the picture. Each box's face is cut out.

    A ``data.yaml`` in the folder or above it, with the key ``names``, says which class is which;
    without one the ids are in the order of EMOTIONS, then contempt. Raises DataError for a folder
    of another form, and where no face can be used.
    """
    folder = root / "images"
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder}; wanted are images/ and labels/ in {root}.")
    classes = _classes(root)
    pictures, labels = [], []
    files = entries(folder)
    for file in files:
        picture = open_picture(file, faults)
        text = root / "labels" / f"{file.stem}.txt"
        if picture is None:
            continue
        for where, line in _lines(text, file, faults):
            face = _face(line, picture, classes, where, faults)
            if face is not None and face[1] == CONTEMPT:
                faults.others += 1
            elif face is not None:
                pictures.append(as_network_sees(face[0]))
                labels.append(face[1])
    there = {file.stem for file in files}
    for text in entries(root / "labels") if (root / "labels").is_dir() else []:
        if text.suffix == ".txt" and text.stem not in there:
            faults.add(str(text), "missing picture", f"wanted in {folder}")
    return some(labelled(pictures, labels), root, faults)


def _lines(text: Path, picture: Path, faults: Faults) -> list[tuple[str, str]]:
    """Yield ('file line n', line) of a label file, without blank lines; none: a fault."""
    try:
        lines = text.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        lines = []
    except (OSError, UnicodeDecodeError) as error:
        reason = "it is not UTF-8 text" if isinstance(error, ValueError) else error.strerror
        faults.add(str(text), "unreadable label", str(reason))
        return []
    if not any(line.strip() for line in lines):
        faults.add(str(picture), "missing label", f"wanted in {text.name}")
    return [(f"{text} line {n}", line) for n, line in enumerate(lines, 1) if line.strip()]


def _face(
    line: str, picture: Pictures, classes: list[int], where: str, faults: Faults
) -> tuple[Pictures, int] | None:
    """Return (the face cut out, its class) of a line; None: a fault, written down."""
    parts = line.split()
    try:
        cx, cy, w, h = (float(part) for part in parts[1:])
        if not all(map(math.isfinite, (cx, cy, w, h))):
            raise ValueError
    except ValueError:
        detail = f"'class cx cy w h' wanted, not '{line.strip()[:80]}'"
        faults.add(where, "unreadable label", detail)
        return None
    number = class_id(parts[0], len(classes) - 1, where, faults)
    if number is None:
        return None
    height, width = picture.shape[:2]
    sides = (cx - w / 2) * width, (cx + w / 2) * width, (cy - h / 2) * height, (cy + h / 2) * height
    # A box may touch the border, and rounding may put it one pixel beyond.
    inside = min(sides) >= -1 and sides[1] <= width + 1 and sides[3] <= height + 1
    if inside:
        left, right = max(round(sides[0]), 0), min(round(sides[1]), width)
        top, bottom = max(round(sides[2]), 0), min(round(sides[3]), height)
        if right > left and bottom > top:
            return picture[top:bottom, left:right], classes[number]
    box = "x {:.5g}..{:.5g}, y {:.5g}..{:.5g}".format(*sides)
    faults.add(where, "box outside the image", f"{box} in a picture of {width} x {height}")
    return None


# --- data.yaml ------------------------------------------------------------------------------------


def _classes(root: Path) -> list[int]:
    """Find the class of each id, 0 to 7 (contempt)."""
    for file in (root / "data.yaml", root.parent / "data.yaml"):
        if not file.is_file():
            continue
        try:
            names = _names(file.read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{file} cannot be read ({error}).") from error
        if not names:
            raise DataError(
                f"{file} does not say which class is which: wanted is 'names: [Anger, ..]', or a "
                "list below 'names:', or a line '0: Anger' for each number from 0 on."
            )
        unknown = [name for name in names if name not in NAMES]
        if unknown:
            raise DataError(
                f"{file} names unknown classes: {', '.join(unknown)}. Known are {', '.join(NAMES)}."
            )
        return [NAMES[name] for name in names]
    return list(range(CLASSES + 1))


def _names(text: str) -> list[str]:
    """Read the class names of a data.yaml in lower case, in the order of their ids.

    None where it has no ``names`` or in no form known: a list or numbered, in brackets or a line
    each.
    """
    text = re.sub(r"(?m)(^|\s)#.*$", "", text)
    bracket = re.search(r"(?m)^names\s*:\s*[\[{]([^\]}]*)[\]}]", text)
    block = re.search(r"(?m)^names\s*:[ \t]*$", text)
    if bracket:
        items = bracket[1].split(",")
    elif block:
        below = text[block.end() :].splitlines()
        items = [*takewhile(lambda line: not line or line[0] in " \t-", below)]
    else:
        return []
    items = [item.strip() for item in items if item.strip()]
    numbered = [re.fullmatch(r"['\"]?(\d+)['\"]?\s*:\s*(.+)", item, re.ASCII) for item in items]
    if all(numbered):
        by_id = {int(match[1][:9]): match[2] for match in numbered if match}
        items = [by_id[n] for n in sorted(by_id)] if sorted(by_id) == [*range(len(items))] else []
    return [re.sub(r"^-\s+", "", item).strip(" '\"").lower() for item in items]
