"""A shipped file back into a network to train on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from agent.training import checkpoint, data
from agent.training.export import _answers
from agent.training.from_onnx import as_checkpoint, load
from agent.training.network import predict

Made = tuple[Path, dict[str, Any]]


@pytest.mark.parametrize("made", ["moodnet"], indirect=True)
def test_it_answers_as_the_file_and_trains_on(
    made: Made, parts: tuple[data.Faces, data.Faces]
) -> None:
    file = made[0] / "emotion.onnx"
    faces = parts[0].pictures
    name, network = load(file, faces)
    assert name == "moodnet"
    told = predict(network, faces, torch.device("cpu"))
    wanted = _answers(file, faces)
    assert np.allclose(told[:, 0], wanted["logits"], atol=1e-3)
    assert np.allclose(told[:, 1], wanted["fer_label"], atol=1e-3)
    # In training the normalisations use the batch: there they have what undoes them, too.
    batch = torch.from_numpy(faces).unsqueeze(1).float() / 127.5 - 1
    network.train()
    dropped = [m for m in network.modules() if isinstance(m, torch.nn.Dropout)]
    for module in dropped:
        module.p = 0.0
    with torch.no_grad():
        trained = network(batch)[:, 0].numpy()
    assert np.abs(trained - told[:, 0]).max() < 0.1 * np.abs(told[:, 0]).max()


@pytest.mark.parametrize("made", ["moodnet"], indirect=True)
def test_a_run_can_begin_with_it(
    made: Made, parts: tuple[data.Faces, data.Faces], tmp_path: Path
) -> None:
    file = as_checkpoint(made[0] / "emotion.onnx", parts[0].pictures, tmp_path / "run")
    assert file.parent == tmp_path / "run"
    assert checkpoint.load(file)[0] == "moodnet"
    assert as_checkpoint(made[0] / "emotion.onnx", parts[0].pictures, tmp_path / "run") == file
    other = tmp_path / "best.pt"
    assert as_checkpoint(other, parts[0].pictures, tmp_path) == other


@pytest.mark.parametrize("made", ["seed"], indirect=True)
def test_a_file_with_one_head_is_refused(made: Made, parts: tuple[data.Faces, data.Faces]) -> None:
    with pytest.raises(data.DataError, match="another design"):
        load(made[0] / "emotion.onnx", parts[0].pictures)


def test_what_is_no_network_is_told(tmp_path: Path, parts: tuple[data.Faces, data.Faces]) -> None:
    file = tmp_path / "x.onnx"
    with pytest.raises(data.DataError, match="cannot be read"):
        as_checkpoint(file, parts[0].pictures, tmp_path)
    file.write_bytes(b"nothing")
    with pytest.raises(data.DataError, match="no network that Moodtray exported"):
        as_checkpoint(file, parts[0].pictures, tmp_path)
