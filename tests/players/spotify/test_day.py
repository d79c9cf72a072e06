"""A day of listening on a simulated clock: the real controller, worker, player and client against
the service, with a user who does as they like and a network that fails now and then."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from agent import effects, events
from agent.core.controller import Controller
from agent.errors import NeedsLogin
from agent.players.backend import PlayerBackend
from agent.players.player_worker import PlayerWorker
from agent.players.spotify.playlists import playlists_for
from agent.settings import Settings
from agent.types import EMOTIONS as SEVEN
from agent.types import CameraState, MoodState, Observation
from tests.fakes.spotify import EMOTIONS
from tests.fakes.spotify.world import Sent
from tests.players.spotify.conftest import SpotifyHarness

HOUR = 3600.0
DAY = 24 * HOUR
FAULTS = (
    "401", "premium", "rate", "500", "502", "503", "html", "broken json", "empty", "drop",
    "drop midway", "drop after", "slow", "hang", "no device", "device not found",
)  # fmt: skip
DEEDS = {"choose": 1, "pause": 2, "resume": 6, "skip": 3, "move": 2, "leave": 1, "restrict": 1}
SEED_POLLS_PER_HOUR = 1800
LOOK_EVERY = 10.0
OWN = ("dinner", "work", "party")
"""Playlists of the user that belong to no mood."""


@dataclass(frozen=True)
class Deed:
    """What the user did last that says something about what Moodtray may do."""

    time: float
    kind: str  # "nothing", "choose", "pause", "resume"


def look(mood: MoodState, time: float) -> Observation:
    """Show nothing but ``mood``. What the user says themselves would be a wish: it acts at once."""
    shown = tuple(0.94 if emotion == mood else 0.01 for emotion in SEVEN)
    return Observation(time, 1, shown)


class DayHarness:
    """Time jumps to whatever comes next: a mood, the user, trouble, the worker's next cycle."""

    def __init__(self, spotify: SpotifyHarness, seed: int) -> None:
        self.spotify = spotify
        self.clock = spotify.clock
        self.chance = random.Random(seed)
        self.done: Counter[str] = Counter()
        self.happened: Counter[str] = Counter()
        self.crashes: list[BaseException] = []
        self.against: list[str] = []
        self.deed = Deed(self.clock.monotonic(), "nothing")
        self.judged = 0
        self.log_in_at = float("inf")
        for name in OWN:
            spotify.world.catalogue.add(name, tracks=40)  # longer than hands off lasts
        spotify.world.lag = 1.5
        spotify.service.hold_every = 17
        settings = Settings(
            spotify_playlists={e: (spotify.world.catalogue[e].uri,) for e in EMOTIONS}  # type: ignore[misc]
        )
        self.hands_off = settings.policy.hands_off_minutes * 60
        self.controller = Controller(settings, self.clock)
        backend = PlayerBackend.remote(spotify.player, spotify.player.budget)
        self.worker = PlayerWorker(backend, self.report, self.clock)
        self.inbox: list[events.Event] = []
        self.carry_out(self.controller.begin())
        self.report(events.PlayerChanged("Spotify", playlists_for(settings, spotify.cache), True))
        self.report(events.CameraChanged(CameraState.ON))

    # -- the machinery

    def report(self, event: events.Event) -> None:
        self.inbox.append(event)
        self.happened[type(event).__name__] += 1
        if isinstance(event, events.WorkerCrashed):
            self.crashes.append(event.error)
        if isinstance(event, events.PlayerFailed) and isinstance(event.error, NeedsLogin):
            self.log_in_at = self.clock.monotonic() + 600

    def carry_out(self, wanted: list[effects.Effect]) -> None:
        for effect in wanted:
            match effect:
                case effects.Play(playlist, asked):
                    self.worker.play(playlist, asked=asked)
                case effects.PauseMusic():
                    self.worker.pause()
                case effects.ExpectTrackEnd(waiting):
                    self.worker.expect(waiting)
                case effects.ReadPlayer():
                    self.worker.read()
                case _:
                    pass

    def work_off(self) -> None:
        while self.inbox:
            self.carry_out(self.controller.handle(self.inbox.pop(0)))

    def run(self, seconds: float, *, disturbed: bool = True) -> None:
        clock, chance = self.clock, self.chance
        end = clock.monotonic() + seconds
        worker_at: float | None = clock.monotonic()
        mood_at = clock.monotonic() + 30
        mood: MoodState | None = None
        seen_at = mood_at
        user_at = clock.monotonic() + 120 if disturbed else float("inf")
        trouble_at = clock.monotonic() + 300 if disturbed else float("inf")
        while clock.monotonic() < end:
            self.work_off()
            if self.worker._wake.is_set():
                self.worker._wake.clear()
                worker_at = clock.monotonic()
            never = float("inf")
            look_at = self.controller.deadline or never
            worker_due = never if worker_at is None else worker_at
            now = min(
                worker_due, mood_at, seen_at, user_at, trouble_at, look_at, self.log_in_at, end
            )
            clock.advance(max(0.0, now - clock.monotonic()))
            now = clock.monotonic()
            if now >= user_at:
                self.user_acts()
                user_at = now + chance.expovariate(1 / 1200)
            if now >= mood_at:
                mood = MoodState(chance.choice(EMOTIONS))
                mood_at = now + chance.uniform(60, 1200)
            if now >= seen_at and mood is not None:
                self.report(events.Observed(look(mood, now)))
                seen_at = now + LOOK_EVERY
            if now >= trouble_at:
                self.trouble_comes()
                trouble_at = now + chance.expovariate(1 / 400)
            if now >= self.log_in_at:
                self.log_in_at = never
                self.spotify.log_in_again()
                self.worker.retry()
            if now >= look_at:
                self.carry_out(self.controller.tick())
            if worker_at is not None and now >= worker_at:
                wait = self.worker.step()
                worker_at = None if wait is None else clock.monotonic() + wait
            self.judge()

    # -- who disturbs

    def user_acts(self) -> None:
        world, chance = self.spotify.world, self.chance
        deed = chance.choices(list(DEEDS), list(DEEDS.values()))[0]
        self.done[deed] += 1
        truth = world.truth()
        if deed == "choose":
            for device in world.devices:
                device.online, device.restricted = True, False
            # Another one than before: nobody can see that the same was chosen again.
            now = truth.context
            world.user.play(chance.choice([p for p in OWN if world.catalogue[p].uri != now]))
            self.deed = Deed(self.clock.monotonic(), "choose")
        elif deed == "pause" and truth.playing:
            world.user.pause()
            self.deed = Deed(self.clock.monotonic(), "pause")
        elif deed == "resume" and truth.device is not None and not truth.playing:
            world.user.open(truth.device)
            world.user.resume()
            self.deed = Deed(self.clock.monotonic(), "resume")
        elif deed == "skip":
            world.user.skip()
        elif deed == "move" and world.active():
            world.user.move_to(chance.choice(["Desk", "Kitchen"]))
        elif deed == "leave" and truth.device is not None:
            world.user.close(truth.device)
        elif deed == "restrict":
            chance.choice(world.devices).restricted = chance.random() < 0.5
        world.new_device_ids() if chance.random() < 0.2 else None

    def trouble_comes(self) -> None:
        kind = self.chance.choice((*FAULTS, "unplugged", "expired", "revoked"))
        self.done[kind] += 1
        if kind == "unplugged":
            self.spotify.transport.unplugged = not self.spotify.transport.unplugged
        elif kind == "expired":
            self.spotify.accounts.expire_access()
        elif kind == "revoked":
            if self.chance.random() < 0.2:
                self.spotify.accounts.revoke()
        else:
            times = 1 if kind in ("401", "premium") else self.chance.choice([1, 1, 2, 5])
            seconds = self.chance.choice([5, 60, 900])
            path = self.chance.choice(["", "/v1/me/player", "/v1/me/player/play", "/api/token"])
            self.spotify.world.trouble(kind, path=path, times=times, seconds=seconds)
        if self.chance.random() < 0.5:
            self.spotify.transport.unplugged = False
            self.spotify.world.troubles.clear()

    # -- what must never happen

    def judge(self) -> None:
        """A command is against the user's hand when Moodtray had read the player since the user
        acted, and the user's deed forbids it."""
        new = self.spotify.world.sent[self.judged :]
        self.judged = len(self.spotify.world.sent)
        for sent in new:
            if sent.method == "PUT" and sent.path == "/v1/me/player/play":
                self.happened["play sent"] += 1
                since = sent.time - self.deed.time
                forbidden = self.deed.kind in ("pause", "nothing") or (
                    self.deed.kind == "choose" and since < self.hands_off
                )
                if forbidden and (self.knew(sent) or since > 30):
                    self.against.append(f"{self.deed.kind} {since:.1f} s before a start")
                elif not forbidden:
                    self.deed = Deed(sent.time, "ours")

    def knew(self, command: Sent) -> bool:
        return any(
            s.method == "GET"
            and s.path == "/v1/me/player"
            and s.status in (200, 204)
            and not s.spoiled
            and self.deed.time < s.time < command.time
            for s in self.spotify.world.sent[-200:]
        )


