"""The words of every notification, in one place. Pure."""

from __future__ import annotations

from agent.errors import AgentError, BadPicture, CameraError, NeedsLogin, NoDevice
from agent.events import LogIn, NotMyMood, ShowPreview, UndoSwitch
from agent.types import Decision, Notification, NotificationKind


def switched(decision: Decision) -> Notification:
    """The music was changed: emotion, playlist and reason."""
    assert decision.playlist is not None
    return Notification(
        NotificationKind.SWITCH,
        f"♪ {decision.playlist.name}",
        f"{decision.reason[0].upper()}{decision.reason[1:]}.",
        buttons=(("Undo", UndoSwitch()), ("Not my mood", NotMyMood())),
        emotion=decision.mood,
    )


def trouble(error: AgentError) -> Notification:
    """Something that needs the user, or that the user should know."""
    kind = NotificationKind.PROBLEM
    buttons: tuple[tuple[str, object], ...] = ()
    if isinstance(error, NeedsLogin):
        kind, buttons = NotificationKind.LOGIN, (("Log in", LogIn()),)
    elif isinstance(error, NoDevice):
        kind = NotificationKind.DEVICE
    elif isinstance(error, CameraError | BadPicture):
        kind = NotificationKind.CAMERA
    return Notification(kind, error.title, error.message, buttons=buttons)


def worker_gave_up(worker: str) -> Notification:
    return Notification(
        NotificationKind.PROBLEM,
        "A part of Moodtray stopped",
        f"The {worker} failed again and again and was switched off. The log says more; "
        "'moodtray doctor' may help. Quit and start Moodtray to try again.",
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
