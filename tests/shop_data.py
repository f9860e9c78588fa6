"""A shop of sixty items that a test can fit in a second: drawn photos, texts, a price, a material, a date, a kind."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

KINDS = {
    "lamp": ((200, 60, 40), "warm light for the evening"),
    "vase": ((40, 160, 70), "holds flowers on the table"),
    "rug": ((50, 70, 190), "soft under bare feet"),
}
MATERIALS = ("oak", "glass", "wool")
ITEMS = 60
COLUMNS = (
    "sku",
    "image",
    "title",
    "description",
    "price",
    "material",
    "added",
    "kind",
    "tags",
    "grade",
    "line",
    "part",
)


def rows(count: int = ITEMS, seed: int = 0) -> list[dict[str, str]]:
    """Return the items as cells of a CSV; photo and text both tell the kind, price tells the grade."""
    random = np.random.default_rng(seed)
    found = []
    for number in range(count):
        kind = list(KINDS)[number % len(KINDS)]
        material = MATERIALS[int(random.integers(len(MATERIALS)))]
        price = float(np.round(random.uniform(5, 95), 2))
        found.append(
            {
                "sku": f"{number:03d}",
                "image": f"photos/{number:03d}.png",
                "title": f"{material} {kind} number {number}",
                "description": KINDS[kind][1],
                "price": f"{price:.2f}",
                "material": material,
                "added": f"2026-0{1 + number % 9}-1{number % 10}",
                "kind": kind,
                "tags": "|".join([kind, "dear"] if price > 50 else [kind, "cheap"]),
                "grade": f"{price / 10:.2f}",
                "line": f"line {number // 3}",
                "part": ("train", "train", "train", "val", "test")[number % 5],
            }
        )
    return found


def draw(path: Path, kind: str, number: int) -> None:
    """Draw an item: its kind is its colour."""
    random = np.random.default_rng(number)
    pixels = np.clip(np.array(KINDS[kind][0]) + random.normal(0, 20, (24, 24, 3)), 0, 255).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def orders(seed: int = 0, shoppers: int = 24) -> list[dict[str, str]]:
    """Return who took what: each keeps to one kind; the last eight items are taken by nobody."""
    random = np.random.default_rng(seed)
    found = []
    for shopper in range(shoppers):
        own = np.arange(shopper % 3, ITEMS - 8, 3)
        for step, item in enumerate(random.choice(own, 6, replace=False)):
            found.append(
                {
                    "customer": f"c{shopper:02d}",
                    "sku": f"{item:03d}",
                    "at": f"2026-0{step + 1}-{shopper + 1:02d}",
                    "quantity": str(1 + int(random.integers(3))),
                    "said": f"a {list(KINDS)[shopper % 3]} please" if step % 2 else "",
                    "part": "val" if step == 5 else "train",
                }
            )
    return found


def write_csv(path: Path, table: list[dict[str, Any]]) -> Path:
    """Write rows as CSV under the columns of the first."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
    return path


def write_shop(folder: Path) -> Path:
    """Write ``items.csv``, ``photos/``, ``orders.csv``; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    table = rows()
    for number, row in enumerate(table):
        draw(folder / row["image"], row["kind"], number)
    write_csv(folder / "items.csv", table)
    write_csv(folder / "orders.csv", orders())
    return folder


def application(folder: Path, **changed: Any) -> dict[str, Any]:
    """Return an application with every modality and three tasks; ``changed`` replaces whole blocks."""
    return {
        "data": str(folder / "items.csv"),
        "id": "sku",
        "inputs": {
            "photo": {"column": "image", "modality": "image"},
            "text": {"column": ["title", "description"], "modality": "text", "encoder": "ngrams"},
            "price": {"column": "price", "modality": "number"},
            "material": {"column": "material", "modality": "category"},
            "added": {"column": "added", "modality": "date"},
        },
        "tasks": {
            "kind": {"column": "kind", "type": "classification"},
            "tags": {"column": "tags", "type": "multilabel"},
            "grade": {"column": "grade", "type": "regression"},
        },
        "fusion": {"dim": 24},
        "training": {"epochs": 12, "batch_size": 16, "learning_rate": 0.005},
        "confidence": {"source": "validation"},  # five heads more for each fit would cost the tests minutes
        **changed,
    }


def recommender(folder: Path, **changed: Any) -> dict[str, Any]:
    """Return an application that recommends."""
    interactions = {"file": str(folder / "orders.csv"), "user": "customer", "item": "sku", "time": "at"}
    return application(folder, **{"tasks": {}, "interactions": interactions, **changed})
