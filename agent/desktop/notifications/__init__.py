"""Notifications, with buttons where the system has them."""
