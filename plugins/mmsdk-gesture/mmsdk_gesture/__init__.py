"""Gestures for mmsdk: landmarks that move, normalised, and encoders that download nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmsdk import EncoderSpec, LoaderSpec, ModalitySpec, PresetSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

SAMPLE = "mmsdk.Landmarks: points float32 (t, k, d), d 2 or 3, NaN where not seen; times float64 (t,) in seconds"
DECODE = {
    "points": "how many points a step has (21 of a hand, 33 of a body, 1 fingertip); nested cells say it themselves",
    "dims": "coordinates of a point, 2 or 3; nested points of 3 lose the third where 2 is asked for",
    "fps": "steps a second where the cell has no times (default 30)",
    "order": "of flat numbers: interleaved (x0, y0, x1, y1, ...; default) or planar (x0, x1, ..., y0, y1, ...)",
}


@hookimpl
def mmsdk_modalities() -> Iterable[ModalitySpec]:
    """Declare ``gesture`` and ``gesture-file``."""
    yield ModalitySpec(
        name="gesture",
        target="mmsdk_gesture.modality:Gesture",
        summary="points that move: a hand, a body, a fingertip",
        sample=SAMPLE,
        cells="JSON text or a list [step][point][coordinate] or [step][number], null where not seen, or an object with "
        "points and times; or several columns of numbers, x0, y0, x1, y1, ...",
        default_encoder="gesture-stats",
        options=DECODE,
    )
    yield ModalitySpec(
        name="gesture-file",
        target="mmsdk_gesture.file:GestureFile",
        summary="points that move, one file a row",
        sample=SAMPLE,
        cells="a path or URL of an .npz (points, times), .npy, .json or .csv (a line a step) of at most 64 MB",
        media=True,
        extensions=(".npz", ".npy"),
        default_encoder="gesture-stats",
        options=DECODE,
    )


@hookimpl
def mmsdk_encoders() -> Iterable[EncoderSpec]:
    """Declare the encoders that need no weights."""
    yield EncoderSpec(
        name="gesture-stats",
        target="mmsdk_gesture.stats:GestureStats",
        summary="path, turning, speed and shape of a gesture in numbers of fixed length",
        modalities=("gesture", "gesture-file"),
        dim=230,
    )
    yield EncoderSpec(
        name="landmarks",
        target="mmsdk_gesture.landmarks:LandmarkSteps",
        summary="normalised points, velocity and turning of every step, as a sequence",
        modalities=("gesture", "gesture-file"),
        dim=75,
        output="sequence",
    )


@hookimpl
def mmsdk_encoder_loaders() -> Iterable[LoaderSpec]:
    """Declare ``hands:``."""
    yield LoaderSpec(
        name="hands",
        target="mmsdk_gesture.hands:load",
        summary="the 21 points of a hand in every frame, by a hand-landmark ONNX or a MediaPipe .task file",
        modalities=("video", "image"),
        example="hands:models/hand_landmark_lite.onnx",
    )


@hookimpl
def mmsdk_presets() -> Iterable[PresetSpec]:
    """Offer them to the builtin preset."""
    names = ("gesture-stats",)
    yield PresetSpec(name="builtin", encoders={"gesture": names, "gesture-file": names})
