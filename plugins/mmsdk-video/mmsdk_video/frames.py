"""The scheme ``frames:<image encoder>``: any image encoder over the frames of a video, one step a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk import EncoderError, Sequence, open_encoder
from mmsdk_video.inner import Inner

if TYPE_CHECKING:
    from collections.abc import Sequence as Rows

DEFAULT_BATCH = 32


def load(
    reference: str, *, modality: str, device: str = "cpu", trust_remote_code: bool = False, **options: Any
) -> FrameEncoder:
    """Return an image encoder that answers for each frame of a clip.

    :param reference: as one would name the encoder of an image: ``colour-shape``, ``transformers:DIR``, ``onnx:FILE``.
    :param options: of the image encoder.
    :raises EncoderError: it cannot be opened, is fitted, or answers sequences itself.
    """
    opened = open_encoder(reference, "image", options=options, device=device, trust_remote_code=trust_remote_code)
    if opened.fitted or opened.sequence:
        kind = "is fitted to its rows" if opened.fitted else "answers sequences itself"
        raise EncoderError(f"frames:{reference}: {opened.name!r} {kind}; name an image encoder that answers one vector")
    return FrameEncoder(opened)


class FrameEncoder(Inner):
    """A clip to one vector a frame; a clip without a picture has no step, and counts as missing."""

    KIND = "frames"

    def __init__(self, opened: Any) -> None:
        super().__init__(opened)
        self._size = int(getattr(opened.encoder, "batch_size", DEFAULT_BATCH))

    def encode(self, batch: Rows[Any], modality: str) -> list[Sequence]:
        """Return a sequence ``(n, dim)`` float32 a clip, timed as its frames; frames of several clips share batches."""
        frames = [frame for clip in batch for frame in clip.frames]
        with self._opened.lock:
            parts = [
                self._opened.encoder.encode(frames[start : start + self._size], "image")
                for start in range(0, len(frames), self._size)
            ]
        vectors = np.concatenate(parts) if parts else np.zeros((0, self.dim), np.float32)
        ends = np.cumsum([len(clip.frames) for clip in batch])[:-1]
        return [
            Sequence(values=np.ascontiguousarray(one, np.float32), times=np.asarray(clip.times, np.float64))
            for one, clip in zip(np.split(vectors, ends), batch, strict=True)
        ]
