"""Asks, on the screen, whether the camera may be used.

A window where the desktop has a program that shows one: people must be able to read the text in
their own time. It opens beside the agent (another process or the system's own box), so that the
tray works while it waits. Elsewhere a notification with two buttons, which stays; one that goes
unanswered is no answer. Who sees neither is told to use ``moodtray consent``; an answer given there
closes a question that is still open.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from typing import TypeAlias

from agent.desktop import consent
from agent.errors import StoreError
from agent.events import ConsentGiven, ConsentWithdrawn, Notice
from agent.ports import Clock, Report
from agent.store.paths import Paths
from agent.translation import N_, _

log = logging.getLogger(__name__)

ALLOW = N_("Allow the camera")
NOT_NOW = N_("Not now")

LOOK = 0.5
"""Seconds between two looks whether the question was answered elsewhere."""

Settled: TypeAlias = Callable[[], bool]
"""True: the camera is allowed by now, nobody need ask any more."""

_asking = threading.Lock()


def ask(paths: Paths, clock: Clock, report: Report, tell: Callable[[str], None]) -> None:
    """Ask in the background; returns at once. Any thread.

    A yes is kept and reported as ConsentGiven, a no as a Notice. Where no window can be shown,
    ``tell`` gets the sentence that leads on. While one question is open a second call does nothing;
    it closes by itself when the camera is allowed elsewhere.
    """
    threading.Thread(
        target=_ask_once, args=(paths, clock, report, tell), name="consent", daemon=True
    ).start()


def _ask_once(paths: Paths, clock: Clock, report: Report, tell: Callable[[str], None]) -> None:
    if not _asking.acquire(blocking=False):
        return
    try:
        answer = show(lambda: consent.is_given(paths))
    finally:
        _asking.release()
    if answer is None:
        tell(_(consent.HOW))
        report(Notice(_(consent.QUESTION), _(consent.HOW), asked=True))
    elif answer:
        try:
            if not consent.is_given(paths):
                consent.give(paths, clock.now())
        except StoreError as error:
            told = _("{problem} You will be asked again next time.").format(problem=error.message)
            report(Notice(error.title, told, asked=True, trouble=True))
        report(ConsentGiven())
    else:
        if consent.withdraw(paths):  # given meanwhile by the command: this word is the newer one
            report(ConsentWithdrawn())
        report(
            Notice(
                _("The camera stays closed"),
                _(
                    "Whenever you like, allow it: 'Allow the camera…' in the tray's menu, or "
                    "'moodtray consent'."
                ),
                asked=True,
            )
        )


def show(settled: Settled) -> bool | None:
    """Show the question and wait: True allowed, False not, None when it could not be shown.

    Blocks for as long as the user takes, or until it is ``settled``: that is a yes.
    """
    if sys.platform == "win32":
        return _message_box(settled)
    elif sys.platform == "darwin":  # noqa: RET505 - mypy checks one branch for each system
        return _apple_dialog(settled)
    else:
        for means in _means_of_this_desktop():
            answer = means(settled)
            if answer is not None:
                return answer
        return None


def _means_of_this_desktop() -> list[Callable[[Settled], bool | None]]:
    """List the desktop's own window, then another's, then a notification with two buttons."""
    windows = [_zenity, _kdialog]
    if "KDE" in os.environ.get("XDG_CURRENT_DESKTOP", "").upper():
        windows.reverse()
    screen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return [*(windows if screen else []), _notification]


def _notification(settled: Settled) -> bool | None:
    from agent.desktop.notifications.freedesktop import ask

    # Without the last paragraph, on what can be done later: what is too long is cut.
    text = _(consent.TEXT).rpartition("\n\n")[0]
    answer = ask(_(consent.QUESTION), text, (_(ALLOW), _(NOT_NOW)), settled, LOOK)
    return True if settled() else None if answer is None else answer == _(ALLOW)


def _zenity(settled: Settled) -> bool | None:
    return _run(
        settled,
        "zenity",
        "--question",
        "--no-markup",
        "--default-cancel",  # a key that was meant for another window allows nothing
        f"--title={_(consent.QUESTION)}",
        f"--text={_wrapped(consent.whole_text())}",
        f"--ok-label={_(ALLOW)}",
        f"--cancel-label={_(NOT_NOW)}",
    )


def _wrapped(text: str) -> str:
    """Wrap the text for a window that is as wide as its longest line."""
    return "\n".join(textwrap.fill(line, 60) for line in text.splitlines())


def _kdialog(settled: Settled) -> bool | None:
    return _run(
        settled,
        "kdialog",
        "--title",
        _(consent.QUESTION),
        "--yes-label",
        _(ALLOW),
        "--no-label",
        _(NOT_NOW),
        "--yesno",
        consent.whole_text(),
    )


def _apple_dialog(settled: Settled) -> bool | None:
    # JSON's strings are AppleScript's too, for text without control characters but line ends.
    script = (
        f"display dialog {json.dumps(consent.whole_text(), ensure_ascii=False)} "
        f"with title {json.dumps(_(consent.QUESTION))} "
        f"buttons {{{json.dumps(_(NOT_NOW))}, {json.dumps(_(ALLOW))}}} "
        f"cancel button {json.dumps(_(NOT_NOW))} default button {json.dumps(_(ALLOW))}"
    )
    return _run(settled, "osascript", "-e", script)


def _run(settled: Settled, program: str, *arguments: str) -> bool | None:
    """Return the answer of a program that ends with 0 for yes and 1 for no."""
    found = shutil.which(program)
    if found is None:
        return None
    # A question whose asker was killed must not stand there without one who hears the answer.
    leash = shutil.which("setpriv") if sys.platform == "linux" else None
    tied = [leash, "--pdeathsig", "TERM"] if leash else []
    try:
        window = subprocess.Popen(
            [*tied, found, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    except OSError as error:
        log.info("%s could not ask: %s", program, error)
        return None
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return {0: True, 1: False}.get(window.wait(LOOK))
        if settled():
            window.terminate()
            window.wait()
            return True


if sys.platform == "win32":

    def _message_box(settled: Settled) -> bool | None:
        import ctypes

        answered = threading.Event()

        def press_yes_when_settled() -> None:
            command = 0x111
            while not answered.wait(LOOK):
                window = ctypes.windll.user32.FindWindowW(None, _(consent.QUESTION))
                if window and settled():
                    ctypes.windll.user32.PostMessageW(window, command, yes, 0)

        yes_no, question, to_front = 0x4, 0x20, 0x10000
        yes, no = 6, 7
        threading.Thread(target=press_yes_when_settled, name="consent", daemon=True).start()
        answer = ctypes.windll.user32.MessageBoxW(
            None, consent.whole_text(), _(consent.QUESTION), yes_no | question | to_front
        )
        answered.set()
        return {yes: True, no: False}.get(answer)
