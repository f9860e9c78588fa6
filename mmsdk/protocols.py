"""What a loaded component must do. Plain classes satisfy these by shape; the conformance kit is the real check."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Sequence as Rows
    from pathlib import Path

    import numpy as np
    import torch

    from mmsdk.errors import Problem


RECIPE_METHODS = ("sample", "application", "sections")
TASK_METHODS = (
    "prepare",
    "encode",
    "head",
    "loss",
    "class_weights",
    "outputs",
    "scores",
    "baseline",
    "state",
    "load_state",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A file the core has already resolved and allowed: a path inside the data folder, or bytes of a ``data:`` URL.

    :param name: the cell as the user wrote it, for messages.
    :param path: where it lies, or ``None`` when ``data`` holds the bytes.
    :param data: the bytes, when there is no path.
    """

    name: str
    path: Path | None = None
    data: bytes | None = None

    def open(self) -> io.BufferedIOBase:
        """Open the bytes for reading; the caller closes them."""
        return io.BytesIO(self.data or b"") if self.path is None else self.path.open("rb")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """What a ``output="sequence"`` encoder answers for one sample.

    :param values: ``(t, dim)`` float32.
    :param times: ``(t,)`` float64 seconds from the start of the sample, ascending.
    """

    values: np.ndarray
    times: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sound:
    """The decoded sample of ``audio``.

    :param samples: ``(t,)`` float32, mono, full scale 1.0, finite; one sample at the least.
    :param rate: samples a second. It is the file's own up to 48,000; an encoder resamples to what it needs.
    """

    samples: np.ndarray
    rate: int

    @property
    def seconds(self) -> float:
        """Return how long it lasts."""
        return len(self.samples) / self.rate


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said in a sound.

    :param spans: start and end in seconds, and the words between, in order; none where nothing was said.
    """

    spans: tuple[tuple[float, float, str], ...] = ()

    @property
    def text(self) -> str:
        """Return all the words."""
        return " ".join(text for _, _, text in self.spans)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clip:
    """The decoded sample of ``video``: some of its frames, and its sound.

    :param frames: ``(n, h, w, 3)`` RGB uint8, upright; ``n`` is 0 where the file has no picture.
    :param times: ``(n,)`` float64 seconds from the start, ascending.
    :param sound: ``None`` where the file has none, or it was not asked for.
    :param duration: of the whole file, in seconds.
    :param boxes: ``(n, 4)`` float32, where the one person that is meant is in each frame: left, top, right and bottom
        of the face in pixels, NaN where it is not seen; ``None`` where nobody is singled out.
    """

    frames: np.ndarray
    times: np.ndarray
    sound: Sound | None
    duration: float
    boxes: np.ndarray | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moment:
    """A piece of a recording as it comes: a frame, or a block of sound.

    :param time: seconds from the start, of the frame or of the first sample of the block.
    :param frame: ``(h, w, 3)`` RGB uint8, upright, or ``None``.
    :param sound: mono, or ``None``; all blocks of a recording have one rate.
    """

    time: float
    frame: np.ndarray | None = None
    sound: Sound | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Landmarks:
    """The decoded sample of ``gesture``: points that move.

    :param points: ``(t, k, d)`` float32, ``d`` 2 or 3, in any unit; NaN where a point was not seen.
    :param times: ``(t,)`` float64 seconds from the start, ascending.
    """

    points: np.ndarray
    times: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a decoded sample that can be taken away, so that ``mmsdk explain`` can see what it was worth.

    :param name: as a person would call it: a word, a column's number, ``0.5 to 1.0 s``.
    :param kind: what ``place`` counts: ``words`` (first character and the one after the last), ``box`` (left, top,
        right, bottom, as shares of the picture), ``seconds`` (from, to), ``column`` or ``tag`` (its position from 0,
        and the one after the last).
    :param lane: which track, where a sample has several (``picture`` and ``sound`` of a video).
    """

    name: str
    kind: str
    place: tuple[float, ...]
    lane: str = ""


