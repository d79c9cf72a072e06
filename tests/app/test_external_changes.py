"""What other programs change is noticed: the settings file, the consent, the login,
the autostart."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent import events
from agent.app.external_changes import ExternalChanges
from agent.desktop import consent
from agent.desktop.autostart.base import AutostartStatus
from agent.errors import AgentError, StoreError
from agent.store.paths import Paths
from agent.store.settings_file import SettingsFile
from tests.fakes.clock import FakeClock


class Around:
    """A lookout and what it says."""

    def __init__(self, folder: Path, *, needs_consent: bool = True) -> None:
        self.paths = Paths.below(folder)
        self.paths.ensure()
        self.file = SettingsFile(self.paths)
        self.file.load()
        self.events: list[events.Event] = []
        self.problems: list[AgentError] = []
        self.consent = False
        self.autostart: bool | None = None
        self.music_looks = 0
        self.music_error: AgentError | None = None
        self.lookout = ExternalChanges(
            self.paths,
            self.file,
            consent=(lambda: self.consent) if needs_consent else None,
            music=self._look_at_music,
            autostart=lambda: self.autostart,
            report=self.events.append,
            tell_problem=self.problems.append,
        )

    def _look_at_music(self) -> None:
        self.music_looks += 1
        if self.music_error is not None:
            raise self.music_error


@pytest.fixture
def around(tmp_path: Path) -> Around:
    return Around(tmp_path)


def test_nothing_new_says_nothing(around: Around) -> None:
    around.lookout.look()
    assert around.events == []
    assert around.music_looks == 1


def test_a_changed_settings_file_and_a_mistake_in_it(around: Around) -> None:
    around.paths.settings_file.write_text("version = 1\n[policy]\ncooldown = 7.5\n")
    around.lookout.look()
    (changed,) = around.events
    assert isinstance(changed, events.SettingsChanged)
    assert changed.settings.policy.cooldown == 7.5
    around.paths.settings_file.write_text("version = 1\n[policy]\ncooldown = 'soon or later'\n")
    around.lookout.look()
    broken = around.events[1]
    assert isinstance(broken, events.SettingsBroken)
    assert broken.asked


def test_autostart_switched_by_a_command(around: Around, monkeypatch: pytest.MonkeyPatch) -> None:
    class Entry:
        def status(self) -> AutostartStatus:
            return AutostartStatus(True)

    monkeypatch.setattr("agent.desktop.autostart.autostart", Entry)
    around.lookout.look()
    assert around.events == [], "where it is not shown, nobody asks"
    around.autostart = False
    around.lookout.look()
    assert around.events == [events.AutostartChanged(True)]
    around.autostart = True
    around.lookout.look()
    assert len(around.events) == 1


def test_consent_given_and_taken_back_by_a_command(around: Around) -> None:
    consent.give(around.paths, FakeClock().now())
    around.lookout.look()
    assert around.events == [events.ConsentGiven()]
    around.consent = True
    around.lookout.look()
    consent.withdraw(around.paths)
    around.lookout.look()
    assert around.events == [events.ConsentGiven(), events.ConsentWithdrawn()]


def test_a_camera_that_needs_no_consent_is_not_asked_about(tmp_path: Path) -> None:
    around = Around(tmp_path, needs_consent=False)
    consent.give(around.paths, FakeClock().now())
    around.lookout.look()
    assert around.events == []


def test_trouble_with_one_is_told_and_keeps_no_other_from_its_look(around: Around) -> None:
    around.music_error = StoreError("The login cannot be read.")
    consent.give(around.paths, FakeClock().now())
    around.lookout.look()
    assert around.problems == [around.music_error]
    assert around.events == [events.ConsentGiven()]
