"""The scheme ``transformers:``: one entrance, an encoder of pictures, texts, sounds or clips behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmsdk import EncoderError
from mmsdk_transformers.checkpoint import check, locate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmsdk_transformers.checkpoint import Checkpoint
    from mmsdk_transformers.encoder import ModelEncoder

POOLINGS = ("auto", "pooler", "cls", "mean")
ONLY = {  # option -> the modalities it is for, and what it does there
    "max_length": (("text",), "counts the tokens of texts"),
    "chunk": (("text",), "reads long texts by chunks"),
    "prompt": (("text",), "stands before texts"),
    "window": (("audio",), "cuts sounds"),
    "backend": (("text", "image"), "runs texts and images"),
}


def load(
    reference: str,
    *,
    modality: str,
    device: str = "cpu",
    trust_remote_code: bool = False,
    pooling: str = "auto",
    max_length: int | None = None,
    chunk: bool = False,
    prompt: str = "",
    window: float | None = None,
    normalize: bool | None = None,
    dtype: str = "auto",
    backend: str = "torch",
) -> ModelEncoder:
    """Return the encoder of a hub id (``id@revision`` pins) or of a folder.

    Texts and images become a vector each. Sounds and videos become a sequence: a step a window of a sound, one step a
    video.

    :param reference: for example ``google/siglip2-base-patch16-224`` or ``models/dinov2``.
    :param modality: ``image``, ``text``, ``audio`` (CLAP, Whisper's encoder, wav2vec 2.0, HuBERT, AST) or ``video``
        (VideoMAE, TimeSformer, ViViT, X-CLIP).
    :param device: ``cpu`` or ``cuda``.
    :param trust_remote_code: run the Python code that came with the model.
    :param pooling: ``auto``: the pooler where it was trained, else the class token, else the mean (images, videos), the
        mean of the tokens (texts), the model's own pooler, else the mean of the frames that hold sound (sounds); or one
        of them by name. CLIP, SigLIP, CLAP and X-CLIP have their own.
    :param max_length: texts are cut at so many tokens; by default what the model was made for, at most 512.
    :param chunk: a longer text is read in overlapping chunks of so many tokens, 64 at most, and becomes their mean
        weighted by tokens; nothing is cut off.
    :param prompt: stands before every text, for models that want one (``"passage: "``).
    :param window: seconds of sound a step; by default what the model was made for, else 10.
    :param normalize: unit length; by default only for joint models, whose space is one of angles.
    :param dtype: of the weights: ``float32``, ``float16``, ``bfloat16``, or ``auto``: float32 on ``cpu``, float16 on
        ``cuda``.
    :param backend: ``torch``; ``onnx``: exported once and run by onnxruntime (the extra ``onnx``); ``auto``: the faster
        of the two on this machine, measured once and remembered. Texts and images only.
    :raises EncoderError: the model cannot be found, reached, read, or does not take the modality.
    """
    checkpoint = locate("transformers", reference, modality, trusted=trust_remote_code)
    check(checkpoint, modality)
    if pooling not in POOLINGS:
        raise EncoderError(f"{checkpoint.name}: no pooling named {pooling!r}; there are {', '.join(POOLINGS)}")
    unit = checkpoint.joint if normalize is None else normalize
    chosen = {"max_length": max_length, "chunk": chunk, "prompt": prompt, "window": window}
    _refuse(checkpoint, modality, {**chosen, "backend": backend if backend != "torch" else None})
    shared = {"device": device, "dtype": dtype, "pooling": pooling, "normalize": unit}
    return _encoder(checkpoint, modality, {**chosen, "backend": backend}, shared)


def _encoder(
    checkpoint: Checkpoint, modality: str, chosen: Mapping[str, Any], shared: Mapping[str, Any]
) -> ModelEncoder:
    """Return the encoder of the modality with the options that are its own."""
    own = {name: chosen[name] for name, (modalities, _) in ONLY.items() if modality in modalities}
    if modality == "image":
        from mmsdk_transformers.pictures import PictureEncoder

        return PictureEncoder(checkpoint, **own, **shared)
    if modality == "audio":
        from mmsdk_transformers.sounds import SoundEncoder

        return SoundEncoder(checkpoint, **own, **shared)
    if modality == "video":
        from mmsdk_transformers.clips import ClipEncoder

        return ClipEncoder(checkpoint, **own, **shared)
    from mmsdk_transformers.texts import TextEncoder

    return TextEncoder(checkpoint, **own, **shared)


def _refuse(checkpoint: Checkpoint, modality: str, chosen: Mapping[str, Any]) -> None:
    """Refuse an option that would do nothing.

    :raises EncoderError: there is one.
    """
    for name, (modalities, does) in ONLY.items():
        if modality not in modalities and chosen[name] not in (None, False, ""):
            a = "an" if modality in ("image", "audio") else "a"
            raise EncoderError(f"{checkpoint.name}: {name} {does}; the input is {a} {modality}")
