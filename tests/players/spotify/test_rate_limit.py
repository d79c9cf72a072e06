"""Counting requests and keeping still while Spotify asks for it."""

from __future__ import annotations

import contextlib
import json
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.errors import PlayerError, QuotaExceeded, RateLimited
from agent.events import Event, PlayerFailed, PlayerRecovered, PlaylistStarted
from agent.players.backend import PlayerBackend, ReadingsSpent
from agent.players.player_worker import PlayerWorker
from agent.players.spotify.api_errors import DEFAULT_QUOTA_WAIT, DEFAULT_WAIT, wait_of
from agent.players.spotify.rate_limit import LONGEST_WAIT, Ledger
from agent.store.jsonfile import JsonFile
from agent.types import Playlist
from tests.fakes.clock import FakeClock
from tests.players.spotify.conftest import SpotifyHarness

STEPS = st.one_of(
    st.tuples(
        st.just("pass"), st.sampled_from([0.8318591428, 1.0, 9.0, 10.0, 60.0, 3600.0, 50_000.0])
    ),
    st.tuples(st.just("do"), st.sampled_from(["read", "play", "pause", "resume", "check"])),
    st.tuples(st.just("ban"), st.sampled_from([1.0, 10.0, 3600.0, 46_800.0])),
    st.tuples(st.just("quota"), st.sampled_from([10.0, 46_800.0])),
    st.tuples(st.just("restart"), st.just(0.0)),
    st.tuples(st.just("fault"), st.sampled_from(["401", "drop", "503", "premium"])),
)


def do(spotify: SpotifyHarness, call: str, uri: str) -> None:
    if call == "play":
        spotify.player.play(Playlist(uri, "happy"))
    elif call == "check":
        spotify.player.check(uri)
    else:
        {
            "read": spotify.player.playback,
            "pause": spotify.player.pause,
            "resume": spotify.player.resume,
        }[call]()


def test_a_wait_lasts_up_to_the_next_whole_second(tmp_path: Path) -> None:
    """A clock's time is finer than a date: rounded down, the next request came too early."""
    clock = FakeClock()
    clock.advance(977.831859142858)
    ledger = Ledger(JsonFile(tmp_path / "limits.json"), clock, 100)
    until = ledger.block(900, quota=False).until
    wait = (until - clock.now()).total_seconds()
    assert 900.0 < wait < 901.0
    assert until.microsecond == 0


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEPS, max_size=25))
def test_no_request_goes_out_during_retry_after(
    monkeypatch: pytest.MonkeyPatch, steps: list[tuple[str, object]]
) -> None:
    monkeypatch.setattr("os.fsync", lambda _: None)
    with tempfile.TemporaryDirectory() as folder:
        spotify = SpotifyHarness(Path(folder))
        spotify.log_in()
        spotify.world.user.play("sad")
        happy = spotify.world.catalogue["happy"].uri
        for step, value in steps:
            if step == "pass":
                spotify.clock.advance(float(str(value)))
            elif step == "restart":
                spotify.restart()
            elif step in ("ban", "quota"):
                kind = "rate" if step == "ban" else "quota"
                spotify.world.trouble(kind, seconds=float(str(value)))
            elif step == "fault":
                spotify.world.trouble(str(value))
            else:
                with contextlib.suppress(PlayerError):
                    do(spotify, str(value), happy)
        assert [sent for sent in spotify.world.sent if sent.banned] == []
        assert spotify.world.violations == []


@pytest.mark.parametrize(
    ("header", "quota", "seconds"),
    [
        ("17", False, 17.0),
        ("46800", True, 46_800.0),
        ("1.5", False, 1.5),
        ("0", False, 0.0),
        ("Sun, 22 Nov 2026 09:01:00 GMT", False, 60.0),
        (None, False, DEFAULT_WAIT),
        (None, True, DEFAULT_QUOTA_WAIT),
        ("soon", False, DEFAULT_WAIT),
        ("-5", False, DEFAULT_WAIT),
        ("nan", False, DEFAULT_WAIT),
        ("inf", True, DEFAULT_QUOTA_WAIT),
    ],
)
def test_retry_after(header: str | None, quota: bool, seconds: float) -> None:
    assert wait_of(header, quota=quota, now=FakeClock().now()) == seconds


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ledger(tmp_path: Path, clock: FakeClock) -> Ledger:
    return Ledger(JsonFile(tmp_path / "limits.json"), clock, 100)


def again(ledger: Ledger, tmp_path: Path, clock: FakeClock) -> Ledger:
    ledger.flush()
    return Ledger(JsonFile(tmp_path / "limits.json"), clock, 100)


def test_requests_are_counted_by_the_day_and_across_restarts(
    ledger: Ledger, tmp_path: Path, clock: FakeClock
) -> None:
    for _ in range(7):
        ledger.count()
    ledger = again(ledger, tmp_path, clock)
    assert ledger.today == 7
    ledger.count()
    assert ledger.today == 8
    clock.advance(ledger.resets_in - 1)
    assert ledger.today == 8
    clock.advance(1)
    assert ledger.today == 0
    ledger.count()
    assert again(ledger, tmp_path, clock).today == 1


