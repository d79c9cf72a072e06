"""Every setting is on the page, with words of its own and its limits."""

from __future__ import annotations

import pytest

from agent.settings import Settings
from agent.web.page.fields import HIDDEN, TOLD, field, fields, parse

SHOWN = [member for _title, _about, members in fields(Settings()) for member in members]


def test_every_setting_is_shown() -> None:
    wanted = set()
    for name, info in Settings.model_fields.items():
        inner = getattr(info.annotation, "model_fields", None)
        if name not in HIDDEN:
            wanted |= {name} if inner is None else {f"{name}.{key}" for key in inner}
    assert {member.key for member in SHOWN} == wanted


@pytest.mark.parametrize("member", SHOWN, ids=lambda member: member.key)
def test_each_has_a_label(member: object) -> None:
    assert member.key in TOLD, "give it a label (and help) in agent/web/page/fields.py"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("policy.cooldown", "45", 45.0),
        ("policy.cooldown", "4,5", 4.5),
        ("policy.cooldown", "soon", "soon"),
        ("camera.burst_frames", "5", 5),
        ("camera.source", "1", 1),
        ("camera.source", "~/clip.mp4", "~/clip.mp4"),
        ("notifications.enabled", "false", False),
        ("notifications.quiet_from", "", None),
        ("policy.timing", "now", "now"),
    ],
)
def test_what_was_typed(key: str, text: str, value: object) -> None:
    shown = field(Settings(), key)
    assert shown is not None
    assert parse(shown, text) == value
