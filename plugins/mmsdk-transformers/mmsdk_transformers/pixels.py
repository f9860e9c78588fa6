"""Preprocessing of pictures in one pass, where it gives what the model's own processor gives, bit for bit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from mmsdk_transformers import examples

if TYPE_CHECKING:
    from collections.abc import Sequence

PLAIN = {"pixel_values"}  # what a processor of one picture, one tensor answers
LARGE = (300, 400)


class Pixels:
    """Resize, crop, scale: the steps of a processor of transformers without its copies of the picture in between.

    Resizing is Pillow's, as the processor's own is; scaling is a table of 256 values a channel that the processor made.
    """

    def __init__(self, processor: Any) -> None:
        self._size = processor.size if processor.do_resize else None
        self._crop = processor.crop_size if getattr(processor, "do_center_crop", False) else None
        self._resample = processor.resample
        levels = np.repeat(np.arange(256, dtype=np.uint8)[None, None], 3, axis=0)
        table = processor.rescale(levels, processor.rescale_factor) if processor.do_rescale else levels
        if processor.do_normalize:
            table = processor.normalize(table, processor.image_mean, processor.image_std)
        self._table = np.ascontiguousarray(np.asarray(table, np.float32).reshape(3, 256))

    def levels(self, sample: np.ndarray) -> np.ndarray:
        """Return RGB uint8 ``(h, w, 3)`` resized and cropped, which :meth:`scaled` makes the same numbers of.

        :raises ValueError: the steps are others than these.
        """
        return self._cropped(self._resized(sample))

    def scaled(self, levels: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """Return ``(n, 3, h, w)`` of uint8 ``(n, h, w, 3)`` on its device: a quarter of the bytes has to get there."""
        table = torch.from_numpy(self._table).to(levels.device, dtype)
        channels = torch.arange(3, device=levels.device)
        return table[channels, levels.long()].permute(0, 3, 1, 2).contiguous()

    def prepared(self, sample: np.ndarray) -> np.ndarray:
        """Return float32 ``(3, h, w)`` of RGB uint8 ``(h, w, 3)``.

        :raises ValueError: the steps are others than these.
        """
        pixels = self.levels(sample)
        found = np.empty((3, *pixels.shape[:2]), np.float32)
        for channel in range(3):
            np.take(self._table[channel], pixels[:, :, channel], out=found[channel], mode="clip")
        return found

    def _resized(self, sample: np.ndarray) -> np.ndarray:
        """Return RGB uint8 of the size that the processor asks for."""
        if self._size is None:
            return sample
        height, width = self._target(sample)
        if sample.shape[:2] == (height, width):
            return sample
        return np.asarray(Image.fromarray(sample).resize((width, height), self._resample))

    def _target(self, sample: np.ndarray) -> tuple[int, int]:
        """Return height and width after resizing."""
        from transformers.image_transforms import get_resize_output_image_size

        size = self._size
        if size.height and size.width:
            return size.height, size.width
        if not size.shortest_edge or size.longest_edge:
            raise ValueError("resizes in another way")
        height, width = get_resize_output_image_size(
            sample, size=size.shortest_edge, default_to_square=False, input_data_format="channels_last"
        )
        return int(height), int(width)

    def _cropped(self, pixels: np.ndarray) -> np.ndarray:
        """Return the middle of the picture."""
        if self._crop is None:
            return pixels
        height, width = self._crop.height, self._crop.width
        top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
        if top < 0 or left < 0:
            raise ValueError("fills up what is too small")
        return pixels[top : top + height, left : left + width]


def one_pass(processor: Any) -> Pixels | None:
    """Return the same steps in one pass, or ``None`` where they give anything else than the processor does."""
    try:
        found = Pixels(processor)
        alike = all(_same(found, processor, sample) for sample in _trials())
    except Exception:  # a processor of another build; its own way is always there
        return None
    return found if alike else None


def _same(found: Pixels, processor: Any, sample: np.ndarray) -> bool:
    """Return whether both give the same numbers, and the processor nothing beside them."""
    theirs = processor(images=[Image.fromarray(sample)], return_tensors="np")
    return set(theirs) == PLAIN and np.array_equal(theirs["pixel_values"][0], found.prepared(sample))


def _trials() -> Sequence[np.ndarray]:
    """Return pictures that lie, stand, are square, larger and smaller than what models look at."""
    small = [batch[0] for batch in examples.pictures((1, 1, 1))]
    return [*small, *(np.ascontiguousarray(np.resize(small[0], (*size, 3))) for size in (LARGE, LARGE[::-1]))]
