"""The service without sockets: a transport for requests sessions, for long simulations."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
import urllib3
from requests.adapters import BaseAdapter

from tests.fakes.spotify.service import Request, Service


class InProcess(BaseAdapter):
    """``session.mount("http://", InProcess(service, pass_time=clock.advance))``.

    ``pass_time`` is told how long a slow answer keeps the caller waiting.
    """

    def __init__(self, service: Service, pass_time: Callable[[float], None]) -> None:
        super().__init__()
        self._service = service
        self._pass_time = pass_time
        self.unplugged = False  # no network at all

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        if self.unplugged:
            raise requests.ConnectionError("no network", request=request)
        parts = urlsplit(str(request.url))
        body = request.body or b""
        reply = self._service.handle(
            Request(
                str(request.method),
                parts.path,
                dict(parse_qsl(parts.query)),
                {name.lower(): str(value) for name, value in request.headers.items()},
                body.encode() if isinstance(body, str) else body,
            )
        )
        patience = timeout[1] if isinstance(timeout, tuple) else timeout
        if reply.delay:
            self._pass_time(min(reply.delay, patience))
        if reply.delay > patience:
            raise requests.ReadTimeout("timed out", request=request)
        if reply.drop:
            broken = urllib3.exceptions.ProtocolError("Connection aborted.")
            raise requests.ConnectionError(broken, request=request)
        response = requests.Response()
        response.status_code = reply.status
        response.headers.update(reply.headers)
        response.raw = io.BytesIO(reply.body)
        response.url = str(request.url)
        response.request = request
        return response

    def close(self) -> None:
        """Nothing is open."""
