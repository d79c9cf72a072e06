"""Where the agent takes commands, and how both sides prove that they belong to the same user.

The runtime folder (0700) holds ``door.sock``, a Unix socket, and ``door.json`` (0600): the agent's
process and a secret that is made anew at every start. Where there are no Unix sockets (Windows), or
the folder's path is too long for one, the door is a port of the loopback address, which the file
names. The secret itself never goes over the wire: the client signs its request with it, the agent
its answer, so that neither a stranger who took over a dead agent's port nor one who asks is
believed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agent.store.files import parse_json, read_private, write_private
from agent.store.paths import Paths

KEY_FILE: Final = "door.json"
SOCKET_FILE: Final = "door.sock"
CHALLENGE_HEADER: Final = "X-Moodtray-Challenge"
PROOF_HEADER: Final = "X-Moodtray-Proof"
SOCKET_PATH_LIMIT: Final = 100
"""Bytes of a Unix socket's path: the systems allow 104 (macOS) and 108 (Linux)."""
KEY_BYTES: Final = 10_000
"""Of the file; ours has 100."""


@dataclass(frozen=True, slots=True)
class DoorKey:
    """What ``door.json`` holds. ``port`` None: the Unix socket beside it."""

    pid: int
    secret: str
    port: int | None = None

    def write(self, paths: Paths) -> None:
        """Write it for the user alone. Raises StoreError."""
        file = paths.runtime / KEY_FILE
        known = {"pid": self.pid, "secret": self.secret, "port": self.port}
        write_private(file, json.dumps(known).encode() + b"\n")

    @classmethod
    def read(cls, paths: Paths) -> DoorKey | None:
        """Read it; None when there is no file or it makes no sense."""
        try:
            found: Any = parse_json(read_private(paths.runtime / KEY_FILE, KEY_BYTES))
            pid, secret, port = found["pid"], found["secret"], found.get("port")
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        if type(pid) is not int or type(secret) is not str or type(port) not in (int, type(None)):
            return None
        return cls(pid, secret, port)

    def proof_of_request(self, challenge: str, method: str, target: str, body: bytes) -> str:
        """Sign a request."""
        return self._sign(b"ask", challenge.encode(), method.encode(), target.encode(), body)

    def proof_of_answer(self, challenge: str, status: int, body: bytes) -> str:
        """Sign the answer to the request with that challenge."""
        return self._sign(b"answer", challenge.encode(), str(status).encode(), body)

    def _sign(self, *parts: bytes) -> str:
        # Each part with its length, so that nothing can be moved from one into the next.
        signed = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
        return hmac.new(self.secret.encode(), signed, hashlib.sha256).hexdigest()


def socket_path(paths: Paths) -> Path | None:
    """Name the place of the Unix socket; None where there can be none."""
    path = paths.runtime / SOCKET_FILE
    if os.name == "nt" or not hasattr(socket, "AF_UNIX"):
        return None
    return path if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT else None
