"""What the finder, the framing and the quality are worth, and whom the network reads how well.

* framing: the same faces through Haar's box, the plain box and the aligned crop;
* quality: how often looks of each quality are right, and what counts as clear;
* groups: smiles and rests of the London portraits by gender, ethnicity and age.

The quality's weights are fitted on validation faces by :func:`fit_trust`; all else here reports.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from agent.core.person import Person
from agent.opencv import cv2
from agent.training import data
from agent.training.corruptions import HARDSHIPS, glasses, mask
from agent.training.framing import with_surroundings
from agent.training.london import NEUTRAL, SMILING, Portraits, read_london
from agent.types import EMOTIONS, Box, Frame
from agent.vision import quality
from agent.vision.alignment import crop
from agent.vision.blazeface import BlazeFinder
from agent.vision.haar import HaarFinder
from agent.vision.quality import Measures, measure

HAPPY, REST = EMOTIONS.index("happy"), EMOTIONS.index("neutral")
TILTS = (0, 15, 25, 40)
EDGES = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Borders of the quality's bins."""
RIGHT_WANTED = 0.92
"""Share of clear looks that are to be right; decides the quality from which a look is clear."""
AGES = ((18, 24), (25, 34), (35, 99))
BATCH = 256


class FaceReader(Protocol):
    """Whatever turns faces into probabilities [N, 7]."""

    def predict(self, faces: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Classify faces of any size."""
        ...


Faces = list[NDArray[np.uint8] | None]


def measure_faces(
    network: FaceReader, folder: Path, cache: Path, tell: Callable[[str], None] = lambda line: None
) -> dict[str, Any]:
    """Measure ``framing``, ``quality`` and ``groups``, ready for JSON.

    ``folder`` holds london.npz and ferplus.npz. Raises DataError, ModelError.
    """
    portraits = read_london(folder)
    public = data.read_ferplus(folder / "ferplus.npz", cache, 1)
    voted = public.plurality >= 0
    pictures, truth = public.pictures[voted], public.plurality[voted]
    framing = framing_rows(network, portraits)
    if (folder / "muxspace.npz").is_file():
        mux = data.muxspace_parts(folder, cache)[1]
        known = mux.label >= 0
        framing.append(corpus_row(network, "muxspace", mux.pictures[known], mux.label[known]))
    framing.append(corpus_row(network, "FER+, PublicTest", pictures, truth))
    for row in framing:
        tell(f"{row['faces']}: aligned {100 * row['aligned']:.1f} % right")
    looks = {
        "PublicTest": see(network, pictures, truth),
        "PublicTest, lower half covered": see(network, mask(pictures), truth),
        "PublicTest, dark bars over the eyes": see(network, glasses(pictures), truth),
    }
    return {
        "framing": framing,
        "quality": {name: looks_figures(seen) for name, seen in looks.items()},
        "groups": group_rows(network, portraits),
        "clear": quality.CLEAR,
    }


# --- framing --------------------------------------------------------------------------------------


def framing_rows(network: FaceReader, portraits: Portraits) -> list[dict[str, Any]]:
    """Count, for each tilt, how many portraits are read rightly through each way to a crop.

    A face that is not found is not read rightly.
    """
    truth = np.where(portraits.expression == SMILING, HAPPY, REST)
    rows = []
    for tilt in TILTS:
        frames = [tilted(picture, tilt) for picture in portraits.pictures]
        name = "London portraits" + (f", tilted by {tilt}°" if tilt else "")
        rows.append(
            {"faces": name, "count": len(frames)}
            | {way: right(network, crops, truth) for way, crops in ways(frames).items()}
        )
    return rows


def corpus_row(
    network: FaceReader, name: str, pictures: data.Pictures, truth: NDArray[np.int64]
) -> dict[str, Any]:
    """Count the same for faces that fill their pictures.

    ``as it is``: the picture itself, as the network was trained on it. Haar does not find most of
    them in their picture alone.
    """
    frames = [with_surroundings(picture) for picture in pictures]
    finder = BlazeFinder()
    boxes = [one(finder.large(frame)) for frame in frames]
    seen = [i for i, box in enumerate(boxes) if box is not None]
    found = [(frames[i], boxes[i]) for i in seen]
    of = truth[seen]
    return {
        "faces": name,
        "count": len(seen),
        "as it is": right(network, [pictures[i] for i in seen], of),
        "box": right(network, [plain(f, b) for f, b in found if b], of),
        "aligned": right(network, [crop(f, b) for f, b in found if b], of),
    }


def ways(frames: list[Frame]) -> dict[str, Faces]:
    """Crop each frame's largest face: Haar's box, the plain box, aligned; None: not found."""
    haar, blaze = HaarFinder(), BlazeFinder()
    theirs = [one(haar.whole(frame)) for frame in frames]
    ours = [one(blaze.whole(frame)) for frame in frames]
    return {
        "haar": [plain(f, b) if b else None for f, b in zip(frames, theirs, strict=True)],
        "box": [plain(f, b) if b else None for f, b in zip(frames, ours, strict=True)],
        "aligned": [crop(f, b) if b else None for f, b in zip(frames, ours, strict=True)],
    }


def one(boxes: list[Box]) -> Box | None:
    """Choose the largest."""
    return max(boxes, key=lambda box: box.area, default=None)


def plain(frame: Frame, box: Box) -> NDArray[np.uint8]:
    """Cut the box out of the frame as it is."""
    return frame[box.y : box.y + box.height, box.x : box.x + box.width]


def tilted(frame: Frame, degrees: float) -> Frame:
    """Turn it clockwise about its middle; its border repeats."""
    if not degrees:
        return frame
    height, width = frame.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1.0)
    turned = cv2.warpAffine(frame, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(turned, np.uint8)


def predict(network: FaceReader, crops: Faces) -> NDArray[np.float64]:
    """Predict probabilities [N, 7]; rows of zeros for faces that were not found."""
    out = np.zeros((len(crops), len(EMOTIONS)))
    there = [i for i, face in enumerate(crops) if face is not None]
    for first in range(0, len(there), BATCH):
        rows = there[first : first + BATCH]
        out[rows] = network.predict([face for i in rows if (face := crops[i]) is not None])
    return out


def right(network: FaceReader, crops: Faces, truth: NDArray[np.int64]) -> float:
    """Compute the share that is found and read rightly."""
    told = predict(network, crops)
    return float(((told.argmax(axis=1) == truth) & (told.sum(axis=1) > 0)).mean())


# --- quality --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Seen:
    """Looks at the faces that were found, and of how many faces they are."""

    measures: list[Measures]
    probabilities: NDArray[np.float64]
    right: NDArray[np.bool_]
    shown: int

    def trust(self) -> NDArray[np.float64]:
        """Compute the quality of each look."""
        pairs = zip(self.measures, self.probabilities, strict=True)
        return np.array([quality.trust(one_look, row) for one_look, row in pairs])


def see(network: FaceReader, pictures: data.Pictures, truth: NDArray[np.int64]) -> Seen:
    """Find, frame, read and measure faces that fill their pictures, as the program does."""
    finder = BlazeFinder()
    crops: Faces = []
    measures, rows = [], []
    for row, picture in enumerate(pictures):
        frame = with_surroundings(picture)
        if (box := one(finder.large(frame))) is None:
            continue
        face = crop(frame, box)
        crops.append(face)
        measures.append(measure(box, face))
        rows.append(row)
    probabilities = predict(network, crops)
    return Seen(measures, probabilities, probabilities.argmax(axis=1) == truth[rows], len(pictures))


def looks_figures(seen: Seen) -> dict[str, Any]:
    """How many looks there are of each quality, and how many of them are right."""
    trust = seen.trust()
    clear = trust >= quality.CLEAR
    bins = []
    for low, high in pairwise(EDGES):
        inside = (trust >= low) & ((trust < high) | (high == 1.0))
        if inside.any():
            share = float(seen.right[inside].mean())
            bins.append({"from": low, "to": high, "count": int(inside.sum()), "right": share})
    return {
        "shown": seen.shown,
        "found": len(trust) / max(1, seen.shown),
        "clear": float(clear.sum()) / max(1, seen.shown),
        "right": float(seen.right.mean()),
        "right_of_clear": float(seen.right[clear].mean()) if clear.any() else 0.0,
        "bins": bins,
    }


def fit_trust(network: FaceReader, validation: data.Faces, seed: int = 5) -> dict[str, float]:
    """Fit SURE, FOUND, BIAS and CLEAR of :mod:`agent.vision.quality` for ``network``.

    By the likelihood of being right on ``validation`` faces, as they are and each once in one of
    the hardships.
    """
    known = validation.plurality >= 0
    pictures, truth = validation.pictures[known], validation.plurality[known]
    hard = pictures.copy()
    which = np.random.default_rng(seed).integers(0, len(HARDSHIPS), len(pictures))
    for number, change in enumerate(HARDSHIPS.values()):
        hard[which == number] = change(pictures[which == number])
    plain_looks = see(network, pictures, truth)
    hard_looks = see(network, hard, truth)
    table, right_ones, against = (
        np.concatenate(parts)
        for parts in zip(_features(plain_looks), _features(hard_looks), strict=True)
    )
    weights = _logistic(table, right_ones, against)
    features, was_right, taken = _features(plain_looks)
    limit = _clear_from(1 / (1 + np.exp(-(features @ weights - taken))), was_right > 0)
    sure, found, bias = (round(float(w), 3) for w in weights)
    return {"SURE": sure, "FOUND": found, "BIAS": bias, "CLEAR": limit}


def _features(
    seen: Seen,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Give (evidence [N, 3], who is right [N], what the fixed weights take off [N])."""
    sound = np.array([not quality.picture_fault(m) for m in seen.measures])
    pairs = list(zip(seen.measures, seen.probabilities, strict=True))
    rows = [(*quality.evidence(m, row), 1.0) for m, row in pairs]
    taken = np.array([quality.against(m) for m in seen.measures])
    return np.array(rows)[sound], seen.right[sound].astype(np.float64), taken[sound]


def _logistic(
    table: NDArray[np.float64], right_ones: NDArray[np.float64], against: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Find the most likely logistic curve with the offset -``against``, by Newton."""
    weights = np.zeros(table.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-(table @ weights - against)))
        slope = table.T @ (right_ones - chance)
        bend = (table * (chance * (1 - chance))[:, None]).T @ table
        weights += np.linalg.solve(bend + 1e-6 * np.eye(len(weights)), slope)
    return weights


def _clear_from(trust: NDArray[np.float64], right_ones: NDArray[np.bool_]) -> float:
    """Find the least quality, in hundredths, from which RIGHT_WANTED of the looks are right."""
    for limit in np.arange(0.0, 1.0, 0.01):
        above = trust >= limit
        if above.any() and right_ones[above].mean() >= RIGHT_WANTED:
            return round(float(limit), 2)
    return 1.0


# --- groups ---------------------------------------------------------------------------------------


def group_rows(network: FaceReader, portraits: Portraits) -> list[dict[str, Any]]:
    """Count, for each group of persons, how many smiles and rests are found.

    Through Haar's box and aligned, and of the smiles against the person's own rest (the one picture
    of it and its mirror image). Shares come with their 95 % interval.
    """
    crops = ways(portraits.pictures)
    told = {way: predict(network, crops[way]) for way in ("haar", "aligned")}
    turned = [None if face is None else face[:, ::-1].copy() for face in crops["aligned"]]
    mirrored = predict(network, turned)
    smiling = portraits.expression == SMILING
    resting = portraits.expression == NEUTRAL
    rest_of = {p: row for row, p in enumerate(portraits.person) if resting[row]}
    own = np.array([rest_of.get(p, -1) for p in portraits.person])
    risen = [
        rest >= 0
        and _against_rest(told["aligned"][row], [told["aligned"][rest], mirrored[rest]]) == HAPPY
        for row, rest in enumerate(own)
    ]
    rows = []
    for name, members in groups(portraits):
        smiles, rests = members & smiling, members & resting
        row: dict[str, Any] = {"group": name, "persons": int(rests.sum())}
        for way, probabilities in told.items():
            best = probabilities.argmax(axis=1)
            known = probabilities.sum(axis=1) > 0
            row[f"smiles, {way}"] = share(((best == HAPPY) & known)[smiles])
            row[f"rests, {way}"] = share(((best == REST) & known)[rests])
        row["smiles, own rest"] = share(np.array(risen)[smiles & (own >= 0)])
        rows.append(row)
    return rows


def _against_rest(look: NDArray[np.float64], rest: Sequence[NDArray[np.float64]]) -> int:
    """Read ``look`` as the agent does that has learned this person's ``rest``.

    -1: one of the two was not found.
    """
    if not look.sum() or not all(row.sum() for row in rest):
        return -1
    return int(Person().learn(rest).adjust(look)[0].argmax())


def groups(portraits: Portraits) -> list[tuple[str, NDArray[np.bool_]]]:
    """(name, members) of everybody, of each gender, each ethnicity and each band of ages."""
    out = [("all", np.ones(len(portraits.person), bool))]
    for column, word in ((portraits.gender, "{}"), (portraits.ethnicity, "{}")):
        for value in sorted(set(column.tolist())):
            out.append((word.format(str(value).replace("_", " ")), column == value))
    for low, high in AGES:
        members = (portraits.age >= low) & (portraits.age <= high)
        if members.any():
            out.append((f"age {low} to {high}" if high < 99 else f"age {low} and more", members))
    return out


def share(right_ones: NDArray[np.bool_]) -> dict[str, float]:
    """``right`` of ``count``, and the bounds of Wilson's 95 % interval."""
    count = len(right_ones)
    if not count:
        return {"right": 0.0, "count": 0, "low": 0.0, "high": 1.0}
    p, z = float(right_ones.mean()), 1.96
    middle = (p + z * z / (2 * count)) / (1 + z * z / count)
    reach = z * math.sqrt(p * (1 - p) / count + z * z / (4 * count**2)) / (1 + z * z / count)
    return {
        "right": round(p, 4),
        "count": count,
        "low": round(middle - reach, 4),
        "high": round(middle + reach, 4),
    }
