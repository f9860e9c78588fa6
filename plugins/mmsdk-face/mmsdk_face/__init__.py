"""Faces for mmsdk: found, followed from frame to frame, and encoded; with ONNX models or without any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmsdk import EncoderSpec, LoaderSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable


@hookimpl
def mmsdk_encoders() -> Iterable[EncoderSpec]:
    """Declare the encoder that needs no weights."""
    yield EncoderSpec(
        name="face-shape",
        target="mmsdk_face.loader:FaceShape",
        summary="outlines and texture of the largest face, found by a classical cascade; looks, not meaning",
        modalities=("image", "video"),
        dim=736,
        output="sequence",
    )


@hookimpl
def mmsdk_encoder_loaders() -> Iterable[LoaderSpec]:
    """Declare ``faces:``."""
    yield LoaderSpec(
        name="faces",
        target="mmsdk_face.loader:load",
        summary="faces by an ONNX detector (or cascade), each by any image encoder: faces:DETECTOR.onnx+ENCODER",
        modalities=("image", "video"),
        example="faces:ultraface.onnx+onnx:fer.onnx#embedding",
    )
