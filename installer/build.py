"""Builds what this system can: the frozen program everywhere, and from it a Debian package, a
Windows installer or a macOS disk image. Then starts what it built, to see that it works.

    python installer/build.py            all of it
    python installer/build.py --frozen   the frozen folder only

Results lie in dist/. Needs the extra 'dev'; for the installers themselves dpkg-deb, Inno Setup
(iscc) or Apple's command line tools.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
BUILD = ROOT / "build"
DIST = ROOT / "dist"


def version() -> str:
    """From ``agent/__init__.py``, without importing the program."""
    text = (ROOT / "agent" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([^"]+)"', text, re.MULTILINE)
    if found is None:
        raise SystemExit("agent/__init__.py names no version")
    return found.group(1)


def freeze() -> Path:
    """Run PyInstaller; returns the frozen folder."""
    subprocess.run([sys.executable, str(ROOT / ".make" / "translations.py")], check=True, cwd=ROOT)
    _draw_icons()
    # Without the weights the program works, less well: a package for others should have them.
    subprocess.run([sys.executable, str(ROOT / ".make" / "fetch_finder.py")], check=True)
    shutil.rmtree(DIST / "moodtray", ignore_errors=True)
    subprocess.run(
        [
            sys.executable,
            "-m",
            "PyInstaller",
            "--noconfirm",
            "--log-level=WARN",
            f"--distpath={DIST}",
            f"--workpath={BUILD / 'pyinstaller'}",
            str(HERE / "moodtray.spec"),
        ],
        check=True,
        cwd=ROOT,
    )
    folder = DIST / "moodtray"
    _strip(folder)
    return folder


def _draw_icons() -> None:
    """The program's icon in the formats of Windows and macOS."""
    if sys.platform not in ("win32", "darwin"):
        return
    sys.path.insert(0, str(ROOT))
    from agent.desktop.icons.drawing import app_icon

    BUILD.mkdir(exist_ok=True)
    if sys.platform == "win32":
        drawn = [app_icon(side) for side in (256, 128, 64, 48, 40, 32, 24, 20, 16)]
        sizes = [picture.size for picture in drawn]
        drawn[0].save(BUILD / "moodtray.ico", sizes=sizes, append_images=drawn[1:])
    else:
        app_icon(1024).save(BUILD / "moodtray.icns")


def _strip(folder: Path) -> None:
    """Drop symbols of Python's own libraries, three quarters of their size, and what debuggers want
    of the modules of wheels. The libraries that wheels bring along (``*.libs``) are left as they
    are: they were rewritten once, and break when they are again."""
    if sys.platform != "linux" or not shutil.which("strip"):
        return
    inside = folder / "_internal"
    own = [*inside.glob("libpython3*.so*"), *inside.glob("python3*/lib-dynload/*.so")]
    modules = [file for file in inside.rglob("*.so") if not file.parent.name.endswith(".libs")]
    for library in {*own, *modules}:
        if library.is_symlink():
            continue
        if library in own:
            subprocess.run(["strip", "--strip-unneeded", str(library)], check=True)
        elif b".debug_info" in library.read_bytes():
            subprocess.run(["strip", "--strip-debug", str(library)], check=True)


def package(frozen: Path) -> Path | None:
    """The installer of this system; None where its tool is missing."""
    if sys.platform == "linux":
        if shutil.which("dpkg-deb") is None:
            print("No Debian package: dpkg-deb is not here. The frozen folder runs as it is.")
            return None
        sys.path.insert(0, str(HERE / "linux"))
        import deb

        return Path(deb.build(frozen, version(), BUILD / "deb", DIST))
    if sys.platform == "win32":
        tool = _inno_setup()
        if tool is None:
            print("No installer: Inno Setup 6.3 is not here. The frozen folder runs as it is.")
            return None
        script = HERE / "windows" / "moodtray.iss"
        subprocess.run([tool, "/Qp", f"/DVersion={version()}", str(script)], check=True)
        return DIST / f"moodtray-{version()}-setup.exe"
    subprocess.run([str(HERE / "macos" / "package.sh"), version()], check=True)
    return DIST / f"moodtray-{version()}.dmg"


def _inno_setup() -> str | None:
    """Inno Setup's compiler: by the search path, or where its installer puts it."""
    found = shutil.which("iscc")
    for variable in ("ProgramFiles(x86)", "ProgramFiles", "LOCALAPPDATA"):
        for folder in ("", "Programs"):
            place = Path(os.environ.get(variable, ""), folder, "Inno Setup 6", "ISCC.exe")
            if found is None and place.is_absolute() and place.is_file():
                found = str(place)
    return found


def size_of(path: Path) -> float:
    """Megabytes (1e6 bytes) of a file, or of all files below a folder."""
    files = [path] if path.is_file() else [f for f in path.rglob("*") if f.is_file()]
    return sum(f.stat().st_size for f in files if not f.is_symlink()) / 1e6


def main() -> None:
    words = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    words.add_argument("--frozen", action="store_true", help="the frozen folder only")
    asked = words.parse_args()
    began = time.monotonic()
    frozen = freeze()
    print(f"{frozen.relative_to(ROOT)}: {size_of(frozen):.0f} MB")
    sys.path.insert(0, str(HERE))
    import check

    check.frozen(frozen)
    if not asked.frozen:
        made = package(frozen)
        if made is not None:
            print(f"{made.relative_to(ROOT)}: {size_of(made):.1f} MB")
    print(f"done in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
