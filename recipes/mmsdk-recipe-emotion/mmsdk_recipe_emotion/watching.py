"""A recording in, readings out, as it comes: who is in view and what a run says of each, window by window."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from mmsdk import Clip, ConfigError, Moment, Sound, open_encoder
from mmsdk_recipe_emotion.answering import Answering
from mmsdk_recipe_emotion.behaviour import loudness, movement, picture_change, tags_of
from mmsdk_recipe_emotion.gathering import Gathering, Window
from mmsdk_recipe_emotion.reading import NO_FACE, NO_SPEECH, NOBODY, Reading, roles_of
from mmsdk_recipe_emotion.speech import SOME, Loudness

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mmsdk_recipe_emotion.transcript import Words

WINDOW, HOP = 2.0, 0.5
MARGIN = 0.4  # of a face's width: what a picture of one face shows around it
USUAL = 120  # windows by whose level of speech a loud one is told


class Speech(Protocol):
    """Tells how much of a sound is speech."""

    def share(self, sound: Sound) -> float:
        """Return the share, 0 to 1."""
        ...


class Watcher:
    """Takes frames and sound in order and answers readings, each about a window behind what came last.

    One face in view and a voice are one person's; with several faces nobody knows who speaks, so that each face is read
    without the voice, and the voice is a line of its own (person 0). A window without a face is that line too. Where
    the run reads faces or voices, a window with neither has no probabilities: an empty picture is not neutral.

    A run with a ``within`` measures a person against that person's own windows: those seen until then, or, where
    ``whole``, all of the recording; a window in which nobody knows who it is, against the training rows. Windows that
    overlap share what they show: each counts ``hop / window`` of a row.

    :param app: a run with the task ``emotion``; inputs that a video does not have (action units) are missing.
    :param window: seconds that are read together; about as long as the clips the run was trained on.
    :param hop: seconds from one window to the next.
    :param speech: tells speech; by loudness where left out.
    :param words: what was said when, where somebody wrote it down.
    :param whole: of a run with a ``within``: answer when the recording is over, in :meth:`finish`, each window
        measured against all of its person's; without one it does nothing.
    :raises ConfigError: the run has no task of that name, or none of its inputs can be read from a video.
    """

    def __init__(
        self,
        app: Any,
        *,
        window: float = WINDOW,
        hop: float = HOP,
        speech: Speech | None = None,
        words: Words | None = None,
        whole: bool = False,
    ) -> None:
        if "emotion" not in app.tasks:
            raise ConfigError(f"{app.folder} has no task named emotion; fit one with mmsdk recipe emotion")
        if not 0 < hop <= window <= 60:
            raise ConfigError(f"window is {window!r} and hop {hop!r} seconds; expected 0 < hop <= window <= 60")
        self._app, self._roles = app, roles_of(app)
        if not any(self._roles.values()):
            raise ConfigError(
                f"{app.folder} reads {', '.join(self._roles)}, none of which is in a video; train on videos, frames, "
                "sounds or words"
            )
        self._gathering = Gathering(self._faces(), window, hop)
        self._speech: Speech = speech or Loudness()
        self._words = words
        self._levels: deque[float] = deque(maxlen=USUAL)
        faces = "face" in self._roles.values()
        self._answering = Answering(app, weight=hop / window, whole=whole, faces=faces)

    def push(self, moment: Moment) -> list[Reading]:
        """Take a moment; return the readings of the windows that are full now."""
        return [reading for window in self._gathering.take(moment) for reading in self._read(window)]

    def push_frame(self, pixels: np.ndarray, time: float) -> list[Reading]:
        """Take a frame ``(h, w, 3)`` RGB uint8, shown at ``time`` seconds."""
        return self.push(Moment(time=time, frame=pixels))

    def push_sound(self, samples: np.ndarray, rate: int, time: float) -> list[Reading]:
        """Take mono float32 samples, full scale 1.0, the first of them heard at ``time`` seconds."""
        return self.push(Moment(time=time, sound=Sound(samples=np.asarray(samples, np.float32), rate=rate)))

    def finish(self) -> list[Reading]:
        """Return the readings of what is left."""
        last = [reading for window in self._gathering.finish() for reading in self._read(window)]
        return last + self._answering.finish()

    def _faces(self) -> Any:
        """Return what finds faces: the run's own encoder of them, else the cascade."""
        for name, role in self._roles.items():
            if role == "face":
                return self._app.pipeline.encoders[name].encoder
        return open_encoder("face-shape", "video").encoder

    def _read(self, window: Window) -> list[Reading]:
        """Return what is said of each person in a window, as far as it is said now."""
        spoken = self._speech.share(window.sound) if window.sound is not None else 0.0
        speaks, people = spoken >= SOME, window.people()
        lines = self._lines(people, speaks=speaks)
        rows = [self._row(window, person, speaks=speaks and alone) for person, alone in lines]
        level = loudness(window.sound)
        readings = []
        for person, alone in lines:
            measures = self._measures(window, person, spoken if alone else None, level)
            states = ((NO_FACE,) if person == NOBODY and not people else ()) + (() if speaks else (NO_SPEECH,))
            readings.append(self._reading(window, person, states, measures))
        if speaks and level is not None:
            self._levels.append(level)
        return self._answering.take(readings, rows)

    def _lines(self, people: list[int], *, speaks: bool) -> list[tuple[int, bool]]:
        """Return the lines of a window: a person, and whether the voice is theirs."""
        if "face" not in self._roles.values():
            return [(NOBODY, True)]
        if len(people) <= 1:
            return [(people[0] if people else NOBODY, True)]
        return [*((person, False) for person in people), *([(NOBODY, True)] if speaks else [])]

    def _row(self, window: Window, person: int, *, speaks: bool) -> dict[str, Any]:
        """Return the samples of a line by input; empty where there is nothing to answer from."""
        sound = window.sound if speaks else None
        makers = {
            "face": lambda modality: self._shown(window, person, modality) if person != NOBODY else None,
            "voice": lambda modality: sound if modality == "audio" else sound and self._clip(window, sound=sound),
            "scene": lambda modality: self._whole(window, modality),
            "words": lambda _: self._words.between(window.start, window.end) if self._words else None,
        }
        inputs = self._app.application.inputs
        found = {name: makers[role](inputs[name].modality) for name, role in self._roles.items() if role}
        found = {name: sample for name, sample in found.items() if sample is not None}
        persons = {"face", "voice", "words"} & set(self._roles.values())
        return found if not persons or any(self._roles[name] != "scene" for name in found) else {}

    def _shown(self, window: Window, person: int, modality: str) -> Any:
        """Return the face of somebody: a clip that says where it is, or the middle picture of it."""
        boxes = window.boxes(person)
        if modality == "video":
            return self._clip(window, boxes=boxes)
        seen = np.flatnonzero(np.isfinite(boxes).all(1))
        place = int(seen[len(seen) // 2])
        frame, (left, top, right, bottom) = window.looks[place].frame, boxes[place]
        more = MARGIN * (right - left)
        rows = slice(max(int(top - more), 0), int(bottom + more) + 1)
        return np.ascontiguousarray(frame[rows, max(int(left - more), 0) : int(right + more) + 1])

    def _whole(self, window: Window, modality: str) -> Any:
        """Return the picture as a whole."""
        if not window.looks:
            return None
        return (
            self._clip(window, sound=window.sound)
            if modality == "video"
            else window.looks[len(window.looks) // 2].frame
        )

    def _clip(self, window: Window, *, sound: Sound | None = None, boxes: np.ndarray | None = None) -> Clip:
        """Return a window as a clip."""
        frames = np.stack([look.frame for look in window.looks]) if window.looks else np.zeros((0, 0, 0, 3), np.uint8)
        return Clip(frames=frames, times=window.times, sound=sound, duration=window.end - window.start, boxes=boxes)

    def _measures(self, window: Window, person: int, spoken: float | None, level: float | None) -> dict[str, float]:
        """Return what was seen and heard."""
        count = max(len(window.looks), 1)
        boxes = window.boxes(person)
        found = {
            "faces": sum(len(look.people) for look in window.looks) / count,
            "change": picture_change([look.frame for look in window.looks]),
        }
        if person != NOBODY:
            found["face_share"] = float(np.isfinite(boxes).all(1).mean())
            found["movement"] = movement(boxes, window.times)
        if spoken is not None:
            found["speaking"] = spoken
        return found | ({"loudness": level} if level is not None else {})

    def _reading(self, window: Window, person: int, states: tuple[str, ...], measures: dict[str, float]) -> Reading:
        """Return one line of a window, not answered yet."""
        usual = float(np.median(self._levels)) if self._levels else None
        return Reading(
            person=person,
            start=window.start,
            end=window.end,
            states=states,
            probabilities={},
            measures=measures,
            tags=tags_of(measures, usual),
            box=_place(window, person),
        )


def watch(app: Any, moments: Iterable[Moment], **options: Any) -> Iterator[Reading]:
    """Yield readings of moments as they come; ``options`` are those of :class:`Watcher`."""
    watcher = Watcher(app, **options)
    for moment in moments:
        yield from watcher.push(moment)
    yield from watcher.finish()


def _place(window: Window, person: int) -> tuple[float, ...] | None:
    """Return where a face was on average, as shares of the picture."""
    boxes = window.boxes(person)
    seen = np.isfinite(boxes).all(1) if len(boxes) else np.zeros(0, bool)
    if not seen.any():
        return None
    height, width = window.looks[0].frame.shape[:2]
    mean = boxes[seen].mean(0) / np.array([width, height, width, height])
    return tuple(round(float(one), 4) for one in mean)
