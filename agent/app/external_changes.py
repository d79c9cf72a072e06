"""What other programs may have changed while the agent runs: settings, consent, login, autostart.

An editor writes the settings, 'moodtray consent' gives or takes the consent, 'moodtray login' and
'logout' change the account, 'moodtray autostart' and 'uninstall' the start at login. None of them
can tell the agent; it looks, every other second.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable

from agent import events
from agent.desktop import consent
from agent.errors import AgentError
from agent.ports import Report
from agent.settings import Settings
from agent.store.paths import Paths
from agent.store.settings_file import SettingsFile

log = logging.getLogger(__name__)


class ExternalChanges:
    """Looks whether settings, consent, login or autostart were changed by other programs.

    In the controller's thread; some ``stat`` calls while nothing changes.
    """

    def __init__(
        self,
        paths: Paths,
        settings_file: SettingsFile | None,
        *,
        consent: Callable[[], bool] | None,
        music: Callable[[], None],
        autostart: Callable[[], bool | None],
        report: Report,
        tell_problem: Callable[[AgentError], None],
    ) -> None:
        """Look at the settings file, the consent and, by ``music``, the login.

        ``settings_file`` None: these settings come from nowhere. ``consent``: what the agent takes
        for given now; None: its camera needs none. ``autostart``: what it takes for so; None: it is
        not shown.
        """
        self._paths = paths
        self._settings_file = settings_file
        self._consent = consent
        self._music = music
        self._autostart = autostart
        self._report = report
        self._tell_problem = tell_problem

    def look(self) -> None:
        """Report what has changed.

        A file that cannot be read is told, never raised, and keeps nothing else from being looked
        at.
        """
        for part in (
            self._look_at_settings,
            self._look_at_consent,
            self._music,
            self._look_at_autostart,
        ):
            try:
                part()
            except AgentError as error:
                self._tell_problem(error)

    def _look_at_settings(self) -> None:
        if self._settings_file is None:
            return
        found = self._settings_file.poll()
        if isinstance(found, Settings):
            self._report(events.SettingsChanged(found))
        elif found is not None:
            self._report(events.SettingsBroken(found, asked=True))

    def _look_at_consent(self) -> None:
        if self._consent is None:
            return
        given = consent.is_given(self._paths)
        if given != self._consent():
            self._report(events.ConsentGiven() if given else events.ConsentWithdrawn())

    def _look_at_autostart(self) -> None:
        known = self._autostart()
        if known is None:
            return
        from agent.desktop.autostart import autostart

        with contextlib.suppress(AgentError):  # told at the start, or when it is switched
            enabled = autostart().status().enabled
            if enabled != known:
                self._report(events.AutostartChanged(enabled))


def look_at_autostart(report: Report) -> None:
    """Report once, at the start, whether the autostart is on; mend an entry of a moved program."""
    from agent.desktop.autostart import autostart

    try:
        entry = autostart()
        entry.renew()
        report(events.AutostartChanged(entry.status().enabled))
    except AgentError as error:
        log.warning("autostart: %s", error)
