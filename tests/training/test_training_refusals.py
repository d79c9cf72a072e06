"""What train, export and evaluate refuse, and that they do so before any work is done."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs
import pytest
import typer
from typer.testing import CliRunner

from agent.training import paths

RUNNER = CliRunner()


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
    left = sorted(each.name for each in here.iterdir() if each.name != "home")
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
    assert paths.in_words(OSError("the pipe")) == "A file cannot be read or written (the pipe)."


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
    assert paths.faces_cache() == moodtray_home / "cache" / "faces"
    monkeypatch.delenv("MOODTRAY_HOME")
    users = platformdirs.user_cache_path("moodtray", appauthor=False)
    assert paths.faces_cache() == users / "faces"


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "metrics.json"
    target.write_text("before")

    def fails_halfway() -> None:
        with paths.whole(target) as part:
            part.write_text("half")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        fails_halfway()
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["metrics.json"]
    assert target.read_text() == "before"
    with paths.whole(target) as part:
        part.write_text("after")
    assert target.read_text() == "after"
