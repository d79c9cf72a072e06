"""Answers on this computer's own address: commands, the login, the page."""
