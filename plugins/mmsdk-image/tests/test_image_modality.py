"""The modality image: formats, colours, orientation, size limits, and the reason why a file is refused."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from mmsdk_image.modality import Image
from PIL import Image as Pillow

from mmsdk import Media

RED = (250, 10, 20)


def media(data, name="photo"):
    return Media(name=name, data=data)


def saved(picture, kind, **options):
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return media(stream.getvalue())


def picture(size=(40, 30)):
    """Return red with a blue left half."""
    image = Pillow.new("RGB", size, RED)
    image.paste((10, 20, 250), (0, 0, size[0] // 2, size[1]))
    return image


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"])
def test_formats(kind):
    pixels = Image().decode(saved(picture(), kind))
    assert pixels.shape == (30, 40, 3)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels[5, 35].astype(int) - RED).max() < 15
    assert pixels[5, 5, 2] > 200


def test_a_phone_with_two_lenses_writes_mpo():
    assert Image().decode(saved(picture(), "MPO", save_all=True, append_images=[picture()])).shape == (30, 40, 3)


def test_a_path_is_read_too(tmp_path):
    picture().save(tmp_path / "a.png")
    assert Image().decode(Media(name="a.png", path=tmp_path / "a.png")).shape == (30, 40, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("size", [(40, 30), (2400, 2100)])
def test_exif_orientation(kind, size):
    exif = Pillow.Exif()
    exif[0x0112] = 6  # the camera lay on its right side: turn by 90 degrees clockwise
    pixels = Image().decode(saved(picture(size), kind, exif=exif))
    height, width, _ = pixels.shape
    assert height > width
    assert pixels[5, 5, 2] > 200  # what was left is on top
    assert pixels[5, -5, 2] > 200
    assert pixels[-5, 5, 0] > 200


def test_damaged_exif_does_not_hide_the_pixels():
    pixels = Image().decode(saved(picture(), "PNG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\x7f"))
    assert pixels.shape == (30, 40, 3)


def test_gif_first_frame():
    frames = [Pillow.new("RGB", (8, 8), "red"), Pillow.new("RGB", (8, 8), "blue")]
    pixels = Image().decode(saved(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert pixels[0, 0].tolist() == [255, 0, 0]


def test_alpha_lies_on_white():
    image = Pillow.new("RGBA", (4, 4), (255, 0, 0, 0))
    image.putpixel((1, 1), (255, 0, 0, 255))
    pixels = Image().decode(saved(image, "PNG"))
    assert pixels[0, 0].tolist() == [255, 255, 255]
    assert pixels[1, 1].tolist() == [255, 0, 0]


def test_palette_with_and_without_transparency():
    palette = picture().quantize(4)
    assert Image().decode(saved(palette, "PNG"))[5, 35, 0] > 200
    index = palette.getpixel((0, 0))
    assert Image().decode(saved(palette, "PNG", transparency=index))[0, 0].tolist() == [255, 255, 255]


def test_grey_with_alpha_bits_and_cmyk():
    assert Image().decode(saved(Pillow.new("LA", (4, 4), (0, 0)), "PNG"))[0, 0].tolist() == [255] * 3
    assert Image().decode(saved(Pillow.new("1", (4, 4), 1), "PNG"))[0, 0].tolist() == [255] * 3
    red = Image().decode(saved(picture().convert("CMYK"), "JPEG"))[5, 35]
    assert red[0] > 200 > 60 > red[1]


@pytest.mark.parametrize(("brightest", "expected"), [(65535, 128), (4095, 128)])
def test_16_bit_grey_keeps_its_range(brightest, expected):
    values = np.array([[0, brightest // 2, brightest]] * 3, np.uint16)
    pixels = Image().decode(saved(Pillow.fromarray(values), "PNG"))
    assert pixels[0, 0].tolist() == [0, 0, 0]
    assert abs(int(pixels[0, 1, 0]) - expected) <= 1
    assert pixels[0, 2].tolist() == [255, 255, 255]


def test_32_bit_grey_is_stretched():
    values = np.array([[-1.0, 0.0, 1.0]], np.float32)
    pixels = Image().decode(saved(Pillow.fromarray(values), "TIFF"))
    assert pixels[0, :, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        (picture((4200, 2200)), "JPEG"),
        (picture((4200, 2200)), "PNG"),
        (picture((4200, 2200)).quantize(4), "PNG"),
        (Pillow.new("I;16", (2200, 4200), 60000), "PNG"),
        (Pillow.new("1", (2200, 4200), 1), "PNG"),
    ],
)
def test_a_large_picture_is_reduced_to_no_less_than_1024(image, kind):
    pixels = Image().decode(saved(image, kind))
    assert 1024 <= min(pixels.shape[:2]) < 2048
    assert max(pixels.shape[:2]) / min(pixels.shape[:2]) == pytest.approx(42 / 22, abs=0.01)
    assert pixels[5, -5, 0] > 200


def png_that_claims(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk)) + png_end()


def png_end():
    return struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))


@pytest.mark.parametrize("side", [30_000, 10_000])
def test_a_bomb_is_refused_by_its_header(side):
    with pytest.raises(ValueError, match="has more than 89,478,485 pixels; make it smaller"):
        Image().decode(media(png_that_claims(side, side)))


def test_own_limit():
    class Small(Image):
        max_pixels = 100

    with pytest.raises(ValueError, match="is 40 x 30 pixels, where 100 are read; make it smaller"):
        Small().decode(saved(picture(), "PNG"))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"])
def test_truncated(kind):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    data = saved(Pillow.fromarray(noise), kind).data
    with pytest.raises(ValueError, match=r"is truncated or damaged|has a damaged header|its header is damaged"):
        Image().decode(media(data[: len(data) // 2]))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is an empty file"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is an SVG drawing, which is not read; save it as PNG"),
        (b"<?xml version='1.0'?><svg/>", "is an SVG drawing"),
        (b"\x00\x00\x00\x18ftypheic", "is a HEIC or AVIF picture"),
        (b"hello, world", "is no picture that is read"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is no picture that is read"),
    ],
)
def test_refused(data, reason):
    with pytest.raises(ValueError, match=reason):
        Image().decode(media(data))


def test_thumbnail():
    data = Image().thumbnail(np.asarray(picture((400, 300))), 64)
    small = Pillow.open(io.BytesIO(data))
    assert small.size == (64, 48)
    assert small.format == "JPEG"


def test_frames_of_an_animation():
    stream = io.BytesIO()
    colours = [Pillow.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    colours[0].save(stream, "GIF", save_all=True, append_images=colours[1:])
    shown = [Image(frame=one).decode(media(stream.getvalue()))[4, 4].argmax() for one in ("auto", 1, "middle", 3)]
    assert shown == [0, 0, 1, 2]
    with pytest.raises(ValueError, match="has 3 frames, where frame 9"):
        Image(frame=9).decode(media(stream.getvalue()))
    still = io.BytesIO()
    colours[0].save(still, "PNG")
    assert Image(frame="middle").decode(media(still.getvalue())).shape == (8, 8, 3)


def test_mosaic_of_an_animation_and_of_pages_that_differ():
    stream = io.BytesIO()
    greys = [Pillow.new("RGB", (8, 6), (20 * n, 0, 0)) for n in range(12)]
    greys[0].save(stream, "WEBP", save_all=True, append_images=greys[1:], lossless=True)
    shown = Image(frame="mosaic").decode(media(stream.getvalue()))
    assert shown.shape == (18, 24, 3)
    assert (np.diff(shown[3::6, 4::8, 0].ravel().astype(int)) > 0).all()
    pages = io.BytesIO()
    greys[0].save(pages, "TIFF", save_all=True, append_images=[picture((20, 9))])
    assert Image(frame="mosaic").decode(media(pages.getvalue())).shape == (6, 16, 3)

    class Small(Image):
        max_pixels = 100

    with pytest.raises(ValueError, match="is 8 x 6 pixels and 9 frames of it, where 100 are read"):
        Small(frame="mosaic").decode(media(stream.getvalue()))


def test_an_animated_png_shows_its_frames():
    stream = io.BytesIO()
    colours = [Pillow.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    colours[0].save(stream, "PNG", save_all=True, append_images=colours[1:])
    shown = [Image(frame=one).decode(media(stream.getvalue()))[4, 4].argmax() for one in ("auto", "middle", 3)]
    assert shown == [0, 1, 2]


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_an_animation_that_is_cut_off_is_refused_where_the_frame_is_gone(kind):
    noise = np.random.default_rng(0).integers(0, 255, (4, 64, 64, 3), np.uint8)
    frames = [Pillow.fromarray(one) for one in noise]
    data = saved(frames[0], kind, save_all=True, append_images=frames[1:]).data
    with pytest.raises(ValueError, match=r"damaged|where frame 4 was asked for"):
        Image(frame=4).decode(media(data[: len(data) * 3 // 5]))