class Modality(Protocol):
    """Turns a cell into the decoded sample. Constructed with the input's ``decode`` options; thread-safe.

    Optional, looked for with ``getattr``: ``examples()``, four or more different cells, without which the conformance
    checks have nothing to try; ``guess(values) -> float``, 0 to 1, how well up to 200 cells of a column fit
    (``inspect``); ``thumbnail(sample, size) -> bytes``, a PNG or JPEG of at most ``size`` pixels (the report);
    ``report() -> Mapping[str, float]``: counts of what a person should look at (``{"burnt_in_text": 3}``), since it was
    constructed; ``fingerprint() -> str``: what else than version and options changes its samples (the content of a file
    that an option names), empty where nothing does; ``moments`` (a recording piece by piece, for analysis over
    time); ``voice_detector`` (a voice told from other sounds, live); and, both or neither, ``parts`` and ``without``
    (``mmsdk explain``).
    """

    def decode(self, cell: Any) -> Any:
        """Return the decoded sample, or ``None`` when the cell holds nothing.

        :param cell: a :class:`Media` where the spec says ``media=True``; otherwise a tuple of the raw values of the
            input's columns (``str`` from CSV; ``str``, ``int``, ``float``, ``bool``, ``list`` or ``None`` from typed
            sources), one value a column.
        :raises ValueError: the cell cannot be used; the message is the reason alone, lower case, without the place.
        """
        ...

    # def guess(self, values: Rows[Any]) -> float: 0..1, how well up to 200 non-empty cells of one column fit.
    # def thumbnail(self, sample: Any, size: int) -> bytes: a PNG or JPEG at most `size` pixels on a side.
    # def moments(self, cell: Any) -> Iterator[Moment]: frames and sound in the order of the file, in little memory;
    #     what cannot be read any more is a ValueError after what could.
    # def voice_detector(self, file: str, rate: float) -> VoiceDetector: for one live sound of `rate` samples a second;
    #     `file` is what `stream.inputs.NAME.vad` names. An EncoderError where it cannot be had.
    # def parts(self, sample: Any) -> list[Part]: what it can be taken apart into, some 64 at most, in reading order.
    # def without(self, sample: Any, parts: Rows[Part], others: Rows[Any] = ()) -> Any: a new sample with all of these
    #     away, `None` where nothing is left; `others`, perhaps empty, are samples of training rows, for what is usual.


class VoiceDetector(Protocol):
    """Tells how likely one live sound is a voice; made by ``voice_detector`` of a modality, for one stream alone.

    :param step: seconds of sound that are judged together.
    """

    step: float

    def hear(self, samples: np.ndarray) -> np.ndarray:
        """Take the next samples of the sound; return the probability of a voice in each step that is whole by now.

        :param samples: ``(n,)`` float32, full scale 1.0, chunks of any length; the answers do not depend on them.
        :returns: ``(m,)`` float32, 0 to 1, in order; each at most 5 ms of sound after the last sample of its step.
        """
        ...

    def restart(self) -> None:
        """Forget what was heard; the next sample begins another sound."""
        ...


class Encoder(Protocol):
    """Frozen: decoded samples in, vectors out.

    Optional members, found with ``getattr``: ``fingerprint() -> str`` (what the cache and every run know its vectors
    by; default: distribution, version, target and options, so that each release of the plugin ends all runs made with
    it), ``to(device: str) -> None``, ``batch_size: int`` (default 32), ``length(sample) -> int`` (samples of similar
    length are batched together), ``refuses(sample) -> str`` (why a sample cannot be encoded, such as a vector of
    another length than those of training, empty where it can: the cell then counts as a bad one, and only that),
    ``module() -> torch.nn.Module`` (what tuning and export need),
    ``vectors(batch, modality) -> torch.Tensor`` (what ``encode`` answers, ``(n, dim)`` float32 on the device, with
    gradients: what tuning needs), ``space() -> str`` (the same text for every modality of a joint encoder such as CLIP,
    whose vectors compare by cosine), ``output = "sequence"`` (where only the loaded encoder knows), and
    ``report() -> Mapping[str, float | tuple[int, int]]`` (to show after a run: a pair is how many of how many, counted
    on and on, such as ``{"truncated": (34, 374)}``, of which a run is told what is its own), and ``sources() ->
    Sequence[int]`` (of each element of its vectors, the position in the sample it came of, as the ``place`` of a
    :class:`Part` counts them: then ``mmsdk explain`` may use gradients), and ``knows(batch, modality) -> float`` (the
    share of what some samples hold that it can tell apart, such as the words that a tokenizer has: where a preset
    offers several encoders, one that knows less than half is passed over), and ``transcribe(batch, language=None) ->
    list[Transcript]`` of an audio encoder that writes down what it hears (``mmsdk transcribe``).
    """

    dim: int

    def encode(self, batch: Rows[Any], modality: str) -> np.ndarray | list[Sequence]:
        """Encode decoded samples.

        :param batch: one or more samples as the modality decodes them; none is ``None``.
        :param modality: which modality they are of.
        :returns: ``(len(batch), dim)`` float32, finite, row i for sample i whatever else is in the batch; or a list
            of :class:`Sequence` where the spec says ``output="sequence"``; one without a step means that the sample
            holds nothing for this encoder (a video without a picture), and its row counts as missing.
        """
        ...