def test_two_processes_count_into_one_file(tmp_path: Path, clock: FakeClock) -> None:
    file = tmp_path / "limits.json"
    one, other = (Ledger(JsonFile(file), clock, 100) for _ in range(2))
    for _ in range(11):
        one.count()
    one.flush()
    assert other.today == 11
    other.block(60, quota=False)
    with pytest.raises(RateLimited):
        one.check()


def test_the_budget_keeps_a_reserve_for_commands(ledger: Ledger, clock: FakeClock) -> None:
    for _ in range(95):
        ledger.check()
        ledger.count()
    with pytest.raises(QuotaExceeded, match="used its 100 requests") as caught:
        ledger.check()
    assert caught.value.until.isoformat() == "2026-11-23T00:00:00+00:00"
    for _ in range(5):
        ledger.check(command=True)
        ledger.count()
    with pytest.raises(QuotaExceeded):
        ledger.check(command=True)
    clock.advance(ledger.resets_in)
    ledger.check()


def test_a_command_may_use_the_reserve_for_all_its_requests(tmp_path: Path) -> None:
    spotify = SpotifyHarness(tmp_path, budget=100)
    spotify.log_in()
    spotify.world.user.play("sad")
    happy = Playlist(spotify.world.catalogue["happy"].uri, "happy")
    while spotify.ledger.today < 95:
        spotify.player.playback()
    events: list[Event] = []
    worker = PlayerWorker(PlayerBackend.remote(spotify.player), events.append, spotify.clock)
    worker.step()
    refused = [event for event in events if isinstance(event, PlayerFailed)]
    assert [type(event.error) for event in refused] == [ReadingsSpent]
    worker.play(happy, asked=True)
    for _ in range(6):
        spotify.clock.advance(worker.step() or 0.0)
    assert spotify.world.sent[-1].path == "/v1/me/player"  # the proof
    assert len([event for event in events if isinstance(event, PlaylistStarted)]) == 1
    assert not [event for event in events if isinstance(event, PlayerRecovered)]
    used = spotify.ledger.today
    assert 95 < used <= 100
    worker.play(happy)  # nobody asked: without a reading it may be against the user's wish
    worker.step()
    spotify.clock.advance(600.0)
    worker.step()
    assert spotify.ledger.today == used


def test_a_shorter_wait_does_not_shorten_a_longer_one(ledger: Ledger, clock: FakeClock) -> None:
    first = ledger.block(3600, quota=True)
    second = ledger.block(10, quota=False)
    assert isinstance(second, QuotaExceeded)
    assert second.until == first.until == clock.now() + timedelta(hours=1)
    assert ledger.blocked_until == first.until
    clock.advance(3600)
    assert ledger.blocked_until is None
    ledger.check()


def test_an_absurd_wait_is_cut(ledger: Ledger, clock: FakeClock) -> None:
    assert ledger.block(1e300, quota=False).until == clock.now() + LONGEST_WAIT


def test_a_far_tomorrow_gives_the_day_of_the_week(ledger: Ledger) -> None:
    assert "goes on at 09:01" in ledger.block(60, quota=False).message
    assert "goes on at Mon 23 Nov, 22:00" in ledger.block(37 * 3600, quota=True).message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        "[]",
        '{"requests": "many"}',
        '{"day": 5, "wait_until": "soon"}',
        '{"wait_until": "2036-01-01T00:00:00+00:00"}',  # written while the clock was wrong
        '{"day": "2026-11-22", "requests": -4}',
    ],
)
def test_a_damaged_file_stops_nothing(
    ledger: Ledger, tmp_path: Path, clock: FakeClock, text: str
) -> None:
    (tmp_path / "limits.json").write_text(text)
    ledger.check()
    ledger.count()
    assert ledger.today == 1


def test_a_wait_without_a_zone_is_taken_as_local(tmp_path: Path, clock: FakeClock) -> None:
    local = (clock.now() + timedelta(minutes=5)).astimezone().replace(tzinfo=None)
    (tmp_path / "limits.json").write_text(json.dumps({"wait_until": local.isoformat()}))
    assert Ledger(JsonFile(tmp_path / "limits.json"), clock, 100).blocked_until is not None


def test_a_full_disk_costs_only_the_memory_of_a_restart(tmp_path: Path, clock: FakeClock) -> None:
    from agent.errors import StoreError

    class Full(JsonFile):
        def save(self, value: dict[str, object]) -> None:
            raise StoreError("the disk is full")

    ledger = Ledger(Full(tmp_path / "limits.json"), clock, 100)
    ledger.count()
    ledger.block(60, quota=False)
    assert ledger.today == 1
    with pytest.raises(RateLimited):
        ledger.check()
