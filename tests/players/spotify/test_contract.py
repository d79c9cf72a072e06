"""Holding both sides to the contract finds what breaks it. Collected where the description is."""

from __future__ import annotations

import json

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.spotify import Reply, Request, World, contract

BEARER = {"authorization": "Bearer x"}


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (Request("GET", "/v1/me/player/nonsense", {}, BEARER), "not in the contract"),
        (Request("POST", "/v1/me/player/play", {}, BEARER), "not in the contract"),
        (Request("GET", "/v1/me/player", {"verbose": "1"}, BEARER), "unknown parameter verbose"),
        (Request("GET", "/v1/me/player"), "no bearer token"),
        (Request("PUT", "/v1/me/player/shuffle", {}, BEARER), "parameter state is missing"),
        (Request("PUT", "/v1/me/player/shuffle", {"state": "True"}, BEARER), "may not be 'True'"),
        (
            Request("PUT", "/v1/me/player/play", {}, BEARER, b'{"context_uri": 5}'),
            "context_uri: 5 is not of type 'string'",
        ),
        (Request("PUT", "/v1/me/player/pause", {}, BEARER, b"{}"), "a body where none belongs"),
        (Request("PUT", "/v1/me/player/play", {}, BEARER, b"{"), "no JSON"),
    ],
)
def test_the_contract_sees_wrong_requests(request_: Request, words: str) -> None:
    held = contract()
    assert held is not None
    assert any(words in problem for problem in held.check_request(request_))


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (200, {"device": {"id": 5}}, "device/id"),
        (200, {"is_playing": "yes"}, "is_playing"),
        (200, {"item": {"type": "song"}}, "item"),
        (204, {"a": 1}, "a body where none belongs"),
        (418, {}, "status not in the contract"),
        (429, {"error": {"message": "wait"}}, "'status' is a required property"),
        (404, {"error": {"status": 404}}, "'message' is a required property"),
    ],
)
def test_the_contract_sees_wrong_answers(status: int, body: dict[str, object], words: str) -> None:
    held = contract()
    assert held is not None
    request = Request("GET", "/v1/me/player", {}, BEARER)
    problems = held.check_reply(request, Reply(status, json.dumps(body).encode()))
    assert any(words in problem for problem in problems), problems


def test_the_contracts_gaps_are_mended() -> None:
    held = contract()
    assert held is not None
    request = Request("GET", "/v1/me/player", {}, BEARER)
    nothing = {"is_playing": True, "context": None, "item": None, "progress_ms": None}
    assert held.check_reply(request, Reply(200, json.dumps(nothing).encode())) == []
    track = World(FakeClock()).catalogue["happy"].tracks[0].to_json()
    assert held.check_reply(request, Reply(200, json.dumps({"item": track}).encode())) == []
