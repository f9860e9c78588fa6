"""What an explanation says, as frozen values that become JSON as they are, and its published schema."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from typing import Any, Literal

Unit = Literal["probability", "log-odds", "number"]
SCHEMA_ID = "https://mmsdk.dev/schema/explanation-1.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one input is worth to the answer.

    :param value: its Shapley value, in the unit of the explanation; the values of all inputs sum to ``score - base``.
    """

    input: str
    modality: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part of an input and what speaks for the answer in it.

    :param name: as a person would call it (a word, a column, ``0.5 to 1.0 s``).
    :param kind: what ``place`` counts, as in :class:`mmsdk.Part`: characters, shares of the picture, seconds, columns.
    :param lane: which of several tracks, such as ``picture`` and ``sound`` of a video.
    :param value: by how much the score falls without it; negative where it speaks against the answer.
    """

    name: str
    kind: str
    place: tuple[float, ...]
    value: float
    lane: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """Does the named evidence matter more than any other? What the score falls by when it is taken away together.

    It is taken away in another way than the one that named it. Of parts, as many others are gone already, a few draws
    of them; an input says what is usual in training, where its share comes of being absent.

    :param pieces: how many were taken away.
    :param named: the mean fall without those that speak most for the answer.
    :param random: the mean fall without as many others drawn at random.
    """

    pieces: int
    named: float
    random: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What in one input speaks for the answer.

    :param method: ``occlusion`` (each part taken away in turn, through the real encoder) or ``integrated gradients``.
    :param unit: of the values: that of the explanation, and ``log-odds of the network`` for gradients.
    :param text: of a text, the characters that places count in.
    :param seconds: of sound, video and gesture, how long it lasts.
    :param deleted: see :class:`Deletion`; ``None`` where there are too few parts to compare.
    :param randomised: rank correlation of these values with those of networks with random weights, mean over a few;
        near 0 where the values come of what was learned (Adebayo et al. 2018, arXiv:1810.03292). ``None`` of fewer
        than three parts.
    """

    input: str
    modality: str
    method: str
    unit: str
    pieces: tuple[Piece, ...]
    text: str = ""
    seconds: float | None = None
    deleted: Deletion | None = None
    randomised: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A training row near the row in the joint space, or typical of the answered label.

    :param similarity: cosine of the fused vectors; of a prototype, with the explained row too.
    :param label: what the table says of it.
    :param row: by column.
    """

    id: str
    similarity: float
    label: Any
    row: Mapping[str, Any] = field(default_factory=dict)

    @property
    def told(self) -> str:
        """Return the label for people to read; ``(no label)`` where the table has none."""
        return "(no label)" if self.label is None else str(self.label)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """Where a fusion looks. It says what the network weighs, not what the answer rests on (arXiv:1902.10186).

    :param name: the fusion's own word for it: ``gate``, ``attention``.
    :param weights: input -> its mean weight.
    """

    name: str
    weights: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why one task was answered as it was for one row.

    :param id: of the row, where it has one.
    :param answer: ``Output.value``; ``None`` where the model abstained.
    :param label: the label that is explained: the answered one, or the one asked for; ``None`` of a number.
    :param unit: of ``score``, ``base``, shares and evidence by occlusion.
    :param score: of the label with every input that is there.
    :param base: of the label with none.
    :param exact: the shares are exact, not sampled.
    :param deleted: what the score falls by without the input of the greatest share, and without another one;
        ``None`` of fewer than two inputs.
    :param randomised: rank correlation of the shares with those under random weights, as for :class:`Evidence`; of two
        inputs each network can only agree or not, so that it takes many rows to tell.
    :param output: the whole answer: ``probabilities`` (the ten highest), ``confidence``, ``prediction_set``,
        ``abstained``, and, where the run has them, ``rules``, ``unjudged`` and ``novelty``.
    :param prototypes: the training rows most typical of the label.
    """

    id: str | None
    task: str
    answer: Any
    label: str | None
    unit: Unit
    score: float
    base: float
    exact: bool
    shares: tuple[Share, ...]
    deleted: Deletion | None = None
    randomised: float | None = None
    output: Mapping[str, Any] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    prototypes: tuple[Neighbour, ...] = ()
    attention: tuple[Attention, ...] = ()

    def ruled(self) -> str:
        """Return in words which rules changed the answer, empty where none did: shares are of what was said before."""
        rules = self.output.get("rules", ())
        if not rules:
            return ""
        subject, before = ("A rule", "it") if len(rules) == 1 else ("Rules", "them")
        answer = self.label if self.answer is None else self.answer  # declined: its likeliest label
        words = ", ".join(map(str, answer)) or "nothing" if isinstance(answer, list | tuple) else _written(answer)
        return (
            f"{subject} changed the answer to {words}: {', '.join(rules)}. "
            f"The {self.unit} and the shares are of what the model said before {before}."
        )

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values, as :func:`explanation_schema` says."""
        found: dict[str, Any] = plain_values(asdict(self))
        return found


def _written(answer: Any) -> str:
    """Return a label as it is, and a number with four figures."""
    return f"{answer:.4g}" if isinstance(answer, float) else str(answer)


def plain_values(value: Any) -> Any:
    """Return values as JSON has them; an end that is open, which JSON has no number for, is null."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        return {str(key): plain_values(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_values(item) for item in value]
    if hasattr(value, "tolist"):
        return plain_values(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def explanation_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of :meth:`Explanation.as_json`."""
    number, text = {"type": "number"}, {"type": "string"}
    maybe = {"type": ["number", "null"]}
    near = _object(id=text, similarity=number, label={}, row={"type": "object"})
    piece = _object(name=text, kind=text, place=_list(number), value=number, lane=text)
    deleted = _object(pieces={"type": "integer", "minimum": 1}, named=number, random=number)
    evidence = _object(
        input=text,
        modality=text,
        method={"enum": ["occlusion", "integrated gradients"]},
        unit=text,
        pieces=_list(piece),
        text=text,
        seconds=maybe,
        deleted={"anyOf": [deleted, {"type": "null"}]},
        randomised=maybe,
    )
    attention = _object(name=text, weights={"type": "object", "additionalProperties": number})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "mmsdk explanation",
        **_object(
            id={"type": ["string", "null"]},
            task=text,
            answer={},
            label={"type": ["string", "null"]},
            unit={"enum": ["probability", "log-odds", "number"]},
            score=number,
            base=number,
            exact={"type": "boolean"},
            shares=_list(_object(input=text, modality=text, value=number)),
            deleted={"anyOf": [deleted, {"type": "null"}]},
            randomised=maybe,
            output={"type": "object"},
            evidence=_list(evidence),
            neighbours=_list(near),
            prototypes=_list(near),
            attention=_list(attention),
        ),
    }


def _object(**properties: Any) -> dict[str, Any]:
    """Return the schema of an object that has exactly these keys."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _list(items: Any) -> dict[str, Any]:
    """Return the schema of a list."""
    return {"type": "array", "items": items}
