"""The synthetic sample: a small home-goods shop, drawn and simulated from a seed, with a known taste structure.

An item has a *look* (palette and pattern: only the photo shows it), a *make* (material and mood: only the text tells
it) and a price. A shopper likes one or two looks and one or two makes and has a budget; what is taken follows all
three, so neither the photo nor the text alone can know. A sixth of the items come late: nobody has touched them before
the last weeks, which is what a recommender that reads content is for.
"""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from mmsdk import atomic_write

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

ITEMS, SHOPPERS, DAYS = 240, 320, 180
PIXELS = 96
LATE_SHARE = 1 / 6
LOOKS = {
    "meadow": ((118, 150, 92), (224, 214, 172), "dots"),
    "harbour": ((38, 74, 120), (214, 226, 236), "stripes"),
    "ember": ((188, 82, 40), (244, 208, 150), "plain"),
    "night": ((44, 40, 58), (150, 128, 196), "checks"),
    "blossom": ((214, 120, 150), (250, 232, 236), "rings"),
}
MAKES = {
    "oak": ("solid oak", "Oiled by hand, it ages well and feels warm to the touch."),
    "steel": ("brushed steel", "Plain industrial lines, made for a workshop and easy to wipe clean."),
    "linen": ("washed linen", "Soft and airy, for slow mornings and open windows."),
    "clay": ("glazed clay", "Turned on a wheel by a potter, so that no two are alike."),
    "wool": ("felted wool", "Thick and quiet, it keeps a room cosy through the winter."),
}
KINDS = ("lamp", "mug", "vase", "cushion", "stool", "clock", "tray", "basket")
WANTS = {
    "oak": "something natural in wood",
    "steel": "clean metal, nothing fussy",
    "linen": "light fabric for summer",
    "clay": "handmade pottery",
    "wool": "warm and cosy for winter",
}
START = datetime(2026, 1, 1, tzinfo=UTC)


def write_sample(folder: Path, seed: int) -> None:
    """Write ``items.csv``, ``photos/`` and ``interactions.csv`` in ``folder``; the same seed, the same bytes."""
    rng = np.random.default_rng(seed)
    items = _items(rng)
    (folder / "photos").mkdir(parents=True, exist_ok=True)
    for item in items:
        _write_photo(folder / item["photo"], item, rng)
    columns = ("sku", "photo", "title", "description", "price")
    _write_csv(folder / "items.csv", columns, ([item[name] for name in columns] for item in items))
    _write_csv(folder / "interactions.csv", ("shopper", "sku", "time", "quantity", "said"), _interactions(items, rng))


def _items(rng: np.random.Generator) -> list[dict[str, str]]:
    """Draw the catalogue; ids tell nothing, and look and make never stand in a column."""
    rows = []
    for number in range(ITEMS):
        look, make, kind = rng.choice(list(LOOKS)), rng.choice(list(MAKES)), rng.choice(KINDS)
        material, mood = MAKES[make]
        sku = f"H{number:04d}"
        rows.append(
            {
                "sku": sku,
                "photo": f"photos/{sku}.png",
                "title": f"{kind.capitalize()} in {material}",
                "description": mood if rng.random() > 0.1 else "",
                "price": f"{np.exp(rng.normal(3.2, 0.5)):.2f}",
                "look": look,
                "make": make,
                "kind": kind,
            }
        )
    return rows


