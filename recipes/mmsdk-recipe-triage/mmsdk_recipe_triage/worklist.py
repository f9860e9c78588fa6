"""The worklist: cases answered from the saved run alone, most urgent first, floors and doubts in plain sight."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from mmsdk import RunError, picture_data_uri

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mmsdk import Output

SIZE, NEAREST = 240, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case of the worklist.

    :param answer: the label; ``None`` where it goes to a person.
    :param level: the label it is sorted by: the answer, or the most urgent one possible where it goes to a person.
    :param fired: rules whose condition holds, also where the answer obeys them anyway.
    :param missing: inputs that the case lacks.
    :param unjudged: rules that could not be judged, since text stands where they need a number.
    :param shares: input to what it adds to the probability of the label that is explained.
    :param heat: ``(left, top, width, height, value)`` of patches of the picture, places in shares of its sides.
    :param nearest: training cases like it: ``(id, label, cosine)``.
    :param picture: a ``data:`` address, or empty.
    :param known: the run was made with this case, so that its answer is surer than that of a new one.
    """

    id: str
    answer: str | None
    level: str
    to_a_person: bool
    confidence: float | None
    possible: tuple[str, ...]
    probabilities: Mapping[str, float]
    fired: tuple[str, ...]
    missing: tuple[str, ...]
    novelty: float | None = None
    explained: str = ""
    shares: Mapping[str, float] = field(default_factory=dict)
    heat: tuple[tuple[float, ...], ...] = ()
    nearest: tuple[tuple[str, str, float], ...] = ()
    picture: str = ""
    known: bool = False
    unjudged: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return it as JSON values, without the picture."""
        found = asdict(self)
        del found["picture"]
        return found


def worklist(app: Any, data: Any, *, evidence: int = 20, audit: Path | None = None) -> list[Case]:
    """Answer the cases of a table and return them, most urgent first.

    Cases are sorted by the label (:attr:`Case.level`), of equal ones those first on which a rule fires or
    could not be judged, then by the expected urgency. Without an order of the labels, cases for a person come first,
    then those least sure.

    :param app: the run, of :func:`mmsdk.load`.
    :param data: the table; people's names in it are left at the door.
    :param evidence: so many cases, from the first on, get a picture with heat, shares and nearest cases.
    :param audit: a log that gets a line for each answer.
    :raises RunError: the run answers with a number.
    """
    task, order = _task(app)
    samples, _ = app.pipeline.read(data, partial=True, nameless=True)  # a case without an id is a case
    answers = app.answered(samples, audit=audit)
    fired = app.pipeline.rules.fired(samples.table, len(samples)).met if app.pipeline.rules else {}
    made_with = {name for name, part in app.parts().items() if part in ("train", "val")} if app.application.id else ()
    cases = []
    for row, answer in enumerate(answers):
        hits = tuple(sorted(name for name, rows in fired.items() if rows[row]))
        missing = tuple(name for name in app.application.inputs if name not in answer.modalities_used)
        name = samples.ids[row]
        case = _case(name, answer.outputs[task], order, hits, missing, known=name in made_with)
        cases.append((case, row))
    cases.sort(key=lambda one: _urgency(one[0], order))
    records = samples.table.records()
    return [
        _with_evidence(app, case, records[row], samples.table.root, task) if place < evidence else case
        for place, (case, row) in enumerate(cases)
    ]


def _task(app: Any) -> tuple[str, Sequence[str]]:
    """Return the task that is sorted by, and its order; the order is empty where nobody said one."""
    for name, entry in app.application.tasks.items():
        if entry.type != "regression":
            return name, tuple(entry.order or ())
    raise RunError(f"{app.folder} answers no label, so there is no worklist; use mmsdk predict")


def _case(
    name: str, output: Output, order: Sequence[str], fired: tuple[str, ...], missing: tuple[str, ...], *, known: bool
) -> Case:
    """Return a case from its answer."""
    possible = tuple(str(one) for one in output.prediction_set)
    likeliest = max(output.probabilities, key=lambda label: output.probabilities[label])
    ranked = [label for label in order if label in possible] if output.abstained else []
    return Case(
        id=name,
        answer=None if output.abstained else str(output.value),
        level=ranked[-1] if ranked else str(output.value or likeliest),
        to_a_person=output.abstained,
        confidence=output.confidence,
        possible=possible,
        probabilities=dict(output.probabilities),
        fired=fired,
        missing=missing,
        novelty=output.novelty,
        known=known,
        unjudged=output.unjudged,
    )


def _urgency(case: Case, order: Sequence[str]) -> tuple[Any, ...]:
    """Return what cases are sorted by."""
    if not order:
        return (not case.to_a_person, case.confidence or 0.0, case.id)
    expected = sum(place * case.probabilities.get(label, 0.0) for place, label in enumerate(order))
    return (-list(order).index(case.level), not (case.fired or case.unjudged), -expected, case.id)


def _with_evidence(app: Any, case: Case, record: Mapping[str, Any], root: Path | None, task: str) -> Case:
    """Return a case with its picture, what speaks for the label, and cases like it."""
    row = {name: value for name, value in record.items() if name in app.pipeline.columns}
    if len(case.missing) == len(app.application.inputs):
        return case
    images = [name for name, one in app.application.inputs.items() if one.modality == "image"]
    looked = [name for name in images if name not in case.missing][:1]
    why = app.explain(row, task=task, label=case.level, evidence=looked, k=NEAREST, root=root)
    boxes = tuple(
        (*piece.place[:2], piece.place[2] - piece.place[0], piece.place[3] - piece.place[1], piece.value)
        for one in why.evidence
        for piece in one.pieces
        if piece.kind == "box"
    )
    values = {name: getattr(case, name) for name in case.__slots__}
    return Case(
        **{
            **values,
            "explained": case.level,
            "shares": {one.input: one.value for one in why.shares},
            "heat": boxes,
            "nearest": tuple((one.id, one.told, one.similarity) for one in why.neighbours),
            "picture": picture_data_uri(app, row, SIZE, root=root) if looked else "",
        }
    )
