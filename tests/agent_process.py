"""The agent as a user starts it: a process of its own, its lines read as they come."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"
CLIP = ROOT / "resources" / "demo" / "clip.mp4"
PATIENCE = 60.0
"""Seconds to wait for anything before a test gives up: machines are shared and slow."""

Line = dict[str, Any]


class AgentProcess:
    """``python -m agent ARGS``; with ``run`` it prints its events as JSON lines. ``program``:
    another one than the agent's, such as the agent's with something broken in it; ``entered``: what
    is typed."""

    def __init__(
        self,
        *args: str,
        env: dict[str, str] | None = None,
        program: tuple[str, ...] = ("-m", "agent"),
        entered: str = "",
    ) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *program, *args],
            stdin=subprocess.PIPE if entered else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, **(env or {})},
        )
        if self.process.stdin is not None:
            with self.process.stdin as typed:
                typed.write(entered)
        self.lines: list[Line] = []
        self.said: list[str] = []  # standard error
        self._news: queue.Queue[None] = queue.Queue()
        self._readers = [
            threading.Thread(target=self._read_lines, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _read_lines(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):
                self.lines.append(json.loads(line))
            self._news.put(None)

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line.rstrip())
            self._news.put(None)

    def wait_for(self, wanted: Callable[[Line], bool], timeout: float = PATIENCE) -> Line:
        """The first line for which ``wanted`` holds, now or later."""
        end = time.monotonic() + timeout
        while True:
            for line in list(self.lines):
                if wanted(line):
                    return line
            self._wait(end, "the line never came")

    def wait_for_word(self, word: str, timeout: float = PATIENCE) -> str:
        """The first line on standard error with ``word`` in it."""
        end = time.monotonic() + timeout
        while True:
            for line in list(self.said):
                if word in line:
                    return line
            self._wait(end, f"{word!r} was never said")

    def _wait(self, end: float, what: str) -> None:
        left = end - time.monotonic()
        if left <= 0 or (self.process.poll() is not None and not self._alive()):
            raise AssertionError(f"{what}; got {self.lines[-8:]} and {self.said[-20:]}")
        try:
            self._news.get(timeout=min(left, 0.2))
        except queue.Empty:
            return

    def _alive(self) -> bool:
        return any(reader.is_alive() for reader in self._readers)

    def of(self, event: str) -> list[Line]:
        return [line for line in list(self.lines) if line["event"] == event]

    def end(self, timeout: float = PATIENCE) -> int:
        """Wait for its own end; returns the exit code."""
        code = self.process.wait(timeout)
        for reader in self._readers:
            reader.join(timeout)
        return code

    def stop(self) -> float:
        """SIGTERM; returns how many seconds it took to be gone."""
        began = time.monotonic()
        self.process.terminate()
        self.end()
        return time.monotonic() - began

    def __enter__(self) -> AgentProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.end()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


def run_command(*args: str, timeout: float = 120.0) -> subprocess.CompletedProcess[str]:
    """One command, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "agent", *args],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=timeout,
        check=False,
    )
