"""The voice detector of a live input, which the modality of the input offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from mmsdk.embed import open_modality
from mmsdk.errors import ConfigError, EncoderError

if TYPE_CHECKING:
    from mmsdk.config import Application
    from mmsdk.protocols import VoiceDetector

DEFAULT_RATE = 16_000.0


def detectors_of(application: Application) -> dict[str, VoiceDetector]:
    """Return a new detector for each input of the stream that names one."""
    names = application.stream.inputs if application.stream is not None else ()
    found = {name: detector_of(application, name) for name in names}
    return {name: detector for name, detector in found.items() if detector is not None}


def detector_of(application: Application, name: str) -> VoiceDetector | None:
    """Return a new detector for an input of the stream, ``None`` where it names none.

    :raises ConfigError: it cannot be opened, or the modality offers none.
    """
    assert application.stream is not None
    own, modality = application.stream.inputs[name], application.inputs[name].modality
    if own.vad is None:
        return None
    offer = getattr(open_modality(modality).component, "voice_detector", None)
    if offer is None:
        raise ConfigError(
            f"stream.inputs.{name}.vad: the modality {modality!r} has no voice detector; leave the key out, and the "
            "voice is told by its level"
        )
    try:
        return cast("VoiceDetector", offer(own.vad, own.rate or DEFAULT_RATE))
    except EncoderError as error:
        raise ConfigError(
            f"stream.inputs.{name}.vad: {error}; without a detector (vad=null) the voice is told by its level"
        ) from error
