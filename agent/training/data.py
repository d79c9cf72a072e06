"""Training data: the two packed corpora, the split, and the targets made of their labels.

Every reader gives :class:`Faces`: pictures as the network sees them at run time (uint8, 48 x 48
grey) and two targets a picture, one for each head of the network:

* head 0, ``votes``: how ten taggers saw the face (FER+), a distribution over the seven;
* head 1, ``label``: the one label that FER2013 shipped with.

A target whose weight is 0 is not trained on. The formats with one picture a file or a row are
read in :mod:`agent.training.corpora`.
"""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.training.dataset import (
    CLASSES,
    SIZE,
    DataError,
    Faces,
    Pictures,
    as_network_sees,
    join,
)
from agent.training.framing import framer
from agent.training.near_duplicates import TWIN, twin_groups
from agent.training.npz_corpora import REAL, WORDS, Column, open_packed
from agent.types import EMOTIONS
from agent.vision.alignment import TRAINING

# What a face is stands in faces.py; the rest of training has it from here.
__all__ = ["CLASSES", "SIZE", "DataError", "Faces", "Pictures", "as_network_sees", "join"]

HELD_PERSONS, HELD_SEED = 0.15, 7
"""muxspace: this share of its persons is held out as a test set, drawn with this seed."""
SUPPLEMENT_EACH = 2500
"""muxspace is nearly all happy and neutral: at most so many of each are trained on."""

VOTE_NAMES = (
    "neutral", "happiness", "surprise", "sadness", "anger",
    "disgust", "fear", "contempt", "unknown", "NF",
)  # fmt: skip
VOTE_COLUMN = (4, 5, 6, 1, 3, 2, 0)
"""For each of EMOTIONS its column among the FER+ votes."""
FERPLUS = {
    "fer_label": Column(0, CLASSES - 1), "votes": Column(0, 255, len(VOTE_NAMES)),
    "split": Column(0, 2), "fer_number": Column(0), "twin_fer_number": Column(),
    "twin_sim": Column(-1.01, 1.01, kinds=REAL),
}  # fmt: skip
MUXSPACE = {"label": Column(0, CLASSES), "name": Column(kinds=WORDS)}
"""What the packed corpora hold beside their pictures, a row a picture."""


def data_folder(given: Path | None = None) -> Path:
    """Find where ferplus.npz lies.

    ``given``, $MOODTRAY_DATA, or ``../shared/data`` beside the checkout.

    Raises DataError that says what was tried.
    """
    named = given or (Path(env) if (env := os.environ.get("MOODTRAY_DATA")) else None)
    checkout = Path(__file__).resolve().parents[2]
    folder = named or checkout.parent / "shared" / "data"
    if not (folder / "ferplus.npz").is_file():
        raise DataError(
            f"There is no ferplus.npz in {folder}. Name the folder that holds it with "
            "--data DIR or the variable MOODTRAY_DATA."
        )
    return folder


# --- targets --------------------------------------------------------------------------------------


