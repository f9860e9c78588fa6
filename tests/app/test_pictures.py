"""Rows as pictures: what is shown is what the encoder saw, and a cell that nothing can be read from is no picture."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

import mmsdk

WORDS = re.compile(r"data:image/jpeg;base64,([\w+/=]+)")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Twelve animations, red and then blue; rows without a file, with a broken one, with a text and no picture."""
    folder = tmp_path_factory.mktemp("animations")
    red, blue = (Image.new("RGB", (32, 32), colour) for colour in ("red", "blue"))
    lines = ["id,photo,words,label,part"]
    for number in range(12):
        red.save(folder / f"{number}.gif", save_all=True, append_images=[blue])
        lines.append(f"{number},{number}.gif,a word,{'xy'[number % 2]},{('train', 'val', 'test')[number // 2 % 3]}")
    (folder / "broken.gif").write_bytes(b"GIF89a and no more")
    lines += ["12,,a word,x,train", "13,broken.gif,a word,y,train"]
    (folder / "rows.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def app(folder, tmp_path_factory):
    photo = {"column": "photo", "modality": "image", "encoder": "colour-shape", "decode": {"frame": 2}}
    plan = {
        "id": "id",
        "inputs": {"photo": photo, "words": {"column": "words", "modality": "text", "encoder": "ngrams"}},
        "tasks": {"label": {"column": "label", "type": "classification"}},
        "split": {"column": "part"},
        "fusion": {"dim": 16, "members": 2},
        "training": {"epochs": 1},
    }
    run = tmp_path_factory.mktemp("run") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMSDK_CACHE_DIR", str(folder / "cache"))
        yield mmsdk.fit(plan, folder / "rows.csv", run, on_bad_row="skip", quiet=True)


def colours(text):
    """Return red and blue of each picture that a text holds, on the mean."""
    found = [Image.open(io.BytesIO(base64.b64decode(one))).convert("RGB") for one in WORDS.findall(text)]
    return np.array([np.asarray(one, float).mean((0, 1))[[0, 2]] for one in found])


def test_a_picture_shows_the_frame_that_was_asked_for(app):
    ((red, blue),) = colours(mmsdk.picture_data_uri(app, {"photo": "3.gif"}))
    assert blue > 200
    assert red < 50


def test_the_pictures_of_the_report_do_too(app):
    found = colours((app.folder / "report.html").read_text("utf-8"))
    assert len(found) > 2
    assert (found[:, 1] > 200).all()


@pytest.mark.parametrize("row", [{"photo": "broken.gif"}, {"photo": "gone.gif"}, {"photo": None}, {"words": "a word"}])
def test_a_row_without_a_readable_picture_has_none(app, row):
    assert mmsdk.picture_data_uri(app, row) == ""
