"""What goes into the frozen program and what stays out. Plain data and rules, used by the
PyInstaller recipe and held by tests."""

from __future__ import annotations

import ast
import contextlib
import re
import sys
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

EXCLUDED = [
    # training and its tools: the extra 'train', gigabytes
    "torch", "torchvision", "onnx", "onnxruntime", "matplotlib", "sympy", "networkx",
    # optional parts of libraries that nobody here calls
    "IPython", "OpenSSL", "PyQt5", "PyQt6", "PySide2", "PySide6", "cryptography", "docutils",
    "lxml", "numba", "pandas", "scipy", "tkinter",
    "httptools", "uvloop", "watchfiles", "websockets", "wsproto", "redis", "keyring",
    "yaml",
    # tools of developers
    "Cython", "_pytest", "dbusmock", "distutils", "doctest", "hypothesis", "mypy", "pip", "pytest",
    "ruff", "setuptools", "sortedcontainers", "wheel",
    "numpy.f2py", "numpy.distutils", "numpy.testing",
    "_pydecimal", "numpy.fft", "numpy.ma", "numpy.polynomial", "pydoc", "pydoc_data", "trio",
    # dbus-python: plyer uses it where it is, and notify-send where not
    "dbus",
    # taken along as plain files on Linux, see gi_files()
    "gi", "cairo",
]  # fmt: skip
"""Modules that the analysis must not follow."""

IMPORTED_BY_NAME = {
    "linux": [
        "pystray._dummy", "pystray._gtk", "pystray._xorg", "pystray._util.gtk",
        "pystray._util.notify_dbus", "plyer.platforms.linux.notification", "Xlib.ext.screensaver",
    ],
    "win32": [
        "pystray._win32", "pystray._util.win32", "plyer.platforms.win.notification",
        "plyer.platforms.win.libs.balloontip", "desktop_notifier.backends.winrt", "winreg",
    ],
    "darwin": [
        "pystray._darwin", "plyer.platforms.macosx.notification",
        "desktop_notifier.backends.macos", "PyObjCTools.AppHelper",
    ],
}  # fmt: skip
"""Modules that libraries choose at run time, for each system."""

ALWAYS_BY_NAME = [
    "uvicorn.protocols.http.h11_impl",
    "uvicorn.loops.asyncio",
    "uvicorn.lifespan.off",
    "_cffi_backend",  # imported by the compiled parts of miniaudio and soundfile
]

METADATA = [
    "fastapi", "miniaudio", "numpy", "opencv-python", "Pillow", "plyer",
    "pydantic", "pystray", "soundfile", "soxr", "spotipy", "uvicorn",
]  # fmt: skip
"""Libraries whose version the bug report names."""
if sys.platform != "linux":
    METADATA.append("desktop-notifier")

CASCADE = "data/haarcascade_frontalface_default.xml"
"""OpenCV's data file that finds faces, by its place in cv2."""

_LEFT_OUT = [
    # The system's own, and only they, fit the desktop's libraries. The package depends on them.
    r"^lib(stdc\+\+|gcc_s)\.so",
    r"^lib(glib|gobject|gio|gmodule|gthread|girepository|gtk|gdk|cairo|pango|atk|harfbuzz)[-._\d]",
    r"^lib(X11|Xext|Xrender|xcb|Xau|Xdmcp|SM|ICE|uuid|fontconfig|freetype|expat|dbus)[-.]",
    # What only those need, and a part of the C library.
    r"^lib(pcre2-8|bsd|md|mvec)\.so",
    # Pictures: PNG and JPEG are all that is drawn or read.
    r"^PIL/_(avif|webp|imagingtk|imagingcms)\.",
    r"^pillow\.libs/lib(avif|webp|sharpyuv|lcms2)[-.\w]*$",
    # Other cascades than the frontal faces.
    r"^cv2/data/(?!haarcascade_frontalface_default\.xml|__init__)",
    # Qt's fonts: the preview draws its own words.
    r"^cv2/qt/fonts/",
    # Headers, tests and type stubs of libraries.
    r"^numpy/.*(/tests/|\.pyi$|/include/|\.a$|\.h$)",
    r"\.pyi$",
    # Of the languages that could be coloured, the command line's help needs none.
    r"^pygments[./]lexers[./](?!_mapping|__init__|python|special)\w",
]
_LEFT_OUT_EXPRESSION = re.compile("|".join(f"(?:{rule})" for rule in _LEFT_OUT))


