"""Both sides held to Spotify's OpenAPI description, where that file is there.

Its known gaps are mended on loading: ``context``, ``item`` and ``progress_ms`` may be null as its
own text says, and discriminators, which make validators refuse ``item``, are taken out.
"""

from __future__ import annotations

import copy
import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from jsonschema import Draft4Validator

if TYPE_CHECKING:
    from tests.fakes.spotify.service import Reply, Request

FILE = Path(__file__).resolve().parents[4] / "shared" / "contract" / "spotify-openapi.yml"
NULLABLE = ("context", "item", "progress_ms")
UNDESCRIBED = (400, 404, 405, 500, 502, 503)
"""Statuses that the description leaves out; they carry the error object all the same."""


@cache
def contract() -> Contract | None:
    """None where the description is not there (it is no part of the project)."""
    return Contract(FILE) if FILE.is_file() else None


class Contract:
    """The description, ready to judge."""

    def __init__(self, file: Path) -> None:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        document: dict[str, Any] = yaml.load(file.read_text(encoding="utf-8"), Loader=loader)
        schemas = document["components"]["schemas"]
        playing = schemas["CurrentlyPlayingContextObject"]["properties"]
        for name in NULLABLE:
            playing[name] = {**playing[name], "nullable": True}
        self._document = document
        self._components = {"schemas": _as_json_schema(schemas)}
        self._paths = [
            (re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path)), item)
            for path, item in document["paths"].items()
        ]
        self._validators: dict[str, Draft4Validator] = {}

    def check_request(self, request: Request) -> list[str]:
        """What is wrong with a request of the client, in words; empty: nothing."""
        operation = self._operation(request)
        where = f"{request.method} {request.path}"
        if operation is None:
            return [f"request {where}: not in the contract"]
        problems = []
        known = {
            resolved["name"]: resolved
            for resolved in map(self._resolve, operation.get("parameters", []))
            if resolved["in"] == "query"
        }
        for name, text in request.query.items():
            if name not in known:
                problems.append(f"request {where}: unknown parameter {name}")
            elif not _fits(text, known[name]["schema"]):
                problems.append(f"request {where}: parameter {name} may not be {text!r}")
        for name, parameter in known.items():
            if parameter.get("required") and name not in request.query:
                problems.append(f"request {where}: parameter {name} is missing")
        body = operation.get("requestBody")
        if request.body:
            if body is None:
                problems.append(f"request {where}: a body where none belongs")
            else:
                schema = self._resolve(body)["content"]["application/json"]["schema"]
                problems += self._judge(f"request {where}", schema, request.body)
        if not request.headers.get("authorization", "").startswith("Bearer "):
            problems.append(f"request {where}: no bearer token")
        return problems

    def check_reply(self, request: Request, reply: Reply) -> list[str]:
        """What is wrong with an answer of the test server."""
        operation = self._operation(request)
        where = f"reply {reply.status} to {request.method} {request.path}"
        if operation is None:
            return [] if reply.status == 404 else [f"{where}: not in the contract"]
        described = operation["responses"].get(str(reply.status))
        if described is None:
            if reply.status not in UNDESCRIBED:
                return [f"{where}: status not in the contract"]
            described = operation["responses"]["401"]
        content = self._resolve(described).get("content")
        if content is None:
            return [f"{where}: a body where none belongs"] if reply.body else []
        return self._judge(where, content["application/json"]["schema"], reply.body)

    def _operation(self, request: Request) -> dict[str, Any] | None:
        path = request.path.removeprefix("/v1")
        # Literal paths come before those with a parameter, as in any router.
        fitting = [
            (pattern, item) for pattern, item in self._paths if pattern.fullmatch(path) is not None
        ]
        fitting.sort(key=lambda entry: entry[0].pattern.count("[^/]+"))
        operation = fitting[0][1].get(request.method.lower()) if fitting else None
        return operation if isinstance(operation, dict) else None

    def _resolve(self, value: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in value:
            target: Any = self._document
            for part in value["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            value = target
        return value

    def _judge(self, where: str, schema: dict[str, Any], body: bytes) -> list[str]:
        try:
            value = json.loads(body)
        except ValueError:
            return [f"{where}: no JSON"]
        key = json.dumps(schema, sort_keys=True, default=str)
        validator = self._validators.get(key)
        if validator is None:
            whole = {"allOf": [_as_json_schema(schema)], "components": self._components}
            validator = self._validators[key] = Draft4Validator(whole)
        return [
            f"{where}: {'/'.join(map(str, problem.absolute_path))}: {problem.message[:200]}"
            for problem in validator.iter_errors(value)
        ]


def _fits(text: str, schema: dict[str, Any]) -> bool:
    kind = schema.get("type")
    if kind == "boolean":
        return text in ("true", "false")
    if kind == "integer":
        return re.fullmatch(r"-?\d+", text) is not None
    return True


def _as_json_schema(value: Any) -> Any:
    """OpenAPI 3.0's dialect -> JSON Schema draft 4: nullable spelled out, discriminators gone."""
    if isinstance(value, list):
        return [_as_json_schema(part) for part in value]
    if not isinstance(value, dict):
        return copy.copy(value)
    made = {
        name: _as_json_schema(part)
        for name, part in value.items()
        if name not in ("discriminator", "nullable", "example", "description")
        or (name != "discriminator" and isinstance(part, dict))
    }
    if value.get("nullable") is True:
        return {"anyOf": [made, {"type": "null"}]}
    return made
