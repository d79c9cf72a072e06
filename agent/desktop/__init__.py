"""The desktop: tray, icons, notifications, consent, preview, session, autostart."""
