"""Who is at the other end of a connection within this computer.

A cookie that was seen elsewhere, or a port that is free again, must give nobody a right: every TCP
server asks here when a connection is made, and the client of commands before it says a word. Linux
tells the owner of a socket: asked for the one with exactly these two addresses (sock_diag(7)), or
read in the table of all connections (/proc/net/tcp) where the kernel has no such service. Other
systems do not tell it to everybody; there only the addresses are looked at.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from agent.addresses import LOOPBACK

Address: TypeAlias = tuple[str, int]

ESTABLISHED = 1
LISTENING = 10
"""States of a connection, as Linux numbers them (net/tcp_states.h). In most others the socket is
without an owner, which reads as root."""
ANYBODY: Address = ("0.0.0.0", 0)
"""The other end of a socket that listens."""
TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))

_SOCK_DIAG = 4  # NETLINK_SOCK_DIAG, linux/netlink.h
_BY_FAMILY = 20  # SOCK_DIAG_BY_FAMILY, linux/sock_diag.h
_ERROR = 2  # NLMSG_ERROR
_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, sender
_REQUEST = struct.Struct("=BBBxI")  # family, protocol, extensions, states
_FOUND = struct.Struct("=BBxx")  # family, state
_ID = struct.Struct("!HH16s16s12s")  # both ports, both addresses, interface and cookie
_REST = struct.Struct("=IIIII")  # expires, two queues, uid, inode
_ANY_SOCKET = struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)  # interface, no cookie
_MAPPED = bytes(10) + b"\xff\xff"  # an IPv4 address within IPv6


class Connection(Protocol):
    """A socket, or what asyncio gives for one."""

    def getsockname(self) -> Any: ...  # noqa: D102
    def getpeername(self) -> Any: ...  # noqa: D102
    def getsockopt(self, level: int, name: int, size: int, /) -> Any: ...  # noqa: D102


def client_is_ours(accepted: Connection) -> bool:
    """Tell whether a connection that we accepted comes from our own user, and from 127.0.0.1.

    True as well where the system does not tell whose it is.
    """
    ends = _ends(accepted)
    if ends is None:
        return False
    here, there = ends
    if not sys.platform.startswith("linux"):
        return True
    try:
        if _state(accepted) != ESTABLISHED:
            return False
        ours = _owner(ESTABLISHED, there, here, known=(here, there)) == os.getuid()
        # Still the connection that was asked about, not a later one from the same port.
        return ours and _state(accepted) == ESTABLISHED
    except _Untold:
        return True
    except OSError:
        return False


def server_is_ours(connected: Connection) -> bool:
    """Tell whether our own user listens where a connection of ours leads to.

    Of the other end itself nothing is known before it is accepted. True as well where the system
    does not tell.
    """
    ends = _ends(connected)
    if ends is None:
        return False
    if not sys.platform.startswith("linux"):
        return True
    try:
        return _owner(LISTENING, ends[1], ANYBODY, known=ends) == os.getuid()
    except _Untold:
        return True
    except OSError:
        return False


class _Untold(Exception):
    """This system does not tell to whom a socket belongs."""


def _ends(connection: Connection) -> tuple[Address, Address] | None:
    """Our address and theirs; None when one is not LOOPBACK, or the connection is gone."""
    try:
        here, there = connection.getsockname()[:2], connection.getpeername()[:2]
    except OSError:
        return None
    return (here, there) if here[0] == LOOPBACK == there[0] else None


def _state(connection: Connection) -> int:
    return int(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0])


def _owner(state: int, near: Address, far: Address, known: tuple[Address, Address]) -> int | None:
    """Find whose socket is in ``state``, at ``near``, and leads to ``far``; None: there is none.

    ``known``: the ends of a connection that there is, to tell 'no such' from 'no answer'. Raises
    _Untold, and OSError when nothing could be opened.
    """
    try:
        found = _ask_kernel(state, near, far)
        if found is not None or _ask_kernel(ESTABLISHED, *known) is not None:
            return found
    except OSError:
        pass  # a kernel without the service, or a sandbox that keeps it away
    return _read_tables(state, near, far)


def _ask_kernel(state: int, near: Address, far: Address) -> int | None:
    """Ask for one socket; costs the same with ten connections and with ten thousand."""
    addresses = [socket.inet_aton(host) for host, _port in (near, far)]
    wanted = _ID.pack(near[1], far[1], *addresses, _ANY_SOCKET)
    body = _REQUEST.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, 1 << state) + wanted
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as kernel:
        kernel.settimeout(1.0)  # the answer is there when the question has been sent
        header = _HEADER.pack(_HEADER.size + len(body), _BY_FAMILY, 1, 1, 0)
        kernel.sendto(header + body, (0, 0))
        answer, sender = kernel.recvfrom(4_096)
    kind = _HEADER.unpack_from(answer)[1]
    if sender[0] != 0 or kind not in (_BY_FAMILY, _ERROR):
        raise OSError(errno.EBADMSG, "not an answer of the kernel's")
    if kind == _ERROR:
        (number,) = struct.unpack_from("=i", answer, _HEADER.size)
        if number == -errno.ENOENT:
            return None
        raise OSError(-number, os.strerror(-number))
    family, found_state = _FOUND.unpack_from(answer, _HEADER.size)
    near_port, far_port, *found, _rest = _ID.unpack_from(answer, _HEADER.size + _FOUND.size)
    if family == socket.AF_INET:
        expected = [address.ljust(16, b"\0") for address in addresses]
    else:
        expected = [_MAPPED + address for address in addresses]
    if (found_state, near_port, far_port, found) != (state, near[1], far[1], expected):
        return None  # the nearest, such as the socket that listens there
    return int(_REST.unpack_from(answer, _HEADER.size + _FOUND.size + _ID.size)[3])


def _read_tables(state: int, near: Address, far: Address) -> int | None:
    """Look for one socket in the list of all, line by line."""
    for table, prefix in zip(TABLES, (b"", _MAPPED), strict=True):
        wanted = [_hex(prefix, near), _hex(prefix, far), f"{state:02X}"]
        try:
            with table.open(encoding="ascii") as lines:
                for line in lines:
                    words = line.split()
                    if words[1:4] == wanted:
                        return int(words[7])
        except (FileNotFoundError, PermissionError) as error:
            if table == TABLES[0]:
                raise _Untold from error
    return None


def _hex(prefix: bytes, address: Address) -> str:
    """Write an address as the tables do: words of four bytes in the machine's order."""
    raw = prefix + socket.inet_aton(address[0])
    words = (int.from_bytes(raw[at : at + 4], sys.byteorder) for at in range(0, len(raw), 4))
    return f"{''.join(f'{word:08X}' for word in words)}:{address[1]:04X}"
