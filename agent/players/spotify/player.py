"""Spotify as :class:`agent.ports.Player`: reads, starts, pauses, and finds the right device."""

from __future__ import annotations

import logging
from dataclasses import replace

from agent.errors import (
    DeviceRestricted,
    NeedsLogin,
    NoDevice,
    Offline,
    PlayerError,
    PlaylistGone,
    RateLimited,
    ServiceDown,
    WhichDevice,
)
from agent.players.polling import Budget
from agent.players.spotify.api_errors import (
    AlreadySo,
    device_restricted,
    no_device,
    playlist_gone,
)
from agent.players.spotify.cache import DisplayCache
from agent.players.spotify.client import SpotifyClient
from agent.players.spotify.login import TokenKeeper
from agent.players.spotify.parsing import ConnectDevice, Reading
from agent.players.spotify.playlists import canonical, kind_of, playlist_id
from agent.players.spotify.rate_limit import Ledger
from agent.players.spotify.start_request import Start, not_startable, start_of
from agent.ports import Clock
from agent.translation import _
from agent.types import Playback, Playlist, PlayState

log = logging.getLogger(__name__)

PROOFS = 8
"""So many readings after a start tell whether it took effect: they are part of the command."""
SPOTIFYS_OWN = "37i9dQ"
"""Playlists made by Spotify itself begin so; apps may not look at them, but may play them."""


