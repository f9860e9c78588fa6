"""A small shop: a table, pictures beside it, and the modalities as far as reading needs them."""

from __future__ import annotations

import pytest

from mmsdk.config import load_application
from mmsdk.specs import ModalitySpec

ENDINGS = {"image": (".jpg", ".png")}


@pytest.fixture
def modalities():
    return {
        name: ModalitySpec(name=name, sample="", cells="", media=name in ENDINGS, extensions=ENDINGS.get(name, ()))
        for name in ("image", "text", "number", "category", "date", "vector")
    }


@pytest.fixture
def shop(tmp_path):
    """Return a folder with ``products.csv`` of four rows and the pictures it names."""
    (tmp_path / "images").mkdir()
    for name in "abc":
        (tmp_path / "images" / f"{name}.jpg").write_bytes(b"picture " + name.encode())
    (tmp_path / "products.csv").write_text(
        "sku,image,title,price,kind\n"
        "007,images/a.jpg,red lamp,12.5,lamp\n"
        "008,images/b.jpg,,3,chair\n"
        '009,,"blue\nlamp",,lamp\n'
        "010,images/c.jpg,green chair,4,chair\n",
        encoding="utf-8",
    )
    return tmp_path


@pytest.fixture
def application():
    return load_application(
        {
            "id": "sku",
            "inputs": {
                "photo": {"column": "image", "modality": "image"},
                "title": {"column": ["title", "kind2"], "modality": "text"},
            },
        },
        {"ignore": ["kind2"]},
    )
