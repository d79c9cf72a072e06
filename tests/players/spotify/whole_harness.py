"""Controller, worker and Spotify player in one process and on one clock, without disturbance."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from agent import effects, events
from agent.core.controller import Controller
from agent.players.backend import PlayerBackend
from agent.players.player_worker import PlayerWorker
from agent.players.spotify.playlists import playlists_for
from agent.settings import PolicySettings, Settings
from agent.types import MoodState, NotificationKind
from tests.fakes.spotify import EMOTIONS
from tests.players.spotify.conftest import SpotifyHarness

E = TypeVar("E")


class WholeHarness:
    """``effects`` is all that the controller wanted, ``events`` all that the worker told."""

    def __init__(
        self, spotify: SpotifyHarness, policy: PolicySettings | None = None, *, asked: bool = False
    ) -> None:
        self.spotify = spotify
        self.clock = spotify.clock
        self.effects: list[effects.Effect] = []
        self.events: list[events.Event] = []
        self._inbox: list[events.Event] = []
        self._plans: list[tuple[float, Callable[[], object]]] = []
        settings = Settings(
            policy=policy or PolicySettings(timing="now"),
            spotify_playlists={e: (spotify.world.catalogue[e].uri,) for e in EMOTIONS},  # type: ignore[misc]
        )
        self.controller = Controller(settings, self.clock, asked=asked)
        backend = PlayerBackend.remote(spotify.player, spotify.player.budget)
        self.worker = PlayerWorker(backend, self._report, self.clock)
        self._carry_out(self.controller.begin())
        self._report(events.PlayerChanged("Spotify", playlists_for(settings, spotify.cache), True))

    def send(self, event: events.Event) -> None:
        """As the user does."""
        self._inbox.append(event)

    def feel(self, mood: str) -> None:
        """Be in that mood from now on; nobody says so, which would be a wish for music."""
        controller = self.controller
        tracker, settings = controller._mood_tracker, controller.settings.mood
        self._carry_out(tracker.set_by_hand(MoodState(mood), 600, True, settings))
        self._carry_out(controller.tick())

    def after(self, seconds: float, deed: Callable[[], object]) -> None:
        """Somebody does it so many seconds from now, or as soon as the worker lets time pass."""
        self._plans.append((self.clock.monotonic() + seconds, deed))

    def run(self, seconds: float) -> None:
        clock, end = self.clock, self.clock.monotonic() + seconds
        worker_at: float | None = clock.monotonic()
        while True:
            while self._inbox:
                self._carry_out(self.controller.handle(self._inbox.pop(0)))
            if self.worker._wake.is_set():
                self.worker._wake.clear()
                worker_at = clock.monotonic()
            times = [end, *(time for time, _ in self._plans)]
            times += [time for time in (worker_at, self.controller.deadline) if time is not None]
            clock.advance(max(0.0, min(times) - clock.monotonic()))
            now = clock.monotonic()
            due = [plan for plan in self._plans if plan[0] <= now]
            self._plans = [plan for plan in self._plans if plan[0] > now]
            for _, deed in due:
                deed()
            deadline = self.controller.deadline
            if deadline is not None and now >= deadline:
                self._carry_out(self.controller.tick())
            if worker_at is not None and now >= worker_at:
                wait = self.worker.step()
                worker_at = None if wait is None else clock.monotonic() + wait
            if now >= end and not self._inbox:
                return

    def all(self, kind: type[E]) -> list[E]:
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def told(self, kind: NotificationKind) -> list[str]:
        """Titles of the notifications."""
        notes = [effect.notification for effect in self.all(effects.Notify)]
        return [note.title for note in notes if note.kind is kind]

    def plays(self, seed: str) -> bool:
        truth = self.spotify.world.truth()
        return truth.playing and truth.context == self.spotify.world.catalogue[seed].uri

    def starts(self) -> int:
        return len(self.spotify.world.calls("PUT", "/v1/me/player/play"))

    def _report(self, event: events.Event) -> None:
        self.events.append(event)
        self._inbox.append(event)

    def _carry_out(self, wanted: list[effects.Effect]) -> None:
        self.effects += wanted
        for effect in wanted:
            match effect:
                case effects.Play(playlist, asked):
                    self.worker.play(playlist, asked=asked)
                case effects.PauseMusic():
                    self.worker.pause()
                case effects.ResumeMusic():
                    self.worker.resume()
                case effects.ExpectTrackEnd(waiting):
                    self.worker.expect(waiting)
                case effects.ReadPlayer():
                    self.worker.read()
                case _:
                    pass
