"""tray_program on a system without PyGObject."""

from __future__ import annotations

import sys

sys.modules["gi"] = None  # type: ignore[assignment]  # makes `import gi` raise ImportError

from tests.desktop.tray_program import main  # noqa: E402

main()
