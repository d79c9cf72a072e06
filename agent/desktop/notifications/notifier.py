"""Notifications on the desktop, with buttons where the system has them."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Protocol, TypeVar

from agent.desktop.icons.files import IconFiles
from agent.desktop.notifications.rules import INTERVAL, WaitingRoom, safe
from agent.desktop.notifications.service import Service, ask_service
from agent.effects import Notification
from agent.ports import Clock, Report
from agent.settings import NotificationSettings
from agent.store.paths import Paths
from agent.translation import _
from agent.types import MoodState, NotificationKind, Status

log = logging.getLogger(__name__)

T = TypeVar("T")

APP_NAME = "Moodtray"
ICON_SIZE = 96
SECONDS_SHOWN = 12
"""Long enough to reach a button. Kinds that need the user stay as long as the system likes."""

_STATUS: dict[NotificationKind, Status] = {
    NotificationKind.LOGIN: Status.NEEDS_LOGIN,
    NotificationKind.DEVICE: Status.OFFLINE,
    NotificationKind.CAMERA: Status.CAMERA_BUSY,
    NotificationKind.PAUSED: Status.PAUSED,
    NotificationKind.PROBLEM: Status.ERROR,
    NotificationKind.WARNING: Status.ERROR,
}


def available() -> tuple[bool, str]:
    """Tell whether notifications can be shown, and by whom or what to do about it.

    Blocks at most a few seconds; never raises.
    """
    service = ask_service()
    if service.problem:
        return False, service.problem
    told = _("{name}, with buttons") if service.buttons else _("{name}, without buttons")
    return True, told.format(name=service.name)


class _Way(Protocol):
    """One way to show a notification. In the notifier's thread."""

    async def show(self, notification: Notification, icon: Path, service: Service) -> None:
        """Show it. Raises whatever the foreign library raises."""
        ...

    async def withdraw(self, kind: NotificationKind) -> None:
        """Take down the one of this kind, if it stands and this way can."""
        ...


_STAYS = (NotificationKind.PROBLEM, NotificationKind.WARNING)
"""What is worth reading when the agent has ended."""


class DesktopNotifications:
    """Implements :class:`agent.ports.Notifier`.

    ``notify`` returns at once: a thread of its own with an event loop, started by the first
    notification, talks to the system and wakes when something that was held back (quiet hours, too
    soon after its like) has its turn.
    """

    def __init__(
        self,
        report: Report,
        clock: Clock,
        settings: Callable[[], NotificationSettings],
        *,
        holds: Callable[[NotificationKind], bool] = lambda _: True,
        interval: float = INTERVAL,
        folder: Path | None = None,
    ) -> None:
        """Ask for the ``settings`` at every notification, and whether a late one still ``holds``.

        A late one was held back. Both are called in any thread. ``interval``: seconds between two
        unasked ones of a kind. ``folder`` takes the pictures (default: below the runtime folder).
        """
        self._report = report
        self._settings = settings
        self._folder = folder
        self._waiting = WaitingRoom(clock, holds, interval)
        self._lock = threading.Lock()  # for the waiting room
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        # Below: the notifier's thread alone.
        self._way: _Way | None = None
        self._service: Service | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Future[None]] = set()

    def notify(self, notification: Notification) -> None:
        """Show it soon, unless switched off, in quiet hours, or too soon after its like."""
        settings = self._settings()
        with self._lock:
            now = self._waiting.offer(notification, settings)
            left = self._waiting.seconds_left(settings)
        if not now:
            log.info("not shown now: one about %s", notification.kind)  # titles name playlists
        if now or left is not None:
            loop = self._running_loop()
            if now:
                loop.call_soon_threadsafe(self._begin, self._show, notification)
            loop.call_soon_threadsafe(self._set_timer, left)

    def withdraw(self, kind: NotificationKind) -> None:
        """Take down the one of this kind that stands on the screen, where the system can.

        One that is held back is dropped.
        """
        with self._lock:
            self._waiting.withdraw(kind)
        loop = self._loop
        if loop is not None:  # else nothing was ever shown
            loop.call_soon_threadsafe(self._begin, self._take_down, kind)

    def look(self) -> None:
        """Show what was held back and has its turn now. Any thread; also called by itself."""
        settings = self._settings()
        with self._lock:
            due = self._waiting.due(settings)
            left = self._waiting.seconds_left(settings)
        loop = self._loop
        if loop is None:  # closed meanwhile
            return
        for notification in due:
            loop.call_soon_threadsafe(self._begin, self._show, notification)
        loop.call_soon_threadsafe(self._set_timer, left)

    def close(self) -> None:
        """Stop; what can no longer be answered is taken down, and trouble stays to be read."""
        loop, thread = self._loop, self._thread
        self._loop = self._thread = None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(self._begin, self._take_all_down, loop)
            thread.join(0.5)
        if self._folder is not None:
            IconFiles(self._folder).remove()

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            # A daemon: a hanging bus cannot keep the program alive.
            self._thread = threading.Thread(
                target=_run, args=(self._loop,), name="notifications", daemon=True
            )
            self._thread.start()
        return self._loop

    # -- the notifier's thread

    def _set_timer(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if seconds is not None:
            # Never quicker than a second: a clock that two threads read must not make it spin.
            self._timer = asyncio.get_running_loop().call_later(max(1.0, seconds), self.look)

    def _begin(self, work: Callable[[T], Coroutine[Any, Any, None]], about: T) -> None:
        task = asyncio.ensure_future(work(about))
        self._tasks.add(task)  # a loop alone does not keep its tasks
        task.add_done_callback(self._tasks.discard)

    async def _show(self, notification: Notification) -> None:
        try:
            icon = self._icon_path(notification)
            service = self._asked_service()
            if service.problem:
                raise RuntimeError(service.problem)
            try:
                self._way = self._way or _way_with_buttons(self._report)
                await self._way.show(notification, icon, service)
            except Exception:
                log.info("trying the plain way of notifications", exc_info=True)
                self._way = _plain_way()
                await self._way.show(notification, icon, service)
        except Exception as error:
            # A lost notification harms nobody; the next one starts afresh.
            log.warning("A notification about %s was not shown: %s", notification.kind, error)
            log.debug("because of", exc_info=True)
            self._way = self._service = None

    async def _take_down(self, kind: NotificationKind) -> None:
        if self._way is None:
            return  # nothing was shown
        try:
            await self._way.withdraw(kind)
        except Exception as error:  # noqa: BLE001 - whatever the foreign library raises
            log.warning("A notification about %s was not taken down: %s", kind, error)

    async def _take_all_down(self, loop: asyncio.AbstractEventLoop) -> None:
        for kind in NotificationKind:
            if kind not in _STAYS:
                await self._take_down(kind)
        loop.stop()

    def _asked_service(self) -> Service:
        if self._service is None:
            self._service = ask_service()  # blocks this thread, which has nothing else to do
        return self._service

    def _icon_path(self, notification: Notification) -> Path:
        if self._folder is None:
            self._folder = Paths.default().notification_icons
        files, mood = IconFiles(self._folder), notification.emotion
        status = _STATUS.get(notification.kind)
        if status is None and mood is None:
            return files.note(ICON_SIZE)
        if mood is MoodState.AWAY:
            status = Status.AWAY
        shown = mood or MoodState.UNSURE  # where a trouble is shown, the mood is not
        return files.path(status or Status.WATCHING, shown, ICON_SIZE, True)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left))
    finally:
        loop.close()


