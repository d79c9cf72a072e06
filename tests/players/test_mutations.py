"""Music that was made to break the decoder. The large job is ``make fuzz``; here is a sample."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.agent_process import SHARED
from tests.players.mutations import KINDS, in_a_child, mutation, originals, run

pytestmark = pytest.mark.skipif(os.name != "posix", reason="children are forked")


def test_a_file_that_broke_the_decoder_before_is_harmless(tmp_path: Path) -> None:
    hostile = SHARED / "data" / "hostile" / "corrupts-memory.ogg"
    if not hostile.is_file():
        pytest.skip(f"needs {hostile}")
    assert in_a_child(hostile) in ("played", "refused")


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_refused_or_played_and_nothing_else(kind: str, tmp_path: Path) -> None:
    outcome = run(kind, range(40))
    assert not outcome.wrong, str(outcome)
    assert outcome.played > 0, "most changes were too coarse to get beyond the header"
    assert outcome.refused > 3


@pytest.mark.parametrize("kind", KINDS)
def test_the_originals_play(kind: str, tmp_path: Path) -> None:
    for number, data in enumerate(originals(kind)):
        path = tmp_path / f"{number}.{kind}"
        path.write_bytes(data)
        assert in_a_child(path) == "played"


def test_mended_pages_are_taken_for_whole(tmp_path: Path) -> None:
    """Ogg's checksum is computed rightly: an original comes out of it as it went in."""
    from tests.players.mutations import _mend_ogg

    for data in originals("ogg"):
        mended = bytearray(data)
        _mend_ogg(mended)
        assert bytes(mended) == data
    assert mutation("ogg", 7) == mutation("ogg", 7)


def test_what_goes_wrong_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.players import mutations

    file = tmp_path / "file"
    file.write_bytes(b"x")
    monkeypatch.setattr(mutations, "listen", lambda path: os.kill(os.getpid(), 11))
    assert in_a_child(file) == "killed by SIGSEGV"
    monkeypatch.setattr(mutations, "listen", lambda path: bytearray(2 * mutations.MEMORY))
    assert "MemoryError" in in_a_child(file)
    monkeypatch.setattr(mutations, "listen", lambda path: 1 / 0)
    assert "ZeroDivisionError" in in_a_child(file)
