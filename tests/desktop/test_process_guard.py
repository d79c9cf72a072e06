"""No crash writes a frame or a login to the disk."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import resource
from agent.desktop.process_guard import COREDUMP_FILTER, guard_memory
guard_memory()
print(resource.getrlimit(resource.RLIMIT_CORE))
if COREDUMP_FILTER.exists():
    assert int(COREDUMP_FILTER.read_text(), 16) == 0
import subprocess, sys
child = "import resource; print(resource.getrlimit(resource.RLIMIT_CORE))"
subprocess.run([sys.executable, "-c", child], check=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="crash dumps are another matter there")
def test_no_dump_of_the_process_and_its_children() -> None:
    done = subprocess.run(
        [sys.executable, "-u", "-c", PROGRAM],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split("\n")[:2] == ["(0, 0)", "(0, 0)"]
