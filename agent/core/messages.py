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
from agent.wording import part_stopped, what_is_done_by


def switched(decision: Decision) -> Notification:
    """The music was changed: emotion, playlist and reason."""
    assert decision.playlist is not None
    return Notification(
        NotificationKind.SWITCH,
        f"♪ {decision.playlist.name}",
        f"{decision.reason[0].upper()}{decision.reason[1:]}.",
        buttons=(("Undo", UndoSwitch(decision)), ("Not my mood", NotMyMood(decision.mood))),
        emotion=decision.mood,
    )


def trouble(error: AgentError, asked: bool = False) -> Notification:
    """Something that needs the user, or that the user should know."""
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
    """A part was switched off. ``asked``: the user has just wanted something of it."""
    return Notification(
        NotificationKind.PROBLEM,
        "A part of Moodtray stopped",
        f"{part_stopped(worker)} 'moodtray doctor' may know why.",
        buttons=(("Start again", RestartWorkers()),),
        asked=asked,
    )


def worker_crashed(worker: str) -> Notification:
    """A part met a defect and goes on."""
    return Notification(
        NotificationKind.INFO,
        "Moodtray met a fault of its own",
        f"{what_is_done_by(worker)} was interrupted and goes on by itself. Please report it: "
        "'moodtray doctor --bundle' gathers what helps to find the fault.",
    )


def no_consent() -> Notification:
    """The answer to a wish that needs the camera before it is allowed."""
    return Notification(
        NotificationKind.CAMERA,
        "The camera is not allowed yet",
        "Read what Moodtray does with it and allow it: 'Allow the camera…' in the tray's menu, or "
        "'moodtray consent'.",
        buttons=(("Allow the camera…", AskForConsent()),),
        asked=True,
    )


def camera_unavailable(problem: str) -> Notification:
    return Notification(
        NotificationKind.CAMERA, "The camera cannot be used", f"{problem} Moodtray keeps trying."
    )


def nothing_to_play(reason: str) -> Notification:
    """A request for music that cannot be met."""
    return Notification(
        NotificationKind.INFO,
        "No music for your mood",
        f"{reason[0].upper()}{reason[1:]}. Name one in the settings.",
        asked=True,
    )


def not_taken_back(error: AgentError | None) -> Notification:
    """An Undo that cannot be carried out; ``error`` None: nobody knows what played before."""
    why = "The player did not say what played before." if error is None else error.message
    return Notification(
        NotificationKind.INFO,
        "The change was not taken back",
        f"{why} What plays now is left alone.",
        asked=True,
    )


def no_longer_the_last() -> Notification:
    """An Undo of a switch after which the music was changed by us or the user, or taken back."""
    return Notification(
        NotificationKind.INFO,
        "This change is no longer the last",
        "The music was changed again since then. What plays now is left alone.",
        asked=True,
    )


def preview_while_paused() -> Notification:
    return Notification(
        NotificationKind.CAMERA,
        "The camera is paused",
        "The preview shows the camera's picture. Resume the camera to see it.",
        buttons=(("Resume and show", ShowPreview(True, resume=True)),),
        asked=True,
    )


def info(title: str, message: str, asked: bool = False) -> Notification:
    """A plain word to the user."""
    return Notification(NotificationKind.INFO, title, message, asked=asked)
