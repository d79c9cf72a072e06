"""How one run of the agent differs from what the settings say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for the tray alone nobody waits until pydantic is loaded
    from agent.settings import Settings


def _silent(_text: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Options:
    """How one run differs from the settings file."""

    camera: int | str | None = None
    player: str | None = None  # "auto", "spotify", "local"
    headless: bool = False
    play: bool = False
    paused: bool = False
    spotify_url: str | None = None
    settings: Settings | None = None  # instead of the settings file (demo, tests)
    control: bool = True  # take commands, and show the page
    session: bool = True  # watch lock, sleep, idle
    listener: Callable[[dict[str, Any]], None] | None = None  # gets every journal line
    notice_interval: float = 60.0  # seconds between two unasked notifications of a kind
    tell: Callable[[str], None] = _silent  # takes a line for the terminal
