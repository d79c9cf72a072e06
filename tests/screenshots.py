"""``make screenshots``: runs the day's test and cuts the README's pictures out of what it saw."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from PIL import Image, ImageChops

from tests import finder_picture
from tests.web.page import pictures

ROOT = Path(__file__).parent.parent
DAY = ROOT / "test-artefacts" / "day"
OUT = ROOT / "resources" / "screenshots"
MARGIN = 24
"""Pixels of the desktop that are left around what is shown."""


def main() -> int:
    """Run the day, cut the pictures. Returns an exit code."""
    code = run("-k", "a_day", "test_day.py")
    if code != 0:
        return code
    OUT.mkdir(exist_ok=True)
    plain = picture("9-gone")
    shots = {"menu": "3-menu", "notification": "4-notification", "preview": "5-preview"}
    for name, shot in shots.items():
        save(name, cut(picture(shot), plain))
    seen = picture("2-watching")
    width, height = seen.size
    save("tray", seen.crop((width - 220, height - 36, width, height)).resize((660, 108)))
    finder_picture.main()
    pictures.main()
    return panels()


def panels() -> int:
    """Cut the menu on Xfce's panel and on waybar, from the tests that click through it."""
    code = run("-k", "thousand_updates or waybar", "test_status_notifier.py", "test_wayland.py")
    if code != 0:
        return code
    for name in ("menu-xfce", "menu-waybar"):
        seen = Image.open(DAY.parent / f"{name}.png").convert("RGB")
        width, _ = seen.size
        save(name, seen.crop((width - 360, 0, width, 600)))
    return 0


def run(option: str, value: str, *files: str) -> int:
    """Run desktop tests in a process of their own, which has imported nothing yet."""
    folder = ROOT / "tests" / "desktop"
    command = [sys.executable, "-m", "pytest", "-q", option, value]
    return subprocess.run(
        [*command, *(str(folder / file) for file in files)], check=False
    ).returncode


def picture(name: str) -> Image.Image:
    return Image.open(DAY / f"{name}.png").convert("RGB")


def cut(seen: Image.Image, plain: Image.Image) -> Image.Image:
    """The part that differs from the empty desktop, with a margin. The clock in the panel does
    too, so the panel's strip counts only by what stands above it."""
    width, height = seen.size
    box = ImageChops.difference(seen, plain).crop((0, 0, width, height - 40)).getbbox()
    if box is None:
        raise SystemExit("nothing to be seen in a picture that should show something")
    left, top, right, bottom = box
    whole = height if bottom > height - 60 else min(height, bottom + MARGIN)
    area = (max(0, left - MARGIN), max(0, top - MARGIN), min(width, right + MARGIN), whole)
    return seen.crop(area)


def save(name: str, image: Image.Image) -> None:
    path = OUT / f"{name}.png"
    image.save(path, optimize=True)
    print(path.relative_to(ROOT), "x".join(map(str, image.size)))


if __name__ == "__main__":
    sys.exit(main())
