"""What evaluate keeps: what it needs for that, and that it says which of it is of another model."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from agent.errors import AgentError, ModelError
from agent.training import results
from agent.training.evaluate import label_head
from agent.training.quantise import stale_copy

RUNNER = CliRunner()
Made = tuple[Path, dict[str, Any]]


def shipped(made: Made, models: Path, **changes: object) -> Path:
    """A models folder with the network of ``made``; a change of None takes a key away."""
    models.mkdir()
    shutil.copy(made[0] / "emotion.onnx", models / "emotion.onnx")
    meta = {key: value for key, value in {**made[1], **changes}.items() if value is not None}
    (models / "emotion.json").write_text(json.dumps(meta))
    (models / "metrics.json").write_text("{}")
    (models / "MODEL_CARD.md").write_text("card")
    return models / "emotion.onnx"


@pytest.mark.parametrize("made", ["moodnet"], indirect=True)
def test_the_kept_figures_need_every_test_set_and_the_other_ones_do_without(
    app: typer.Typer, made: Made, folder: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = here / "bare"
    bare.mkdir()
    shutil.copy(folder / "ferplus.npz", bare / "ferplus.npz")
    model = shipped(made, here / "models", network=None, parameters=None)
    monkeypatch.setattr("agent.training.cli.models_dir", lambda: model.parent)
    done = RUNNER.invoke(app, ["evaluate", "--data", str(bare)])
    assert done.exit_code == 1
    said = done.stderr.replace("\n", " ")
    assert f"There is no muxspace.npz in {bare}" in said
    assert f"--model {model}" in said
    assert (model.parent / "metrics.json").read_text() == "{}"
    done = RUNNER.invoke(app, ["evaluate", "--data", str(folder)])
    assert done.exit_code == 1
    assert "emotion.json lacks network, parameters" in done.stderr.replace("\n", " ")
    command = ["evaluate", "--data", str(bare), "--model", str(model), "--json"]
    done = RUNNER.invoke(app, command)
    assert done.exit_code == 0, done.output
    assert f"muxspace.npz is not in {bare}: its test set is left out." in done.stderr
    result = json.loads(done.stdout)
    assert not [row for row in result["rows"] if "muxspace" in row["set"]]
    assert "network" not in result["model"]
    assert sorted(each.name for each in here.iterdir()) == ["bare", "home", "models"]


@pytest.mark.parametrize("made", ["moodnet"], indirect=True)
def test_what_the_shipped_model_needs_to_be_kept_is_looked_for_first(
    made: Made, folder: Path, tmp_path: Path
) -> None:
    model = shipped(made, tmp_path / "models")
    results.check_shipped(model, folder)
    (model.parent / "front.json").write_text("{")
    with pytest.raises(AgentError, match=r"front\.json is damaged"):
        results.check_shipped(model, folder)
    (model.parent / "front.json").unlink()
    (model.parent / "metrics.json").unlink()
    (model.parent / "metrics.json").mkdir()
    with pytest.raises(AgentError, match=r"metrics\.json cannot be written"):
        results.check_shipped(model, folder)
    (model.parent / "metrics.json").rmdir()
    (model.parent / "MODEL_CARD.md").unlink()
    with pytest.raises(AgentError, match=r"There is no .*MODEL_CARD\.md"):
        results.check_shipped(model, folder)


@pytest.mark.parametrize("temperature", [None, 0, "warm", float("nan")])
@pytest.mark.parametrize("made", ["moodnet"], indirect=True)
def test_a_second_head_without_a_temperature_is_explained(made: Made, temperature: object) -> None:
    meta = {**made[1], "label_temperature": temperature}
    with pytest.raises(ModelError, match="'label_temperature' is"):
        label_head(made[0] / "emotion.onnx", meta)


def test_figures_of_another_model_are_named(tmp_path: Path) -> None:
    figures = tmp_path / "figures"
    figures.mkdir()
    ours, other = "a" * 64, "b" * 64
    assert results.earlier_figures(figures, ours, []) == []  # there are none
    assert not (figures / "drawn.json").exists()
    for name in results.RENEWED_BY:
        (figures / name).touch()
    curves, front = results.earlier_figures(figures, ours, [])  # nobody wrote down whose they are
    assert curves.endswith("learning-curves.png may be of another model; renew it with --run RUN")
    assert "front.png may be of another model; renew it with --rival" in front
    (tmp_path / "front.json").write_text(json.dumps({"sha256": other}))
    assert "front.png is of another model" in results.earlier_figures(figures, ours, [])[1]
    assert results.earlier_figures(figures, ours, list(results.RENEWED_BY)) == []
    assert results.earlier_figures(figures, ours, []) == []
    curves, front = results.earlier_figures(figures, other, [])
    assert "learning-curves.png is of another model" in curves
    [front] = results.earlier_figures(figures, other, ["learning-curves.png"])
    assert "front.png is of another model" in front


def test_an_eight_bit_copy_of_another_network_is_named(tmp_path: Path) -> None:
    model, copy = tmp_path / "net.onnx", tmp_path / "net-int8.onnx"
    model.write_bytes(b"net")
    assert stale_copy(model) is None
    copy.touch()
    assert stale_copy(model) == (
        "net-int8.onnx beside it does not say of which network it is; renew it with --int8"
    )
    copy.with_suffix(".json").write_text(json.dumps({"source_sha256": "0" * 64}))
    wanted = "net-int8.onnx beside it is of another network; renew it with --int8"
    assert stale_copy(model) == wanted
    digest = hashlib.sha256(b"net").hexdigest()
    copy.with_suffix(".json").write_text(json.dumps({"source_sha256": digest}))
    assert stale_copy(model) is None
