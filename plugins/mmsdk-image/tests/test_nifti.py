"""NIfTI to pixels: slices by the body's own axes, windows, packed files, limits."""

from __future__ import annotations

import gzip
import sys

import numpy as np
import pytest
from mmsdk_image.modality import Image

import mmsdk
from mmsdk import Media

nibabel = pytest.importorskip("nibabel")


def decode(data, name="volume.nii", **options):
    return Image(**options).decode(Media(name=name, data=data))


def saved(values, affine=None, kind=nibabel.Nifti1Image):
    return kind(values, np.eye(4) if affine is None else affine).to_bytes()


def body():
    """Return values that say where they stand: 6 left to right, 8 back to front, 10 foot to head."""
    right, front, head = np.meshgrid(np.arange(6), np.arange(8), np.arange(10), indexing="ij")
    return (right + 20 * front + 400 * head).astype(np.int16)


@pytest.fixture
def volume():
    return saved(body())


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_slices(kind):
    volume = saved(body(), kind=kind)
    assert decode(volume).shape == (8, 6, 3)
    assert decode(volume, axis=0).shape == (10, 8, 3)
    assert decode(volume, axis=1).shape == (10, 6, 3)
    assert (decode(gzip.compress(volume), "v.nii.gz") == decode(volume)).all()
    assert (decode(gzip.compress(volume), "named.png") == decode(volume)).all()
    shown = [decode(volume, frame=one, window=[2000, 4000])[0, 0, 0] for one in (1, "auto", "middle", 10)]
    assert shown[0] < shown[1] == shown[2] < shown[3]


def test_what_is_front_is_up_and_what_is_right_is_right(volume):
    pixels = decode(volume, frame=1)[..., 0]
    assert pixels[0, 0] > pixels[-1, 0]
    assert pixels[0, -1] > pixels[0, 0]
    side = decode(volume, axis=0)[..., 0]
    assert side[0, 0] > side[-1, 0]  # the head is up


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_volume_looks_the_same_however_it_is_stored(volume, axis):
    turned = np.ascontiguousarray(body()[::-1].transpose(2, 0, 1))  # first foot to head, then right to left
    affine = np.zeros((4, 4))
    affine[2, 0], affine[0, 1], affine[1, 2], affine[0, 3], affine[3, 3] = 1, -1, 1, 5, 1
    for frame in (1, "middle", 5, "mosaic"):
        options = {"axis": axis, "frame": frame, "window": [2000, 4000]}
        assert (decode(saved(turned, affine), **options) == decode(volume, **options)).all()


def test_windows_act(volume):
    pictures = {decode(volume, window=one).tobytes() for one in ("auto", "bone", [2000, 500], [2000, 4000])}
    assert len(pictures) == 4


def test_mosaic(volume):
    shown = decode(volume, frame="mosaic", window=[2000, 4000])
    assert shown.shape == (24, 18, 3)
    assert (np.diff(shown[::8, ::6, 0].ravel().astype(int)) > 0).all()


def test_colours_series_and_pictures():
    colours = np.zeros((4, 5, 2), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    colours["G"] = 200
    assert decode(saved(colours))[0, 0].tolist() == [0, 200, 0]
    series = np.stack([body(), body() + 5], axis=3)
    assert (decode(saved(series), window=[2000, 4000]) == decode(saved(body()), window=[2000, 4000])).all()
    assert decode(saved(body()[:, :, 0]), axis=0).shape == (8, 6, 3)
    holes = body().astype(np.float32)
    holes[:3] = np.nan
    assert decode(saved(holes)).max() == 255
    with pytest.raises(ValueError, match="has complex values; save their size or phase"):
        decode(saved(body().astype(np.complex64)))


def test_what_cannot_be_read_is_refused(volume, monkeypatch):
    from mmsdk_image import nifti

    with pytest.raises(ValueError, match="has 10 slices, where slice 11 was asked for"):
        decode(volume, frame=11)
    with pytest.raises(ValueError, match="is a damaged NIfTI file: its values are not there"):
        decode(volume[:500])
    with pytest.raises(ValueError, match=r"is a damaged NIfTI file$"):
        decode(volume[:40] + b"\xff" * 20 + volume[60:])
    with pytest.raises(ValueError, match=r"it is cut off|damaged"):
        decode(gzip.compress(volume)[:-20])
    monkeypatch.setattr(nifti, "MAX_BYTES", 200)
    with pytest.raises(ValueError, match="unpacks to more than 200 bytes"):
        decode(gzip.compress(volume))
    with pytest.raises(mmsdk.EncoderError, match=r"decode.axis is 3, expected 0, 1 or 2"):
        Image(axis=3)


def test_too_many_pixels_are_refused_by_the_header(volume):
    class Small(Image):
        max_pixels = 60

    small = Small()
    with pytest.raises(ValueError, match="has slices of 48 pixels and shows 9, where 60 are read"):
        Small(frame="mosaic").decode(Media(name="v", data=volume))
    assert small.decode(Media(name="v", data=volume)).shape == (8, 6, 3)
    with pytest.raises(ValueError, match="has slices of 80 pixels, where 60 are read"):
        Small(axis=0).decode(Media(name="v", data=volume[:352]))  # not a value of it is there


def test_without_nibabel_one_sentence_says_what_to_install(volume, monkeypatch):
    monkeypatch.setitem(sys.modules, "nibabel", None)
    with pytest.raises(ValueError, match=r"needs nibabel: pip install 'mmsdk-image\[nifti\]'"):
        decode(volume)
