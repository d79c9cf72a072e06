"""A run that is stopped, killed or damaged, and one of several processes: all go on rightly."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from agent.training import checkpoint, data
from agent.training.checkpoint import COLUMNS
from agent.training.network import build
from agent.training.train import Stop, train
from tests.training.runs import TINY, Parts, weights

pytestmark = pytest.mark.usefixtures("one_thread")
ROOT = Path(__file__).resolve().parents[2]
ONE = """
import sys
from pathlib import Path
import torch
from agent.training import data
from agent.training.train import Plan, train
torch.set_num_threads(1)
parts = data.corpora(Path(sys.argv[1]), Path(sys.argv[2]), 0.25, 3, True)
train({plan}, *parts, Path(sys.argv[3]))
"""


def test_a_stopped_run_ends_like_an_unbroken_one(parts: Parts, tmp_path: Path) -> None:
    train(TINY, *parts, tmp_path / "whole", quiet=True)
    for stop in (2, 5):  # within the first epoch, and in the second
        with pytest.raises(Stop):
            train(TINY, *parts, tmp_path / "broken", quiet=True, stop_after=stop)
    train(TINY, *parts, tmp_path / "broken", quiet=True)
    whole, broken = weights(tmp_path / "whole"), weights(tmp_path / "broken")
    for key, value in whole.items():
        torch.testing.assert_close(broken[key], value, rtol=0, atol=0, msg=key)
    logs = [(tmp_path / run / "log.csv").read_text().splitlines() for run in ("whole", "broken")]
    without_time = [[line.rsplit(",", 1)[0] for line in log] for log in logs]
    assert without_time[0] == without_time[1]


def test_a_killed_run_goes_on_from_its_last_checkpoint(
    folder: Path, parts: Parts, tmp_path: Path
) -> None:
    """SIGKILL leaves no time to write anything: what is there must do, and lead to the same end."""
    long = dataclasses.replace(TINY, epochs=12)
    script, run = tmp_path / "one.py", tmp_path / "run"
    script.write_text(ONE.format(plan=long))
    process = subprocess.Popen(
        [sys.executable, str(script), str(folder), str(tmp_path / "cache"), str(run)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
    )
    try:
        for _ in range(1500):  # a guard against a hang, no measure of speed
            if (run / "last.pt").exists() or process.poll() is not None:
                break
            time.sleep(0.05)
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()
    done = torch.load(run / "last.pt", weights_only=True)["step"]
    assert 0 < done < 12 * (len(parts[0]) // 16)
    train(long, *parts, run, quiet=True)
    train(long, *parts, tmp_path / "whole", quiet=True)
    for key, value in weights(tmp_path / "whole").items():
        torch.testing.assert_close(weights(run)[key], value, rtol=0, atol=0, msg=key)
    epochs = [row.split(",")[0] for row in (run / "log.csv").read_text().splitlines()[1:]]
    assert epochs == [str(n + 1) for n in range(12)]  # none twice, none missing


def test_another_plan_may_not_go_on_in_the_same_folder(parts: Parts, tmp_path: Path) -> None:
    with pytest.raises(Stop):
        train(TINY, *parts, tmp_path, quiet=True, stop_after=1)
    with pytest.raises(data.DataError, match=r"other settings \(rate\)"):
        train(dataclasses.replace(TINY, rate=0.5), *parts, tmp_path, quiet=True)


@pytest.mark.parametrize("torn", ["", "epoch,st", ",".join(COLUMNS) + "\r\n1,2,0.0", None])
def test_a_torn_log_does_not_keep_a_run_from_going_on(
    parts: Parts, tmp_path: Path, torn: str | None
) -> None:
    short = dataclasses.replace(TINY, epochs=2)
    per_epoch = len(parts[0]) // short.batch
    with pytest.raises(Stop):
        train(short, *parts, tmp_path, quiet=True, stop_after=per_epoch + 1)
    log = tmp_path / "log.csv"
    log.write_text(log.read_text() + "2,5,0.0" if torn is None else torn)  # half a row more
    train(short, *parts, tmp_path, quiet=True)
    head, *rows = log.read_text().splitlines()
    assert head == ",".join(COLUMNS)
    assert [row.split(",")[0] for row in rows] == (["1", "2"] if torn is None else ["2"])


def test_a_damaged_plan_is_said(parts: Parts, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text('{"network": "moo')
    with pytest.raises(data.DataError, match=r"plan\.json is damaged"):
        train(TINY, *parts, tmp_path, quiet=True)


def test_other_faces_may_not_go_on_in_the_same_folder(parts: Parts, tmp_path: Path) -> None:
    with pytest.raises(Stop):
        train(TINY, *parts, tmp_path, quiet=True, stop_after=1)
    more = data.join(parts[0], parts[0])
    with pytest.raises(data.DataError, match=r"other settings \(training_faces\)"):
        train(TINY, more, parts[1], tmp_path, quiet=True)
    fewer = parts[1].take(np.arange(3))
    with pytest.raises(data.DataError, match=r"other settings \(validation_faces\)"):
        train(TINY, parts[0], fewer, tmp_path, quiet=True)


def test_other_weights_of_the_same_name_are_another_plan(parts: Parts, tmp_path: Path) -> None:
    begun, run = tmp_path / "begun.pt", tmp_path / "run"
    plan = dataclasses.replace(TINY, begin_from=str(begun))
    checkpoint.write({"state": build("moodnet").state_dict()}, begun)
    with pytest.raises(Stop):
        train(plan, *parts, run, quiet=True, stop_after=1)
    checkpoint.write({"state": build("moodnet").state_dict()}, begun)
    with pytest.raises(data.DataError, match=r"other settings \(weights\)"):
        train(plan, *parts, run, quiet=True)


def test_a_run_of_an_older_version_goes_on(parts: Parts, tmp_path: Path) -> None:
    with pytest.raises(Stop):
        train(TINY, *parts, tmp_path, quiet=True, stop_after=1)
    file = tmp_path / "plan.json"
    kept = json.loads(file.read_text())
    del kept["training_faces"], kept["clip"]
    file.write_text(json.dumps(kept))
    with pytest.raises(Stop):
        train(TINY, *parts, tmp_path, quiet=True, stop_after=2)


@pytest.mark.parametrize("option", ["begin_from", "teachers"])
@pytest.mark.parametrize("content", [None, b"torn", "foreign", "other state"])
def test_a_start_that_fails_leaves_nothing_in_the_way(
    parts: Parts, tmp_path: Path, option: str, content: bytes | str | None
) -> None:
    file, run = tmp_path / "typo.pt", tmp_path / "run"
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content is not None:
        given = [1, 2] if content == "foreign" else {"state": {"x": torch.zeros(1)}}
        torch.save(given, file)
    wrong: dict[str, Any] = {option: str(file) if option == "begin_from" else (str(file),)}
    with pytest.raises(data.DataError, match=r"typo\.pt"):
        train(dataclasses.replace(TINY, **wrong), *parts, run, quiet=True)
    with pytest.raises(Stop):
        train(TINY, *parts, run, quiet=True, stop_after=1)


# --- several processes ----------------------------------------------------------------------------

TWO = """
import os, sys
from pathlib import Path
import torch
from agent.training import data, train as loop
parts = data.corpora(Path(sys.argv[1]), Path(sys.argv[2]), 0.25, 3, True)
own = Path(sys.argv[3]) / os.environ["RANK"]  # as on two computers with a disk each
build, made = loop.build, []
loop.build = lambda name: made.append(build(name)) or made[-1]
try:
    loop.train(loop.Plan(epochs=2, batch=16, rate=0.02), *parts, own, stop_after=int(sys.argv[4]))
