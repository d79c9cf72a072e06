"""No crash writes a frame or a login to the disk, and no other program reads them in memory."""

from __future__ import annotations

import ctypes
import importlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.desktop.process_guard import guard_memory
from tests.stranger import as_stranger

PR_SET_DUMPABLE = 4

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


COMMAND = """
import ctypes, resource, sys
sys.argv = ["moodtray", "--version"]
from agent.cli.commands import main
try:
    main()
except SystemExit:
    print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone knows 'dumpable'")
def test_no_dump_of_a_command() -> None:
    """``login`` has a token in its memory, ``calibrate`` and ``analyze`` a face."""
    done = subprocess.run(
        [sys.executable, "-c", COMMAND], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == "(0, 0) 0"


def attack(guard: Callable[[], None]) -> dict[str, str]:
    """What a program gets of another one of the same user, which has called ``guard``."""
    read, write = os.pipe()
    victim = os.fork()
    if victim == 0:
        try:
            ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # as a program begins
            guard()
            os.write(write, b"!")
            time.sleep(60)
        finally:
            os._exit(0)
    os.close(write)
    assert os.read(read, 1) == b"!", "the victim died"
    os.close(read)
    got = {"owner": str(Path(f"/proc/{victim}/environ").stat().st_uid)}
    for name in ("environ", "maps", "mem", "fd", "root", "cwd"):
        place = f"/proc/{victim}/{name}"
        try:
            if name == "fd":
                os.listdir(place)
            elif name in ("root", "cwd"):
                os.readlink(place)
            else:
                with open(place, "rb") as file:
                    if name != "mem":
                        file.read(1)
            got[name] = "read"
        except OSError as error:
            got[name] = type(error).__name__
    os.kill(victim, 9)
    os.waitpid(victim, 0)
    return got


@pytest.mark.skipif(sys.platform != "linux", reason="other systems guard memory in other ways")
def test_a_program_of_the_same_user_reads_nothing_of_it() -> None:
    importlib.import_module("resource")  # a stranger could not load it from here
    secrets = ("environ", "maps", "mem", "fd", "root", "cwd")
    before = as_stranger(lambda: attack(lambda: None))
    assert all(f"'{name}': 'read'" in before for name in secrets), "the attack is one"
    after = as_stranger(lambda: attack(guard_memory))
    assert "'owner': '0'" in after
    assert all(f"'{name}': 'PermissionError'" in after for name in secrets), after
