"""Sounds for mmsdk: safe decoding, voice activity, and classical encoders that download nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmsdk import EncoderSpec, ModalitySpec, PresetSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable


@hookimpl
def mmsdk_modalities() -> Iterable[ModalitySpec]:
    """Declare ``audio``."""
    yield ModalitySpec(
        name="audio",
        target="mmsdk_audio.modality:Audio",
        summary="speech, music, a noise; the sound of a video file too",
        sample="mmsdk.Sound: float32 mono (t,), full scale 1.0, at the file's own rate up to 48,000 a second",
        cells="a path or URL of a WAV, FLAC, MP3, Ogg, Opus, M4A, AAC or AIFF file, or of a video with sound",
        media=True,
        extensions=(
            *(".wav", ".wave", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".m4a", ".aac"),
            *(".aif", ".aiff", ".aifc", ".au", ".caf", ".w64", ".wma", ".mka", ".amr"),
        ),
        default_encoder="mel-stats",
        options={
            "start": "seconds that are skipped at the beginning (0)",
            "max_seconds": "seconds that are read from there; what is left is not read, and counted (300)",
            "channel": "mix (the mean of all), left, right, or the number of one, counted from 1 (mix)",
            "trim": "true cuts what is quiet at both ends; the path of a Silero VAD (.onnx) cuts what is no voice",
        },
    )


@hookimpl
def mmsdk_encoders() -> Iterable[EncoderSpec]:
    """Declare the encoders that need no weights."""
    yield EncoderSpec(
        name="mel-stats",
        target="mmsdk_audio.mel_stats:MelStats",
        summary="mel cepstra of eight parts and their statistics, loudness; sound, not meaning",
        modalities=("audio",),
        dim=186,
    )
    yield EncoderSpec(
        name="mel-frames",
        target="mmsdk_audio.mel_frames:MelFrames",
        summary="the mel cepstrum every 10 ms, for a trainable such as tcn",
        modalities=("audio",),
        dim=20,
        output="sequence",
    )


@hookimpl
def mmsdk_presets() -> Iterable[PresetSpec]:
    """Offer it to the builtin preset."""
    yield PresetSpec(name="builtin", encoders={"audio": ("mel-stats",)})
