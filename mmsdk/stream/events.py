"""What a session gives out, and the pieces of input that it rests on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmsdk.protocols import Output

KINDS = ("provisional", "final", "cancelled", "woke", "slept")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Piece:
    """A stretch of one input that may mean something.

    :param start: seconds on the session's clock, of the first datum that belongs to it.
    :param end: of the last one.
    :param over: it has ended; false while it only pauses, and may still go on.
    :param data: the samples ``(t,)`` float32 of a voice, points ``(t, k, d)`` of a motion, or the thing pushed.
    :param times: seconds from the start of each step of a motion.
    """

    input: str
    start: float
    end: float
    data: Any
    over: bool = True
    times: Any = None

    @property
    def key(self) -> tuple[str, float, float]:
        """What tells it from others."""
        return self.input, self.start, self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What a session understood; times in seconds on its clock.

    :param kind: ``provisional`` (something is understood, more may come), ``final`` (carry it out), ``cancelled`` (what
        was told as provisional or as final is void), ``woke`` and ``slept``.
    :param id: the same from the first ``provisional`` to ``final`` or ``cancelled``, and no other event's.
    :param t_start: where the first piece of input begins.
    :param t_end: where the last one ends.
    :param t_emitted: when it was told: ``t_emitted - t_end`` is what the user waited.
    :param command: the name of the command, empty where it is not known yet.
    :param text: how the command reads.
    :param slots: task to label, of the tasks that are answered well enough.
    :param outputs: task to the whole answer, of the same tasks.
    :param modalities_used: names of the inputs it rests on.
    :param samples: input to what it was understood from, as the input's modality decodes it (:class:`mmsdk.Sound`,
        :class:`mmsdk.Landmarks`): to be kept, taught (:func:`mmsdk.teach`) or transcribed.
    :param confidence: the lowest of the slots.
    :param reason: of ``cancelled``: ``barge-in`` (another command came), ``went on`` (the voice
        did, see ``confirm``), ``incomplete``,
        ``repeated`` (too soon after another), ``asked``.
    """

    kind: str
    id: int
    t_start: float
    t_end: float
    t_emitted: float
    command: str = ""
    text: str = ""
    slots: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, Output] = field(default_factory=dict)
    modalities_used: tuple[str, ...] = ()
    samples: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    confidence: float | None = None
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return what JSON can hold: all but the probabilities and the samples."""
        return {
            "event": self.kind,
            "id": self.id,
            "command": self.command,
            "text": self.text,
            "slots": dict(self.slots),
            "confidence": None if self.confidence is None else round(self.confidence, 4),
            "inputs": list(self.modalities_used),
            "start": round(self.t_start, 3),
            "end": round(self.t_end, 3),
            "emitted": round(self.t_emitted, 3),
            "reason": self.reason,
        }
