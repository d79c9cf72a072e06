"""The icons, drawn as they are needed."""