@runtime_checkable
class FittedEncoder(Protocol):
    """An encoder that learns statistics of the training rows (quantiles of a number, the words of a category)."""

    dim: int

    def fit(self, batch: Rows[Any], modality: str) -> None:
        """Learn from the decoded, present samples of the training rows; sets ``dim``."""
        ...

    def encode(self, batch: Rows[Any], modality: str) -> np.ndarray:
        """Encode as :meth:`Encoder.encode`; values never seen in training are answered, not refused."""
        ...

    def state(self) -> Mapping[str, Any]:
        """Return what was learned as JSON-serialisable values."""
        ...

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Restore what :meth:`state` returned; afterwards ``encode`` answers the same to the bit."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """The answer of one task for one row.

    :param value: the label, the tuple of labels, or the number; ``None`` when abstained.
    :param probabilities: label -> probability (classification, multi-label); empty for regression.
    :param confidence: 0..1; the probability of ``value``; ``None`` where the task has none.
    :param prediction_set: labels (or the two ends of an interval) that hold the truth at the promised rate; empty
        where no calibration ran.
    :param abstained: the model declined to answer.
    :param rules: names of the rules that made the answer another one than the network's.
    :param novelty: 0..1, how unlike the training rows the row is: the share of held-out rows that are less so; ``None``
        where the run does not tell it.
    :param unjudged: names of the rules on this task that could not be judged, since text stands where their condition
        needs a number (``spo2 < 90`` of ``n/a``); they changed nothing. An empty cell is missing, and no doubt.
    """

    value: Any
    probabilities: Mapping[str, float] = field(default_factory=dict)
    confidence: float | None = None
    prediction_set: tuple[Any, ...] = ()
    abstained: bool = False
    rules: tuple[str, ...] = ()
    novelty: float | None = None
    unjudged: tuple[str, ...] = ()


class Task(Protocol):
    """One task type, prepared for one column: targets in, a head on the fused vector, answers out.

    Constructed as ``target(**options)`` with those that it has parameters for: ``order`` (the labels from lowest to
    highest, where ``tasks.NAME.order`` says so), ``separator``, ``label_smoothing``, ``imbalance`` and ``focal_gamma``
    as the application says, and its own of ``tasks.NAME.options``. ``prepare`` is called once on the training rows,
    ``state``/``load_state`` round-trip what it learned as JSON.

    Optional, looked for with ``getattr``: ``examples()``, eight or more training cells, without which the conformance
    checks have nothing to try; and the option ``imbalance`` with an attribute of this name, for a task with classes
    that knows ``focal`` and ``logit_adjustment``: for the latter ``loss`` is handed, in the place of weights, what
    ``log_prior(targets) -> np.ndarray`` returned. A task without them is balanced by its :meth:`class_weights`, and
    refuses those two.

    Optional, found with ``getattr``: ``margin(logits, label) -> torch.Tensor``: ``(b, width)`` to ``(b,)`` with
    gradients, the log-odds of a label, or the number where ``label`` is ``None``; what integrated gradients need.
    """

    higher_is_better: bool
    metric: str

    def prepare(self, values: Rows[Any]) -> None:
        """Learn the label set or the scale from the training cells (``None`` or ``""`` = not labelled)."""
        ...

    def encode(self, values: Rows[Any]) -> tuple[np.ndarray, np.ndarray, list[Problem]]:
        """Return targets ``(n, ...)``, a bool mask ``(n,)`` of labelled rows, and problems of cells it cannot use.

        A label never seen in training is a problem whose ``row`` is the position in ``values`` (0-based).
        """
        ...

    def head(self, dim: int) -> torch.nn.Module:
        """Return a new head: ``(b, dim)`` -> logits ``(b, width)``."""
        ...

    def loss(self, logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor | None) -> torch.Tensor:
        """Return the loss of each row ``(b,)``; ``weights`` is what :meth:`class_weights` returned, or None."""
        ...

    def class_weights(self, targets: np.ndarray) -> np.ndarray | None:
        """Return balancing weights learned from training targets, or ``None`` where the task has no classes."""
        ...

    def outputs(self, logits: np.ndarray) -> list[Output]:
        """Turn logits ``(n, width)`` into answers."""
        ...

    def scores(self, logits: np.ndarray, targets: np.ndarray) -> Mapping[str, Any]:
        """Return metric name -> callable ``(row indices) -> float``, so that a bootstrap can resample rows.

        A share of rows may come as a :class:`mmsdk.Share`, whose interval has a width even where every row is right.
        """
        ...

    def baseline(self, n: int) -> np.ndarray:
        """Return the logits ``(n, width)`` of the answer that looks at no input (majority class, mean)."""
        ...

    def state(self) -> Mapping[str, Any]:
        """Return what :meth:`prepare` learned, JSON-serialisable."""
        ...

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Restore what :meth:`state` returned."""
        ...


