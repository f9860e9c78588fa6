"""Video models of transformers as an encoder: the frames of a clip in, one vector at its middle out."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from PIL import Image

from mmsdk import Clip, EncoderError, Sequence
from mmsdk_transformers.encoder import ModelEncoder
from mmsdk_transformers.network import failing
from mmsdk_transformers.pictures import picture_processor
from mmsdk_transformers.pooling import picture_vectors, pooled

if TYPE_CHECKING:
    from collections.abc import Sequence as Rows

    from mmsdk_transformers.network import Network

COUNTS = ("num_frames", "frames_per_clip")  # how configurations call the number of frames


class ClipEncoder(ModelEncoder):
    """:class:`mmsdk.Clip` to one vector. Joint models (X-CLIP) share their weights with texts.

    The model gets as many frames as it was made for, evenly taken from those of the clip; of fewer, some twice. A
    clip without frames answers no step.
    """

    KIND = "transformers-video"
    BATCH: ClassVar = {"cpu": 2, "cuda": 16}
    output = "sequence"

    @cached_property
    def dim(self) -> int:
        """Return the length of a vector, by encoding a grey frame."""
        grey = Clip(frames=np.full((1, 32, 32, 3), 127, np.uint8), times=np.zeros(1), sound=None, duration=0.0)
        return int(self.encode([grey], "video")[0].values.shape[1])

    def length(self, sample: Clip) -> int:
        """Return the pixels of a frame; every clip is as many frames for the model."""
        return int(np.prod(sample.frames.shape[1:3]))

    def encode(self, batch: Rows[Clip], modality: str) -> list[Sequence]:
        """Return a sequence a clip: ``(1, dim)`` at the middle of its frames, ``(0, dim)`` where it has none."""
        self._read()
        seen = [place for place, clip in enumerate(batch) if len(clip.frames)]
        if not seen:
            return [self._nothing(self.dim) for _ in batch]
        with torch.inference_mode():
            values = self.vectors([batch[place] for place in seen], modality).cpu().numpy()
        found = [self._nothing(values.shape[1]) for _ in batch]
        for row, place in enumerate(seen):
            times = batch[place].times
            found[place] = Sequence(values=values[row : row + 1], times=np.array([(times[0] + times[-1]) / 2]))
        return found

    def vectors(self, batch: Rows[Clip], modality: str) -> torch.Tensor:
        """Return ``(n, dim)`` float32 on the device of clips with frames, with gradients where weights have them."""
        return self._by_parts(lambda part: self._by_torch(self._prepared(part)), batch)

    @staticmethod
    def _nothing(width: int) -> Sequence:
        """Return a sequence without a step."""
        return Sequence(values=np.zeros((0, width), np.float32), times=np.zeros(0))

    def _prepared(self, batch: Rows[Clip]) -> dict[str, torch.Tensor]:
        """Return pixels ``(n, frames, 3, h, w)``, each frame prepared as a picture is."""
        frames = [Image.fromarray(frame) for clip in batch for frame in evenly(clip.frames, self._frames)]
        with failing(self._checkpoint):
            pixels = self._processor(frames, return_tensors="pt")["pixel_values"]
        return {"pixel_values": pixels.reshape(len(batch), self._frames, *pixels.shape[-3:])}

    def _answer(self, found: Network, inputs: Any) -> torch.Tensor:
        if self._checkpoint.joint:
            return pooled(found.model.get_video_features(**inputs))
        return picture_vectors(found.model(**inputs), found, self._pooling, self._checkpoint.name)

    @cached_property
    def _frames(self) -> int:
        """Return how many frames the model takes.

        :raises EncoderError: it takes single pictures.
        """
        config = {**self._checkpoint.config, **self._checkpoint.config.get("vision_config", {})}
        for name in COUNTS:
            if config.get(name):
                return int(config[name])
        raise EncoderError(f"{self._checkpoint.name}: the model takes no video: its config.json names no num_frames")

    @cached_property
    def _processor(self) -> Any:
        """Return the model's own preprocessing of a frame."""
        return picture_processor(self._checkpoint)


def evenly(frames: np.ndarray, count: int) -> np.ndarray:
    """Return ``count`` frames, evenly taken, the first and the last among them."""
    found: np.ndarray = frames[np.linspace(0, len(frames) - 1, count).round().astype(int)]
    return found
