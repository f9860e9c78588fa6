"""The encoder colour-shape: what its three parts see."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
from mmsdk_image import mmsdk_encoders
from mmsdk_image.colour_shape import ColourShape
from PIL import Image, ImageDraw

HISTOGRAM, LAYOUT, OUTLINES = slice(0, 128), slice(128, 176), slice(176, 752)


def disc(colour, box=(20, 20, 100, 100), size=(120, 120)):
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).ellipse(box, fill=colour)
    return np.array(image)


def encoded(*samples):
    return ColourShape().encode(samples, "image")


def test_shape_and_the_same_alone_as_in_a_batch():
    samples = [disc("red"), disc("blue", size=(90, 200)), np.zeros((1, 1, 3), np.uint8)]
    vectors = encoded(*samples)
    assert vectors.shape == (3, 752)
    assert vectors.dtype == np.float32
    assert np.isfinite(vectors).all()
    np.testing.assert_array_equal(np.vstack([encoded(sample) for sample in samples]), vectors)
    assert next(iter(mmsdk_encoders())).dim == ColourShape.dim == 752


def test_histogram_sees_the_colour_outlines_do_not():
    red, blue = encoded(disc("red"), disc("blue"))
    assert red[HISTOGRAM] @ blue[HISTOGRAM] < 0.8
    assert red[OUTLINES] @ blue[OUTLINES] > 0.95
    np.testing.assert_allclose([red[HISTOGRAM] @ red[HISTOGRAM], red[OUTLINES] @ red[OUTLINES]], 1, rtol=1e-5)


def test_layout_sees_where_the_histogram_does_not():
    left, right = encoded(disc("red", (0, 40, 40, 80)), disc("red", (80, 40, 120, 80)))
    assert left[HISTOGRAM] @ right[HISTOGRAM] > 0.99
    assert np.abs(left[LAYOUT] - right[LAYOUT]).max() > 0.3


def test_outlines_see_the_shape():
    box = np.full((120, 120, 3), 255, np.uint8)
    box[20:100, 20:100] = (255, 0, 0)
    round_one, square = encoded(disc("red"), box)
    assert round_one[OUTLINES] @ square[OUTLINES] < 0.7


def test_declaring_imports_nothing_heavy():
    heavy = "{'numpy', 'PIL', 'skimage'}"
    code = f"import sys, mmsdk_image as m; list(m.mmsdk_encoders()); print({heavy} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "set()\n"
