"""Videos for mmsdk: frames and sound of one file, and every image or audio encoder over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmsdk import EncoderSpec, LoaderSpec, ModalitySpec, PresetSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable


@hookimpl
def mmsdk_modalities() -> Iterable[ModalitySpec]:
    """Declare ``video``."""
    yield ModalitySpec(
        name="video",
        target="mmsdk_video.modality:Video",
        summary="a clip, a recording: its frames and its sound",
        sample="mmsdk.Clip: RGB uint8 frames (n, h, w, 3), upright, their times, and the sound (mmsdk.Sound or None)",
        cells="a path or URL of an MP4, MOV, MKV, WebM, AVI, MPEG or FLV file of up to twelve hours",
        media=True,
        extensions=(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".flv", ".3gp", ".wmv"),
        default_encoder="video-stats",
        options={
            "frames": "how many frames at the most (16; 256 where sampling is fps)",
            "sampling": "uniform: evenly; fps: so many a second; scene: the first of each scene (uniform)",
            "fps": "frames a second where sampling is fps (1)",
            "size": "pixels that the shorter side is reduced to (256)",
            "sound": "false leaves the sound out (true)",
            "max_seconds": "seconds of sound that are kept; what is left is not, and counted (600)",
            "threads": "threads that decode the picture of one file; 0: every core (1)",
        },
    )


@hookimpl
def mmsdk_encoders() -> Iterable[EncoderSpec]:
    """Declare the encoder that needs no weights."""
    yield EncoderSpec(
        name="video-stats",
        target="mmsdk_video.stats:VideoStats",
        summary="colours of the frames, how much moves, how loud it is; looks and noise, not meaning",
        modalities=("video",),
        dim=188,
    )


@hookimpl
def mmsdk_encoder_loaders() -> Iterable[LoaderSpec]:
    """Declare ``frames:`` and ``sound:``."""
    yield LoaderSpec(
        name="frames",
        target="mmsdk_video.frames:load",
        summary="any image encoder over the frames of a video, one step a frame",
        modalities=("video",),
        example="frames:colour-shape",
    )
    yield LoaderSpec(
        name="sound",
        target="mmsdk_video.sound:load",
        summary="any audio encoder over the sound of a video",
        modalities=("video",),
        example="sound:mel-stats",
    )


@hookimpl
def mmsdk_presets() -> Iterable[PresetSpec]:
    """Offer it to the builtin preset."""
    yield PresetSpec(name="builtin", encoders={"video": ("video-stats",)})
