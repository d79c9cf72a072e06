"""RTSP as two sides speak it over one connection (RFC 2326): messages, packets, the login.

Pure: bytes in, bytes out. What is not understood to the last byte is refused, and a message is
always written anew from what was understood: so nobody who reads it afterwards can see another
message in it.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass

PACKET = ord("$")
"""Begins a packet of video among the messages (10.12): a channel, two bytes of length, the rest."""
MOST_HEAD = 16_384
MOST_BODY = 262_144
"""Bytes of a message; a description of a stream has some hundreds."""
_NO_TEXT = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_STATUS = re.compile(r"RTSP/\d\.\d +(\d{3})(?: .*)?")
# Each name is begun where a word does, and nowhere else: a long one is looked at once, not once a
# letter.
_CHALLENGE = re.compile(r'(?<!\w)(\w+)\s*=\s*(?:"([^"]*)"|([^\s",]+))')
_HASHES = {"MD5": "md5", "SHA-256": "sha256"}


class NotRtsp(Exception):
    """The other side sends something else, or more of it than anybody needs."""


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an answer. ``first`` is its first line, without the end of the line."""

    first: str
    fields: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @property
    def status(self) -> int | None:
        """The answer's number; None for a request."""
        found = _STATUS.fullmatch(self.first)
        return int(found[1]) if found else None

    def all_of(self, name: str) -> list[str]:
        """List the values of a field, which may stand there several times."""
        return [value for known, value in self.fields if known.lower() == name.lower()]

    def only(self, *names: str) -> tuple[tuple[str, str], ...]:
        """Return the fields of these names, in the order in which they came."""
        wanted = {name.lower() for name in names}
        return tuple(field for field in self.fields if field[0].lower() in wanted)

    def encoded(self) -> bytes:
        """Write it. Raises NotRtsp where a line would become two."""
        fields = [field for field in self.fields if field[0].lower() != "content-length"]
        if self.body:
            fields.append(("Content-Length", str(len(self.body))))
        lines = [self.first, *(f"{name}: {value}" for name, value in fields)]
        if any(_NO_TEXT.search(line) for line in lines):
            raise NotRtsp
        return _bytes("\r\n".join(lines) + "\r\n\r\n") + self.body


def take_packets(buffer: bytearray) -> bytes:
    """Take all whole packets off the buffer's front, in a row."""
    end = 0
    while len(buffer) >= end + 4 and buffer[end] == PACKET:
        following = end + 4 + (buffer[end + 2] << 8 | buffer[end + 3])
        if following > len(buffer):
            break
        end = following
    taken = bytes(buffer[:end])
    del buffer[:end]
    return taken


def take_message(buffer: bytearray) -> Message | None:
    """Take a message off the buffer's front; None: it is not whole yet, or a packet comes first.

    Raises NotRtsp.
    """
    while buffer and buffer[0] in b"\r\n":
        del buffer[0]
    if not buffer or buffer[0] == PACKET:
        return None
    found = _END_OF_HEAD.search(buffer, 0, MOST_HEAD)
    if found is None:
        if len(buffer) >= MOST_HEAD:
            raise NotRtsp
        return None
    first, *lines = (line.removesuffix("\r") for line in _text(buffer[: found.start()]).split("\n"))
    # An empty line is no end of a head here where a bare CR stands before it.
    if any(not line or _NO_TEXT.search(line) for line in (first, *lines)):
        raise NotRtsp
    parts = [line.partition(":") for line in lines if line[0] not in " \t"]
    message = Message(first, tuple((name.strip(), value.strip()) for name, _, value in parts))
    length = _length(message)
    if len(buffer) < found.end() + length:
        return None
    body = bytes(buffer[found.end() : found.end() + length])
    del buffer[: found.end() + length]
    return Message(message.first, message.fields, body)


def _length(message: Message) -> int:
    told = set(message.all_of("Content-Length")) or {"0"}
    length = told.pop()
    if told or re.fullmatch("[0-9]{1,9}", length) is None or int(length) > MOST_BODY:
        raise NotRtsp
    return int(length)


def split_request(message: Message) -> tuple[str, str]:
    """Return the method and the address. Raises NotRtsp for what is no request."""
    method, _, rest = message.first.partition(" ")
    address, _, version = rest.rpartition(" ")
    if not (method.replace("_", "").isalpha() and address and version.startswith("RTSP/")):
        raise NotRtsp
    return method, address


class Login:
    """A name and a password, and what the camera has asked of who brings them.

    By RFC 7616 (Digest, with MD5 as in RFC 2617, or SHA-256) and RFC 7617 (Basic).
    """

    def __init__(self, name: str, password: str) -> None:
        self._name = name
        self._password = password
        self._asked: dict[str, str] | None = None
        self._basic = False
        self._uses = 0

    def learn(self, challenges: list[str]) -> bool:
        """Take a camera's ``WWW-Authenticate``; False where no kind of login is known."""
        digests = [_parameters(one) for one in challenges if _kind(one) == "digest"]
        known = [one for one in digests if "nonce" in one and _hash_of(one) is not None]
        self._asked = max(known, key=lambda one: _hash_of(one) or "", default=None)
        self._basic = any(_kind(one) == "basic" for one in challenges)
        self._uses = 0
        return self._asked is not None or self._basic

    def prove(self, method: str, address: str) -> tuple[tuple[str, str], ...]:
        """Make the field that a request needs; none before the camera has asked."""
        if self._asked is not None:
            return (("Authorization", self._digest(self._asked, method, address)),)
        if self._basic:
            both = base64.b64encode(_bytes(f"{self._name}:{self._password}"))
            return (("Authorization", f"Basic {both.decode()}"),)
        return ()

    def _digest(self, asked: dict[str, str], method: str, address: str) -> str:
        hash_name = _hash_of(asked) or "md5"

        def hashed(*parts: str) -> str:
            data = _bytes(":".join(parts))
            return hashlib.new(hash_name, data, usedforsecurity=False).hexdigest()

        self._uses += 1
        realm, nonce, count = asked.get("realm", ""), asked["nonce"], f"{self._uses:08x}"
        told = [f'username="{_escaped(self._name)}"', f'realm="{realm}"', f'nonce="{nonce}"']
        told.append(f'uri="{_escaped(address)}"')
        secret, what = hashed(self._name, realm, self._password), hashed(method, address)
        if "auth" in re.split(r"[\s,]+", asked.get("qop", "")):
            once = secrets.token_hex(8)
            response = hashed(secret, nonce, count, once, "auth", what)
            told += ["qop=auth", f"nc={count}", f'cnonce="{once}"']
        else:
            response = hashed(secret, nonce, what)
        told.append(f'response="{response}"')
        if "algorithm" in asked:
            told.append(f"algorithm={asked['algorithm']}")
        if "opaque" in asked:
            told.append(f'opaque="{asked["opaque"]}"')
        return "Digest " + ", ".join(told)


def _kind(challenge: str) -> str:
    return challenge.partition(" ")[0].lower()


def _parameters(challenge: str) -> dict[str, str]:
    found = _CHALLENGE.findall(challenge.partition(" ")[2])
    return {key.lower(): quoted or plain for key, quoted, plain in found}


def _hash_of(asked: dict[str, str]) -> str | None:
    return _HASHES.get(asked.get("algorithm", "MD5").upper())


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"")


def _text(data: bytes | bytearray) -> str:
    return data.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
