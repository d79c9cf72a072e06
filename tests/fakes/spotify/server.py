"""The service as a FastAPI server, in a thread of its own, with a side door for tests."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import asdict
from types import TracebackType
from typing import Any

import uvicorn
from fastapi import Body, FastAPI
from fastapi import Request as HttpRequest
from fastapi.responses import JSONResponse
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from agent.clock import SystemClock
from agent.ports import Clock
from tests.fakes.spotify.service import Reply, Request, Service
from tests.fakes.spotify.world import World

METHODS = ["GET", "POST", "PUT", "DELETE"]


class FakeSpotify:
    """``with FakeSpotify() as spotify:`` serves at ``spotify.url`` until the block ends."""

    def __init__(
        self, clock: Clock | None = None, *, port: int = 0, world: World | None = None
    ) -> None:
        self.world = world or World(clock or SystemClock())
        self.service = Service(self.world)
        self.accounts = self.service.accounts
        self._server = uvicorn.Server(
            uvicorn.Config(
                make_app(self.service),
                host="127.0.0.1",
                port=port,
                log_level="warning",
                access_log=False,
                lifespan="off",
            )
        )
        self._thread = threading.Thread(target=self._server.run, name="fake Spotify", daemon=True)

    @property
    def url(self) -> str:
        port = self._server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    def __enter__(self) -> FakeSpotify:
        self._thread.start()
        until = time.monotonic() + 20
        while not self._server.started:
            assert time.monotonic() < until, "the fake Spotify did not start"
            time.sleep(0.01)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(10)


def make_app(service: Service) -> FastAPI:
    """The API, the accounts service and the side door."""
    app = FastAPI(title="A Spotify to test against", openapi_url=None)
    _add_side_door(app, service)

    @app.api_route("/{path:path}", methods=METHODS)
    async def everything(path: str, request: HttpRequest) -> Response:
        reply = service.handle(
            Request(
                request.method,
                f"/{path}",
                dict(request.query_params),
                {name.lower(): value for name, value in request.headers.items()},
                await request.body(),
            )
        )
        if reply.delay:
            await asyncio.sleep(reply.delay)
        if reply.drop:
            return _Dropped(reply)
        return Response(reply.body, reply.status, reply.headers)

    return app


class _Dropped(Response):
    """Ends the connection without an answer, or in the middle of one."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.body, reply.status, reply.headers)
        self._midway = reply.drop == "midway"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        cycle: Any = getattr(receive, "__self__", None)
        transport = cycle.transport
        if self._midway:
            transport.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
                b"content-length: 5000\r\n\r\n" + self.body[:100]
            )
            await asyncio.sleep(0.05)
        transport.abort()
        cycle.response_started = cycle.response_complete = True


def _add_side_door(app: FastAPI, service: Service) -> None:
    world, accounts = service.world, service.accounts

    @app.get("/_test/state")
    def state() -> JSONResponse:
        with service.lock:
            playing = world.truth()
            return JSONResponse(
                {
                    "playing": playing.playing,
                    "context": playing.context,
                    "playlist": _name(world, playing.context),
                    "track": playing.track.name if playing.track else None,
                    "progress": playing.progress,
                    "device": playing.device,
                    "shuffle": playing.shuffle,
                    "requests": len(world.sent),
                    "violations": world.violations,
                    "playlists": {p.name: p.uri for p in world.catalogue.playlists.values()},
                    "devices": [asdict(device) for device in world.devices],
                }
            )

    @app.get("/_test/requests")
    def requests(since: int = 0) -> JSONResponse:
        with service.lock:
            return JSONResponse([asdict(sent) for sent in world.sent[since:]])

    @app.post("/_test/user/{action}")
    def user(action: str, argument: str = "", device: str = "") -> JSONResponse:
        """play (argument: an emotion), pause, resume, skip, move_to, close, open."""
        if action not in ("play", "pause", "resume", "skip", "move_to", "close", "open"):
            return JSONResponse({"error": "no such action"}, 404)
        arguments = [text for text in (argument, device) if text]
        with service.lock:
            getattr(world.user, action)(*arguments)
        return JSONResponse({"ok": True})

    @app.post("/_test/trouble/{kind}")
    def trouble(
        kind: str, path: str = "", method: str = "", times: int = 1, seconds: float = 60.0
    ) -> JSONResponse:
        """``times`` 0: until cleared."""
        with service.lock:
            world.trouble(kind, path=path, method=method, times=times or None, seconds=seconds)
        return JSONResponse({"ok": True})

    @app.post("/_test/calm")
    def calm() -> JSONResponse:
        with service.lock:
            world.troubles.clear()
        return JSONResponse({"ok": True})

    @app.post("/_test/settings")
    def settings(values: dict[str, Any] = Body(...)) -> JSONResponse:  # noqa: B008
        """premium, lag, rate_limit, rate_wait, daily_quota, sleeps_after of the world; auto,
        rotate, token_lifetime of the accounts service."""
        with service.lock:
            for name, value in values.items():
                owner = accounts if name in ("auto", "rotate", "token_lifetime") else world
                if not hasattr(owner, name):
                    return JSONResponse({"error": f"no setting {name}"}, 404)
                setattr(owner, name, value)
        return JSONResponse({"ok": True})

    @app.post("/_test/{what}")
    def accounts_do(what: str) -> JSONResponse:
        """expire_access, revoke, expire_codes; new_device_ids."""
        actions = {
            "expire_access": accounts.expire_access,
            "revoke": accounts.revoke,
            "expire_codes": accounts.expire_codes,
            "new_device_ids": world.new_device_ids,
        }
        if what not in actions:
            return JSONResponse({"error": "no such action"}, 404)
        with service.lock:
            actions[what]()
        return JSONResponse({"ok": True})


def _name(world: World, context: str | None) -> str | None:
    playlist = world.catalogue.by_uri(context) if context else None
    return playlist.name if playlist else None
