"""What the commands print, whatever it is printed into."""

from __future__ import annotations

import json
import os
import subprocess
import sys

NAME = "♪ 明るい.png"


def test_names_go_through_a_pipe_whose_code_page_lacks_them() -> None:
    """As on Windows, where a pipe takes the system's old code page."""
    done = subprocess.run(
        [sys.executable, "-m", "agent", "analyze", "--json", NAME],
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert b"UnicodeEncodeError" not in done.stderr
    assert json.loads(done.stdout.decode("utf-8"))["file"] == NAME