class VectorIndex(Protocol):
    """An approximate or exact nearest-neighbour index over float32 vectors with int64 keys; higher score is nearer.

    The durable store owns ids and rows; an index is a disposable snapshot of its vectors.
    Constructed as ``target(dim, count)``, ``count`` being about how many vectors will come. Scores are inner products
    (the store brings vectors to length one where the metric is cosine). Twenty vectors are enough to train on.
    Searching may happen in several threads at once; adding and removing only on an index that no search sees.
    Optional: ``effort: int`` (settable; how hard a search tries) and ``max_effort``, by which the store tunes recall on
    its own vectors.
    """

    def train(self, vectors: np.ndarray) -> None:
        """Learn a quantiser from ``(n, dim)`` float32, where the type has one."""
        ...

    def add(self, keys: np.ndarray, vectors: np.ndarray) -> None:
        """Add ``(n,)`` int64 keys and ``(n, dim)`` float32 vectors."""
        ...

    def remove(self, keys: np.ndarray) -> None:
        """Drop keys; called only where the spec says ``removable``."""
        ...

    def search(self, vectors: np.ndarray, k: int, allowed: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return scores and keys, each ``(n, k)``, key ``-1`` in an empty place; only ``allowed`` keys if given."""
        ...

    def save(self, path: Path) -> None:
        """Write to a file."""
        ...

    def load(self, path: Path, *, mmap: bool) -> None:
        """Read what :meth:`save` wrote, memory-mapped where asked and possible."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What a recipe says of itself to whoever decides on it: plain sentences, in card.md and in report.html.

    :param intended: what it is for.
    :param not_for: what it must not be used for.
    :param data: which data it was made for and tried on, and what that data lacks; ``mmsdk plugins check`` asks for it.
    :param limits: what it cannot do, and where it fails; likewise.
    """

    intended: tuple[str, ...]
    not_for: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()


class Recipe(Protocol):
    """A ready application: a sample of its own, an application built from a user's table, sections of the report.

    Optional, looked for with ``getattr``: ``card(app) -> Card``, what it is for and what not; ``unread(data: Path,
    settings) -> Mapping[str, str]``, columns of the table that it leaves out and why, in a few words, where
    ``mmsdk inspect`` would not know; ``next_commands(app) -> Iterable[Sequence[str | Path]]``, what to try with a
    finished run, as the words after ``mmsdk``, which have to work as they stand, or with ``FILE`` where the user's own
    goes: ``("triage", app.folder, Path(app.application.data), "--out", "worklist.html")``. Columns that name people
    belong under ``privacy`` of its application, a sentence that is to stand on every page under ``notice``.
    """

    def sample(self, folder: Path, seed: int) -> Mapping[str, Any]:
        """Write the synthetic sample under ``folder``; return the application (as of an application file) for it."""
        ...

    def application(self, data: Path, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the application for the user's table, from the recipe's own settings."""
        ...

    def sections(self, app: Any) -> Iterator[tuple[str, str]]:
        """Yield ``(title, HTML)`` sections for the report of a finished run."""
        ...
