"""Any ONNX file of pictures, texts, sounds or vectors as an mmsdk encoder: the scheme ``onnx:<file>[#output]``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmsdk import LoaderSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable


@hookimpl
def mmsdk_encoder_loaders() -> Iterable[LoaderSpec]:
    """Declare ``onnx:``."""
    yield LoaderSpec(
        name="onnx",
        target="mmsdk_onnx.loader:load",
        summary="an ONNX file with one input of pictures, samples or numbers, or of tokens; says what it cannot feed",
        modalities=("image", "text", "audio", "vector", "number"),
        example="onnx:models/mobilenet.onnx#pooler_output",
    )