def is_left_out(name: str) -> bool:
    """True for a file (by its place in the frozen folder) or a module (by its dotted name) that
    the program does not need."""
    place = name.replace("\\", "/")
    return bool(_LEFT_OUT_EXPRESSION.search(place))


def own_files(root: Path = ROOT) -> list[tuple[str, str]]:
    """(file, folder in the frozen program) of everything the program ships beside its code: where
    ``agent.store.paths`` looks for it in an installed package."""
    found = []
    for name in ("models", "resources"):
        for file in sorted((root / name).rglob("*")):
            inside = file.relative_to(root / name)
            if _is_shipped(file, inside):
                found.append((str(file), str(Path("agent/_data") / name / inside.parent)))
    for file in sorted((root / "agent" / "web").rglob("*")):
        if file.suffix in (".html", ".css", ".js"):
            found.append((str(file), str(file.relative_to(root).parent)))
    return found


def _is_shipped(file: Path, inside: Path) -> bool:
    # Programs that draw the demo, its build leftovers and the pictures of the READMEs stay behind.
    return (
        file.is_file()
        and file.suffix not in (".py", ".pyc", ".nbi", ".nbc")
        and not file.name.endswith(".truth.json")
        and "__pycache__" not in inside.parts
        and not {"figures", "screenshots"} & set(inside.parts)
    )


def notifier_files() -> list[tuple[str, str]]:
    """The data files of the notification library, where the system's own way is not enough."""
    if sys.platform == "linux":
        return []
    from PyInstaller.utils.hooks import collect_data_files

    return list(collect_data_files("desktop_notifier"))


def gi_files() -> list[tuple[str, str]]:
    """PyGObject as plain files, for trays of the old kind on Linux: it works with the system's GTK
    and type libraries, so that nothing of those is bundled. Empty where it is not installed."""
    folder = _gi_folder()
    if folder is None:
        return []
    return [
        (str(file), str(Path("gi") / file.relative_to(folder).parent))
        for file in sorted(folder.rglob("*"))
        if file.is_file()
        and "__pycache__" not in file.parts
        and not file.name.startswith("_gi_cairo")
    ]


def gi_needs() -> list[str]:
    """Modules of the standard library that PyGObject imports: the analysis does not look into
    plain files."""
    folder = _gi_folder()
    if folder is None:
        return []
    names: set[str] = set()
    for file in folder.rglob("*.py"):
        names.update(_imports(ast.parse(file.read_text(encoding="utf-8"))))
    return sorted(name for name in names if name.split(".")[0] in sys.stdlib_module_names)


def _gi_folder() -> Path | None:
    if sys.platform != "linux":
        return None
    for place in sys.path:
        folder = Path(place) / "gi"
        if (folder / "__init__.py").is_file():
            return folder
    return None


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def hidden_imports(system: str = sys.platform) -> list[str]:
    """All modules that must be named for the analysis."""
    return [*ALWAYS_BY_NAME, *IMPORTED_BY_NAME.get(system, []), *gi_needs()]


def macos_minimum(oldest: tuple[int, int] = (12, 0)) -> str:
    """The oldest macOS on which the compiled libraries of this build run, by the tags of their
    wheels; at least ``oldest``."""
    versions = [oldest]
    for library in METADATA:
        with contextlib.suppress(metadata.PackageNotFoundError):
            wheel = metadata.distribution(library).read_text("WHEEL") or ""
            tags = re.findall(r"macosx_(\d+)_(\d+)_", wheel)
            # One wheel may carry several tags: it runs from the lowest on.
            versions += [min((int(major), int(minor)) for major, minor in tags)] if tags else []
    return ".".join(str(number) for number in max(versions))


def kept(entries: Iterable[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """PyInstaller's (place, file, kind) entries without what is left out, and without links to
    that."""
    return [
        (place, file, kind)
        for place, file, kind in entries
        if not is_left_out(place) and not (kind == "SYMLINK" and is_left_out(file))
    ]
