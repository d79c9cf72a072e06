"""A camera's login in the words of a command, which every user of the computer can read."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.agent_process import PATIENCE, ROOT, AgentProcess, run_command
from tests.stranger import as_stranger
from tests.vision.rtsp import RtspCamera, with_login

PASSWORD = "geheim123"


def words_of(pid: int) -> str:
    """As ``ps`` shows them."""
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")


@pytest.mark.parametrize(
    "words",
    [
        ("run", "--headless", "--camera", "rtsp://anna:{secret}@{place}/1"),
        ("run", "--headless", "--camera=rtsp://{place}/user=anna_password={secret}_channel=1"),
        ("run", "--headless", "--camera", "rtsp://{place}/1?usr=anna&pwd={secret}"),
        ("run", "--headless", "--camera", "anna:{secret}@{place}/1"),
        ("calibrate", "--camera", "rtsp://anna:{secret}@{place}/1"),
        ("analyze", "rtsp://anna:{secret}@{place}/1"),
    ],
)
def test_a_login_among_the_words_is_refused_at_once(
    words: tuple[str, ...], moodtray_home: Path
) -> None:
    with RtspCamera() as server:
        place = f"127.0.0.1:{server.port}"
        done = run_command(*(word.format(secret=PASSWORD, place=place) for word in words))
        assert done.returncode == 2
        assert "Every user of this computer" in done.stderr
        assert "camera.source" in done.stderr
        assert "--camera -" in done.stderr
        assert PASSWORD not in done.stdout + done.stderr
        assert server.asked == []
    assert not moodtray_home.exists()


@pytest.mark.parametrize("words", [("calibrate", "--camera", "-"), ("run", "--camera", "-")])
def test_nothing_entered_is_told(words: tuple[str, ...]) -> None:
    done = run_command(*words)
    assert done.returncode == 2
    assert "no address was entered" in done.stderr


def test_a_file_that_is_called_like_an_address_is_looked_at(tmp_path: Path) -> None:
    name = tmp_path / "anna:x@y.png"
    name.write_bytes(b"")
    done = subprocess.run(
        [sys.executable, "-m", "agent", "analyze", name.name],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "LANGUAGE": "en"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 1
    assert "Every user" not in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is where others read")
def test_others_read_words_and_nothing_that_was_entered() -> None:
    with RtspCamera(login=("anna", PASSWORD)) as server:
        address = with_login(server.url, f"anna:{PASSWORD}")
        sleep = [sys.executable, "-c", "import time; time.sleep(60)", address]
        with subprocess.Popen(sleep) as among_words:
            try:
                time.sleep(0.5)
                assert PASSWORD in as_stranger(lambda: words_of(among_words.pid))
            finally:
                among_words.kill()
        words = ("run", "--headless", "--no-session", "--events-json", "--camera", "-")
        with AgentProcess(*words, entered=f"{address}\n") as agent:
            agent.wait_for(lambda line: line["event"] == "observation")
            pid = agent.process.pid
            assert "--camera -" in as_stranger(lambda: words_of(pid))
            assert PASSWORD not in as_stranger(lambda: words_of(pid))
            tried = as_stranger(lambda: Path(f"/proc/{pid}/environ").read_text())
            assert "Permission denied" in tried
        assert any("Authorization: Digest" in head for head in server.heads)
        assert PASSWORD not in "".join(agent.said)
