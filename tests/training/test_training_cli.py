"""The commands train, export and evaluate, on made-up faces, from the outside."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from agent.training.cli import register

RUNNER = CliRunner()


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    register(app)
    return app


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_train_export_evaluate(app: typer.Typer, folder: Path, here: Path) -> None:
    common = ["--data", str(folder), "--run", "runs/try"]
    done = RUNNER.invoke(app, ["train", *common, "--epochs", "1", "--batch", "16"])
    assert done.exit_code == 0, done.output
    assert "faces to train on" in done.output
    model = here / "try.onnx"
    done = RUNNER.invoke(app, ["export", *common, "--target", str(model), "--votes", "0.8"])
    assert done.exit_code == 0, done.output
    assert json.loads(model.with_suffix(".json").read_text())["votes_share"] == 0.8
    done = RUNNER.invoke(app, ["evaluate", "--data", str(folder), "--model", str(model), "--json"])
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert result["rows"][0]["set"] == "ferplus"
    assert result["latency"]["ratio"] > 0
    assert not (here / "metrics.json").exists()  # only the shipped model's figures are kept
    done = RUNNER.invoke(app, ["evaluate", "--data", str(folder), "--model", str(model)])
    assert "| ferplus | 42 |" in done.output


def test_mistakes_are_explained(app: typer.Typer, folder: Path, here: Path) -> None:
    for arguments, words in (
        (["train", "--data", str(here)], "There is no ferplus.npz"),
        (["train", "--data", str(folder), "--network", "vgg"], "--network is one of seed, moodnet"),
        (["train", "--data", str(folder), "--on-fault", "shrug"], "--on-fault is skip or refuse"),
        (["train", "--data", str(folder), "--add", "cats=/x"], "is not KIND=PATH"),
        (["export", "--data", str(folder), "--run", "none"], "holds no run"),
        (["evaluate", "--data", str(folder), "--model", "none.onnx"], "none.json"),
    ):
        done = RUNNER.invoke(app, arguments)
        assert done.exit_code == 1, (arguments, done.output)
        assert words in done.stderr.replace("\n", " "), done.stderr


def test_without_torch_the_extra_is_named(
    app: typer.Typer, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda m: None if m == "torch" else find(m))
    done = RUNNER.invoke(app, ["train"])
    assert done.exit_code == 1
    assert "pip install 'moodtray[train]'" in done.stderr
