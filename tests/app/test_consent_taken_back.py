"""'moodtray consent --withdraw' beside a running program."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from agent.desktop import consent
from agent.errors import NotRunning
from agent.store.paths import Paths
from agent.web.door_client import call
from tests.agent_process import ROOT, AgentProcess
from tests.web.page.harness import wait_until


def test_once_it_is_said_to_be_taken_back_the_camera_is_let_go(tmp_path: Path) -> None:
    env = {"MOODTRAY_HOME": str(tmp_path), "LANG": "C.UTF-8"}
    paths = Paths.below(tmp_path)
    consent.give(paths, datetime.now(UTC))

    def knows(given: bool) -> bool:
        try:
            return call(paths, "status")["consent"] is given
        except NotRunning:
            return False

    with AgentProcess("run", "--headless", "--no-session", env=env) as agent:
        wait_until(lambda: knows(True), "the agent")
        done = subprocess.run(
            [sys.executable, "-m", "agent", "consent", "--withdraw"],
            env={**os.environ, **env},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert knows(False)
        assert "The camera stays off until you allow it again." in done.stdout
        agent.stop()
