"""Decides: mood and music as pure state. No I/O, no threads, no clock of its own."""
