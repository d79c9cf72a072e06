"""The real registry, HKEY_CURRENT_USER. Windows only."""

from __future__ import annotations

import contextlib
import sys

if sys.platform == "win32":
    import winreg

    class CurrentUser:
        """Implements agent.desktop.autostart.windows.Registry."""

        def get(self, key: str, name: str) -> tuple[str | bytes, int] | None:
            """Read (data, type); None: there is no such value."""
            try:
                with winreg.OpenKey(winreg.HKEY_CURRENT_USER, key) as opened:
                    data, kind = winreg.QueryValueEx(opened, name)
            except FileNotFoundError:
                return None
            return (data if isinstance(data, str | bytes) else str(data)), kind

        def set(self, key: str, name: str, data: str, kind: int) -> None:
            """Write a value; its key is made when it is not there."""
            with winreg.CreateKeyEx(
                winreg.HKEY_CURRENT_USER, key, access=winreg.KEY_SET_VALUE
            ) as opened:
                winreg.SetValueEx(opened, name, 0, kind, data)

        def delete(self, key: str, name: str) -> None:
            """Remove a value; fine when it is not there."""
            with (
                contextlib.suppress(FileNotFoundError),
                winreg.OpenKey(
                    winreg.HKEY_CURRENT_USER, key, access=winreg.KEY_SET_VALUE
                ) as opened,
            ):
                winreg.DeleteValue(opened, name)
