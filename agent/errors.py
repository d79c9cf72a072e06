"""One tree of errors that may reach the user.

``title`` is a headline for a notification, ``message`` says what, where and what to do, in the
user's words. Anything that is no :class:`AgentError` is a defect and is logged with its traceback.
Foreign exceptions are translated at the rim, in the adapter that called the foreign code.
"""

from __future__ import annotations

from datetime import datetime
from typing import Self

from agent.translation import N_, _, english


class AgentError(Exception):
    """Expected trouble. Subclasses set a default ``title``.

    Title and message are in the user's language; as a text it is English, for the log.
    """

    title = N_("Moodtray has a problem")

    def __init__(self, message: str, *, title: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.title = _(type(self).title) if title is None else title

    def __str__(self) -> str:
        return str(english(self.message))

    def with_more(self, told: str) -> Self:
        """Make the same trouble with more to be told of it."""
        made = type(self).__new__(type(self))
        made.args, made.__dict__ = self.args, dict(self.__dict__)
        made.message = _("{trouble} {more}").format(trouble=self.message, more=told)
        return made


# --- camera and model


class CameraError(AgentError):
    """The camera cannot be used."""

    title = N_("The camera does not work")


class CameraNotFound(CameraError):
    """There is no such camera."""

    title = N_("No camera found")


class CameraBusy(CameraError):
    """Another program has the camera, or the system refuses it."""

    title = N_("The camera is busy")


class CameraLost(CameraError):
    """It was open and stopped giving new frames."""

    title = N_("The camera went away")


class BadPicture(AgentError):
    """A file that is no picture or video, or cannot be read."""

    title = N_("This file cannot be read")


class ModelError(AgentError):
    """The model file is missing, truncated, swapped or of another shape."""

    title = N_("The expression model cannot be used")


# --- settings and store


class SettingsError(AgentError):
    """A settings file that cannot be used; the message names file, key and what is allowed."""

    title = N_("The settings have a mistake")


class StoreError(AgentError):
    """A folder or file that cannot be written or read."""

    title = N_("Moodtray cannot save its data")


# --- players


class PlayerError(AgentError):
    """The player cannot do what it was asked for."""

    title = N_("The music player does not answer")


class NeedsLogin(PlayerError):
    """Nobody is logged in, or the login is no longer accepted."""

    title = N_("Please log in to Spotify")


class NotPremium(PlayerError):
    """The account may not control playback."""

    title = N_("Spotify Premium is needed")


class NoDevice(PlayerError):
    """There is no device that could play."""

    title = N_("Open Spotify on a device")


class WhichDevice(NoDevice):
    """There are several, and nobody knows which is meant."""

    title = N_("Which device shall play?")


class DeviceRestricted(PlayerError):
    """The device takes no commands from programs."""

    title = N_("This device takes no commands")


class PlaylistGone(PlayerError):
    """The playlist does not exist any longer."""

    title = N_("A playlist is gone")


class Offline(PlayerError):
    """There is no connection to the service."""

    title = N_("No connection")


class ServiceDown(PlayerError):
    """The service answers with trouble of its own, or too late."""

    title = N_("The music service has a problem")


class RateLimited(PlayerError):
    """No request may go out before ``until`` (timezone-aware)."""

    title = N_("Spotify asks us to wait")

    def __init__(self, message: str, *, until: datetime) -> None:
        super().__init__(message)
        self.until = until


class QuotaExceeded(RateLimited):
    """The developer account's quota is used up; waits are hours, not seconds."""

    title = N_("The daily Spotify quota is used up")


# --- desktop


class DesktopError(AgentError):
    """The desktop cannot do what it was asked for."""

    title = N_("This did not work here")


class AutostartError(DesktopError):
    """Start at login cannot be switched."""

    title = N_("Start at login was not changed")


class NotRunning(AgentError):
    """A command for a running agent found none (exit code 3)."""

    title = N_("Moodtray is not running")


def last_line(error: Exception) -> str:
    """Take the line of OpenCV's message that says what went wrong; those before say where."""
    return str(error).strip().splitlines()[-1]
