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
        summary="a photo, a drawing, a medical scan",
        sample="RGB uint8 (h, w, 3), upright; a very large picture is reduced by a whole factor",
        cells="a path or URL of a JPEG, PNG, WebP, BMP, GIF, TIFF, at most 89 megapixels; DICOM and NIfTI with extras",
        media=True,
        extensions=(
            *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"),
            *(".dcm", ".dicom", ".nii", ".nii.gz"),
        ),
        default_encoder="colour-shape",
        options={
            "frame": "of an animation, scan or volume, counted from 1; middle; mosaic: nine of them in a square; "
            "auto: the first of an animation, the middle of a scan (auto)",
            "window": "of a scan: auto (its own, else all but the extremes), lung, mediastinum, soft-tissue, bone, "
            "brain, liver, or [centre, width] (auto)",
            "axis": "of the body, across which the slices of a volume lie: 0 left to right, 1 back to front, 2 foot "
            "to head (2)",
        },
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
