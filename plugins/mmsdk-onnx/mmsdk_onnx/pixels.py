"""From RGB pixels to the array that a picture model takes, as the ``preprocessor_config.json`` beside it says."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from mmsdk import EncoderError
from mmsdk_onnx.graph import is_channels_last

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mmsdk_onnx.graph import Shape

FILE = "preprocessor_config.json"
DEFAULT_SIDE = 224
SCALES: Mapping[str, Mapping[str, float]] = {  # without a file beside the model
    "unit": {},
    "signed": {"image_mean": 0.5, "image_std": 0.5},
    "raw": {"rescale_factor": 1.0},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pixels:
    """How a picture is prepared.

    :param resize: ``(height, width)``, one number for the shorter side, or ``None``.
    :param crop: ``(height, width)`` cut from the middle, or ``None``.
    :param mean: subtracted after scaling, one number a channel; ``std``: divided by.
    """

    resize: tuple[int, int] | int | None
    crop: tuple[int, int] | None
    resample: int
    scale: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    grey: bool
    channels_last: bool

    def prepare(self, batch: Sequence[np.ndarray]) -> np.ndarray:
        """Return float32 ``(n, channels, h, w)``, or ``(n, h, w, channels)``."""
        pixels = np.stack([self._prepared(sample) for sample in batch]).astype(np.float32)
        factor = np.array([self.scale / std for std in self.std], np.float32)
        pixels *= factor
        pixels -= np.array([mean / std for mean, std in zip(self.mean, self.std, strict=True)], np.float32)
        return pixels if self.channels_last else np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))

    def _prepared(self, sample: np.ndarray) -> np.ndarray:
        """Return one picture resized and cropped, uint8 ``(h, w, channels)``."""
        picture = Image.fromarray(sample)
        if self.grey:
            picture = picture.convert("L")
        if self.resize is not None:
            picture = picture.resize(self._size(picture), self.resample)
        if self.crop is not None:
            picture = _cut(picture, self.crop)
        pixels = np.asarray(picture)
        return pixels[..., None] if self.grey else pixels

    def _size(self, picture: Image.Image) -> tuple[int, int]:
        """Return width and height after resizing; the longer side is rounded down, as transformers does."""
        if isinstance(self.resize, tuple):
            return self.resize[1], self.resize[0]
        side, (width, height) = int(self.resize or 0), picture.size
        return (side, int(side * height / width)) if width <= height else (int(side * width / height), side)


def read_pixels(folder: Path, shape: Shape, name: str, scale: str | None = None) -> Pixels:
    """Return the preparation for an input of that shape.

    :param scale: what pictures are scaled to where no file says it; resized to the input they are then anyway.
    :raises EncoderError: the file cannot be used, or says the scale already.
    """
    file = folder / FILE
    if scale is not None and (scale not in SCALES or file.is_file()):
        why = f"the {FILE} beside it says so already" if scale in SCALES else f"expected {', '.join(SCALES)}"
        raise EncoderError(f"{name}: pixels is {scale!r}; {why}")
    try:
        config = json.loads(file.read_text("utf-8")) if file.is_file() else SCALES[scale or "unit"]
        pixels = _pixels(config, shape)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EncoderError(f"{name}: {file} cannot be used ({error})") from error
    _check_size(pixels, shape, name)
    return pixels


def _pixels(config: Mapping[str, Any], shape: Shape) -> Pixels:
    """Translate transformers' keys."""
    last = is_channels_last(shape)
    channels, height, width = (shape[3], shape[1], shape[2]) if last else shape[1:]
    whole = (height or DEFAULT_SIDE, width or DEFAULT_SIDE)
    normal = config.get("do_normalize", "image_mean" in config)
    size = _size(config.get("size", {"height": whole[0], "width": whole[1]}))
    return Pixels(
        resize=size if config.get("do_resize", True) else None,
        crop=_height_width(config["crop_size"]) if config.get("do_center_crop", False) else None,
        resample=int(config.get("resample", Image.Resampling.BILINEAR)),
        scale=float(config.get("rescale_factor", 1 / 255)) if config.get("do_rescale", True) else 1.0,
        mean=_per_channel(config["image_mean"] if normal else 0.0, channels or 3),
        std=_per_channel(config["image_std"] if normal else 1.0, channels or 3),
        grey=channels == 1,
        channels_last=last,
    )


def _size(size: Any) -> tuple[int, int] | int:
    """Return ``(height, width)``, or the shorter side."""
    if isinstance(size, dict) and "shortest_edge" in size:
        if "longest_edge" in size:
            raise ValueError("size with both shortest_edge and longest_edge is not supported")
        return int(size["shortest_edge"])
    return _height_width(size)


def _height_width(size: Any) -> tuple[int, int]:
    """Return ``(height, width)`` of a number, or of a mapping of both."""
    return (int(size["height"]), int(size["width"])) if isinstance(size, dict) else (int(size), int(size))


def _per_channel(value: Any, channels: int) -> tuple[float, ...]:
    """Return one number a channel."""
    values = tuple(float(one) for one in value) if isinstance(value, list) else (float(value),) * channels
    if len(values) != channels:
        raise ValueError(f"image_mean and image_std have {len(values)} numbers, the model has {channels} channels")
    return values


def _check_size(pixels: Pixels, shape: Shape, name: str) -> None:
    """Refuse a preparation that does not end in the size of the input."""
    wanted = shape[1:3] if pixels.channels_last else shape[2:]
    made = pixels.crop or pixels.resize
    if not isinstance(made, tuple):
        raise EncoderError(f"{name}: {FILE} makes pictures of different sizes; give it a crop_size")
    if any(size is not None and size != other for size, other in zip(wanted, made, strict=True)):
        raise EncoderError(
            f"{name}: {FILE} makes pictures of {made[0]} x {made[1]}, where the input takes {wanted[0]} x {wanted[1]}; "
            "set its size or crop_size to that"
        )


def _cut(picture: Image.Image, crop: tuple[int, int]) -> Image.Image:
    """Return the middle; a smaller picture is padded with black."""
    height, width = crop
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.crop((left, top, left + width, top + height))
