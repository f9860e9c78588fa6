"""The recommender on real till baskets: one item of each test basket is asked for, given the others.

    MMSDK_REAL=../shared python benchmarks/recommend_baskets.py [--metric "recall@20"] [--out RUN]

9,835 baskets of one month (arules' Groceries) over 169 kinds of goods. The goods are the items: their name, and for the
11 kinds that the 81 photographed products belong to a photo and the products' descriptions; the other 158 lack both. A
basket is a user. Of each test and validation basket of two goods or more one, drawn by chance (seed 0), is hidden: the
test ones are asked for, the validation ones are left out altogether, and everything else is a training pair. Settings
of the run and of every baseline are chosen on leave-outs of the training pairs.
"""

from __future__ import annotations

import csv
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from recommend_ikea import arguments, run_recipe, table

METRICS = ("recall@20", "ndcg@20", "mrr")


def rows_of(file: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV."""
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write rows as CSV."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def goods(source: Path, folder: Path, names: list[str]) -> Path:
    """Write the items: each kind of goods, with the first photo and all descriptions of its products."""
    products: dict[str, list[dict[str, str]]] = {}
    for row in rows_of(source / "products.csv"):
        products.setdefault(row["basket_item"], []).append(row)
    found = []
    for number, name in enumerate(names):
        own = products.get(name, [])
        photo = ""
        if own:
            photo = f"photo-{number}{Path(own[0]['image']).suffix}"
            shutil.copyfile(source / own[0]["image"], folder / photo)
        texts = " ".join(row["text"] for row in own)
        found.append({"item": f"g{number:03d}", "name": name, "photo": photo, "about": texts})
    return write(folder / "goods.csv", found)


def pairs(source: Path, folder: Path) -> tuple[Path, list[str]]:
    """Write the baskets as pairs with their parts; return the file, and the goods in their order."""
    draw = random.Random(0)
    baskets = [
        (row["basket_id"], row["split"], sorted(set(row["items"].split("|"))))
        for row in rows_of(source / "baskets.csv")
    ]
    names = sorted({item for _, _, items in baskets for item in items})
    places = {name: f"g{number:03d}" for number, name in enumerate(names)}
    found = []
    for basket, split, items in baskets:
        hidden = draw.choice(items) if split != "train" and len(items) > 1 else None
        for item in items:
            part = {"test": "test", "val": "val"}[split] if item == hidden else "train"
            found.append({"basket": basket, "item": places[item], "part": part})
    return write(folder / "baskets.csv", found), names


def main() -> None:
    """Run and print."""
    words = arguments(__doc__ or "")
    real = os.environ.get("MMSDK_REAL")
    if not real:
        sys.exit("skipped: MMSDK_REAL names no folder of real data")
    source = Path(real) / "data" / "grocery_baskets"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        interactions, names = pairs(source, folder)
        items = goods(source, folder, names)
        settings = ("id=item", f"interactions={interactions}", "user=basket", "split=part")
        metrics = run_recipe(items, settings, words.out or folder / "run")
    for metric in METRICS if words.metric == "recall@20" else (words.metric,):
        table(metrics, metric)
    found = metrics["recommend"]
    best = max(found["baselines"], key=lambda name: found["baselines"][name]["recall@20"]["value"])
    more = found["paired"][best]["recall@20"]
    print(f"\nthis run - {best}, the best baseline: {more['value']:+.3f}  [{more['low']:+.3f}, {more['high']:+.3f}]")


if __name__ == "__main__":
    main()