def _write_photo(path: Path, item: dict[str, str], rng: np.random.Generator) -> None:
    """Draw the item in its look: background, pattern and a silhouette of its kind, each a little off."""
    dark, light, pattern = LOOKS[item["look"]]
    shift = rng.integers(-14, 15, 3)
    ink, paper = (tuple(int(v) for v in np.clip(np.array(c) + shift, 0, 255)) for c in (dark, light))
    image = Image.new("RGB", (PIXELS, PIXELS), paper)
    draw = ImageDraw.Draw(image)
    _pattern(draw, pattern, ink, int(rng.integers(10, 16)))
    x, y = (int(v) for v in rng.integers(24, 34, 2))
    _silhouette(draw, item["kind"], (x, y, x + 40, y + 40), ink, paper)
    noise = rng.normal(0, 6, (PIXELS, PIXELS, 1))
    pixels = np.clip(np.asarray(image, dtype=np.float32) + noise, 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(
        path, "PNG"
    )  # not flushed to the disk each: only the table written last says all is there


def _pattern(draw: ImageDraw.ImageDraw, name: str, ink: tuple[int, ...], step: int) -> None:
    """Fill the picture with the look's pattern."""
    for a in range(0, PIXELS, step):
        if name == "stripes":
            draw.rectangle((a, 0, a + step // 3, PIXELS), fill=ink)
        for b in range(0, PIXELS, step):
            if name == "dots":
                draw.ellipse((a, b, a + step // 3, b + step // 3), fill=ink)
            elif name == "rings":
                draw.ellipse((a, b, a + step - 3, b + step - 3), outline=ink)
            elif name == "checks" and (a // step + b // step) % 2:
                draw.rectangle((a, b, a + step, b + step), fill=ink)


def _silhouette(
    draw: ImageDraw.ImageDraw, kind: str, box: tuple[int, int, int, int], ink: tuple[int, ...], paper: tuple[int, ...]
) -> None:
    """Draw a simple shape for the kind of item."""
    left, top, right, bottom = box
    middle, half = (left + right) // 2, (top + bottom) // 2
    shapes = {
        "lamp": [
            ("polygon", (middle, top, right, half, left, half)),
            ("rectangle", (middle - 3, half, middle + 3, bottom)),
        ],
        "mug": [
            ("rectangle", (left + 6, top + 6, right - 10, bottom)),
            ("ellipse", (right - 14, half - 8, right, half + 8)),
        ],
        "vase": [
            ("ellipse", (left + 4, half - 6, right - 4, bottom)),
            ("rectangle", (middle - 6, top, middle + 6, half)),
        ],
        "cushion": [("rounded_rectangle", (left, top + 4, right, bottom - 4))],
        "stool": [
            ("rectangle", (left, top, right, top + 8)),
            ("rectangle", (left + 4, top, left + 9, bottom)),
            ("rectangle", (right - 9, top, right - 4, bottom)),
        ],
        "clock": [("ellipse", (left, top, right, bottom))],
        "tray": [("rectangle", (left - 6, half, right + 6, half + 9))],
        "basket": [
            ("polygon", (left, half - 8, right, half - 8, right - 7, bottom, left + 7, bottom)),
            ("rectangle", (left + 8, top, right - 8, top + 4)),
        ],
    }
    for shape, points in shapes[kind]:
        getattr(draw, shape)(points, fill=ink, outline=paper, width=2)


def _interactions(items: Sequence[dict[str, str]], rng: np.random.Generator) -> Iterable[list[str]]:
    """Simulate shoppers: what each takes follows look, make and budget, never an item before it is on sale."""
    looks, makes = list(LOOKS), list(MAKES)
    look = np.array([looks.index(item["look"]) for item in items])
    make = np.array([makes.index(item["make"]) for item in items])
    price = np.log([float(item["price"]) for item in items])
    launch = np.where(rng.random(ITEMS) < LATE_SHARE, rng.uniform(0.8 * DAYS, 0.95 * DAYS, ITEMS), 0.0)
    fame = rng.normal(0, 0.5, ITEMS)
    rows: list[tuple[float, list[str]]] = []
    for shopper in range(SHOPPERS):
        taste_look, taste_make = rng.dirichlet(np.full(len(looks), 0.25)), rng.dirichlet(np.full(len(makes), 0.25))
        budget = rng.normal(3.2, 0.4)
        liking = 5 * taste_look[look] + 5 * taste_make[make] - 1.2 * np.abs(price - budget) + fame
        taken: set[int] = set()
        for day in np.sort(rng.uniform(0, DAYS, 4 + int(rng.poisson(6)))):
            open_now = (launch <= day) & ~np.isin(np.arange(ITEMS), list(taken))
            odds = np.where(open_now, np.exp(liking - liking.max()), 0)
            item = int(rng.choice(ITEMS, p=odds / odds.sum()))
            taken.add(item)
            want = makes[int(rng.choice(len(makes), p=taste_make))]
            said = f"{WANTS[want]}, perhaps a {items[item]['kind']}" if rng.random() < 0.3 else ""
            when = (START + timedelta(days=float(day))).strftime("%Y-%m-%dT%H:%M:%SZ")
            rows.append(
                (float(day), [f"S{shopper:03d}", items[item]["sku"], when, str(1 + int(rng.poisson(0.3))), said])
            )
    return [row for _, row in sorted(rows)]


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a CSV whole or not at all."""
    with atomic_write(path) as partial, partial.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
