"""Draws the vehicles of the mini set: airplane, bus, car. They face right."""

import numpy as np

from .animals import speckle, tint
from .canvas import blend

RUBBER, RIM, SHADOW = (0.07, 0.07, 0.08), (0.72, 0.72, 0.75), (0.12, 0.12, 0.13)


def _paint_wheels(canvas, positions, y, radius):
    centers = [(x, y) for x in positions]
    canvas.paint(canvas.dots(centers, (radius, radius)), RUBBER, relief=0.5)
    canvas.paint(canvas.dots(centers, (radius * 0.55,) * 2), RIM, relief=0.6, gloss=0.3)
    canvas.paint(canvas.dots(centers, (radius * 0.18,) * 2), SHADOW, relief=0)


def _glass(canvas):
    """Texture of windows that reflect the sky: bright at the top, dark at the bottom."""
    _, y = canvas.coordinates()
    return blend((0.62, 0.78, 0.88), (0.14, 0.2, 0.27), 0.5 + 1.2 * y + 0.5 * canvas.noise(3, 2))


def draw_airplane(canvas):
    """A white airliner with a colored stripe, tail and engines."""
    rng = canvas.rng
    white = tint(rng, (0.93, 0.94, 0.96), (0.85, 0.87, 0.9), spread=0.02)
    accent = tint(rng, (0.12, 0.25, 0.7), (0.1, 0.5, 0.45), (0.55, 0.15, 0.5))
    sweep = rng.uniform(-0.1, 0.1)
    canvas.paint(
        canvas.polygon([(0.05, -0.08), (-0.3 + sweep, -0.5), (-0.45 + sweep, -0.5), (-0.25, -0.06)]),
        white * 0.8,
        dim=0.75,
    )
    canvas.paint(canvas.polygon([(-0.62, -0.1), (-0.92, -0.62), (-0.72, -0.62), (-0.35, -0.14)]), accent, relief=0.5)
    body = canvas.blob(
        [(-0.98, -0.12), (-0.6, -0.2), (0.3, -0.2), (0.8, -0.16), (1.02, 0.02), (0.8, 0.15), (0.2, 0.18), (-0.5, 0.12)]
    )
    canvas.paint(body, white, gloss=0.35)
    x, y = canvas.coordinates()
    stripe = ((np.abs(y - 0.06) < 0.035) * 255).astype(np.uint8)
    canvas.paint(np.minimum(stripe, body), accent, relief=0)
    windows = [(x, -0.055) for x in np.arange(-0.5, 0.65, 0.13)]
    canvas.paint(canvas.dots(windows, (0.032, 0.045)), (0.15, 0.2, 0.3), relief=0)
    cockpit = [(0.74, -0.11), (0.9, -0.06), (0.84, -0.01), (0.72, -0.03)]
    canvas.paint(canvas.polygon(cockpit), (0.12, 0.17, 0.25), relief=0)
    canvas.paint(canvas.polygon([(-0.75, -0.04), (-1.0, 0.12), (-0.86, 0.13), (-0.55, 0.0)]), white * 0.85, relief=0.5)
    canvas.paint(canvas.blob([(0.0, 0.2), (0.28, 0.18), (0.32, 0.36), (0.02, 0.38)]), accent, gloss=0.3)
    canvas.paint(
        canvas.polygon([(0.2, 0.06), (-0.32 + sweep, 0.62), (-0.5 + sweep, 0.62), (-0.2, 0.08)]),
        white * 0.88,
        relief=0.6,
        gloss=0.2,
    )


def draw_bus(canvas):
    """A yellow bus with a row of windows."""
    rng = canvas.rng
    paint = tint(rng, (0.98, 0.78, 0.1), (0.95, 0.7, 0.05), (0.98, 0.85, 0.25), spread=0.03)
    height = rng.uniform(0.46, 0.56)
    body = canvas.blob(
        [
            (-0.98, -height),
            (-0.9, -height),
            (0.8, -height),
            (0.95, -height + 0.1),
            (1.0, 0.0),
            (1.0, 0.42),
            (0.95, 0.45),
            (-0.95, 0.45),
            (-0.98, 0.42),
        ]
    )
    canvas.paint(body, speckle(paint, 0.05 * canvas.noise(6, 2)), relief=0.5, gloss=0.25)
    glass, top = _glass(canvas), -height + 0.13
    count = rng.integers(4, 7)
    edges = np.linspace(-0.9, 0.62, count + 1)
    windows = [
        [(left, top), (right, top), (right, top + 0.36), (left, top + 0.36)]
        for left, right in zip(edges[:-1], edges[1:] - 0.06, strict=True)
    ]
    canvas.paint(canvas.polygon(*windows), glass, relief=0)
    canvas.paint(canvas.polygon([(0.68, top), (0.86, top), (0.93, top + 0.4), (0.68, top + 0.45)]), glass, relief=0)
    x, y = canvas.coordinates()
    stripe = ((np.abs(y - 0.2) < 0.035) * 255).astype(np.uint8)
    canvas.paint(np.minimum(stripe, body), SHADOW, relief=0)
    canvas.paint(canvas.polygon([(-1.0, 0.36), (1.0, 0.36), (1.0, 0.46), (-1.0, 0.46)]), SHADOW, relief=0)
    canvas.paint(canvas.ellipse((0.95, 0.29), (0.045, 0.06)), (1.0, 0.97, 0.8), relief=0)
    _paint_wheels(canvas, (-0.58, 0.56), 0.45, 0.18)


def draw_car(canvas):
    """A red car: a low body under a round cabin."""
    rng = canvas.rng
    paint = tint(rng, (0.83, 0.06, 0.08), (0.72, 0.04, 0.1), (0.9, 0.12, 0.08), spread=0.03)
    roof, slant = rng.uniform(-0.42, -0.3), rng.uniform(0.0, 0.12)
    cabin = [(-0.62, 0.0), (-0.45 + slant, roof), (0.15, roof - 0.02), (0.32, roof + 0.08), (0.52, 0.04)]
    canvas.paint(canvas.blob([(-0.68, 0.08), *cabin[:4], (0.6, 0.08)]), paint, relief=0.7, gloss=0.4)
    glass = _glass(canvas)
    windows = (
        [(-0.46, -0.01), (-0.34 + slant, roof + 0.09), (-0.1, roof + 0.08), (-0.1, -0.01)],
        [(-0.02, -0.01), (-0.02, roof + 0.08), (0.17, roof + 0.1), (0.38, -0.01)],
    )
    canvas.paint(canvas.polygon(*windows), glass, relief=0)
    body = canvas.blob(
        [
            (-1.0, 0.02),
            (-0.9, -0.06),
            (-0.4, -0.05),
            (0.5, -0.03),
            (0.88, 0.05),
            (1.0, 0.2),
            (0.98, 0.36),
            (0.8, 0.4),
            (-0.85, 0.4),
            (-1.0, 0.32),
        ]
    )
    canvas.paint(body, paint, gloss=0.45)
    canvas.paint(canvas.polygon([(-0.07, -0.02), (-0.05, -0.02), (-0.05, 0.34), (-0.07, 0.34)]), paint * 0.45, relief=0)
    canvas.paint(canvas.ellipse((0.9, 0.14), (0.07, 0.05), 20), (1.0, 0.96, 0.8), relief=0)
    canvas.paint(canvas.ellipse((-0.96, 0.1), (0.035, 0.06)), (0.55, 0.02, 0.02), relief=0)
    _paint_wheels(canvas, (-0.58, 0.58), 0.38, 0.21)
