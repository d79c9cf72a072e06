"""Spotify's answers and the network's failures -> :mod:`agent.errors`, in the user's words.

The one place that knows what a status, a reason or an exception of requests means.
"""

from __future__ import annotations

from datetime import datetime
from email.utils import parsedate_to_datetime

import requests
import urllib3

from agent.errors import (
    DeviceRestricted,
    NeedsLogin,
    NoDevice,
    NotPremium,
    Offline,
    PlayerError,
    PlaylistGone,
    ServiceDown,
)
from agent.players.spotify.bounded import AnswerTooLong
from agent.printable import printable
from agent.translation import _
from agent.wording import LOGIN_AGAIN

DEFAULT_WAIT = 30.0
DEFAULT_QUOTA_WAIT = 3600.0
"""Seconds to wait when a 429 comes without a Retry-After that can be read."""


class AlreadySo(PlayerError):
    """403 'Restriction violated': refused, or already as asked. Only a new reading can tell."""


class BrokenOff(ServiceDown):
    """The connection ended without an answer, as happens when an idle one is used again."""


class Unauthorized(NeedsLogin):
    """401: the access token was not accepted."""


class UnknownAddress(PlayerError):
    """404 for something that is no device: a playlist, or an address that went away."""


def unreachable(error: requests.RequestException, service: str = "Spotify") -> PlayerError:
    """Translate that no answer came."""
    if isinstance(error, requests.exceptions.SSLError):
        return Offline(
            _(
                "No safe connection to {service}: its certificate is not "
                "accepted. Does this network ask you to log in first? Is this "
                "computer's date right?"
            ).format(service=service)
        )
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return Offline(
            _("{service} cannot be reached. Check the internet connection.").format(service=service)
        )
    if isinstance(error, requests.exceptions.Timeout):
        return ServiceDown(
            _("{service} takes too long to answer. Moodtray keeps trying.").format(service=service)
        )
    if isinstance(error, requests.exceptions.ProxyError):
        return Offline(
            _("The proxy between this computer and {service} does not let us through.").format(
                service=service
            )
        )
    if isinstance(error, AnswerTooLong):
        return ServiceDown(
            _("{service}'s answer is far too long. Moodtray keeps trying.").format(service=service)
        )
    cause = error.args[0] if error.args else None
    if isinstance(error, requests.exceptions.ChunkedEncodingError) or isinstance(
        cause, urllib3.exceptions.ProtocolError
    ):
        return BrokenOff(
            _("{service} broke off the connection. Moodtray keeps trying.").format(service=service)
        )
    if isinstance(error, requests.exceptions.ConnectionError):
        return Offline(
            _("{service} cannot be reached. Check the internet connection.").format(service=service)
        )
    return PlayerError(
        _("The request to {service} failed ({name}).").format(
            service=service, name=type(error).__name__
        )
    )


def refused(status: int, message: str, reason: str, *, path: str) -> PlayerError:
    """Translate an answer of 300 and above, other than 429 (see :func:`wait_of`).

    ``path`` is the part after the API's base (``/me/player/play``).
    """
    about_player = path.startswith("/me/player")
    lowered = f"{reason} {message}".lower()
    message = printable(message)
    if status == 401:
        return Unauthorized(
            _("Spotify no longer accepts this login. {login_again}").format(
                login_again=_(LOGIN_AGAIN)
            )
        )
    if status == 403:
        if reason == "PREMIUM_REQUIRED" or "premium" in lowered:
            return NotPremium(
                _(
                    "Spotify lets programs control the music only with Premium. "
                    'Moodtray can still play its own music: set player = "local".'
                )
            )
        if "scope" in lowered:
            return NeedsLogin(
                _("Moodtray's login lacks a permission that it needs. {login_again}").format(
                    login_again=_(LOGIN_AGAIN)
                )
            )
        if "restrict" in lowered:
            return AlreadySo(_("Spotify refuses this command on the present device just now."))
        if "not registered" in lowered or "developer" in lowered:
            return NeedsLogin(
                _(
                    "Your Spotify app does not know this account. Add it in the "
                    "dashboard of the app under 'User Management', or log in with "
                    "the account that owns the app."
                )
            )
        return PlayerError(
            _("Spotify refuses this ({message}).").format(message=message or _("no reason given"))
        )
    if status == 404:
        if about_player and ("no_active_device" in lowered or "device" in lowered):
            return no_device()
        return UnknownAddress(_("Spotify does not find this."))
    if status == 400 and "uri" in lowered:
        return UnknownAddress(_("Spotify does not accept this playlist."))
    if status >= 500:
        return ServiceDown(
            _("Spotify has a problem on its side ({status}). Moodtray keeps trying.").format(
                status=status
            )
        )
    if 300 <= status < 400:
        return Offline(
            _(
                "Something between this computer and Spotify redirects us. "
                "Does this network ask you to log in first?"
            )
        )
    return PlayerError(
        _("Spotify refuses this ({status}: {message}).").format(
            status=status, message=message or _("no reason given")
        )
    )


def playlist_gone(name: str) -> PlaylistGone:
    """Make the error for a playlist that Spotify no longer finds."""
    return PlaylistGone(
        _(
            "The playlist {name} is gone or is not yours to see; Moodtray "
            "skips it. Choose another one under 'Music for my moods'."
        ).format(name=name)
    )


def no_device() -> NoDevice:
    """Make the error for nothing that could play."""
    return NoDevice(
        _(
            "Spotify is not open on any device. Open it on the computer, phone or speaker that "
            "should play."
        )
    )


def device_restricted(name: str) -> DeviceRestricted:
    """Make the error for a device that refuses commands."""
    return DeviceRestricted(
        _(
            "{name} takes no commands from programs. Play on another "
            "device, or start the music there by hand."
        ).format(name=name)
    )


def not_understood() -> PlayerError:
    """Make the error for an answer in a shape that nobody knows."""
    return PlayerError(_("Spotify's answer could not be understood. Moodtray keeps trying."))


def wait_of(retry_after: str | None, *, quota: bool, now: datetime) -> float:
    """Read the seconds of a Retry-After header: a number, or a date; else a default."""
    default = DEFAULT_QUOTA_WAIT if quota else DEFAULT_WAIT
    if retry_after is None:
        return default
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(retry_after) - now).total_seconds()
        except (ValueError, TypeError, OverflowError):  # also a year that no calendar has
            return default
    return seconds if 0 <= seconds < float("inf") else default
