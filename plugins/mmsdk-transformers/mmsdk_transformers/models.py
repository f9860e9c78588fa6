"""Pretrained models under short names, with licence, size and dim; and the presets made of them.

Every one of them has its weights as safetensors on the hub's branch ``main``. LAION's CLAP and OpenAI's CLIP have
them there as a pickle only, which is not read (seen in 2026), and of HuBERT that was not certain: they are not here.
Sizes are about: four bytes a parameter, counted from the configuration, and the vocabulary files. No revision is
pinned: ``mmsdk encoders pull`` fetches the newest and writes down which one that was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmsdk import EncoderSpec, PresetSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

MB = 10**6


def encoders() -> Iterator[EncoderSpec]:
    """Yield the named encoders, joint ones first."""
    yield from _joint()
    yield from _images()
    yield from _texts()
    yield from _sounds()
    yield EncoderSpec(
        name="videomae-base",
        summary="motion in a clip; its licence is not for commercial use",
        modalities=("video",),
        dim=768,
        output="sequence",
        reference="transformers:MCG-NJU/videomae-base",
        licence="CC-BY-NC-4.0",
        size=377 * MB,
    )


def presets() -> Iterator[PresetSpec]:
    """Yield ``small``, ``base`` and ``multilingual``; what they leave out keeps the modality's own encoder."""
    yield PresetSpec(
        name="small",
        summary="small pretrained encoders, a few hundred megabytes in all; English",
        encoders={
            "text": ("minilm", "bge-small-en"),
            "image": ("dinov2-small",),
            "audio": ("whisper-tiny",),
            "video": ("frames:dinov2-small",),
        },
    )
    yield PresetSpec(
        name="base",
        summary="pretrained encoders of base size, better and several times slower; English",
        encoders={
            "text": ("bge-base-en",),
            "image": ("siglip2-base",),
            "audio": ("ast",),
            "video": ("frames:siglip2-base",),
        },
    )
    yield PresetSpec(
        name="multilingual",
        summary="pretrained encoders for about a hundred languages, Chinese among them",
        encoders={
            "text": ("e5-small",),
            "image": ("siglip2-base",),
            "audio": ("whisper-base",),
            "video": ("frames:siglip2-base",),
        },
    )


def _joint() -> Iterator[EncoderSpec]:
    """Yield encoders of one space for several modalities."""
    yield EncoderSpec(
        name="siglip2-base",
        summary="pictures and texts of many languages in one space",
        modalities=("image", "text"),
        dim=768,
        reference="transformers:google/siglip2-base-patch16-224",
        licence="Apache-2.0",
        size=1535 * MB,
    )
    yield EncoderSpec(
        name="clip-base",
        summary="pictures and English texts in one space (LAION-2B)",
        modalities=("image", "text"),
        dim=512,
        reference="transformers:laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
        licence="MIT",
        size=609 * MB,
    )


def _images() -> Iterator[EncoderSpec]:
    """Yield image encoders."""
    for name, repo, dim, size in (
        ("dinov2-small", "facebook/dinov2-small", 384, 88),
        ("dinov2-base", "facebook/dinov2-base", 768, 346),
    ):
        yield EncoderSpec(
            name=name,
            summary="what is in a picture and where; trained without texts",
            modalities=("image",),
            dim=dim,
            reference=f"transformers:{repo}",
            licence="Apache-2.0",
            size=size * MB,
        )


def _texts() -> Iterator[EncoderSpec]:
    """Yield text encoders, each pooled as it was trained."""
    prompt = {"prompt": "query: "}  # E5 was trained with it; both sides of a comparison get the same
    for name, repo, dim, licence, size, summary, options in (
        ("bge-small-en", "BAAI/bge-small-en-v1.5", 384, "MIT", 135, "English texts", {}),
        ("bge-base-en", "BAAI/bge-base-en-v1.5", 768, "MIT", 439, "English texts", {}),
        ("bge-small-zh", "BAAI/bge-small-zh-v1.5", 512, "MIT", 97, "Chinese texts", {}),
        ("e5-small", "intfloat/multilingual-e5-small", 384, "MIT", 493, "texts of about 100 languages", prompt),
        ("e5-base", "intfloat/multilingual-e5-base", 768, "MIT", 1135, "texts of about 100 languages", prompt),
        (
            "paraphrase-multilingual-minilm",
            "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2",
            384,
            "Apache-2.0",
            500,
            "short texts of 50 languages",
            {},
        ),
    ):
        yield EncoderSpec(
            name=name,
            summary=summary,
            modalities=("text",),
            dim=dim,
            reference=f"sentence-transformers:{repo}",
            options=options,
            licence=licence,
            size=size * MB,
        )


def _sounds() -> Iterator[EncoderSpec]:
    """Yield audio encoders, a step a window of sound."""
    for name, repo, dim, licence, size, summary in (
        ("whisper-tiny", "openai/whisper-tiny", 384, "Apache-2.0", 155, "speech of many languages"),
        ("whisper-base", "openai/whisper-base", 512, "Apache-2.0", 295, "speech of many languages"),
        ("wav2vec2-base", "facebook/wav2vec2-base-960h", 768, "Apache-2.0", 378, "English speech"),
        ("ast", "MIT/ast-finetuned-audioset-10-10-0.4593", 768, "BSD-3-Clause", 347, "sounds of any kind (AudioSet)"),
    ):
        yield EncoderSpec(
            name=name,
            summary=summary,
            modalities=("audio",),
            dim=dim,
            output="sequence",
            reference=f"transformers:{repo}",
            licence=licence,
            size=size * MB,
        )
