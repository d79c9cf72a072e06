"""Made-up faces: big enough for every code path, small enough for a second or two."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
import typer

from agent.training import data
from agent.training.cli import register
from agent.training.export import Blend, export
from agent.training.train import SEED_PLAN, Plan, train

PER_CLASS = 6


def drawn_face(label: int, rng: np.random.Generator, size: int = 48) -> data.Pictures:
    """A grey picture whose stripes tell its class: something that a network can learn."""
    across = np.arange(size, dtype=np.float32) / size
    waves = np.sin(2 * np.pi * (label + 1) * (across[:, None] if label % 2 else across[None, :]))
    picture = 128 + 70 * np.broadcast_to(waves, (size, size)) + rng.normal(0, 12, (size, size))
    return picture.clip(0, 255).astype(np.uint8)


def packed(pictures: list[data.Pictures], ending: str) -> tuple[np.ndarray, np.ndarray]:
    """(bytes, offsets) as the packed corpora hold them."""
    quality = [cv2.IMWRITE_WEBP_QUALITY, 101] if ending == ".webp" else []  # 101: lossless
    parts = [cv2.imencode(ending, picture, quality)[1] for picture in pictures]
    return np.concatenate(parts), np.cumsum([0, *map(len, parts)]).astype(np.int64)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small ferplus.npz and muxspace.npz in the form of the real ones."""
    root = tmp_path_factory.mktemp("corpora")
    rng = np.random.default_rng(0)
    labels = np.array([c for c in range(7) for _ in range(PER_CLASS)] * 2, np.uint8)
    n = len(labels)
    blob, offsets = packed([drawn_face(int(c), rng) for c in labels], ".webp")
    votes = np.zeros((n, 10), np.uint8)
    votes[np.arange(n), np.array(data.VOTE_COLUMN)[labels]] = 8
    votes[:, 8] = 1  # one tagger does not know
    votes[:, 0] += 1  # a slip of the mouse
    number = np.arange(n, dtype=np.int32)
    twin, similar = (number + 1) % n, np.full(n, 0.5, np.float16)
    similar[[0, 1, n - 1]] = 0.99
    np.savez(
        root / "ferplus.npz", webp=blob, off=offsets, fer_label=labels, votes=votes,
        split=np.repeat([0, 1], n // 2).astype(np.uint8), twin_sim=similar, fer_number=number,
        twin_fer_number=twin, vote_names=np.array(data.VOTE_NAMES),
    )  # fmt: skip
    mux = np.array([*range(8)] * 4, np.uint8)
    blob, offsets = packed([drawn_face(int(c), rng, 72) for c in mux], ".jpg")
    names = np.array([f"Person{row // 2}_{row:04d}.jpg" for row in range(len(mux))])
    np.savez(root / "muxspace.npz", jpeg=blob, off=offsets, label=mux, name=names)
    return root


@pytest.fixture(scope="session")
def parts(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[data.Faces, data.Faces]:
    """(training, validation) of that folder."""
    cache = tmp_path_factory.mktemp("cache")
    return data.corpora(folder, cache, share=0.25, seed=3, supplement=True)


@pytest.fixture(scope="session", params=["moodnet", "seed"])
def made(
    request: pytest.FixtureRequest,
    parts: tuple[data.Faces, data.Faces],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, dict[str, Any]]:
    """(folder with emotion.onnx, its metadata) of a briefly trained network."""
    folder = tmp_path_factory.mktemp(request.param)
    plan = SEED_PLAN if request.param == "seed" else Plan()
    train(dataclasses.replace(plan, epochs=2, batch=16), *parts, folder / "run", quiet=True)
    blend, priors = Blend(votes=0.7, lift=0.3), data.shares(parts[0])
    return folder, export(
        folder / "run" / "best.pt", parts[1], priors, folder / "emotion.onnx", blend
    )


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Sums in one order, so that equal means equal."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def app() -> typer.Typer:
    """The commands train, export and evaluate alone."""
    app = typer.Typer()
    register(app)
    return app


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, in which the user stands."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