def plurality(votes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Find the one emotion that most taggers named, [N, 10] -> [N].

    -1 where the lead is shared or is held by contempt, unknown or 'no face'.
    """
    ordered = np.sort(votes, axis=1)
    unique = ordered[:, -1] > ordered[:, -2]
    to_emotion = np.full(votes.shape[1], -1, np.int64)
    to_emotion[list(VOTE_COLUMN)] = np.arange(CLASSES)
    return np.where(unique, to_emotion[votes.argmax(axis=1)], -1)


def vote_targets(votes: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Turn votes [N, 10] -> distributions over the seven [N, 7] and weights [N].

    A single stray vote is taken for a slip of the mouse and dropped, as the authors of FER+ did
    (Barsoum et al. 2016, section 2). The weight is the share of taggers who saw one of the seven,
    and 0 where they are no majority.
    """
    seven = votes[:, list(VOTE_COLUMN)].astype(np.float32)
    seven[seven <= 1] = 0
    seven = _faint_smiles(seven)
    total = seven.sum(axis=1)
    share = total / np.maximum(votes.sum(axis=1), 1)
    weights = np.where(share >= 0.5, share, 0).astype(np.float32)
    return seven / np.maximum(total, 1)[:, None], weights


FAINT_SMILE, SMILES_OR_RESTS = 3, 8
"""Three of ten taggers who see a smile where the others see nothing have seen a faint one; the two
together must be eight of ten, or it is another expression that is in doubt."""
FAINT_SHARE = 0.6
"""What a faint smile is taught as: a smile, but not with certainty."""


def _faint_smiles(seven: NDArray[np.float32]) -> NDArray[np.float32]:
    """Move votes [N, 7] from neutral to happy where a smile is faint, until it leads.

    The share of the taggers is taken for how strong the expression is, not how likely.
    """
    happy, neutral = EMOTIONS.index("happy"), EMOTIONS.index("neutral")
    both = seven[:, happy] + seven[:, neutral]
    faint = (
        (seven[:, happy] >= FAINT_SMILE)
        & (seven[:, happy] < FAINT_SHARE * both)
        & (both >= SMILES_OR_RESTS)
    )
    moved = seven.copy()
    moved[faint, happy] = FAINT_SHARE * both[faint]
    moved[faint, neutral] = (1 - FAINT_SHARE) * both[faint]
    return moved


def one_hot(label: NDArray[np.int64], smoothing: float = 0.0) -> NDArray[np.float32]:
    """Encode labels [N] -> [N, 7]; rows of zeros for labels outside 0..6."""
    known = (label >= 0) & (label < CLASSES)
    hot = np.zeros((len(label), CLASSES), np.float32)
    hot[known] = smoothing / CLASSES
    hot[np.flatnonzero(known), label[known]] += 1 - smoothing
    return hot


def single_label(faces: Faces) -> Faces:
    """Make targets for a network of one head.

    ``faces`` with the one-hot of ``best_label()``, not smoothed, in the first head, of weight 1
    where there is a label and 0 where there is none; the second head is zeros. Readers put a
    corpus's one label into the second head, where such a network would never see it.
    """
    label = faces.best_label()
    targets, weights = np.zeros_like(faces.targets), np.zeros_like(faces.weights)
    targets[:, 0] = one_hot(label)
    weights[:, 0] = label >= 0
    return dataclasses.replace(faces, targets=targets, weights=weights)


# --- the packed corpora ---------------------------------------------------------------------------


def read_ferplus(file: Path, cache: Path, split: int) -> Faces:
    """Read one split of ferplus.npz: 0 Training, 1 PublicTest.

    ``cache`` keeps the decoded pictures. Raises DataError for a file that is damaged or of another
    form.
    """
    packed = open_packed(file, "webp", FERPLUS)
    rows = packed["split"] == split
    if not rows.any():
        raise DataError(f"{file} has no picture of split {split}; fetch the file again.")
    votes, label = packed["votes"][rows], packed["fer_label"][rows].astype(np.int64)
    number, twin = packed["fer_number"][rows], packed["twin_fer_number"][rows]
    soft, weight = vote_targets(votes)
    return Faces(
        packed.pictures(cache)[rows],
        np.stack([soft, one_hot(label, 0.1)], axis=1),
        np.stack([weight, np.ones_like(weight)], axis=1),
        plurality(votes),
        label,
        twin_groups(number, twin, packed["twin_sim"][rows].astype(np.float32) >= TWIN),
    )


def twins(file: Path, split: int) -> NDArray[np.bool_]:
    """Tell which pictures of a split of ferplus.npz have a near twin in Training, [N]."""
    packed = open_packed(file, "webp", FERPLUS)
    rows = packed["split"] == split
    return np.asarray(packed["twin_sim"][rows].astype(np.float32) >= TWIN)


def read_muxspace(file: Path, cache: Path, framed: bool = False) -> Faces:
    """Read muxspace.npz; ``framed``: as the program frames a face at run time.

    Its label was given by looking at the face, so it stands, smoothed, where the votes stand. Faces
    labelled contempt have no weight. A group is one person. Raises DataError for a file that is
    damaged or of another form.
    """
    packed = open_packed(file, "jpeg", MUXSPACE)
    label = packed["label"].astype(np.int64)
    person = np.array([re.sub(r"[_-]?\d+\.\w+$", "", str(name)) for name in packed["name"]])
    known = (label < CLASSES).astype(np.float32)
    soft = one_hot(label, 0.1)
    pictures = (
        packed.pictures(cache, framer(), f"-framed-{TRAINING.tag}")
        if framed
        else packed.pictures(cache)
    )
    return Faces(
        pictures,
        np.stack([soft, np.zeros_like(soft)], axis=1),
        np.stack([known, np.zeros_like(known)], axis=1),
        np.full(len(label), -1, np.int64),
        np.where(known > 0, label, -1),
        np.unique(person, return_inverse=True)[1].astype(np.int64),
    )


def at_most(faces: Faces, each: int, seed: int) -> Faces:
    """Keep at most ``each`` faces of a class, drawn at random; none without a label."""
    rng, label = np.random.default_rng(seed), faces.best_label()
    rows = [rng.permutation(np.flatnonzero(label == c))[:each] for c in range(CLASSES)]
    return faces.take(np.sort(np.concatenate(rows)))


# --- splitting ------------------------------------------------------------------------------------


def split(faces: Faces, share: float, seed: int) -> tuple[Faces, Faces]:
    """Split off (training, validation).

    ``share`` of the groups goes to validation, no group to both.
    """
    groups = np.unique(faces.group)
    held = np.random.default_rng(seed).permutation(groups)[: round(len(groups) * share)]
    inside = np.isin(faces.group, held)
    return faces.take(~inside), faces.take(inside)


def muxspace_parts(folder: Path, cache: Path) -> tuple[Faces, Faces]:
    """Read (training, held out) of muxspace, no person in both.

    Training faces are framed as at run time; the held out ones stay as the corpus has them.
    """
    file = folder / "muxspace.npz"
    training = split(read_muxspace(file, cache, framed=True), HELD_PERSONS, HELD_SEED)[0]
    return training, split(read_muxspace(file, cache), HELD_PERSONS, HELD_SEED)[1]


def corpora(
    folder: Path, cache: Path, share: float, seed: int, supplement: bool
) -> tuple[Faces, Faces]:
    """Read (training, validation) of FER2013's Training part; muxspace joins the training if asked.

    Raises DataError where it is asked for and missing: a run without it is another run.
    """
    if supplement and not (folder / "muxspace.npz").is_file():
        raise DataError(
            f"There is no muxspace.npz in {folder}, which training takes as a supplement. Fetch it "
            "into that folder, or train without it: --no-supplement."
        )
    training, validation = split(read_ferplus(folder / "ferplus.npz", cache, 0), share, seed)
    if supplement:
        extra = at_most(muxspace_parts(folder, cache)[0], SUPPLEMENT_EACH, HELD_SEED)
        training = join(training, extra)
    return training, validation


def held_out(folder: Path, cache: Path, validation: Faces) -> Faces:
    """Gather every face that no training face may be a copy of: validation and the test sets."""
    held = [validation, read_ferplus(folder / "ferplus.npz", cache, 1)]
    if (folder / "muxspace.npz").is_file():
        held.append(muxspace_parts(folder, cache)[1])
    return join(*held)


def shares(faces: Faces) -> NDArray[np.float64]:
    """Count the class shares of the labels as they stand, [7]: the votes where there are any."""
    voted = faces.weights[:, :1] > 0
    targets = np.where(voted, faces.targets[:, 0], faces.targets[:, 1]).astype(np.float64)
    total = targets.sum(axis=0) + 1e-9
    return np.asarray(total / total.sum())
