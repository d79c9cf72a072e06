"""Wires one run of the agent: its parts, the loop of events and effects, its end."""
