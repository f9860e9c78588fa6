"""The session: live data in, events out; one clock, one lock, nothing that runs by itself."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mmsdk.errors import ConfigError, DataError, unknown
from mmsdk.stream.answers import Answers, Judge
from mmsdk.stream.clock import Clock, RealClock
from mmsdk.stream.events import Event, Piece
from mmsdk.stream.grammar import Command, grammar_of, labels
from mmsdk.stream.latest import LatestTrack
from mmsdk.stream.motion import MotionTrack
from mmsdk.stream.pending import Pending
from mmsdk.stream.voice import VoiceTrack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mmsdk.config import StreamConfig
    from mmsdk.protocols import VoiceDetector

Track = VoiceTrack | MotionTrack | LatestTrack
TRACKS: Mapping[str, Callable[[str, StreamConfig, Counter[str]], Track]] = {
    "motion": MotionTrack,
    "latest": LatestTrack,
}


class Session:
    """Listens. Made by :func:`mmsdk.open_session`; safe to push to from several threads.

    Nothing runs by itself: time passes where data is pushed or :meth:`tick` is called. Call it every 20 to 50 ms where
    an input may fall silent, so that waiting ends in time.

    :param answers: what answers a row of pieces: a fitted :class:`mmsdk.App`.
    :param settings: the ``stream`` block of the application.
    :param tasks: names of the tasks.
    :param clock: the machine's where left out.
    :param on_event: called with each event, in the thread that pushed, outside the lock.
    :param detectors: input to what tells its voice from other sounds; by its level where there is none.
    """

    def __init__(
        self,
        answers: Answers,
        settings: StreamConfig,
        tasks: Sequence[str],
        *,
        clock: Clock | None = None,
        on_event: Callable[[Event], None] | None = None,
        detectors: Mapping[str, VoiceDetector] | None = None,
    ) -> None:
        self.clock = clock or RealClock()
        self.settings = settings
        self.counts: Counter[str] = Counter()
        self.tracks: dict[str, Track] = {
            name: VoiceTrack(name, settings, self.counts, (detectors or {}).get(name))
            if own.segment == "voice"
            else TRACKS[own.segment](name, settings, self.counts)
            for name, own in settings.inputs.items()
        }
        self._judge = Judge(answers, settings, {name: own.rate or 16_000 for name, own in settings.inputs.items()})
        self._grammar = grammar_of(settings, tasks)
        self._tasks = list(settings.slots or tasks)
        self._wake = {task: labels(value) for task, value in settings.wake.items()}
        self.awake = not self._wake
        self._on_event = on_event
        self._lock = threading.RLock()
        self._out: list[Event] = []
        self._pending: Pending | None = None
        self._running: Event | None = None
        self._active = self.clock.now()  # the last time that a command was understood
        self._next = 1

    def push(self, input: str, data: Any, t: float | None = None) -> list[Event]:
        """Take data of one input; return the events that came of it.

        :param data: of a ``voice`` samples, of a ``motion`` the points of one step, of ``latest``
            a decoded sample of its modality.
        :param t: when it was taken, of its first sample, on the session's clock; now, less its length, where left out.
        :raises DataError: an input that is not there, or data that is not of its kind.
        """
        with self._lock:
            track = self._track(input)
            now = self.clock.now()
            if t is None:
                t = now - (len(data) / track.rate if isinstance(track, VoiceTrack) else 0.0)
            pieces = track.push(data, float(t), now)
            found = self._go_on(now, pieces)
        return self._told(found)

    def push_audio(self, pcm: Any, t: float | None = None, *, input: str | None = None) -> list[Event]:
        """Take sound: ``(n,)`` or ``(n, channels)``, int16 or float, at the rate of the input (16,000 by default)."""
        return self.push(input or self._only("voice"), pcm, t)

    def push_landmarks(self, points: Any, t: float | None = None, *, input: str | None = None) -> list[Event]:
        """Take the points of one step: ``(k, 2)`` or ``(k, 3)``, NaN where one was not seen."""
        return self.push(input or self._only("motion"), points, t)

    def push_frame(self, frame: Any, t: float | None = None, *, input: str | None = None) -> list[Event]:
        """Take a frame: a decoded sample of the input's modality, such as pixels ``(h, w, 3)`` uint8."""
        return self.push(input or self._only("latest"), frame, t)

    def tick(self) -> list[Event]:
        """Let time pass without data; return the events that came of it."""
        with self._lock:
            found = self._go_on(self.clock.now(), [])
        return self._told(found)

    def cancel(self) -> list[Event]:
        """Cancel the event in the making, and the command that runs."""
        with self._lock:
            now = self.clock.now()
            self._drop(now, "asked")
            self._stop_running(now, "asked")
            found, self._out = self._out, []
        return self._told(found)

    def done(self, id: int) -> None:
        """Say that the command of a final event has been carried out: a new one cancels it no more."""
        with self._lock:
            if self._running is not None and self._running.id == id:
                self._running = None

    # -- pieces ------------------------------------------------------------------------------------------------------

    def _go_on(self, now: float, pieces: Sequence[Piece]) -> list[Event]:
        """Follow new pieces, and what time alone does; return the events."""
        pieces = [
            *pieces,
            *(piece for track in self.tracks.values() for piece in track.tick(now, self.settings.missing)),
        ]
        for piece in sorted(pieces, key=lambda one: one.end):
            if piece.over:
                self._take(piece, now)
            else:
                self._foresee(piece)
        self._wait(now)
        self._rest(now)
        found, self._out = self._out, []
        return found

    def _foresee(self, piece: Piece) -> None:
        """Ask about a piece that pauses: where it ends there, the answer is ready."""
        event = self._joined(piece)
        self._judge.hear({**self._beside(event), **event.pieces})

    def _joined(self, piece: Piece) -> Pending:
        """Return the event that a piece belongs to, with it."""
        if (
            self._pending is not None
            and piece.input not in self._pending.pieces
            and self._pending.near(piece, self.settings.gap)
        ):
            return self._pending.with_piece(piece)
        return Pending(id=0, pieces={piece.input: piece})

    def _take(self, piece: Piece, now: float) -> None:
        """Take a piece that has ended; one that says nothing disturbs nothing."""
        event = self._joined(piece)
        if event.id == 0:
            event = Pending(id=self._next, pieces={**self._carried(piece), piece.input: piece})
        self._look(event)
        if self._says_nothing(piece.input, event):
            self.counts["rejected"] += 1
            return
        if event.id == self._next:
            self._next += 1
            if self._pending is not None:
                self._settle(now, "barge-in" if piece.input in self._pending.pieces else "incomplete")
        self._pending = event
        self._decide(now)

    def _carried(self, piece: Piece) -> dict[str, Piece]:
        """Return the pieces of other inputs that a new one takes over from the event that it interrupts."""
        if self._pending is None or piece.input not in self._pending.pieces:
            return {}
        others = {name: one for name, one in self._pending.pieces.items() if name != piece.input}
        gap = self.settings.gap
        return {name: one for name, one in others.items() if -gap <= piece.start - one.end <= gap}

    def _look(self, event: Pending) -> None:
        """Ask about an event, with what is seen beside it."""
        event.beside = self._beside(event)
        event.heard = self._judge.hear(event.row)

    def _beside(self, event: Pending) -> dict[str, Piece]:
        """Return what is seen beside the pieces, of inputs that have none and are not about to have one."""
        found = {}
        for name, track in self.tracks.items():
            if name not in event.pieces:
                piece = track.beside(event.start, event.end)
                if piece is not None:
                    found[name] = piece
        return found

    def _says_nothing(self, input: str, event: Pending) -> bool:
        """Return whether no slot that rests on an input is answered."""
        slots = self.settings.slots
        resting = [
            task for task in self._tasks if task not in slots or not slots[task].needs or input in slots[task].needs
        ]
        return not any(task in event.heard.good for task in resting)

    # -- events ------------------------------------------------------------------------------------------------------

    def _decide(self, now: float) -> None:
        """Tell what is understood of the pending event: finally, or for now."""
        event = self._pending
        assert event is not None
        if not self.awake:
            self._try_to_wake(event, now)
            return
        command, better = self._grammar.match(event.slots)
        ready = command if not better and not self._lacks(event) else None
        if ready is not None and not self.settings.confirm:
            self._final(event, ready, now)
            return
        event.ready = ready
        if event.slots and event.slots != event.told:
            event.told = event.slots
            self._tell("provisional", event, now, command)

    def _lacks(self, event: Pending) -> bool:
        """Return whether an input could still say something about what is understood, and is worth waiting for."""
        outputs = event.heard.good.values()
        if all((1.0 if one.confidence is None else one.confidence) >= self.settings.sure for one in outputs):
            return False
        now = self.clock.now()
        for name, track in self.tracks.items():
            if name in event.row or isinstance(track, LatestTrack) or now - track.last > self.settings.missing:
                continue
            if any(self._judge.answers(task, {name: None}) for task in event.heard.good):
                return True
        return False

    def _wait(self, now: float) -> None:
        """End the waiting of the pending event when its time is over, or nothing can come."""
        event = self._pending
        if event is None or self._confirms(event, now):
            return
        coming = any(
            track.open_since is not None and track.open_since - event.end <= self.settings.gap
            for name, track in self.tracks.items()
            if name not in event.pieces
        )
        longest = max(own.longest for own in self.settings.inputs.values())
        waited = now - event.first_end
        gone = all(
            now - track.last > self.settings.missing for name, track in self.tracks.items() if name not in event.pieces
        )
        if waited > self.settings.wait + longest or (not coming and (waited >= self.settings.wait or gone)):
            self._look(event)
            self._settle(now, "incomplete")

    def _confirms(self, event: Pending, now: float) -> bool:
        """End an event that only waits for silence to stay: by silence finally, by a voice that goes on for nothing."""
        if event.ready is None:
            return False
        voices = [
            track for name, track in self.tracks.items() if name in event.pieces and isinstance(track, VoiceTrack)
        ]
        if any(track.busy_since is not None and track.busy_since >= event.pieces[track.name].end for track in voices):
            self._drop(now, "went on")
        elif now - event.end >= self.settings.confirm:
            self._final(event, event.ready, now)
        return True

    def _settle(self, now: float, reason: str) -> None:
        """End the pending event with what there is."""
        event = self._pending
        assert event is not None
        command = self._grammar.match(event.slots)[0] if self.awake else None
        if command is not None and reason != "barge-in":
            self._final(event, command, now)
        else:
            self._drop(now, reason)

    def _drop(self, now: float, reason: str) -> None:
        """Forget the pending event; what was told of it is cancelled."""
        event, self._pending = self._pending, None
        if event is not None:
            self.counts[reason] += 1
            if event.told is not None:
                self._tell("cancelled", event, now, None, reason=reason)

    def _final(self, event: Pending, command: Command, now: float) -> None:
        """Tell a command."""
        self._pending = None
        if now - self._active < self.settings.repeat and self.counts["final"]:
            self.counts["repeated"] += 1
            if event.told is not None:
                self._tell("cancelled", event, now, None, reason="repeated")
            return
        self._stop_running(now, "barge-in")
        self.counts["final"] += 1
        self._active = now
        self._running = self._tell("final", event, now, command)

    def _stop_running(self, now: float, reason: str) -> None:
        """Cancel the command that is still being carried out."""
        event, self._running = self._running, None
        if event is not None and now - event.t_emitted < self.settings.running:
            self._out.append(_cancelled(event, now, reason))

    def _tell(self, kind: str, event: Pending, now: float, command: Command | None, reason: str = "") -> Event:
        """Put an event out."""
        good = event.heard.good
        told = Event(
            kind=kind,
            id=event.id,
            t_start=event.start,
            t_end=event.end,
            t_emitted=now,
            command=command.name if command is not None else "",
            text=command.text(event.slots) if command is not None else "",
            slots=event.slots,
            outputs=good,
            modalities_used=tuple(name for name in self.tracks if name in event.row),
            samples=self._judge.samples(event.row),
            confidence=min((1.0 if one.confidence is None else one.confidence for one in good.values()), default=None),
            reason=reason,
        )
        self._out.append(told)
        return told

    # -- waking and sleeping -----------------------------------------------------------------------------------------

    def _try_to_wake(self, event: Pending, now: float) -> None:
        """Wake where the event is the word, or the gesture, that wakes; anything else is passed over asleep."""
        known = event.slots
        if any(known[task] not in words for task, words in self._wake.items() if task in known):
            self.counts["asleep"] += 1
            self._pending = None
        elif all(task in known for task in self._wake):
            self._pending = None
            self.awake, self._active = True, now
            self._tell("woke", event, now, None)

    def _rest(self, now: float) -> None:
        """Fall asleep where nothing was asked for so long."""
        if self._wake and self.awake and self._pending is None and now - self._active >= self.settings.awake:
            self.awake = False
            self._out.append(Event(kind="slept", id=0, t_start=now, t_end=now, t_emitted=now))

    # -- small things ------------------------------------------------------------------------------------------------

    def _track(self, name: str) -> Track:
        """Return the track of an input."""
        if name not in self.tracks:
            raise DataError(unknown("input", name, self.tracks, where="stream", listed="Known"))
        return self.tracks[name]

    def _only(self, segment: str) -> str:
        """Return the one input of a kind."""
        names = [name for name, own in self.settings.inputs.items() if own.segment == segment]
        if len(names) != 1:
            raise ConfigError(
                f"the stream has {len(names)} inputs of segment {segment}, so say which one with input=...; it has "
                f"{', '.join(self.tracks)}"
            )
        return names[0]

    def _told(self, events: list[Event]) -> list[Event]:
        """Hand events to the listener; return them."""
        if self._on_event is not None:
            for event in events:
                self._on_event(event)
        return events


def _cancelled(event: Event, now: float, reason: str) -> Event:
    """Return the event that takes a final one back."""
    return replace(event, kind="cancelled", t_emitted=now, reason=reason)
