"""The scheme ``sound:<audio encoder>``: any audio encoder over the sound of a video."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk import EncoderError, Sequence, open_encoder
from mmsdk_video.inner import Inner

if TYPE_CHECKING:
    from collections.abc import Sequence as Rows


def load(
    reference: str, *, modality: str, device: str = "cpu", trust_remote_code: bool = False, **options: Any
) -> SoundEncoder:
    """Return an audio encoder that answers for the sound of a clip.

    :param reference: as one would name the encoder of a sound: ``mel-stats``, ``transformers:DIR``, ``onnx:FILE``.
    :param options: of the audio encoder.
    :raises EncoderError: it cannot be opened, or is fitted.
    """
    opened = open_encoder(reference, "audio", options=options, device=device, trust_remote_code=trust_remote_code)
    if opened.fitted:
        raise EncoderError(f"sound:{reference}: {opened.name!r} is fitted to its rows; name one that is not")
    return SoundEncoder(opened)


class SoundEncoder(Inner):
    """A clip to the steps of its sound, one where the audio encoder answers a vector; none where there is no sound."""

    KIND = "sound"

    def encode(self, batch: Rows[Any], modality: str) -> list[Sequence]:
        """Return a sequence a clip."""
        sounds = [clip.sound for clip in batch if clip.sound is not None]
        with self._opened.lock:
            answers = iter(self._opened.encoder.encode(sounds, "audio") if sounds else ())
        return [self._step(next(answers)) if clip.sound is not None else self._silent() for clip in batch]

    def _step(self, answer: Any) -> Sequence:
        """Return a vector as a sequence of one step."""
        if self._opened.sequence:
            found: Sequence = answer
            return found
        return Sequence(values=np.asarray(answer, np.float32)[None], times=np.zeros(1))

    def _silent(self) -> Sequence:
        """Return a sequence without a step."""
        return Sequence(values=np.zeros((0, self.dim), np.float32), times=np.zeros(0))
