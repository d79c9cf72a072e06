"""The figures of ``moodtray bench``, held as ratios where a machine's speed matters. Limits of
processor time are twice the documented ones: the tests share their machine."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from agent.bench import as_text, frame, process
from agent.bench.frame import measure
from agent.errors import AgentError, BadPicture
from agent.store.paths import resources_dir

CLIPS = Path(__file__).resolve().parents[3] / "shared" / "data" / "video"


@pytest.fixture(scope="module")
def clip() -> Path:
    """The demo's clip; while there is none, another with a face in it."""
    for path in (resources_dir() / "demo" / "clip.mp4", CLIPS / "single_face.mp4"):
        if path.is_file():
            return path
    pytest.skip("no clip with a face is here")


def test_frame_against_the_seed(clip: Path) -> None:
    if importlib.util.find_spec("torch") is None:
        pytest.skip("the seed's pipeline needs the extra 'train' (torch)")
    took = measure(clip, frames=24)
    seed, cold, tracked = took["seed"], took["cold"], took["tracked"]
    assert seed is not None
    assert cold is not None
    assert tracked is not None
    assert cold <= seed / 3
    assert tracked <= seed / 10


def test_frame_without_torch(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame, "_seed", lambda: None)
    took = measure(clip, frames=8)
    assert took["seed"] is None
    assert took["tracked"] is not None
    assert took["tracked"] > 0


def test_clip_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(BadPicture, match=r"nothing\.mp4"):
        measure(tmp_path / "nothing.mp4", frames=8)


def test_watching_costs_little(clip: Path) -> None:
    with process.running(clip) as agent:
        agent.first_observation()
        percent = agent.cpu_percent(10.0)
        memory = agent.rss_mb()
    assert 20.0 < memory <= 150.0
    assert 0.0 < percent <= 12.0


def test_paused_costs_next_to_nothing(clip: Path) -> None:
    with process.running(clip, "--paused") as agent:
        agent.wait_until_idle()
        assert agent.cpu_percent(8.0) <= 1.0


def test_first_observation_comes_soon(clip: Path) -> None:
    bare, first = [], []
    for _ in range(3):
        bare.append(process.bare_start())
        with process.running(clip) as agent:
            first.append(agent.first_observation())
    assert min(first) <= 4.0 * min(bare)


def test_agent_that_does_not_start_is_told(tmp_path: Path) -> None:
    with (
        process.running(tmp_path, "--no-such-option") as agent,
        pytest.raises(AgentError, match="--verbose"),
    ):
        agent.first_observation()


def test_figures_for_people() -> None:
    figures = {
        "frame_ms": {"seed": 100.0, "cold": 25.0, "tracked": 5.0},
        "rss_mb": 120.0,
        "cpu_percent": {"source": 1.0, "watching": 3.0, "paused": 0.1},
        "start_s": {"bare": 0.3, "first_observation": 0.7},
    }
    text = as_text(figures)
    assert "0.250" in text
    assert "0.050" in text
    assert "120.00 MB" in text
    figures["frame_ms"]["seed"] = None  # type: ignore[index]
    assert "against" not in as_text(json.loads(json.dumps(figures)))
