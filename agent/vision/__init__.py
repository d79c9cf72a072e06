"""The camera, the face, its expression.

What OpenCV and FFmpeg read from the environment alone is set here, before either is loaded.
"""

from __future__ import annotations

import os

MOST_PIXELS = 4096 * 3072
"""Of a frame: the largest cameras that are sold have 12 million. Decoded it takes 38 MB. A camera
or a small file can claim any size."""

os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MOST_PIXELS))
# Seconds that V4L2 waits for a frame (default 10), and FFmpeg's own chatter on stderr.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "3")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
# Pictures of the user go to no proxy, whatever http_proxy says: "none" is none. The first option is
# OpenCV's default, which any other option replaces.
os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = "|".join(
    [os.environ.get("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_flags;prefer_tcp"), "http_proxy;none"]
)
