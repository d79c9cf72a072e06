"""The commands train, export and evaluate, on made-up faces, from the outside."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from agent.training import model_card
from agent.training.model_card import COVERED, MARKS, SIZES

RUNNER = CliRunner()


def test_train_export_evaluate(
    app: typer.Typer, folder: Path, here: Path, moodtray_home: Path
) -> None:
    common = ["--data", str(folder), "--run", "runs/try"]
    done = RUNNER.invoke(app, ["train", *common, "--epochs", "1", "--batch", "16"])
    assert done.exit_code == 0, done.output
    assert "faces to train on" in done.output
    done = RUNNER.invoke(app, ["export", *common, "--choose"])
    assert done.exit_code == 0, done.output
    assert len(done.output.splitlines()) == 2 + 2 * 4
    chosen = next(line for line in done.output.splitlines() if line.startswith("| 0.8 | 0 |"))
    model = here / "try.onnx"
    done = RUNNER.invoke(app, ["export", *common, "--target", str(model), "--votes", "0.8"])
    assert done.exit_code == 0, done.output
    assert json.loads(model.with_suffix(".json").read_text())["votes_share"] == 0.8
    right = json.loads(model.with_suffix(".json").read_text())["validation"]["accuracy"]
    assert f"| 0.8 | 0 | {100 * right:.1f} |" in chosen  # what was shown is what is written
    assert "int8" not in done.output
    (here / "try-int8.onnx").touch()  # as if it had been made of the network before
    done = RUNNER.invoke(app, ["export", *common, "--target", str(model)])
    assert "renew it with --int8" in done.stderr
    done = RUNNER.invoke(app, ["export", *common, "--target", str(model), "--int8"])
    assert done.exit_code == 0, done.output
    assert "renew it" not in done.stderr
    assert (
        json.loads((here / "try-int8.json").read_text())["source_sha256"]
        == (json.loads(model.with_suffix(".json").read_text())["sha256"])
    )
    done = RUNNER.invoke(app, ["evaluate", "--data", str(folder), "--model", str(model), "--json"])
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert result["rows"][0]["set"] == "ferplus"
    assert result["latency"]["ratio"] > 0
    cached = sorted(file.name.split("-")[0] for file in (moodtray_home / "cache/faces").iterdir())
    assert cached == ["ferplus", "muxspace", "muxspace"]  # as it is and framed; nowhere else
    assert [file.name for file in (here / "runs").iterdir()] == ["try"]
    assert not (here / "metrics.json").exists()  # only the shipped model's figures are kept
    rival = here / "rival.onnx"
    for ending in (".onnx", ".json"):
        shutil.copy(model.with_suffix(ending), rival.with_suffix(ending))
    measured = ["--model", str(model), "--rival", f"twin={rival}"]
    measured += ["--run", "runs/try", "--figures", "drawn"]
    done = RUNNER.invoke(app, ["evaluate", "--data", str(folder), *measured])
    assert "| ferplus | 42 |" in done.stdout
    for mark in (*MARKS, *COVERED, *SIZES):
        assert f"| {mark[0]} | " in done.stdout
    assert (here / "drawn" / "learning-curves.png").is_file()
    assert (here / "drawn" / "front.png").is_file()
    assert "| twin | " in done.stdout
    assert "fer label, own head" in done.stdout
    assert "ferplus: " in done.stderr  # what has been measured so far
    assert not (here / "front.json").exists()


@pytest.mark.parametrize("made", ["moodnet"], indirect=True)
def test_the_shipped_model_renews_what_is_kept_of_it(
    app: typer.Typer,
    folder: Path,
    here: Path,
    made: tuple[Path, dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    models = here / "models"
    models.mkdir()
    for ending in (".onnx", ".json"):
        shutil.copy(made[0] / f"emotion{ending}", models / f"emotion{ending}")
    marks = (model_card.BEGIN, model_card.END, model_card.FRONT_BEGIN, model_card.FRONT_END)
    (models / "MODEL_CARD.md").write_text("\n".join(["head", *marks, "foot"]) + "\n")
    monkeypatch.setattr("agent.training.cli.models_dir", lambda: models)
    seed = f"the twin={models / 'emotion.onnx'}"
    common = ["evaluate", "--data", str(folder)]
    done = RUNNER.invoke(app, [*common, "--run", str(made[0] / "run"), "--rival", seed])
    assert done.exit_code == 0, done.output
    kept = json.loads((models / "metrics.json").read_text())
    front = json.loads((models / "front.json").read_text())
    text = (models / "MODEL_CARD.md").read_text()
    assert "front" not in kept
    assert model_card.block(kept) in text
    assert model_card.front_block(front, kept["model"]["sha256"]) in text
    assert (models / "figures" / "front.png").is_file()
    drawn = models / "figures" / "drawn.json"
    ours = dict.fromkeys(("learning-curves.png", "front.png"), kept["model"]["sha256"])
    assert json.loads(drawn.read_text()) == ours
    assert "another model" not in done.stderr
    with monkeypatch.context() as closed:
        closed.setattr(os, "access", lambda path, *_: Path(path) != models)
        done = RUNNER.invoke(app, common)
        assert done.exit_code == 1
        assert "cannot be written" in done.stderr.replace("\n", " ")
    front["sha256"] = "0" * 64  # as if another file had been shipped since
    (models / "front.json").write_text(json.dumps(front))
    drawn.write_text(json.dumps(dict.fromkeys(ours, "0" * 64)))
    done = RUNNER.invoke(app, [*common, "--json"])
    assert done.exit_code == 0, done.output
    assert "learning-curves.png is of another model; renew it with --run RUN" in done.stderr
    assert "front.png is of another model; renew it with --rival" in done.stderr
    assert json.loads(done.stdout)["rows"] == kept["rows"]  # the same figures every time
    text = (models / "MODEL_CARD.md").read_text()
    assert "Ours in this table is an **earlier** file" in text
    assert "| the twin | " in text


def test_mistakes_are_explained(app: typer.Typer, folder: Path, here: Path) -> None:
    logged = here / "logged"
    logged.mkdir()
    (logged / "log.csv").touch()
    for arguments, words in (
        (["train", "--data", str(here)], "There is no ferplus.npz"),
        (["train", "--data", str(folder), "--network", "vgg"], "--network is one of seed, moodnet"),
        (["train", "--data", str(folder), "--on-fault", "shrug"], "--on-fault is skip or refuse"),
        (["train", "--data", str(folder), "--add", "cats=/x"], "is not KIND=PATH"),
        (["export", "--data", str(folder), "--run", "none"], "holds no run"),
        (["evaluate", "--data", str(folder), "--model", "none.onnx"], "none.json"),
        (["evaluate", "--data", str(folder), "--rival", "x"], "is not NAME=FILE"),
        (["evaluate", "--data", str(folder), "--run", "none"], "none/log.csv is missing"),
        (["evaluate", "--model", "x.onnx", "--run", str(logged)], "say where with --figures DIR"),
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
