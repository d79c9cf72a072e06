"""``moodtray doctor``: looks at everything the program stands on, and says what to do about it.

Each check runs in a thread of its own, guarded and with a time limit, so that a driver that hangs
or a library that breaks is a line in the report and not the end of it.
"""

from __future__ import annotations

import logging
import platform
import textwrap
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from rich.markup import escape

import agent
from agent.diagnostics import checks
from agent.diagnostics.checks import Finding
from agent.errors import AgentError
from agent.settings import Settings
from agent.store.paths import Paths
from agent.store.settings_file import SettingsFile
from agent.translation import _

log = logging.getLogger(__name__)

LIMIT = 15.0
"""Seconds for one check. They run side by side, so this bounds the whole report as well."""

WIDTH = 76
"""Of the lines of advice, in characters."""

CheckFunction: TypeAlias = Callable[[], Finding]


@dataclass(frozen=True, slots=True)
class Check:
    """``ok`` None: it works in part, or was not looked at.

    ``advice`` says what to do (empty: nothing).
    """

    name: str
    ok: bool | None
    detail: str
    advice: str = ""


def examine(paths: Paths, *, limit: float = LIMIT) -> list[Check]:
    """Read the settings and look at everything; blocks at most about ``limit`` seconds.

    Never raises. Writes nothing but the user's folders and the default settings where they are
    missing.
    """
    settings, problem = SettingsFile(paths).load_or_last_good()
    return run_checks(paths, settings, problem=problem, limit=limit)


def run_checks(
    paths: Paths,
    settings: Settings,
    *,
    problem: AgentError | None = None,
    limit: float = LIMIT,
) -> list[Check]:
    """Look at everything under these settings.

    ``problem`` is what reading them brought up. The one frame that the camera gives is looked at in
    memory and forgotten.
    """
    return run(
        [
            ("system", checks.system),
            ("folders", lambda: checks.folders(paths)),
            ("settings", lambda: checks.settings_file(paths, problem, settings)),
            ("history", lambda: checks.history(paths)),
            ("model", lambda: checks.model(settings)),
            ("finder", lambda: checks.finder(settings)),
            ("camera", lambda: checks.camera(paths, settings)),
            ("tray", checks.tray),
            ("notifications", lambda: checks.notifications(settings)),
            ("sound", checks.sound),
            ("music", lambda: checks.music(paths, settings)),
            ("player", lambda: checks.player(paths, settings)),
            ("autostart", checks.autostart),
        ],
        limit=limit,
    )


def run(functions: Sequence[tuple[str, CheckFunction]], *, limit: float) -> list[Check]:
    """Run the checks side by side.

    One result for each name, in order, after ``limit`` seconds at the latest.
    """
    results: dict[str, Check] = {}

    def work(name: str, function: CheckFunction) -> None:
        results[name] = _guarded(name, function)

    threads = [
        # Daemons: a check that hangs in foreign code must not keep the program alive.
        threading.Thread(target=work, args=pair, name=f"doctor-{pair[0]}", daemon=True)
        for pair in functions
    ]
    for thread in threads:
        thread.start()
    end = time.monotonic() + limit
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return [results.get(name) or _no_answer(name, limit) for name, _rest in functions]


def as_dict(results: Sequence[Check]) -> dict[str, Any]:
    """Give the report as plain values, for ``--json`` and the bundle of a bug report.

    ``ok`` is False when one check failed; one that works in part does not count.
    """
    return {
        "version": agent.__version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "ok": all(check.ok is not False for check in results),
        "checks": [asdict(check) for check in results],
    }


def as_text(results: Sequence[Check]) -> str:
    """Write the report for people, with rich's markup: one line a check, advice below it."""
    signs = {True: "[green]    ok[/]", False: _("[bold red]FAILED[/]"), None: "[yellow]  note[/]"}
    told: list[str] = []
    for check in results:
        told.append(f"{signs[check.ok]}  [bold]{check.name:<13}[/]  {escape(check.detail)}")
        for line in check.advice.splitlines():
            told += [f"{'':23}{escape(part)}" for part in textwrap.wrap(line, WIDTH)]
    failed = sum(check.ok is False for check in results)
    told.append("")
    told.append(
        _("{failed} of {n} checks failed.").format(failed=failed, n=len(results))
        if failed
        else _("Nothing has failed.")
    )
    return "\n".join(told)


def _guarded(name: str, function: CheckFunction) -> Check:
    try:
        return Check(name, *function())
    except AgentError as error:
        return Check(name, False, error.title, error.message)
    except Exception as error:  # a check that breaks is a finding too
        log.exception("the check %s broke", name)
        return Check(
            name,
            False,
            _("the check itself broke ({name}: {error})").format(
                name=type(error).__name__, error=error
            ),
            _("Please report this; 'moodtray doctor --bundle' gathers what helps to find it."),
        )


def _no_answer(name: str, limit: float) -> Check:
    return Check(
        name,
        False,
        _("no answer within {limit:.0f} seconds").format(limit=limit),
        _("Something hangs: a driver, a device or a service. Try again after logging in anew."),
    )
