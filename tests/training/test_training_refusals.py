"""What train, export and evaluate refuse, and that they do so before any work is done."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import platformdirs
import pytest
import typer
from typer.testing import CliRunner

from agent.errors import AgentError, ModelError
from agent.training import kept, places
from agent.training.cli import register
from agent.training.evaluate import label_head
from agent.training.quantise import stale_copy

RUNNER = CliRunner()
Made = tuple[Path, dict[str, Any]]


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    register(app)
    return app


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training, exporting or measuring would be noticed."""

    def begun(*_: object, **__: object) -> None:
        pytest.fail("the work has begun")

    for what in ("train.train", "export.export", "evaluate.evaluate"):
        monkeypatch.setattr(f"agent.training.{what}", begun)


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        ("train --batch 0", 2, "Invalid value for '--batch'"),
        ("train --batch 1", 2, "Invalid value for '--batch'"),
        ("train --seed -1", 2, "Invalid value for '--seed'"),
        ("train --epochs 0", 2, "Invalid value for '--epochs'"),
        ("train --rate nan", 1, "--rate is a number above 0"),
        ("train --rate inf", 1, "--rate is a number above 0"),
        ("train --rate 0", 1, "--rate is a number above 0"),
        ("train --rate -1", 1, "--rate is a number above 0"),
        ("train --run file", 1, "file is no folder, and --run needs one"),
        ("train --run file/below", 1, "file is no folder, and --run needs one"),
        ("export --lift nan", 1, "--lift is a number from 0 to 1, not nan"),
        ("export --votes nan", 1, "--votes is a number from 0 to 1, not nan"),
        ("export --lift -1", 1, "--lift is a number from 0 to 1, not -1"),
        ("export --votes 2", 1, "--votes is a number from 0 to 1, not 2"),
        ("export --target net.json", 1, "ends in .onnx, e.g. net.onnx, not net.json"),
        ("export --target net", 1, "ends in .onnx, e.g. net.onnx, not net"),
        ("export --target full.onnx", 1, "ends in .onnx"),
        ("export --target file/net.onnx", 1, "file is no folder, and --target needs one"),
        ("export --target net.onnx --run file", 1, "holds no run"),
        ("export --target net.onnx --run odd", 1, "holds no run"),
        ("evaluate --model net.onnx --figures file", 1, "file is no folder, and --figures needs"),
        ("evaluate --figures file", 1, "file is no folder, and --figures needs"),
        ("evaluate --run file", 1, "is missing: --run names the folder"),
    ],
)
def test_what_cannot_be_used_is_refused_at_once(
    app: typer.Typer, folder: Path, here: Path, command: str, code: int, words: str
) -> None:
    (here / "file").write_text("kept")
    (here / "full.onnx").mkdir()
    (here / "odd").mkdir()
    (here / "odd" / "plan.json").write_bytes(b"\xff")
    done = RUNNER.invoke(app, [*command.split(), "--data", str(folder)], env={"COLUMNS": "200"})
    assert done.exit_code == code, done.output
    assert words in done.stderr.replace("\n", " ")
    assert (here / "file").read_text() == "kept"
    left = sorted(each.name for each in here.iterdir() if each.name != "moodtray-home")
    assert left == ["file", "full.onnx", "odd"]


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("by_rights", [True, False])
@pytest.mark.parametrize(
    "command",
    ["train --run closed/run", "export --target closed/new/net.onnx",
     "evaluate --model net.onnx --figures closed/figures"],
)  # fmt: skip
def test_a_folder_without_permission_is_named_before_the_work(
    app: typer.Typer, folder: Path, here: Path, monkeypatch: pytest.MonkeyPatch, command: str,
    by_rights: bool,
) -> None:  # fmt: skip
    closed = here / "closed"
    closed.mkdir()

    def full(dir: Path) -> None:
        if dir == closed:
            raise OSError(30, "Read-only file system")

    # The tests may run as root, whom nothing is forbidden.
    if by_rights:
        monkeypatch.setattr(os, "access", lambda path, *_: Path(path) != closed)
    else:
        monkeypatch.setattr("tempfile.TemporaryFile", full)
    done = RUNNER.invoke(app, [*command.split(), "--data", str(folder)])
    assert done.exit_code == 1, done.output
    assert f"The folder {closed} cannot be written (" in done.stderr.replace("\n", " ")


