"""The scheme ``transformers:``: one entrance, an encoder of pictures or of texts behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmsdk import EncoderError
from mmsdk_transformers.checkpoint import check, locate

if TYPE_CHECKING:
    from mmsdk_transformers.pictures import PictureEncoder
    from mmsdk_transformers.texts import TextEncoder

POOLINGS = ("auto", "pooler", "cls", "mean")


def load(
    reference: str,
    *,
    modality: str,
    device: str = "cpu",
    trust_remote_code: bool = False,
    pooling: str = "auto",
    max_length: int | None = None,
    normalize: bool | None = None,
    backend: str = "torch",
) -> PictureEncoder | TextEncoder:
    """Return the encoder of a hub id (``id@revision`` pins) or of a folder.

    :param reference: for example ``google/siglip2-base-patch16-224`` or ``models/dinov2``.
    :param modality: ``image`` or ``text``.
    :param device: ``cpu`` (float32) or ``cuda`` (float16).
    :param trust_remote_code: run the Python code that came with the model.
    :param pooling: ``auto``: the pooler where it was trained, else the class token, else the mean (images), the mean of
        the tokens (texts); or one of them by name. CLIP and SigLIP have their own.
    :param max_length: texts are cut at so many tokens; by default what the model was made for, at most 512.
    :param normalize: unit length; by default only for CLIP and SigLIP, whose space is one of angles.
    :param backend: ``torch``; ``onnx``: exported once and run by onnxruntime (the extra ``onnx``); ``auto``: the faster
        of the two on this machine, measured once and remembered.
    :raises EncoderError: the model cannot be found, reached, read, or does not take the modality.
    """
    checkpoint = locate("transformers", reference, modality, trusted=trust_remote_code)
    check(checkpoint, modality)
    if pooling not in POOLINGS:
        raise EncoderError(f"{checkpoint.name}: no pooling named {pooling!r}; there are {', '.join(POOLINGS)}")
    unit = checkpoint.joint if normalize is None else normalize
    if modality == "image":
        from mmsdk_transformers.pictures import PictureEncoder

        if max_length is not None:
            raise EncoderError(f"{checkpoint.name}: max_length counts the tokens of texts; the input is an image")
        return PictureEncoder(checkpoint, device=device, dtype="auto", pooling=pooling, normalize=unit, backend=backend)
    from mmsdk_transformers.texts import TextEncoder

    return TextEncoder(
        checkpoint,
        max_length=max_length,
        chunk=False,
        prompt="",
        device=device,
        dtype="auto",
        pooling=pooling,
        normalize=unit,
        backend=backend,
    )
