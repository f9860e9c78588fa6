"""Any text, image, audio or video model of the Hugging Face hub, or of a folder, as an mmsdk encoder: three schemes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmsdk import LoaderSpec, hookimpl
from mmsdk_transformers import models

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mmsdk import EncoderSpec, PresetSpec

PULL, LOCATE = "mmsdk_transformers.pulling:pull", "mmsdk_transformers.pulling:locate"


@hookimpl
def mmsdk_encoders() -> Iterable[EncoderSpec]:
    """Declare short names for models of the hub."""
    return models.encoders()


@hookimpl
def mmsdk_presets() -> Iterable[PresetSpec]:
    """Declare ``small``, ``base`` and ``multilingual``."""
    return models.presets()


@hookimpl
def mmsdk_encoder_loaders() -> Iterable[LoaderSpec]:
    """Declare ``transformers:``, ``sentence-transformers:`` and ``transcript:``."""
    yield LoaderSpec(
        name="transformers",
        target="mmsdk_transformers.loader:load",
        summary="a transformers model: one vector a text or image, a step a window of sound or a video; joint ones too",
        modalities=("image", "text", "audio", "video"),
        example="transformers:google/siglip2-base-patch16-224",
        pull=PULL,
        locate=LOCATE,
    )
    yield LoaderSpec(
        name="sentence-transformers",
        target="mmsdk_transformers.sentence:load",
        summary="a sentence-transformers model, as its own modules make vectors",
        modalities=("text", "image", "audio", "video"),
        example="sentence-transformers:sentence-transformers/all-MiniLM-L6-v2",
        pull=PULL,
        locate=LOCATE,
    )
    yield LoaderSpec(
        name="transcript",
        target="mmsdk_transformers.words:load",
        summary="what is said in a sound, written down by a speech model and read by a text encoder",
        modalities=("audio",),
        example="transcript:whisper-base",
    )
