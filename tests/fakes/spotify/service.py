"""The service without a network: a request in, a reply out. The server and the in-process
transport stand in front of it."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl

from tests.fakes.spotify import trouble
from tests.fakes.spotify.accounts import AccountsService
from tests.fakes.spotify.catalogue import Track
from tests.fakes.spotify.contract import contract
from tests.fakes.spotify.world import FakeDevice, Sent, World

CONTEXTS = r"spotify:(playlist|album|artist|show):\w{22}|spotify:user:\w+:collection"


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)  # lower-case names
    body: bytes = b""

    def json(self) -> dict[str, object] | None:
        try:
            value = json.loads(self.body) if self.body else None
        except ValueError:
            return None
        return value if isinstance(value, dict) else None

    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclass
class Reply:
    """``drop``: "before" closes the connection without an answer, "midway" within it."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drop: str = ""


def json_reply(status: int, value: object, **headers: str) -> Reply:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Reply(status, json.dumps(value).encode(), {"content-type": "application/json", **named})


def error(status: int, message: str, reason: str | None = None, **headers: str) -> Reply:
    told: dict[str, object] = {"status": status, "message": message}
    if reason is not None:
        told["reason"] = reason
    return json_reply(status, {"error": told}, **headers)


class Service:
    """The API under ``/v1`` and the accounts service. Any thread."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.accounts = AccountsService(world)
        self.lock = threading.RLock()
        self._contract = contract()
        self.hold_every = 1
        """One request in so many is held to the contract; more than 1 for long simulations."""

    def handle(self, request: Request) -> Reply:
        with self.lock:
            return self._handle(request)

    def _handle(self, request: Request) -> Reply:
        world = self.world
        banned = world.now < world.banned_until - 1e-5  # finer than any wall clock can tell
        sent = Sent(
            world.now, request.method, request.path, dict(request.query), request.json(), banned
        )
        world.sent.append(sent)
        met = world.take_trouble(request.method, request.path)
        sent.spoiled = met is not None
        reply = trouble.instead_of(met, world) if met is not None else None
        if reply is None:
            reply = self._route(request)
            if met is not None:
                reply = trouble.spoil(met, reply)
        sent.status = reply.status
        return reply

    def _route(self, request: Request) -> Reply:
        if request.path in ("/authorize", "/authorize/decide", "/api/token"):
            return self.accounts.handle(request)
        if not request.path.startswith("/v1/"):
            return error(404, "Service not found")
        world = self.world
        held = self._contract if len(world.sent) % self.hold_every == 0 else None
        if held is not None:
            world.violations += held.check_request(request)
        reply = self._limited() or self._unauthorized(request) or self._api(request)
        if held is not None:
            world.violations += held.check_reply(request, reply)
        return reply

    def _limited(self) -> Reply | None:
        world = self.world
        over = world.over_limit()
        if over is not None:
            return trouble.too_many(world, over[0], over[1])
        if world.now < world.banned_until:
            return trouble.too_many(world, "rate", world.banned_until - world.now)
        return None

    def _unauthorized(self, request: Request) -> Reply | None:
        header = request.headers.get("authorization", "")
        if not header.startswith("Bearer "):
            return error(401, "No token provided")
        problem = self.accounts.problem_with(header.removeprefix("Bearer "))
        return None if problem is None else error(401, problem)

    def _api(self, request: Request) -> Reply:
        call = (request.method, request.path.removeprefix("/v1"))
        playlist = re.fullmatch(r"/playlists/([^/]+)", call[1])
        if playlist is not None and request.method == "GET":
            return self._playlist(playlist.group(1), request.query.get("fields"))
        reads = {"/me": self._me, "/me/player": self._player, "/me/player/devices": self._devices}
        if request.method == "GET" and call[1] == "/me/playlists":
            return self._my_playlists(request)
        if request.method == "GET" and call[1] in reads:
            return reads[call[1]]()
        if call[1].startswith("/me/player/"):
            return self._command(call, request)
        return error(404, "Service not found")

    # -- reading

    def _me(self) -> Reply:
        return json_reply(
            200, {"display_name": "Sam", "id": "sam", "type": "user", "uri": "spotify:user:sam"}
        )

    def _player(self) -> Reply:
        seen = self.world.seen()
        device = self.world.device(seen.device) if seen is not None else None
        if seen is None or device is None:
            return Reply(204)
        context = None
        if seen.context is not None:
            kind, identity = seen.context.split(":")[-2:]
            kind = "collection" if identity == "collection" else kind
            context = {
                "type": kind,
                "href": f"https://api.spotify.com/v1/{kind}s/{identity}",
                "external_urls": {},
                "uri": seen.context,
            }
        track = seen.track
        return json_reply(
            200,
            {
                "device": _device_json(device, active=True),
                "repeat_state": seen.repeat,
                "shuffle_state": seen.shuffle,
                "context": context,
                "timestamp": 1_790_000_000_000,
                "progress_ms": int(seen.progress * 1000) if track is not None else None,
                "is_playing": seen.playing,
                "item": track.to_json() if track is not None else None,
                "currently_playing_type": "track" if track is not None else "unknown",
                "actions": {"disallows": {}},
            },
        )

    def _devices(self) -> Reply:
        active = self.world.active()
        return json_reply(
            200,
            {
                "devices": [
                    _device_json(device, active=device is active)
                    for device in self.world.devices
                    if device.online
                ]
            },
        )

    def _playlist(self, identity: str, fields: str | None) -> Reply:
        playlist = self.world.catalogue.playlists.get(identity)
        if playlist is None or playlist.deleted or playlist.hidden:
            return error(404, "Resource not found")
        value = playlist.to_json()
        if fields is not None:
            wanted = {part.split(".")[0].split("(")[0] for part in fields.split(",")}
            value = {name: part for name, part in value.items() if name in wanted}
        return json_reply(200, value)

    def _my_playlists(self, request: Request) -> Reply:
        limit, offset = int(request.query.get("limit", 20)), int(request.query.get("offset", 0))
        if not 1 <= limit <= 50 or offset < 0:
            return error(400, "Invalid limit")
        mine = [p for p in self.world.catalogue.playlists.values() if not (p.deleted or p.hidden)]
        mine = [p for p in mine if p.kind == "playlist"]
        href = "https://api.spotify.com/v1/me/playlists"
        more = offset + limit < len(mine)
        items = []
        for playlist in mine[offset : offset + limit]:
            value = playlist.to_json()
            value["description"] = ""
            value["items"] = {"href": f"{value['href']}/items", "total": len(playlist.tracks)}
            items.append(value)
        return json_reply(
            200,
            {
                "href": f"{href}?offset={offset}&limit={limit}",
                "items": items,
                "limit": limit,
                "next": f"{href}?offset={offset + limit}&limit={limit}" if more else None,
                "offset": offset,
                "previous": None,
                "total": len(mine),
            },
        )

    # -- commands

    def _command(self, call: tuple[str, str], request: Request) -> Reply:
        world = self.world
        if not world.premium:
            return error(403, "Player command failed: Premium required", "PREMIUM_REQUIRED")
        wanted = request.query.get("device_id")
        device = world.device_by_id(wanted) if wanted else world.active()
        if device is None:
            if wanted:
                return error(404, "Device not found")
            return error(404, "Player command failed: No active device found", "NO_ACTIVE_DEVICE")
        if device.restricted:
            return error(403, "Player command failed: Restriction violated", "UNKNOWN")
        state = world.truth()
        if call == ("PUT", "/me/player/play"):
            return self._play(request, device)
        if call == ("PUT", "/me/player/pause"):
            if not state.playing:
                return error(403, "Player command failed: Restriction violated", "UNKNOWN")
            world.set(replace(state, playing=False), lag=world.lag)
            return Reply(204)
        if call == ("POST", "/me/player/next"):
            if not state.tracks:
                return error(403, "Player command failed: Restriction violated", "UNKNOWN")
            following = (state.index + 1) % len(state.tracks)
            world.set(replace(state, playing=True, index=following, progress=0.0), lag=world.lag)
            return Reply(204)
        if call == ("PUT", "/me/player/shuffle"):
            if request.query.get("state") not in ("true", "false"):
                return error(400, "Invalid state")
            world.set(replace(state, shuffle=request.query["state"] == "true"), lag=world.lag)
            return Reply(204)
        return error(404, "Service not found")

    def _play(self, request: Request, device: FakeDevice) -> Reply:
        world = self.world
        uri = (request.json() or {}).get("context_uri")
        state = world.truth()
        begin = self._beginning(request)
        if isinstance(begin, Reply):
            return begin
        track, progress = begin
        if uri is None and track is not None:
            world.play_track(track, device, lag=world.lag, progress=progress)
            return Reply(204)
        if uri is None:
            if state.playing and state.device == device.name:
                return error(403, "Player command failed: Restriction violated", "UNKNOWN")
            world.set(replace(state, playing=bool(state.tracks), device=device.name), lag=world.lag)
            return Reply(204)
        if not isinstance(uri, str) or not re.fullmatch(CONTEXTS, uri):
            return error(400, "Invalid context uri")
        playlist = world.catalogue.by_uri(uri)
        if playlist is None or (playlist.kind == "collection" and not world.starts_liked_songs):
            return error(404, "Context not found")
        if track is not None and playlist.kind not in ("playlist", "album"):
            return error(400, f"Can't have offset for context type: {playlist.kind.upper()}")
        if track is not None and track not in playlist.tracks:
            return error(404, "Offset not found")
        world.play(playlist, device, lag=world.lag, begin=track, progress=progress)
        return Reply(204)

    def _beginning(self, request: Request) -> tuple[Track | None, float] | Reply:
        """The track to begin with, where one is named, and the seconds into it."""
        asked = request.json() or {}
        offset, uris, millis = asked.get("offset"), asked.get("uris"), asked.get("position_ms", 0)
        if not isinstance(millis, int) or millis < 0:
            return error(400, "Invalid position")
        uri = offset.get("uri") if isinstance(offset, dict) else None
        if isinstance(uris, list):
            uri = uris[0]
        if uri is None:
            return None, millis / 1000
        track = self.world.catalogue.track(str(uri))
        return (track, millis / 1000) if track is not None else error(404, "Track not found")


def _device_json(device: FakeDevice, *, active: bool) -> dict[str, object]:
    return {
        "id": device.id,
        "is_active": active,
        "is_private_session": False,
        "is_restricted": device.restricted,
        "name": device.name,
        "type": device.type,
        "volume_percent": 60 if device.supports_volume else None,
        "supports_volume": device.supports_volume,
    }
