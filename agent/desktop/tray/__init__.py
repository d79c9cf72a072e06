"""The tray: its icon, its menu, and the kind of tray that each system has."""
