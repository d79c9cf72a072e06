"""What a webcam does to a face, done to a whole batch at once on whatever device it lies.

Faces are float32 [N, 1, 48, 48] in 0..1, before normalisation. Each step acts on a random share of
the batch; all randomness comes from torch's global generator, which the trainer seeds for every
step, so that a resumed run sees what the uninterrupted one would have seen.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from agent.opencv import cv2

MEAN, STD = 0.5, 0.5


def normalise(faces: Tensor) -> Tensor:
    """Scale 0..1 -> what the network takes; the run time does the same in numpy."""
    return (faces - MEAN) / STD


def webcam(faces: Tensor, strength: float = 1.0) -> Tensor:
    """Make one random view of every face. ``strength`` scales how many faces each step touches."""
    faces = move(faces)
    faces = _some(faces, 0.4 * strength, low_resolution)
    faces = _some(faces, 0.12 * strength, blur)
    faces = _some(faces, 0.3 * strength, beard)
    faces = _some(faces, 0.3 * strength, side_light)
    faces = _some(faces, 0.5 * strength, gamma)
    faces = _some(faces, 0.3 * strength, contrast)
    faces = _some(faces, 0.2 * strength, noise)
    faces = _some(faces, 0.1 * strength, jpeg)
    faces = _some(faces, 0.3 * strength, cover)
    faces = _some(faces, 0.6 * strength, cover_mouth)
    return _some(faces, 0.5 * strength, cover_eyes)


def _some(faces: Tensor, share: float, change) -> Tensor:  # type: ignore[no-untyped-def]
    """Apply ``change`` to a random ``share`` of the faces."""
    chosen = torch.rand(len(faces), device=faces.device) < share
    if not bool(chosen.any()):
        return faces
    faces = faces.clone()
    faces[chosen] = change(faces[chosen])
    return faces


def _uniform(faces: Tensor, low: float, high: float) -> Tensor:
    """Draw one number a face, [N, 1, 1, 1]."""
    return low + (high - low) * torch.rand(len(faces), 1, 1, 1, device=faces.device)


def move(faces: Tensor) -> Tensor:
    """Flip, tilt, scale, stretch and shift, as a detector's box jitters around a face."""
    n, device = len(faces), faces.device
    angle = (torch.randn(n, device=device) * 0.17).clamp(-0.45, 0.45)
    scale = torch.exp(torch.empty(n, device=device).uniform_(-0.2, 0.2))
    stretch = torch.exp(torch.empty(n, device=device).uniform_(-0.08, 0.08))
    flip = torch.where(torch.rand(n, device=device) < 0.5, -1.0, 1.0)
    shift = torch.empty(n, 2, device=device).uniform_(-0.15, 0.15)
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    theta = torch.stack(
        [
            torch.stack([cos * flip * stretch, -sin, shift[:, 0]], dim=1),
            torch.stack([sin * flip * stretch, cos, shift[:, 1]], dim=1),
        ],
        dim=1,
    )
    grid = F.affine_grid(theta, list(faces.shape), align_corners=False)
    return F.grid_sample(faces, grid, padding_mode="border", align_corners=False)


def low_resolution(faces: Tensor) -> Tensor:
    """Show each face as it looks at 14 to 36 px, enlarged again.

    One size for all chosen, it changes every step.
    """
    side = int(torch.randint(14, 37, (1,)))
    size = faces.shape[-1]
    small = F.interpolate(faces, size=(side, side), mode="bilinear", antialias=side < size)
    return F.interpolate(small, size=(size, size), mode="bilinear")


def blur(faces: Tensor) -> Tensor:
    """Imitate a camera out of focus: a mix of the face and its 5 x 5 binomial mean."""
    row = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0], device=faces.device) / 16
    padded = F.pad(faces, (2, 2, 2, 2), mode="replicate")
    soft = F.conv2d(padded, (row[:, None] * row[None, :])[None, None])
    return torch.lerp(faces, soft, _uniform(faces, 0.3, 1.0))


def side_light(faces: Tensor) -> Tensor:
    """Imitate a window or a screen to one side: light that grows along a random direction."""
    n, size = len(faces), faces.shape[-1]
    axis = torch.linspace(-1, 1, size, device=faces.device)
    direction = 2 * torch.pi * torch.rand(n, 1, 1, device=faces.device)
    ramp = torch.cos(direction) * axis[None, None, :] + torch.sin(direction) * axis[None, :, None]
    depth = torch.rand(n, 1, 1, device=faces.device) * 0.7
    return (faces * (1 + depth * ramp).unsqueeze(1)).clamp(0, 1)


def gamma(faces: Tensor) -> Tensor:
    """Make each face too dark or too bright: exponents from 0.3 to 3, evenly on the log scale."""
    exponent = torch.exp(_uniform(faces, -1.2, 1.1))
    return faces.clamp(1e-4, 1) ** exponent


def contrast(faces: Tensor) -> Tensor:
    """Imitate a flat or hard camera: contrast around the mean, and a shift of the whole."""
    mean = faces.mean(dim=(1, 2, 3), keepdim=True)
    changed = mean + (faces - mean) * _uniform(faces, 0.4, 1.5) + _uniform(faces, -0.15, 0.15)
    return changed.clamp(0, 1)


def noise(faces: Tensor) -> Tensor:
    """Imitate a sensor in the dark."""
    return (faces + torch.randn_like(faces) * _uniform(faces, 0.01, 0.09)).clamp(0, 1)


