"""Looks at an installation: checks, their report, and the bundle for a bug report."""
