"""Signals that end the agent, while its main thread hangs in foreign code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

if os.name == "nt":
    pytest.skip("needs POSIX signals and locks", allow_module_level=True)

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def program(*start: str) -> Iterator[subprocess.Popen[str]]:
    """The stand-in for an idle event loop, ready. What the tests themselves were started with
    ('nohup make test') is not handed on."""

    def as_from_a_terminal() -> None:
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)

    words = [*start, sys.executable, "-m", "tests.desktop.quit_program"]
    with subprocess.Popen(
        words, cwd=ROOT, stdout=subprocess.PIPE, text=True, preexec_fn=as_from_a_terminal
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_noticed_at_once_in_an_idle_foreign_loop(number: signal.Signals) -> None:
    with program() as process:
        process.send_signal(number)
        assert process.stdout is not None
        assert process.stdout.readline() == "asked to end\n"
        assert process.wait(20) == 7


def test_a_hang_up_that_is_ignored_stays_so() -> None:
    with program("nohup") as process:
        process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 7