class SpotifyPlayer:
    """Plays through Spotify Connect. The player's thread only.

    No command is repeated by itself, except after a refusal that is known to mean "not done": a
    device id that died, or one of the passing faults of the session.
    """

    name = "Spotify"

    def __init__(
        self,
        client: SpotifyClient,
        keeper: TokenKeeper,
        ledger: Ledger,
        cache: DisplayCache,
        clock: Clock,
        *,
        shuffle: bool = False,
    ) -> None:
        self._client = client
        self._keeper = keeper
        self._ledger = ledger
        self._cache = cache
        self._clock = clock
        self._shuffle = shuffle
        self._shuffled: bool | None = None  # as the latest reading said
        self._users_shuffle: bool | None = None  # as it was before our latest start
        self._started: str | None = None  # what that was
        self._proofs = 0

    # -- the port

    def playback(self) -> Playback:
        """Read what plays, by one request. 204 reads as UNAVAILABLE: no device is awake."""
        if not self._proofs:
            return self._named(self._read().playback)
        self._proofs -= 1
        with self._client.commanding():
            return self._named(self._read().playback)

    def play(self, playlist: Playlist) -> None:
        """Start ``playlist`` on the user's device.

        The active one, else the one used last, else the only one. With a place it is what the user
        listened to, and begins there, shuffled as it was.

        Raises NoDevice, DeviceRestricted, PlaylistGone, and what the session raises. Whether the
        music started is for the caller to read: Spotify's answer to a command promises nothing.
        """
        what = start_of(playlist)
        with self._client.commanding():
            if what.is_playlist and playlist.place is None:  # else it was just heard
                self.look_up(what.uri, playlist.name)
            device = self._choose()
            try:
                self._start(what, device, playlist)
            except NoDevice:
                # The id died between two requests: ask for the present ones, once.
                device = self._choose()
                self._start(what, device, playlist)
        self._proofs = PROOFS
        self._cache.remember_device(device.name, device.type)

    def ready(self) -> bool:
        """Tell whether there is a device that :meth:`play` would take."""
        try:
            self._choose()
        except (NoDevice, DeviceRestricted):
            return False
        return True

    def pause(self) -> None:
        """Pause; pausing what is silent already is no error."""
        with self._client.commanding():
            try:
                self._client.pause()
            except NoDevice:
                return  # nothing is awake, so nothing plays
            except AlreadySo as error:
                if self._read().playback.state is PlayState.PLAYING:
                    raise self._refusal(error) from error

    def resume(self) -> None:
        """Play on; resuming what plays already is no error."""
        with self._client.commanding():
            try:
                self._client.resume()
            except NoDevice:
                self._client.resume(self._choose().id)
            except AlreadySo as error:
                if self._read().playback.state is not PlayState.PLAYING:
                    raise self._refusal(error) from error

    def next_track(self) -> None:
        """Where nothing is awake there is no next track."""
        with self._client.commanding():
            self._client.next_track()

    def close(self) -> None:
        """End the connections and write the count of requests down."""
        self._client.close()
        self._keeper.close()
        self._ledger.flush()

    # -- beside the port

    def check(self, text: str) -> Playlist:
        """Look up what the user entered; returns the playlist, its name and cover kept.

        Raises SettingsError (no playlist at all), PlaylistGone, and what the session raises.
        """
        uri = canonical(text)
        identity = playlist_id(uri)
        if identity is None:  # nothing else can be asked for by its name
            return Playlist(uri, kind_of(uri))
        info = self._client.playlist(identity)
        self._cache.remember(uri, info.name, info.cover)
        return Playlist(uri, info.name)

    def look_up(self, uri: str, name: str) -> None:
        """Look whether it is still there, at most once a day; what is found is kept.

        Raises PlaylistGone, and what keeps every request from getting through. Other trouble with
        asking does not keep from playing: the playlist is then looked up again another time.
        """
        if self._cache.is_recent(uri):
            if self._cache.is_gone(uri):
                raise playlist_gone(name)
            return
        try:
            self.check(uri)
        except PlaylistGone as error:
            if (playlist_id(uri) or "").startswith(SPOTIFYS_OWN):
                self._cache.remember(uri, self._cache.name(uri), None)
                return
            self._cache.mark_gone(uri)
            raise playlist_gone(name) from error
        except (NeedsLogin, RateLimited, Offline, ServiceDown):
            raise  # nothing else would get through either
        except PlayerError as error:
            log.info("the playlist could not be looked up: %s", error)

    def budget(self) -> Budget:
        """Return the day's requests: allowed, used, and when the count begins anew."""
        return Budget(self._ledger.daily_budget, self._ledger.today, self._ledger.resets_in)

    # -- inside

    def _read(self) -> Reading:
        reading = self._client.player()
        self._shuffled = reading.shuffle
        device = reading.device
        if device is not None and reading.playback.state is PlayState.PLAYING:
            self._cache.remember_device(device.name, device.type)
        return reading

    def _named(self, playback: Playback) -> Playback:
        if playback.context is None:
            return playback
        return replace(playback, context_name=self._cache.name(playback.context))

    def _choose(self) -> ConnectDevice:
        devices = self._client.devices()
        active = next((device for device in devices if device.active), None)
        if active is not None:
            if not active.usable:
                raise device_restricted(active.name)
            return active
        usable = [device for device in devices if device.usable]
        last = self._cache.device
        for device in usable:
            if (device.name, device.type) == last:
                return device
        if len(usable) == 1:
            return usable[0]
        if usable:
            names = ", ".join(device.name for device in usable)
            raise WhichDevice(
                _(
                    "Spotify is open on several devices ({names}), and none of "
                    "them plays. Play something on the one that you want, which Moodtray "
                    "remembers, and ask for music again."
                ).format(names=names)
            )
        if devices:
            raise device_restricted(devices[0].name)
        raise no_device()

    def _start(self, what: Start, device: ConnectDevice, playlist: Playlist) -> None:
        assert device.id is not None  # _choose gives usable devices only
        way_back = playlist.place is not None
        shuffle = self._users_shuffle if way_back else self._shuffle
        if not way_back and self._started != what.uri:  # not its second try
            self._users_shuffle, self._started = self._shuffled, what.uri
        # Shuffled beforehand, the first track differs each time; a sleeping device takes the
        # command only once it plays.
        if device.active and shuffle is not None and self._shuffled != shuffle:
            self._set_shuffle(shuffle, device.id)
        try:
            self._send(what, device.id)
        except PlaylistGone as error:
            if not what.is_playlist:
                refusal = not_startable(playlist.name)
                if playlist.place is None:  # an album of a mood: the next one has its turn
                    raise PlaylistGone(refusal.message, title=refusal.title) from error
                raise refusal from error
            self._cache.mark_gone(what.uri)
            raise playlist_gone(playlist.name) from error
        except AlreadySo as error:
            now = self._read().playback
            if now.state is not PlayState.PLAYING or not now.shows(what.uri):
                raise device_restricted(device.name) from error
        if not device.active and shuffle is not None:
            self._set_shuffle(shuffle, device.id)

    def _send(self, what: Start, device_id: str) -> None:
        try:
            self._client.start(what, device_id)
        except PlaylistGone:
            if not what.has_place:
                raise
            # Perhaps only the track is gone from it.
            self._client.start(what.from_the_beginning(), device_id)

    def _set_shuffle(self, wanted: bool, device_id: str) -> None:
        """Try to set the shuffle; its failure is no reason not to play."""
        try:
            self._client.shuffle(wanted, device_id)
            self._shuffled = wanted
        except PlayerError as error:
            log.info("shuffle was not set: %s", error)

    def _refusal(self, error: AlreadySo) -> PlayerError:
        last = self._cache.device
        return device_restricted(last[0] if last else _("The present device"))
