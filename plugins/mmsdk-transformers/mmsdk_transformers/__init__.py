"""Any text, image, audio or video model of the Hugging Face hub, or of a folder, as an mmsdk encoder: two schemes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmsdk import LoaderSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable


@hookimpl
def mmsdk_encoder_loaders() -> Iterable[LoaderSpec]:
    """Declare ``transformers:`` and ``sentence-transformers:``."""
    yield LoaderSpec(
        name="transformers",
        target="mmsdk_transformers.loader:load",
        summary="a transformers model: one vector a text or image, a step a window of sound or a video; joint ones too",
        modalities=("image", "text", "audio", "video"),
        example="transformers:google/siglip2-base-patch16-224",
    )
    yield LoaderSpec(
        name="sentence-transformers",
        target="mmsdk_transformers.sentence:load",
        summary="a sentence-transformers model, as its own modules make vectors",
        modalities=("text", "image", "audio", "video"),
        example="sentence-transformers:sentence-transformers/all-MiniLM-L6-v2",
    )