def _way_with_buttons(report: Report) -> _Way:
    system: str = sys.platform  # any, to the type checker
    if system != "linux":
        return _WithButtons(report)
    from agent.desktop.notifications.freedesktop import FreedesktopNotifications

    return FreedesktopNotifications(report, APP_NAME, SECONDS_SHOWN)


class _WithButtons:
    """desktop-notifier, on Windows and macOS.

    Buttons, and a notification that takes its predecessor's place.
    """

    def __init__(self, report: Report) -> None:
        from desktop_notifier import DesktopNotifier

        self._report = report
        self._notifier = DesktopNotifier(app_name=APP_NAME, app_icon=None)
        self._shown: dict[NotificationKind, str] = {}

    async def show(self, notification: Notification, icon: Path, service: Service) -> None:
        from desktop_notifier import Button, Icon

        can = await self._notifier.get_capabilities()  # raises where there is no service
        if not can:  # the library's stand-in, for a program that macOS does not know as an app
            raise RuntimeError("this program may not use the notification centre")
        buttons = [
            Button(title=label, on_pressed=self._presser(event))
            for label, event in (notification.buttons if _has_buttons(can) else ())
        ]
        stays = notification.kind is NotificationKind.LOGIN
        await self.withdraw(notification.kind)
        self._shown[notification.kind] = await self._notifier.send(
            title=safe(notification.title, markup=False),
            message=safe(notification.body, service.markup),
            icon=Icon(path=icon),
            buttons=buttons,
            timeout=-1 if stays else SECONDS_SHOWN,
        )

    async def withdraw(self, kind: NotificationKind) -> None:
        identifier = self._shown.pop(kind, None)
        if identifier is None:
            return
        try:
            await self._notifier.clear(identifier)
        except KeyError:
            log.debug("it is gone already")

    def _presser(self, event: Any) -> Callable[[], None]:
        return lambda: self._report(event)


def _has_buttons(capabilities: frozenset[Any]) -> bool:
    from desktop_notifier import Capability

    return Capability.BUTTONS in capabilities


def _plain_way() -> _Way:
    return _AppleScript() if sys.platform == "darwin" else _Plain()


class _CannotWithdraw:
    async def withdraw(self, kind: NotificationKind) -> None:
        """Do nothing: what is shown goes by itself."""


class _AppleScript(_CannotWithdraw):
    """The script engine of macOS: text alone, for any program; plyer wants one more library."""

    # Title and text are arguments, never part of the script.
    SCRIPT = (
        "on run argv\ndisplay notification (item 2 of argv) with title (item 1 of argv)\nend run"
    )

    async def show(self, notification: Notification, icon: Path, service: Service) -> None:
        texts = [safe(text, markup=False) for text in (notification.title, notification.body)]
        subprocess.run(
            ["osascript", "-e", self.SCRIPT, *texts], check=True, capture_output=True, timeout=10
        )


class _Plain(_CannotWithdraw):
    """plyer: text and icon, on every system it knows."""

    async def show(self, notification: Notification, icon: Path, service: Service) -> None:
        from plyer import notification as plyer_notification

        plyer_notification.notify(
            title=safe(notification.title, markup=False),
            message=safe(notification.body, service.markup),
            app_name=APP_NAME,
            app_icon=str(icon),
            timeout=SECONDS_SHOWN,
        )
