"""Composes the images of the mini set: objects, their places, and their visible pixels."""

from dataclasses import dataclass

import cv2
import numpy as np

from .animals import draw_bird, draw_cat, draw_cow, draw_dog, draw_zebra
from .backgrounds import paint_background
from .canvas import Canvas
from .vehicles import draw_airplane, draw_bus, draw_car

HEIGHT, WIDTH = 112, 144
# class -> painter, relative width
OBJECTS = {
    'airplane': (draw_airplane, 1.25),
    'bird': (draw_bird, 0.85),
    'bus': (draw_bus, 1.15),
    'car': (draw_car, 1.1),
    'cat': (draw_cat, 0.95),
    'cow': (draw_cow, 1.1),
    'dog': (draw_dog, 1.0),
    'zebra': (draw_zebra, 1.1),
}
CLASSES = tuple(OBJECTS)
FLYING = ('airplane', 'bird')
MIN_VISIBLE_SHARE = 0.6
PLACEMENTS = 30
MAX_SPEED = 20  # pixels per video
# (instances of one class, further classes), and (classes with one instance each)
REPEATED = ((2, 1), (2, 2), (3, 1), (3, 2), (4, 1))
SINGLE = (3, 4, 4)
REPEATED_SHARE = 0.45


@dataclass(frozen=True)
class Instance:
    """One object of a scene: its class and its visible pixels, ``mask`` (H, W) of bool."""

    name: str
    mask: np.ndarray


@dataclass(frozen=True)
class Scene:
    """An image, (H, W, 3) uint8 RGB, with its visible objects from back to front and a caption."""

    image: np.ndarray
    instances: tuple
    caption: str


class _ClassSampler:
    """Draws classes in random order, all equally often."""

    def __init__(self, rng):
        self.rng = rng
        self.waiting = []

    def draw(self, count, without=()):
        """Returns ``count`` different classes that are not in ``without``."""
        drawn = []
        while len(drawn) < count:
            name = next((c for c in self.waiting if c not in drawn and c not in without), None)
            if name is None:
                self.waiting += self.rng.permutation(CLASSES).tolist()
            else:
                self.waiting.remove(name)
                drawn.append(name)
        return drawn


def plan_scenes(count, seed):
    """Plans the objects of each image, with all classes equally often.

    Args:
        count (int): Number of images.
        seed (int): Seed of all random choices.

    Returns:
        list[list[str]]: The classes of each image's objects; a class occurs more than once in 45 % of the images.
    """
    rng = np.random.default_rng([seed, 1])
    repeated, others, singles = _ClassSampler(rng), _ClassSampler(rng), _ClassSampler(rng)
    plans = []
    for index in range(count):
        if int((index + 1) * REPEATED_SHARE) > int(index * REPEATED_SHARE):
            instances, further = REPEATED[rng.integers(len(REPEATED))]
            main = repeated.draw(1)
            plans.append(main * instances + others.draw(further, without=main))
        else:
            plans.append(singles.draw(SINGLE[rng.integers(len(SINGLE))]))
    return [plans[i] for i in rng.permutation(count)]


def _place(rng, sprites, names, near, horizon):
    """Draws positions (left, top) of all sprites; the first ones, of one class, spread over the width.

    ``near`` is the nearness of each object, from 0 to 1. Near objects are low in the image.
    """
    count = len(names)
    slots = (rng.permutation(count) + rng.uniform(0.3, 0.7, count)) / count
    repeats = names.count(names[0])
    if repeats > 1:
        slots[:repeats] = (rng.permutation(repeats) + rng.uniform(0.25, 0.75, repeats)) / repeats
        slots[repeats:] = rng.uniform(0.1, 0.9, count - repeats)
    positions = []
    for name, (_, alpha), slot, nearness in zip(names, sprites, slots, near, strict=True):
        height, width = alpha.shape
        left = np.clip(slot * WIDTH - width / 2, -0.05 * width, WIDTH - 0.95 * width)
        if name in FLYING:
            top = rng.uniform(0, max(1, (0.55 if name == 'airplane' else 0.8) * HEIGHT - height))
        else:
            highest = max(horizon + 10, height)
            bottom = highest + np.clip(nearness + rng.uniform(-0.25, 0.25), 0, 1) * (HEIGHT + 2 - highest)
            top = bottom - height
        positions.append((int(left), int(top)))
    return positions


def _order(names, sprites, positions):
    """Indices from back to front: airplanes first, then the others from top to bottom."""
    return sorted(range(len(names)), key=lambda i: (names[i] != 'airplane', positions[i][1] + len(sprites[i][1])))


def _windows(alpha, position):
    """Slices of sprite and image that select their common part."""
    left, top = position
    height, width = alpha.shape
    rows = slice(max(top, 0), min(top + height, HEIGHT))
    columns = slice(max(left, 0), min(left + width, WIDTH))
    return (
        (slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left)),
        (rows, columns),
    )


def visible_masks(sprites, positions, order):
    """Computes the visible pixels of objects that may occlude each other and extend beyond the image.

    Args:
        sprites (list[tuple]): Color and coverage (h, w) of each object.
        positions (list[tuple]): Left and top of each object, in pixels.
        order (list[int]): Indices of the objects from back to front.

    Returns:
        tuple: Visible pixels of each, bool (N, HEIGHT, WIDTH), and their fraction of the object's area, (N,).
    """
    masks = np.zeros((len(sprites), HEIGHT, WIDTH), bool)
    for i in order:
        own, image = _windows(sprites[i][1], positions[i])
        cover = sprites[i][1][own] > 0.5
        masks[(slice(None), *image)] &= ~cover
        masks[(i, *image)] = cover
    areas = np.array([(alpha > 0.5).sum() for _, alpha in sprites])
    return masks, masks.sum((1, 2)) / areas


