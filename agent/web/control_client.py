"""How commands reach the running agent. Plain standard library: a command should be quick."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from agent.errors import DesktopError, NotRunning
from agent.store.paths import Paths

READ = ("status", "why")
TIMEOUT = 5.0
"""Seconds for an answer; the agent's own patience is well below."""
START_PATIENCE = 5.0
"""Seconds that an agent may need from holding the lock to answering."""
QUIT_PATIENCE = 3.0

# Repeated here: importing them would import the whole server.
_CONTROL_FILE = "control.json"
_HOST = "127.0.0.1"
_SECRET_HEADER = "X-Moodtray-Secret"
_VERSION_HEADER = "X-Moodtray-Version"

_NOBODY = "No agent is running. Start it with 'moodtray run'."
_DEAF = "It takes no commands: it is still starting, or was started without them."


def call_when_ready(
    paths: Paths, verb: str, *, taken: Callable[[], bool], **words: object
) -> dict[str, Any]:
    """As :func:`call`, but an agent that has just been started is given START_PATIENCE to answer.

    ``taken``: is there an agent at all? Raises NotRunning when there is none, and DesktopError
    when there is one that does not answer.
    """
    deadline = time.monotonic() + START_PATIENCE
    while True:
        try:
            return call(paths, verb, **words)
        except NotRunning:
            if not taken():
                raise
            if time.monotonic() >= deadline:
                raise DesktopError(_DEAF, title="Moodtray is running") from None
            time.sleep(0.1)


def call(paths: Paths, verb: str, **words: object) -> dict[str, Any]:
    """Ask the running agent and return its answer; ``text`` in it is for people.

    ``verb``: status, why, pause (until: datetime or ISO text), resume, mood (emotion, minutes),
    play, next, preview (show), hello, quit. Words that are None are left out. After quit it waits
    a moment for the process to be gone. Raises NotRunning, and DesktopError when the agent refuses
    or does not answer.
    """
    port, secret, pid = _find(paths)
    body = {
        name: word.isoformat() if isinstance(word, datetime) else word
        for name, word in words.items()
        if word is not None
    }
    connection = http.client.HTTPConnection(_HOST, port, timeout=TIMEOUT)
    try:
        method = "GET" if verb in READ else "POST"
        connection.request(
            method,
            f"/{verb}",
            body=None if method == "GET" else json.dumps(body),
            headers={_SECRET_HEADER: secret, "Content-Type": "application/json"},
        )
        response = connection.getresponse()
        known = response.getheader(_VERSION_HEADER) is not None
        text = response.read()
    except TimeoutError as error:
        raise DesktopError(
            f"The running agent (process {pid}) does not answer. "
            f"If it hangs, end that process and start again with 'moodtray run'."
        ) from error
    except (OSError, http.client.HTTPException) as error:
        raise NotRunning(_NOBODY) from error
    finally:
        connection.close()
    if not known:  # the file is of an agent that is gone, and its port another program's by now
        raise NotRunning(_NOBODY)
    answer = _parse(text)
    if response.status == 401:  # another user's agent, or one that started this very moment
        raise NotRunning(_NOBODY)
    if response.status != 200:
        refusal = str(answer.get("error", f"The agent refused: {response.status}."))
        raise DesktopError(refusal, title=answer.get("title"))
    if verb == "quit":
        _wait_until_gone(pid)
    return answer


def hand_over(paths: Paths, *, play: bool = False) -> str:
    """A second start hands its wish to the agent that runs; returns what to tell the user.

    The lock was found taken, so there is an agent; it may not have begun to answer.
    """
    try:
        text = str(call_when_ready(paths, "hello", taken=lambda: True)["text"])
    except DesktopError as error:
        return f"Moodtray is already running. {error.message}"
    return f"{text}\n{call(paths, 'play')['text']}" if play else text


def _find(paths: Paths) -> tuple[int, str, int]:
    try:
        found = json.loads((paths.runtime / _CONTROL_FILE).read_text(encoding="utf-8"))
        return int(found["port"]), str(found["secret"]), int(found["pid"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotRunning(_NOBODY) from error


def _parse(text: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(text)
    except ValueError as error:
        raise DesktopError("The running agent gave an answer that makes no sense.") from error
    if not isinstance(answer, dict):
        raise DesktopError("The running agent gave an answer that makes no sense.")
    return answer


def _wait_until_gone(pid: int) -> None:
    import psutil

    deadline = time.monotonic() + QUIT_PATIENCE
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return
        except psutil.Error:
            return
        time.sleep(0.05)
