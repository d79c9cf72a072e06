"""The words of every notification, in one place. Pure."""

from __future__ import annotations

from agent.errors import AgentError, BadPicture, CameraError, NeedsLogin, NoDevice
from agent.events import (
    AskForConsent,
    LogIn,
    NotMyMood,
    RestartWorkers,
    ShowPreview,
    UndoSwitch,
)
from agent.types import Decision, Notification, NotificationKind
from agent.wording import part_stopped


def switched(decision: Decision) -> Notification:
    """Tell that the music was changed: emotion, playlist and reason."""
    assert decision.playlist is not None
    return Notification(
        NotificationKind.SWITCH,
        f"♪ {decision.playlist.name}",
        f"{decision.reason[0].upper()}{decision.reason[1:]}.",
        buttons=(("Undo", UndoSwitch(decision)), ("Not my mood", NotMyMood(decision.mood))),
        emotion=decision.mood,
    )


def trouble(error: AgentError, asked: bool = False) -> Notification:
    """Tell of something that needs the user, or that the user should know."""
    kind = NotificationKind.PROBLEM
    buttons: tuple[tuple[str, object], ...] = ()
    if isinstance(error, NeedsLogin):
        kind, buttons = NotificationKind.LOGIN, (("Log in", LogIn()),)
    elif isinstance(error, NoDevice):
        kind = NotificationKind.DEVICE
    elif isinstance(error, CameraError | BadPicture):
        kind = NotificationKind.CAMERA
    return Notification(kind, error.title, error.message, buttons=buttons, asked=asked)


def worker_gave_up(worker: str, asked: bool = False) -> Notification:
    """Tell that a part was switched off. ``asked``: the user has just wanted something of it."""
    return Notification(
        NotificationKind.PROBLEM,
        "A part of Moodtray stopped",
        f"{part_stopped(worker)} 'moodtray doctor' may know why.",
        buttons=(("Start again", RestartWorkers()),),
        asked=asked,
    )


def no_consent() -> Notification:
    """Answer a wish that needs the camera before it is allowed."""
    return Notification(
        NotificationKind.CAMERA,
        "The camera is not allowed yet",
        "Read what Moodtray does with it and allow it: 'Allow the camera…' in the tray's menu, or "
        "'moodtray consent'.",
        buttons=(("Allow the camera…", AskForConsent()),),
        asked=True,
    )


def camera_unavailable(problem: str) -> Notification:
    """Tell that the camera has been busy or lost for long; ``problem``: why."""
    return Notification(
        NotificationKind.CAMERA, "The camera cannot be used", f"{problem} Moodtray keeps trying."
    )


def nothing_to_play(reason: str) -> Notification:
    """Answer a request for music that cannot be met."""
    return Notification(
        NotificationKind.INFO,
        "No music for your mood",
        f"{reason[0].upper()}{reason[1:]}. Name one in the settings.",
        asked=True,
    )


def not_taken_back(error: AgentError | None) -> Notification:
    """Answer an Undo that cannot be done; ``error`` None: nobody knows what played before."""
    why = "The player did not say what played before." if error is None else error.message
    return Notification(
        NotificationKind.INFO,
        "The change was not taken back",
        f"{why} What plays now is left alone.",
        asked=True,
    )


def no_longer_the_last() -> Notification:
    """Answer an Undo of a switch after which the music was changed again, or taken back."""
    return Notification(
        NotificationKind.INFO,
        "This change is no longer the last",
        "The music was changed again since then. What plays now is left alone.",
        asked=True,
    )


def preview_while_paused() -> Notification:
    """Ask whether the camera may go on, since the preview needs it."""
    return Notification(
        NotificationKind.CAMERA,
        "The camera is paused",
        "The preview shows the camera's picture. Resume the camera to see it.",
        buttons=(("Resume and show", ShowPreview(True, resume=True)),),
        asked=True,
    )


def info(title: str, message: str, asked: bool = False) -> Notification:
    """Make a plain notification."""
    return Notification(NotificationKind.INFO, title, message, asked=asked)
