"""What may be said of an address: its scheme and its host.

Cameras carry their login wherever their makers liked: before the host, in the path
(``/user=admin_password=x``), in the query. So nothing of an address is ever shown, logged or
reported but ``rtsp://host``; and no host either where a secret with ``@``, ``/``, ``?`` or ``#`` in
it leaves open which part is the host.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

LOOPBACK = "127.0.0.1"
"""This computer to itself. Literally: Spotify accepts no 'localhost', and a name can be pointed
elsewhere."""
UNTOLD = "***"
"""In the place of a host that cannot be told from a secret for sure."""

_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]+"
_BEGINNING = re.compile(rf"\s*({_SCHEME})://")
_HOST = re.compile(r"(?:[\w.-]+|\[[0-9A-Fa-f:.]+(?:%[\w.-]+)?\])", re.ASCII | re.IGNORECASE)
_HOST_AND_PORT = re.compile(rf"({_HOST.pattern})(?::\d*)?", re.ASCII | re.IGNORECASE)
_WORLD_HOST_AND_PORT = re.compile(r"([\w.-]+)(?::\d*)?")  # names in other alphabets
# Within quotes an address may hold blanks; elsewhere a blank ends it. Each is begun where a word
# does, and nowhere else: a long row of letters and dots is looked at once, not once a letter.
_IN_TEXT = re.compile(
    rf"""(?P<quote>["'])(?P<quoted>\s*{_SCHEME}://(?:\\.|(?!(?P=quote))[^\n\\])*)"""
    r"""|(?<![A-Za-z0-9+.-])(?P<before>[0-9+.-]*)(?P<plain>[A-Za-z][A-Za-z0-9+.-]+://\S*)"""
)
_TO_LINE_END = re.compile(
    rf"(?<![A-Za-z0-9+.-])([0-9+.-]*{_SCHEME}://)[^\n]*"
)  # begun as those are
_ENDINGS = "\\\"'”’»),;.]}>"
_SECRET_IS = r"(?:pass|pwd|psw|pw|token|secret|auth|key|session)\w{0,40}="
# "rtsp:/user:pw@host", "rtsp//user:pw@host", "//user:pw@host/path", "host/?password=pw": the
# beginning was forgotten, or some of it.
_MEANT = re.compile(
    rf"(?![A-Za-z]:[\\/])(?:{_SCHEME}:/|[^:]*:[^@]*@|[^?]*\?[^=]*=|.*?{_SECRET_IS})",
    re.DOTALL | re.IGNORECASE,
)
# The login before the host, in the path or in the query.
_LOGIN = re.compile(rf"@|{_SECRET_IS}", re.IGNORECASE)
# Settings whose value is nobody else's concern, wherever the file is quoted.
_PRIVATE_SETTING = re.compile(
    r"""(?mi)(?<![\w-])((["']?)(?:client_id|client_secret|source|password)\2\s*[=:]+)"""
    r"""(?:\s*(?P<fence>\"{3}|'{3})[\s\S]*?(?P=fence)|.*)"""
)


def is_address(text: str) -> bool:
    """Tell whether it begins as one: ``scheme://``."""
    return _BEGINNING.match(text) is not None


def seems_meant(text: str) -> bool:
    """Tell whether it was meant as an address, and may hold a login, but lacks its beginning."""
    # Without blanks before it, which would be tried together with all that comes behind them.
    return not is_address(text) and _MEANT.match(text.lstrip()) is not None


def holds_login(text: str) -> bool:
    """Tell whether it is, or was meant as, an address with a password or the like in it."""
    return (is_address(text) or seems_meant(text)) and _LOGIN.search(text) is not None


def place(address: str) -> str:
    """Show all that may be shown of an address: ``scheme://host``.

    A host that cannot be told for sure is ``***``.
    """
    beginning = _BEGINNING.match(address)
    if beginning is None:
        return UNTOLD
    scheme = beginning.group(1).lower()
    authority, rest = _split(address[beginning.end() :])
    if "@" in rest:  # perhaps its real end, after a password with a slash in it
        return f"{scheme}://{UNTOLD}"
    host = authority.rpartition("@")[2]
    found = _HOST_AND_PORT.fullmatch(host) or _WORLD_HOST_AND_PORT.fullmatch(host)
    return f"{scheme}://{found.group(1) if found else UNTOLD}"


def secrets(address: str) -> tuple[str, ...]:
    """List what of an address must not be repeated anywhere: itself, its login, path and query.

    Whole and in parts, as it is written and as it is meant (``%40`` for ``@``).
    """
    beginning = _BEGINNING.match(address)
    if beginning is None:  # nobody knows what is the host
        login, rest = address.rpartition("@")[0], address
        told = [address, login, login.rpartition(":")[2]]
    else:
        authority, rest = _split(address[beginning.end() :])
        login = authority.rpartition("@")[0]
        told = [address, login, login.partition(":")[2], rest[1:]]
    for part in re.split(r"[/?#&;]", rest):
        # "password=x" and long rows of letters and digits; else it is a word such as "Streaming".
        told.append(part.partition("=")[2] or (part if re.search(r"\d", part) else ""))
    told += [unquote(part, errors="surrogateescape") for part in told]
    return tuple(dict.fromkeys(part for part in told if part))


def mask(text: str) -> str:
    """Show every address in the text as :func:`place` does, and ``/***`` for the rest."""
    return _IN_TEXT.sub(_masked, text)


def spans(text: str) -> list[tuple[int, int]]:
    """Say where in the text its addresses stand: (begin, end)."""
    return [found.span() for found in _IN_TEXT.finditer(text)]


def mask_to_line_end(text: str) -> str:
    """Mask the addresses in lines that may be broken in any way, such as a settings file.

    Like :func:`mask`, but nothing behind ``scheme://`` stays on its line.
    """
    return _TO_LINE_END.sub(rf"\1{UNTOLD}", text)


def mask_settings(text: str) -> str:
    """Mask what a settings file, or a line of it, tells of the person: addresses, cameras, apps.

    By lines and not by a parser: a file with a mistake is the one that is quoted.
    """
    return mask_to_line_end(_PRIVATE_SETTING.sub(rf'\1 "{UNTOLD}"', text))


def _masked(found: re.Match[str]) -> str:
    quote, address = found["quote"] or found["before"] or "", found["quoted"] or found["plain"]
    whole = len(address) if found["quote"] else len(address.rstrip(_ENDINGS))
    address, ending = address[:whole], address[whole:]
    shown = place(address)
    if len(address) > len(shown):
        shown += f"/{UNTOLD}"
    return quote + shown + ending


def _split(rest: str) -> tuple[str, str]:
    """Split what stands behind ``://`` into the part with the host, and the path and all else."""
    found = re.search(r"[/?#]", rest)
    return (rest, "") if found is None else (rest[: found.start()], rest[found.start() :])