def _arrange(rng, sprites, names, near, horizon):
    """Places the objects so that enough of each is visible; returns positions, order and visible pixels."""
    best = (-1,)
    for _ in range(PLACEMENTS):
        positions = _place(rng, sprites, names, near, horizon)
        order = _order(names, sprites, positions)
        masks, shares = visible_masks(sprites, positions, order)
        if shares.min() > best[0]:
            best = shares.min(), positions, order, masks
        if best[0] >= MIN_VISIBLE_SHARE:
            break
    return best[1:]


def _shadow(rgb, alpha, position, strength):
    """Darkens the ground under an object."""
    height, width = alpha.shape
    shape = (width, max(3, height // 5))
    soft = np.zeros((HEIGHT, WIDTH), np.float32)
    flat = cv2.resize(alpha, shape, interpolation=cv2.INTER_AREA)
    own, image = _windows(flat, (position[0], position[1] + height - int(0.6 * shape[1])))
    soft[image] = flat[own]
    rgb *= 1 - strength * cv2.GaussianBlur(soft, (0, 0), 1.2)[..., None]


def _expose(rng, rgb, color):
    """Applies the effects of a camera: color of the light, vignette, blur and sensor noise; returns uint8."""
    y, x = np.ogrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    rgb = rgb * color * (1 - rng.uniform(0, 0.2) * (x * x + y * y)[..., None] / 2)
    rgb = cv2.GaussianBlur(rgb.astype(np.float32), (0, 0), rng.uniform(0.3, 0.6))
    grain = rng.standard_normal(rgb.shape, dtype=np.float32) * np.float32(rng.uniform(0.008, 0.022))
    return np.round(np.clip(rgb + grain, 0, 1) * 255).astype(np.uint8)


def _caption(names, place):
    parts = []
    for name in dict.fromkeys(names):
        count = names.count(name)
        plural = {'bus': 'buses'}.get(name, f'{name}s')
        number = ('', 'an' if name[0] in 'aeiou' else 'a', 'two', 'three', 'four')[count]
        parts.append(f'{number} {name if count == 1 else plural}')
    text = ' and '.join(filter(None, [', '.join(parts[:-1]), parts[-1]]))
    return f'{text[0].upper()}{text[1:]} {place}.'


def _draw_objects(rng, names, near, light):
    """Draws every object, near ones larger; returns their sprites."""
    scale = 45 if len(names) < 5 else 40
    sprites = []
    for name, nearness in zip(names, near, strict=True):
        painter, width = OBJECTS[name]
        size = scale * width * (0.8 + 0.35 * nearness) * rng.uniform(0.92, 1.08)
        canvas = Canvas(
            rng,
            size=size,
            light=light,
            mirror=rng.random() < 0.5,
            turn=rng.uniform(-6, 6),
            stretch=rng.uniform(0.93, 1.07),
        )
        painter(canvas)
        sprites.append(canvas.sprite())
    return sprites


def _paint(rgb, sprites, names, positions, order):
    """Paints the objects, from back to front, on a background; returns a new image."""
    rgb = rgb.copy()
    for i in order:
        color, alpha = sprites[i]
        if names[i] not in FLYING:
            _shadow(rgb, alpha, positions[i], strength=0.55)
        own, image = _windows(alpha, positions[i])
        rgb[image] = rgb[image] * (1 - alpha[own])[..., None] + color[own]
    return rgb


def draw_scene(names, seed, image_id):
    """Draws one image.

    Args:
        names (list[str]): Classes of its objects as :func:`plan_scenes` returns them: repeated ones first.
        seed (int): Seed of the set.
        image_id (int): The image's id, which seeds the random generator together with ``seed``.

    Returns:
        Scene: The image and its objects.
    """
    rng = np.random.default_rng([seed, 2, image_id])
    background = paint_background(rng, HEIGHT, WIDTH)
    near = rng.random(len(names))
    sprites = _draw_objects(rng, names, near, background.light)
    positions, order, masks = _arrange(rng, sprites, names, near, background.horizon)
    image = _expose(rng, _paint(background.rgb, sprites, names, positions, order), background.color)
    return Scene(image, tuple(Instance(names[i], masks[i]) for i in order), _caption(names, background.place))


def draw_clip(names, seed, frames):
    """Draws the frames of a video: the same place and objects, which move slightly from frame to frame.

    Args:
        names (list[str]): Classes of its objects.
        seed (sequence): Seed of all random choices.
        frames (int): Number of frames.

    Returns:
        list[tuple]: For each frame the image, uint8 RGB, and the visible pixels of each object, bool (N, H, W).
    """
    rng = np.random.default_rng(seed)
    background = paint_background(rng, HEIGHT, WIDTH)
    near = rng.random(len(names))
    sprites = _draw_objects(rng, names, near, background.light)
    positions, order, _ = _arrange(rng, sprites, names, near, background.horizon)
    speeds = rng.uniform(-MAX_SPEED, MAX_SPEED, len(names))
    drawn = []
    for frame in range(frames):
        shift = (frame - (frames - 1) / 2) / frames  # zero in the middle of the video
        moved = [(int(left + shift * speed), top) for (left, top), speed in zip(positions, speeds, strict=True)]
        masks, _ = visible_masks(sprites, moved, order)
        image = _expose(rng, _paint(background.rgb, sprites, names, moved, order), background.color)
        drawn.append((image, masks))
    return drawn
