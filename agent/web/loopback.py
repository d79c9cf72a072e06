"""What all servers on this computer's own address share.

The socket, the framework's switches.
"""

from __future__ import annotations

import os
import socket
from typing import Any

from agent.addresses import LOOPBACK

NO_TELEMETRY: Any = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
"""Newer versions of FastAPI can measure requests and export the result where the environment says
so. Nothing of this program is measured for anybody."""


def listen(port: int, backlog: int = 128) -> socket.socket:
    """Listen on ``port`` of the loopback address; 0: any free one.

    Raises OSError when it is taken.
    """
    # Named by its protocol, asyncio sends what is answered at once, and never waits for the other
    # side to confirm the first half (Nagle), which costs a browser 40 ms a page.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name != "nt":  # there the option lets two programs share a port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((LOOPBACK, port))
        listening.listen(backlog)
    except BaseException:
        listening.close()
        raise
    return listening
