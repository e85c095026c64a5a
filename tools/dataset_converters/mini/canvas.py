"""A canvas for one object: smooth shapes, textures, and shading of rounded surfaces.

Shapes are given in object coordinates, x to the right and y down, both about -1 to 1. The canvas rotates, stretches and
mirrors them, so that an object is described once, facing right. Colors are RGB in [0, 1]; textures have their
colors first, (3, H, W).
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

SUBPIXEL_BITS = 4
SUPERSAMPLING = 2
CIRCLE = np.stack([f(np.linspace(0, 2 * np.pi, 28, endpoint=False)) for f in (np.cos, np.sin)], 1)


@dataclass(frozen=True)
class Light:
    """The light of a scene, the same for all objects.

    Attributes:
        direction: Unit vector (x, y, z) towards the light; z points out of the image.
        ambient: Fraction of ambient light, 0 to 1.
    """

    direction: tuple
    ambient: float


def noise(rng, shape, cells, octaves=3):
    """Fractal noise: ``octaves`` smooth random fields, each twice as fine and half as strong.

    Args:
        rng (np.random.Generator): Source of randomness.
        shape (tuple): Height and width of the result.
        cells (float): Number of grid cells along the longer side in the coarsest field.

    Returns:
        np.ndarray: (H, W), float32, mean about 0, mostly within -1 to 1.
    """
    total = np.zeros(shape, np.float32)
    for octave in range(octaves):
        step = max(shape) / (cells * 2**octave)
        if step < 1:
            break
        grid = rng.standard_normal([max(2, round(s / step) + 1) for s in shape], dtype=np.float32)
        smooth = cv2.INTER_LINEAR if octave else cv2.INTER_CUBIC  # for fine fields, linear is sufficient
        total += cv2.resize(grid * np.float32(0.5 ** (octave + 1)), shape[::-1], interpolation=smooth)
    return total


def blend(first, second, share):
    """Texture (3, H, W): color ``first`` where ``share`` (H, W) is 0, ``second`` where it is 1."""
    first, second = (np.asarray(c, np.float32).reshape(3, 1, 1) for c in (first, second))
    return first + (second - first) * np.clip(share, 0, 1).astype(np.float32)


@cache
def _smoothing(count):
    """Matrix (8 * count, count) that cuts the corners of a closed polygon three times (Chaikin)."""
    points = np.eye(count)
    for _ in range(3):
        following = np.roll(points, -1, axis=0)
        points = np.stack([0.75 * points + 0.25 * following, 0.25 * points + 0.75 * following], 1).reshape(-1, count)
    return points


class Canvas:
    """Holds color and coverage of one object while its parts are painted from back to front.

    Args:
        rng (np.random.Generator): Source of randomness.
        size (float): Pixels, in the final image, of two units in object coordinates.
        light (Light): Light of the scene.
        mirror (bool): Makes the object face left.
        turn (float): Rotation in degrees, clockwise.
        stretch (float): Factor of the object's width; the height is divided by it.
    """

    def __init__(self, rng, *, size, light, mirror=False, turn=0.0, stretch=1.0):
        self.rng = rng
        self.light = light
        self.unit = size * SUPERSAMPLING / 2
        side = int(np.ceil(size * SUPERSAMPLING * 1.3 / SUPERSAMPLING)) * SUPERSAMPLING
        self.rgb = np.zeros((3, side, side), np.float32)
        self.alpha = np.zeros((side, side), np.float32)
        angle = np.deg2rad(turn)
        linear = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        linear = np.diag([-1.0 if mirror else 1.0, 1.0]) @ linear @ np.diag([stretch, 1 / stretch])
        self.to_pixels = linear.T * self.unit

    @property
    def shape(self):
        """Height and width in supersampled pixels."""
        return self.alpha.shape

    def coordinates(self):
        """Object coordinates of each pixel: two float32 arrays, x and y, of shape (H, W)."""
        offsets = np.arange(len(self.alpha), dtype=np.float32) + np.float32(0.5 - len(self.alpha) / 2)
        across, down = np.linalg.inv(self.to_pixels).astype(np.float32)
        columns, rows = offsets[None], offsets[:, None]
        return columns * across[0] + rows * down[0], columns * across[1] + rows * down[1]

    def noise(self, cells, octaves=3):
        """Fractal noise of the canvas's size; ``cells`` to two units, see :func:`noise`."""
        return noise(self.rng, self.shape, cells * 1.3, octaves)

    def _fill(self, mask, points):
        points = np.asarray(points, np.float64) @ self.to_pixels + len(mask) / 2
        cv2.fillPoly(mask, [(points * 2**SUBPIXEL_BITS).astype(np.int32)], 255, cv2.LINE_AA, SUBPIXEL_BITS)

    def polygon(self, *polygons):
        """Coverage (H, W), uint8, of the union of polygons, each a list of (x, y)."""
        mask = np.zeros(self.shape, np.uint8)
        for points in polygons:
            self._fill(mask, points)
        return mask

    def blob(self, points):
        """Coverage of a smooth closed curve that follows the polygon ``points``."""
        return self.polygon(_smoothing(len(points)) @ np.asarray(points, np.float64))

    def dots(self, centers, radii):
        """Coverage of equal upright ellipses with the given half axes."""
        return self.polygon(*(CIRCLE * radii + center for center in np.asarray(centers)))

    def ellipse(self, center, radii, turn=0.0):
        """Coverage of an ellipse with the given half axes, turned by ``turn`` degrees."""
        angle = np.deg2rad(turn)
        x, y = (CIRCLE * radii).T
        points = np.stack([x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)], 1)
        return self.polygon(points + np.asarray(center))

    def limb(self, points, radii, mask=None):
        """Coverage of a bent limb: circles of ``radii`` at ``points`` and the area between them; added to ``mask``."""
        points = np.asarray(points, np.float64)
        mask = np.zeros(self.shape, np.uint8) if mask is None else mask
        for start, end, r0, r1 in zip(points[:-1], points[1:], radii[:-1], radii[1:], strict=True):
            dx, dy = end - start
            across = np.array([-dy, dx]) / max(np.hypot(dx, dy), 1e-6)
            self._fill(mask, [start + across * r0, end + across * r1, end - across * r1, start - across * r0])
        for point, radius in zip(points, radii, strict=True):
            self._fill(mask, CIRCLE * radius + point)
        return mask

    def shade(self, mask, relief, gloss):
        """Brightness and highlight (None without gloss) of a shape with a rounded surface, both of the mask's size."""
        if not relief:
            return np.full(
                mask.shape, self.light.ambient + (1.1 - self.light.ambient) * self.light.direction[2], np.float32
            ), None
        depth = cv2.distanceTransform((mask > 127).view(np.uint8), cv2.DIST_L2, 3)
        reach = max(float(depth.max()), 1.0)
        height = np.sqrt(depth * (2 * reach - depth)) * np.float32(relief)
        height = cv2.GaussianBlur(height, (0, 0), max(reach * 0.18, 0.8))
        dx, dy = cv2.Sobel(height, cv2.CV_32F, 1, 0, scale=0.125), cv2.Sobel(height, cv2.CV_32F, 0, 1, scale=0.125)
        x, y, z = map(np.float32, self.light.direction)
        facing = np.clip((z - x * dx - y * dy) / np.sqrt(1 + dx * dx + dy * dy), 0, 1)
        brightness = self.light.ambient + (1.15 - self.light.ambient) * facing
        brightness *= 0.72 + 0.28 * np.minimum(depth / (0.05 * self.unit + 1), 1)  # seams are darker
        return brightness, gloss * facing**12 if gloss else None

    def paint(self, mask, color, *, relief=1.0, gloss=0.0, dim=1.0):
        """Paints a shape on top of the others.

        Args:
            mask (np.ndarray): Coverage, (H, W), uint8.
            color (sequence | np.ndarray): One RGB color, or a texture (3, H, W).
            relief (float): Height of the rounded surface; 0 is flat.
            gloss (float): Strength of the highlight, 0 to 1.
            dim (float): Factor of the brightness, for parts in the back.
        """
        left, top, width, height = cv2.boundingRect(mask)
        if not width:
            return
        window = slice(max(top - 1, 0), top + height + 1), slice(max(left - 1, 0), left + width + 1)
        everything = (slice(None), *window)
        mask = mask[window]
        brightness, highlight = self.shade(mask, relief, gloss)
        color = np.asarray(color, np.float32)
        color = color[everything] if color.ndim == 3 else color.reshape(3, 1, 1)
        color = color * (brightness * np.float32(dim))
        if highlight is not None:
            color += highlight
        cover = mask * np.float32(1 / 255)
        rgb, alpha = self.rgb[everything], self.alpha[window]
        rgb += (color - rgb) * cover
        np.maximum(alpha, cover, out=alpha)

    def sprite(self):
        """The object at its final size, cropped to its box: premultiplied RGB (h, w, 3) and coverage (h, w)."""
        side = self.shape[0] // SUPERSAMPLING
        alpha = cv2.resize(self.alpha, (side, side), interpolation=cv2.INTER_AREA)
        rgb = cv2.merge(list(self.rgb * self.alpha))
        rgb = cv2.resize(rgb, (side, side), interpolation=cv2.INTER_AREA)
        rows, columns = np.nonzero(alpha > 0.02)
        cut = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
        return rgb[cut], alpha[cut]
