"""Which steps were seen through, as a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.web.page.first_steps import Step, Visited


def test_what_was_seen_is_remembered(tmp_path: Path) -> None:
    file = tmp_path / "first-steps.json"
    assert Visited(file).steps() == frozenset()
    Visited(file).add(Step.MUSIC)
    Visited(file).add(Step.TRY)
    assert Visited(file).steps() == {Step.MUSIC, Step.TRY}


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "5", "{}", '{"seen": 5}', '{"seen": [5]}', '{"seen": null}', "\x00"]
)
def test_a_damaged_file_is_begun_anew(tmp_path: Path, text: str) -> None:
    file = tmp_path / "first-steps.json"
    file.write_text(text)
    file.chmod(0o600)
    assert Visited(file).steps() == frozenset()
    Visited(file).add(Step.MOODS)
    assert Visited(file).steps() == {"moods"}


def test_a_file_of_the_version_before_is_read(tmp_path: Path) -> None:
    file = tmp_path / "first-steps.json"
    file.write_bytes(b'{"seen": ["music", "a step of old"]}\n')
    file.chmod(0o600)
    assert Visited(file).steps() == {"music", "a step of old"}
