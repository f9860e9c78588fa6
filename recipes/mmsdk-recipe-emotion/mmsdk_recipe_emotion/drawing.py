"""A face that is drawn: skin, hair, brows and a mouth that moves. Detectors take it for a face."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
SIDE = 208  # pixels it is drawn at, before it is made small


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who is drawn."""

    skin: Colour
    hair: Colour
    wall: Colour


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the face does, each about -1 to 1.

    :param smile: corners of the mouth up or down.
    :param brow: brows up or down.
    :param mouth: how far it is open, 0 to 1.
    """

    smile: float = 0.0
    brow: float = 0.0
    mouth: float = 0.0


def draw_face(person: Person, look: Look, size: int) -> np.ndarray:
    """Return ``(size, size, 3)`` RGB uint8."""
    image = Image.new("RGB", (SIDE, SIDE), person.wall)
    draw = ImageDraw.Draw(image)
    dark, light = _shade(person.skin, 0.72), _shade(person.skin, 1.12)
    for oval, colour in (
        ((0.5, 0.46, 0.36, 0.44), person.hair),
        ((0.5, 0.54, 0.29, 0.38), dark),
        ((0.5, 0.54, 0.27, 0.36), person.skin),
        ((0.5, 0.36, 0.20, 0.12), light),
    ):
        _oval(draw, oval, colour)
    for x in (0.385, 0.615):
        _eye(draw, x, dark, person.hair, look)
    draw.polygon(_scaled([(0.5, 0.48), (0.455, 0.63), (0.545, 0.63)]), fill=light)
    for x in (0.47, 0.53):
        _oval(draw, (x, 0.635, 0.02, 0.012), dark)
    for x in (0.32, 0.68):
        _oval(draw, (x, 0.62, 0.06, 0.05), light)
    _mouth(draw, look)
    _oval(draw, (0.5, 0.85, 0.08, 0.025), light)
    small = image.resize((size, size), Image.Resampling.LANCZOS).filter(ImageFilter.GaussianBlur(size / 140))
    return np.asarray(small)


def _eye(draw: ImageDraw.ImageDraw, x: float, dark: Colour, hair: Colour, look: Look) -> None:
    """Draw an eye and its brow."""
    _oval(draw, (x, 0.475, 0.075, 0.055), dark)
    _oval(draw, (x, 0.48, 0.05, 0.026 + 0.008 * max(look.brow, 0.0)), (235, 235, 232))
    _oval(draw, (x, 0.48, 0.024, 0.026), (50, 36, 28))
    inner = 1 if x < 0.5 else -1  # the end towards the nose goes down in anger
    height = 0.41 - 0.05 * max(look.brow, 0.0)
    slant = 0.045 * min(look.brow, 0.0)
    ends = [(x - 0.07, height + inner * slant), (x, height - 0.012), (x + 0.07, height - inner * slant)]
    draw.line(_scaled(ends), fill=hair, width=round(SIDE * 0.022))


def _mouth(draw: ImageDraw.ImageDraw, look: Look) -> None:
    """Draw the mouth."""
    along = np.linspace(-1, 1, 21)
    middle = 0.745 + 0.08 * look.smile * (0.5 - along**2)
    upper = [(0.5 + 0.12 * u, y - 0.012) for u, y in zip(along, middle, strict=True)]
    drop = 0.016 + 0.09 * look.mouth * (1 - np.abs(along))
    lower = [(0.5 + 0.12 * u, y + d) for u, y, d in zip(along, middle, drop, strict=True)]
    draw.polygon(_scaled([*upper, *lower[::-1]]), fill=(150, 60, 60))


def _oval(draw: ImageDraw.ImageDraw, oval: tuple[float, float, float, float], colour: Colour) -> None:
    """Draw an oval by its middle and half axes, as shares of the side."""
    x, y, across, down = (SIDE * one for one in oval)
    draw.ellipse((x - across, y - down, x + across, y + down), fill=colour)


def _scaled(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return points in pixels."""
    return [(SIDE * float(x), SIDE * float(y)) for x, y in points]


def _shade(colour: Colour, factor: float) -> Colour:
    """Return a colour made darker or lighter."""
    red, green, blue = (min(round(one * factor), 255) for one in colour)
    return red, green, blue
