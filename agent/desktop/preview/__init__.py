"""The preview: a window of its own process that shows what the camera sees."""