except loop.Stop:
    pass
torch.save(made[0].state_dict(), f"{own}.pt")
"""


def together(*command: str) -> subprocess.CompletedProcess[str]:
    """``command`` under torchrun, in two processes over gloo."""
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [sys.executable, *torchrun, *command],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=170, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done


def test_two_processes_train_one_network_and_go_on(
    folder: Path, parts: Parts, tmp_path: Path
) -> None:
    """Each sees other faces, so that their weights are equal only if the gradients were shared; and
    the second, whose disk is empty, is told where the first one stopped."""
    script, cache, run = tmp_path / "two.py", tmp_path / "cache", tmp_path / "run"
    script.write_text(TWO)
    run.mkdir()
    data.corpora(folder, cache, 0.25, 3, True)  # decoded before two want to
    steps = 2 * (len(parts[0]) // 16)
    for stop in (3, steps + 1):  # in the middle; never
        done = together(str(script), str(folder), str(cache), str(run), str(stop))
        first, second = (torch.load(run / f"{rank}.pt") for rank in "01")
        for name, _ in build("moodnet").named_parameters():
            torch.testing.assert_close(first[name], second[name], rtol=0, atol=0, msg=name)
    kept = torch.load(run / "0" / "last.pt", weights_only=True)
    assert kept["step"] == steps
    assert not (run / "1").exists()
    rows = (run / "0" / "log.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows[1:]] == ["1", "2"]
    assert done.stdout.count("epoch 2:") == 1  # one process speaks


def test_the_command_trains_under_torchrun(folder: Path, tmp_path: Path) -> None:
    """As CONTRIBUTING.md says it, and with the end that the plan has."""
    shutil.copytree(folder, tmp_path / "data")
    run = tmp_path / "runs" / "two"
    command = ["train", "--data", str(tmp_path / "data"), "--run", str(run)]
    done = together("-m", "agent", "--", *command, "--epochs", "1", "--batch", "16")
    assert done.stdout.count("Done:") == 1
    assert json.loads((run / "plan.json").read_text())["epochs"] == 1
    assert (run / "best.pt").is_file()