def jpeg(faces: Tensor) -> Tensor:
    """Imitate a camera or call that compresses hard: JPEG quality 15 to 60."""
    quality = torch.randint(15, 61, (len(faces),)).tolist()
    out = np.empty((len(faces), *faces.shape[2:]), np.uint8)
    for row, face in enumerate((faces[:, 0] * 255).round().to(torch.uint8).cpu().numpy()):
        done, packed = cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, quality[row]])
        assert done  # encoding a plain 48 x 48 array to memory
        out[row] = cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE)
    return (torch.from_numpy(out).to(faces.device).float() / 255).unsqueeze(1)


def cover(faces: Tensor) -> Tensor:
    """Cover part of the face, as a hand, hair, a cup or a mask would.

    With a patch of one grey, or of noise.
    """
    n, size, device = len(faces), faces.shape[-1], faces.device
    axis = torch.arange(size, device=device)
    height = torch.randint(6, 23, (n, 1), device=device)
    width = torch.randint(6, 27, (n, 1), device=device)
    top = (torch.rand(n, 1, device=device) * size).long() - height // 2
    left = (torch.rand(n, 1, device=device) * size).long() - width // 2
    rows = (axis >= top) & (axis < top + height)
    columns = (axis >= left) & (axis < left + width)
    patch = (rows[:, :, None] & columns[:, None, :]).unsqueeze(1)
    grainy = (torch.rand(n, 1, 1, 1, device=device) < 0.5) * torch.randn_like(faces) * 0.15
    return torch.where(patch, (_uniform(faces, 0, 1) + grainy).clamp(0, 1), faces)


def cover_mouth(faces: Tensor) -> Tensor:
    """Hide the mouth, as a mask, a scarf or a hand does.

    All below a line between the lower lids and the upper lip, to the chin or to the picture's end,
    a little tilted, of one grey, of cloth or of skin as bright as the face.
    """
    axis = torch.arange(faces.shape[-1], device=faces.device) / faces.shape[-1]
    line = _uniform(faces, 0.46, 0.70) + _uniform(faces, -0.15, 0.15) * (axis - 0.5)
    rows = axis[None, None, :, None]
    below = (rows >= line) & (rows < _uniform(faces, 0.85, 1.6))
    columns = axis[None, None, None, :]
    across = (columns >= _uniform(faces, -0.1, 0.2)) & (columns < _uniform(faces, 0.8, 1.1))
    skin = faces.mean(dim=(1, 2, 3), keepdim=True) * _uniform(faces, 0.7, 1.2)
    tone = torch.where(_uniform(faces, 0, 1) < 0.3, skin, _uniform(faces, 0, 1))
    grain = (_uniform(faces, 0, 1) < 0.4) * torch.randn_like(faces) * _uniform(faces, 0.02, 0.12)
    folds = (_uniform(faces, 0, 1) < 0.3) * 0.15 * torch.sin(rows * _uniform(faces, 20, 60))
    return torch.where(below & across, (tone + grain + folds).clamp(0, 1), faces)


def beard(faces: Tensor) -> Tensor:
    """Shade the jaw and the upper lip, from stubble to a full beard; the lips stay as they are.

    Shade around a mouth says nothing of its expression, yet hides the folds that a smile draws.
    """
    axis = (torch.arange(faces.shape[-1], device=faces.device) + 0.5) / faces.shape[-1]
    rows, columns = axis[None, None, :, None], axis[None, None, None, :]
    middle = 0.5 + _uniform(faces, -0.04, 0.04)
    mouth = _uniform(faces, 0.73, 0.81)

    def ellipse(centre: Tensor, wide: Tensor, high: Tensor) -> Tensor:
        """Return how far each pixel lies inside, 0 outside to 1, with a soft edge."""
        away = (((columns - middle) / wide) ** 2 + ((rows - centre) / high) ** 2).sqrt()
        return torch.sigmoid((1 - away) * 8)

    hair = ellipse(mouth + 0.08, _uniform(faces, 0.28, 0.45), _uniform(faces, 0.2, 0.3))
    lips = ellipse(mouth, _uniform(faces, 0.16, 0.24), _uniform(faces, 0.04, 0.09))
    grain = 1 + torch.randn_like(faces) * _uniform(faces, 0.0, 0.25)
    shade = hair * (1 - lips) * _uniform(faces, 0.05, 0.6) * grain
    tone = torch.where(_uniform(faces, 0, 1) < 0.15, 1.0, 0.0)  # some beards are white
    return torch.lerp(faces, tone.expand_as(faces), shade.clamp(0, 0.9)).clamp(0, 1)


def cover_eyes(faces: Tensor) -> Tensor:
    """Dark glasses: two patches over the eyes and a bridge between them, dark or half clear."""
    axis = torch.arange(faces.shape[-1], device=faces.device) / faces.shape[-1]
    rows, columns = axis[None, None, :, None], axis[None, None, None, :]
    middle = _uniform(faces, 0.33, 0.44)
    half = _uniform(faces, 0.06, 0.13)
    inner, outer = _uniform(faces, 0.02, 0.09), _uniform(faces, 0.33, 0.46)
    away = (columns - 0.5 - _uniform(faces, -0.05, 0.05)).abs()
    lenses = ((rows - middle).abs() < half) & (away > inner) & (away < outer)
    bridge = ((rows - middle + half / 2).abs() < 0.03) & (away <= inner)
    clear = (_uniform(faces, 0, 1) < 0.25) * _uniform(faces, 0.1, 0.5)
    glass = _uniform(faces, 0, 0.25) * (1 - clear) + faces * clear
    return torch.where(lenses | bridge, glass, faces)
