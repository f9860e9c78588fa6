"""What is said of one person in one window, and the roles that the inputs of a run play in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_FACE, NO_SPEECH = "no face", "no speech"
NOBODY = 0  # the number of the line of what is no face's: a voice, a picture without faces


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One person in one window.

    :param person: from 1, as tracked; 0 is the line of what belongs to no face.
    :param start: seconds; so ``end``.
    :param states: ``no face``, ``no speech``.
    :param probabilities: label -> probability; empty where there was nothing to answer from.
    :param prediction_set: the labels that hold the truth at the promised rate; empty where the run makes no sets.
    :param abstained: the run declined.
    :param used: inputs of the run that were there.
    :param measures: what was seen and heard: see :mod:`mmsdk_recipe_emotion.behaviour`.
    :param tags: the same in words.
    :param own: of inputs that a run measures within a person's (``within``): how many of this person's own windows
        they are measured against, 0 where too few were seen and the training rows stand in.
    :param box: where the face was on average, as shares of the picture (left, top, right, bottom).
    """

    person: int
    start: float
    end: float
    states: tuple[str, ...]
    probabilities: Mapping[str, float]
    prediction_set: tuple[str, ...] = ()
    abstained: bool = False
    novelty: float | None = None
    used: tuple[str, ...] = ()
    measures: Mapping[str, float] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    own: Mapping[str, int] = field(default_factory=dict)
    box: tuple[float, ...] | None = None


def roles_of(app: Any) -> dict[str, str]:
    """Return input -> what it reads of a video: ``face``, ``voice``, ``scene``, ``words``, or ``""`` for nothing."""
    return {name: _role(entry.modality, str(entry.encoder or "")) for name, entry in app.application.inputs.items()}


def _role(modality: str, encoder: str) -> str:
    """Return the role of an input."""
    name = encoder.rpartition("/")[2] if ":" not in encoder else encoder
    if modality in {"video", "image"} and (name == "face-shape" or name.startswith("faces:")):
        return "face"
    if modality == "audio" or (modality == "video" and name.startswith("sound:")):
        return "voice"
    return {"video": "scene", "image": "scene", "text": "words"}.get(modality, "")
