"""Pictures for mmsdk: safe decoding, and an encoder of colours and outlines that downloads nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmsdk import EncoderSpec, ModalitySpec, PresetSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable


@hookimpl
def mmsdk_modalities() -> Iterable[ModalitySpec]:
    """Declare ``image``."""
    yield ModalitySpec(
        name="image",
        target="mmsdk_image.modality:Image",
        summary="a photo, a scan, a drawing",
        sample="RGB uint8 (h, w, 3), upright; a very large picture is reduced by a whole factor",
        cells="a path or URL of a JPEG, PNG, WebP, BMP, GIF (first frame) or TIFF (first page), at most 89 megapixels",
        media=True,
        extensions=(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"),
        default_encoder="colour-shape",
    )


@hookimpl
def mmsdk_encoders() -> Iterable[EncoderSpec]:
    """Declare the encoder that needs no weights."""
    yield EncoderSpec(
        name="colour-shape",
        target="mmsdk_image.colour_shape:ColourShape",
        summary="HSV histogram, colour layout and gradient orientations (HOG); looks, not meaning",
        modalities=("image",),
        dim=752,
    )


@hookimpl
def mmsdk_presets() -> Iterable[PresetSpec]:
    """Offer it to the builtin preset."""
    yield PresetSpec(name="builtin", encoders={"image": ("colour-shape",)})
