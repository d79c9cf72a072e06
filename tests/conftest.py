"""What every test shares: an empty home of its own, so that no test touches the user's folders."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def moodtray_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "moodtray-home"
    monkeypatch.setenv("MOODTRAY_HOME", str(home))
    return home