def test_a_day_of_listening_with_faults(spotify: SpotifyHarness) -> None:
    day = DayHarness(spotify, seed=12)
    used = 0
    for _ in range(24):
        before = len(spotify.world.sent)
        day.run(HOUR)
        used = max(used, len(spotify.world.sent) - before)
        assert day.crashes == []
        assert day.against == []
        assert [sent for sent in spotify.world.sent if sent.banned] == []
    assert len(spotify.world.sent) <= spotify.budget
    assert used <= SEED_POLLS_PER_HOUR / 4  # the worst hour, with every fault and command
    # The day was worth the name.
    assert day.happened["play sent"] > 10, day.happened
    assert day.happened["PlaylistStarted"] > 5, day.happened
    assert day.happened["PlayerFailed"] > 20, day.happened
    assert day.happened["PlayerRecovered"] > 10, day.happened
    assert len(day.done) > 20, day.done


def test_undisturbed_listening_keeps_to_an_eighth_of_the_seeds_requests(
    spotify: SpotifyHarness,
) -> None:
    day = DayHarness(spotify, 3)
    spotify.world.user.play("happy")
    day.deed = Deed(spotify.clock.monotonic(), "resume")
    day.run(4 * HOUR, disturbed=False)
    assert day.crashes == []
    assert day.happened["PlaylistStarted"] > 5
    assert len(spotify.world.sent) / 4 <= SEED_POLLS_PER_HOUR / 8


def test_a_hand_that_is_disregarded_would_be_noticed(
    spotify: SpotifyHarness, tmp_path: Path
) -> None:
    """The judge itself: a start asked for by nobody, after a pause that was read."""
    day = DayHarness(spotify, 4)
    spotify.world.user.play("happy")
    day.run(60, disturbed=False)
    spotify.world.user.pause()
    day.deed = Deed(spotify.clock.monotonic(), "pause")
    day.run(120, disturbed=False)
    assert day.against == []
    spotify.player.play(playlists_for(day.controller.settings, spotify.cache)[MoodState.SAD][0])
    day.judge()
    assert len(day.against) == 1
