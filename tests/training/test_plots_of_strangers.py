"""matplotlib takes settings from the folder that a command was started in; ours do not count."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ASK = """
from agent.training import plots
import matplotlib
print(matplotlib.rcParams["text.usetex"], matplotlib.rcParams["savefig.dpi"])
"""


def test_no_setting_is_taken_from_the_working_directory(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nsavefig.dpi: 20000\n")
    done = subprocess.run(
        [sys.executable, "-P", "-c", ASK],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "MPLCONFIGDIR": str(tmp_path / "own")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.split() == ["False", "figure"], done.stderr[-300:]