def test_what_the_system_refuses_is_a_line_that_names_the_path(
    app: typer.Typer, folder: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied", str(here / "best.pt"))

    monkeypatch.setattr("agent.training.data.corpora", refused)
    done = RUNNER.invoke(app, ["train", "--data", str(folder), "--run", "run"])
    assert done.exit_code == 1
    assert f"{here / 'best.pt'} cannot be read or written (Permission denied)." in done.stderr
    assert places.in_words(OSError("the pipe")) == "A file cannot be read or written (the pipe)."


def test_every_process_needs_two_faces_a_step(
    app: typer.Typer, folder: Path, here: Path, no_work: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    done = RUNNER.invoke(app, ["train", "--data", str(folder), "--batch", "5"])
    assert done.exit_code == 1, done.output
    assert "over 3 processes" in done.stderr.replace("\n", " ")
    assert "at least 6, not 5" in done.stderr.replace("\n", " ")


def test_only_the_first_process_says_that_it_stopped(
    app: typer.Typer, folder: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from agent.training import train

    def stopped(*_: object) -> None:
        raise train.Stop

    monkeypatch.setattr(train, "train", stopped)
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank, said in ((0, True), (1, False)):
        monkeypatch.setenv("RANK", str(rank))
        done = RUNNER.invoke(app, ["train", "--data", str(folder), "--run", "run"])
        assert done.exit_code == 130, done.output
        assert ("Stopped." in done.output) is said


def test_the_supplement_can_be_left_out(
    app: typer.Typer, folder: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[bool, int]] = []
    monkeypatch.setattr(
        "agent.training.train.train",
        lambda plan, training, *_: seen.append((plan.supplement, len(training))),
    )
    for options in ([], ["--supplement"], ["--no-supplement"], ["--network", "seed"],
                    ["--network", "seed", "--supplement"]):  # fmt: skip
        done = RUNNER.invoke(app, ["train", "--data", str(folder), "--run", "run", *options])
        assert done.exit_code == 0, done.output
    assert [wanted for wanted, _ in seen] == [True, True, False, False, True]
    counts = [count for _, count in seen]
    assert counts[0] == counts[1] == counts[4] > counts[2] == counts[3]


def test_decoded_faces_are_kept_in_one_place(
    moodtray_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert places.faces_cache() == moodtray_home / "cache" / "faces"
    monkeypatch.delenv("MOODTRAY_HOME")
    users = platformdirs.user_cache_path("moodtray", appauthor=False)
    assert places.faces_cache() == users / "faces"


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "metrics.json"
    target.write_text("before")

    def fails_halfway() -> None:
        with places.whole(target) as part:
            part.write_text("half")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        fails_halfway()
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["metrics.json"]
    assert target.read_text() == "before"
    with places.whole(target) as part:
        part.write_text("after")
    assert target.read_text() == "after"


# --- evaluate -------------------------------------------------------------------------------------


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
    assert sorted(each.name for each in here.iterdir()) == ["bare", "models", "moodtray-home"]


@pytest.mark.parametrize("made", ["moodnet"], indirect=True)
def test_what_the_shipped_model_needs_to_be_kept_is_looked_for_first(
    made: Made, folder: Path, tmp_path: Path
) -> None:
    model = shipped(made, tmp_path / "models")
    kept.check_shipped(model, folder)
    (model.parent / "front.json").write_text("{")
    with pytest.raises(AgentError, match=r"front\.json is damaged"):
        kept.check_shipped(model, folder)
    (model.parent / "front.json").unlink()
    (model.parent / "metrics.json").unlink()
    (model.parent / "metrics.json").mkdir()
    with pytest.raises(AgentError, match=r"metrics\.json cannot be written"):
        kept.check_shipped(model, folder)
    (model.parent / "metrics.json").rmdir()
    (model.parent / "MODEL_CARD.md").unlink()
    with pytest.raises(AgentError, match=r"There is no .*MODEL_CARD\.md"):
        kept.check_shipped(model, folder)


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
    assert kept.earlier_figures(figures, ours, []) == []  # there are none
    assert not (figures / "drawn.json").exists()
    for name in kept.RENEWED_BY:
        (figures / name).touch()
    curves, front = kept.earlier_figures(figures, ours, [])  # nobody wrote down whose they are
    assert curves.endswith("learning-curves.png may be of another model; renew it with --run RUN")
    assert "front.png may be of another model; renew it with --rival" in front
    (tmp_path / "front.json").write_text(json.dumps({"sha256": other}))
    assert "front.png is of another model" in kept.earlier_figures(figures, ours, [])[1]
    assert kept.earlier_figures(figures, ours, list(kept.RENEWED_BY)) == []
    assert kept.earlier_figures(figures, ours, []) == []
    curves, front = kept.earlier_figures(figures, other, [])
    assert "learning-curves.png is of another model" in curves
    [front] = kept.earlier_figures(figures, other, ["learning-curves.png"])
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
