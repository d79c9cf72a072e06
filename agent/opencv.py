"""OpenCV, loaded for all of the program in this one place.

As it is loaded it writes into the environment: an ``LD_LIBRARY_PATH`` whose last part is empty, and
where its own Qt lies. Whatever is started later (a browser, an editor, our own windows) would look
for libraries in the folder that Moodtray was started in, where another user may have put one, and
for another Qt than its own. So the environment is afterwards what it was before.
"""

from __future__ import annotations

import os

_before = dict(os.environ)
import cv2  # noqa: E402

__all__ = ["cv2", "name_its_qt"]

_wanted = {name: value for name, value in os.environ.items() if _before.get(name) != value}
for _name in _wanted:
    if _name in _before:
        os.environ[_name] = _before[_name]
    else:
        del os.environ[_name]


def name_its_qt() -> None:
    """Tell OpenCV where its Qt lies, in a process that opens windows; it starts nothing else."""
    os.environ.update({name: value for name, value in _wanted.items() if name.startswith("QT_")})
