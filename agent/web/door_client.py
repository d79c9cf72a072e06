"""How commands reach the running agent. Plain standard library: a command should be quick."""

from __future__ import annotations

import hmac
import http.client
import json
import secrets
import socket
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from agent.addresses import LOOPBACK
from agent.errors import DesktopError, NotRunning, StoreError
from agent.store.paths import Paths, refuse_file_of_strangers
from agent.translation import N_, _
from agent.web import peers
from agent.web.door_key import CHALLENGE_HEADER, PROOF_HEADER, DoorKey, socket_path

READ = ("status", "why")
TIMEOUT = 10.0
"""Seconds for an answer; the agent's own patience is well below, but the computer may be busy."""
START_PATIENCE = 5.0
"""Seconds that an agent may need from holding the lock to answering."""
QUIT_PATIENCE = 3.0
ANSWER_LIMIT = 1_000_000
"""Bytes of an answer; the agent's have some hundreds."""

_NOBODY = N_("Start it with 'moodtray run'.")
_NONSENSE = N_("Its answer makes no sense. Is it of another version?")
_DEAF = N_("It takes no commands: it is still starting, or was started without them.")


def call_when_ready(
    paths: Paths, verb: str, *, taken: Callable[[], bool], **words: object
) -> dict[str, Any]:
    """Call as :func:`call`; an agent that was just started has START_PATIENCE to answer.

    ``taken``: is there an agent at all? Raises NotRunning when there is none, and DesktopError when
    there is one that does not answer.
    """
    deadline = time.monotonic() + START_PATIENCE
    while True:
        try:
            return call(paths, verb, **words)
        except NotRunning:
            if not taken():
                raise
            if time.monotonic() >= deadline:
                raise DesktopError(_(_DEAF), title=_("Moodtray is running")) from None
            time.sleep(0.1)


def call(paths: Paths, verb: str, **words: object) -> dict[str, Any]:
    """Ask the running agent and return its answer; ``text`` in it is for people.

    ``verb``: status, why, pause (until: datetime or ISO text), resume, mood (emotion, minutes),
    play, next, preview (show), hello, quit. Words that are None are left out. After quit it waits
    a moment for the process to be gone. Raises NotRunning, and DesktopError when the agent refuses
    or does not answer.
    """
    key = DoorKey.read(paths)
    if key is None:
        raise NotRunning(_(_NOBODY))
    given = {
        name: word.isoformat() if isinstance(word, datetime) else word
        for name, word in words.items()
        if word is not None
    }
    method = "GET" if verb in READ else "POST"
    body = b"" if method == "GET" else json.dumps(given).encode()
    challenge = secrets.token_hex(16)
    proof = key.proof_of_request(challenge, method, f"/{verb}", body)
    connection = _Connection(paths, key)
    try:
        connection.putrequest(method, f"/{verb}", skip_host=True, skip_accept_encoding=True)
        for name, value in (
            ("Host", LOOPBACK),
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            (CHALLENGE_HEADER, challenge),
            (PROOF_HEADER, proof),
        ):
            connection.putheader(name, value)
        connection.endheaders(body)
        response = connection.getresponse()
        text = response.read(ANSWER_LIMIT)
    except TimeoutError as error:
        raise DesktopError(
            _(
                "Moodtray (process {pid}) is running and does not answer. If "
                "it hangs, end that process and start again with 'moodtray "
                "run'."
            ).format(pid=key.pid),
            title=_("No answer"),
        ) from error
    except (OSError, http.client.HTTPException) as error:
        raise NotRunning(_(_NOBODY)) from error
    finally:
        connection.close()
    expected = key.proof_of_answer(challenge, response.status, text)
    if not hmac.compare_digest(response.getheader(PROOF_HEADER, "").encode(), expected.encode()):
        raise NotRunning(_(_NOBODY))  # the key is of an agent that is gone; a stranger answers
    answer = _parse(text)
    if response.status != 200:
        refusal = str(
            answer.get("error", _("It was refused ({status}).").format(status=response.status))
        )
        raise DesktopError(refusal, title=answer.get("title") or f"'moodtray {verb}'")
    if verb == "quit":
        _wait_until_gone(key.pid)
    return answer


def hand_over(paths: Paths, *, play: bool = False) -> str:
    """Hand a second start's request to the agent that runs; returns what to tell the user.

    The lock was found taken, so there is an agent; it may not have begun to answer.
    """
    try:
        text = str(call_when_ready(paths, "hello", taken=lambda: True)["text"])
    except DesktopError as error:
        return _("Moodtray is already running. {message}").format(message=error.message)
    return f"{text}\n{call(paths, 'play')['text']}" if play else text


class _Connection(http.client.HTTPConnection):
    """HTTP to the door, wherever it is."""

    def __init__(self, paths: Paths, key: DoorKey) -> None:
        super().__init__(LOOPBACK, key.port or 0, timeout=TIMEOUT)
        self._socket_path = socket_path(paths) if key.port is None else None
        self._nowhere = key.port is None and self._socket_path is None

    def connect(self) -> None:
        """Connect. Raises OSError."""
        if self._socket_path is None:
            if self._nowhere:
                raise ConnectionRefusedError
            super().connect()
            if not peers.server_is_ours(self.sock):  # it took the port of an agent that is gone
                raise ConnectionRefusedError
            return
        try:
            refuse_file_of_strangers(self._socket_path)
        except StoreError as error:  # who could let us wait for ever
            raise ConnectionRefusedError from error
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(str(self._socket_path))


def _parse(text: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DesktopError(
            _("Its answer makes no sense. Is it of another version?"), title="Moodtray"
        ) from error
    if not isinstance(answer, dict):
        raise DesktopError(_(_NONSENSE), title="Moodtray")
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
