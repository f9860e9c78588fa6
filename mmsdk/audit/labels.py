"""What can be said of a task's column: class counts, classes written in two ways, columns that give the answer away."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from mmsdk.audit.finding import Finding, Severity
from mmsdk.tasks.cells import label_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mmsdk.data import Samples

FEW = 10  # training rows of a class below which its score is luck
GIVEN_AWAY = 0.98  # share of rows whose label the column tells
SHARED = 0.5  # share of rows that must have a companion with the same value, or the column is nearly an id
CONTAINED = 0.95  # share of rows whose cell spells the label out
CLASSES = 200
SHOWN = 8


def audit_labels(samples: Samples, task: str, column: str, used: Sequence[str]) -> Iterator[Finding]:
    """Yield class counts, classes that may be one, and leaks of one classification column.

    :param used: columns that are inputs of the model: a leak there is a warning, elsewhere a note.
    """
    labels = [None if cell is None else label_of(cell) for cell in samples.table.cells(column)]
    counts = Counter(label for label in labels if label is not None)
    yield from _same_classes(task, counts)
    if not 2 <= len(counts) <= CLASSES:
        return
    yield _class_counts(samples, task, labels, counts)
    for name, why in label_leaks(samples.table, column):
        severity: Severity = "warning" if name in used else "note"
        where = "an input of this run" if name in used else "not an input of this run"
        yield Finding(
            severity=severity, code="label-leak", title=f"{name} gives {column} away", detail=f"{why}; {where}"
        )


def label_leaks(table: Any, column: str) -> Iterator[tuple[str, str]]:
    """Yield ``(column, why)`` for each other column that tells the label of nearly every row."""
    labels = [None if cell is None else str(cell) for cell in table.cells(column)]
    counts = Counter(label for label in labels if label is not None)
    if max(counts.values(), default=0) >= GIVEN_AWAY * counts.total():  # one label for all, or none at all
        return
    for name in table.names:
        if name == column:
            continue
        values = [None if cell is None else str(cell) for cell in table.cells(name)]
        told = _told(values, labels)
        if told is not None and told >= GIVEN_AWAY:
            yield name, f"rows with the same {name} have the same label in {100 * told:.0f} % of cases"
        elif _spelled(values, labels) >= CONTAINED:
            yield name, "its cells contain the label's own word"


def _same_classes(task: str, counts: Mapping[str, int]) -> Iterator[Finding]:
    """Yield a warning where classes differ only by case or spaces: a fit learns to tell them apart.

    :param counts: label -> rows; spaces around a label are no part of it.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for label in sorted(counts):
        groups[" ".join(label.split()).casefold()].append(label)
    found = sorted((group for group in groups.values() if len(group) > 1), key=lambda group: (-len(group), group))
    if found:
        by = "case" if all(len({label.casefold() for label in group}) == 1 for group in found) else "case or spaces"
        told = [" and ".join(f"{label!r} ({counts[label]})" for label in group) for group in found]
        more = f", and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        ask = "one class or two?" if len(found) == 1 == len(found[0]) - 1 else "one class each, or several?"
        title = f"{task}: {'; '.join(told[:SHOWN])}{more} differ only by {by}: {ask}"
        yield Finding(severity="warning", code="label-spelling", title=title)


def _class_counts(samples: Samples, task: str, labels: Sequence[Any], counts: Counter[str]) -> Finding:
    """Return the class counts, a warning where a class has few training rows."""
    train = Counter(
        label for label, part in zip(labels, samples.split, strict=True) if label is not None and part in ("train", "")
    )
    small = sorted(label for label in counts if train[label] < FEW)
    listed = ", ".join(f"{label} {count}" for label, count in counts.most_common(20))
    if small:
        title = f"{task}: {len(small)} of {len(counts)} classes have fewer than {FEW} training rows"
        return Finding(severity="warning", code="class-counts", title=title, detail=", ".join(small[:20]))
    return Finding(severity="ok", code="class-counts", title=f"{task}: {len(counts)} classes", detail=listed)


def _told(values: Sequence[str | None], labels: Sequence[str | None]) -> float | None:
    """Return how often the other rows of a value have the row's label; None where nearly every value is its own."""
    groups: dict[str, Counter[str]] = defaultdict(Counter)
    for value, label in zip(values, labels, strict=True):
        if value is not None and label is not None:
            groups[value][label] += 1
    total = sum(sum(group.values()) for group in groups.values())
    right = shared = 0
    for group in groups.values():
        size = sum(group.values())
        if size < 2:
            continue
        shared += size
        best, top = group.most_common(1)[0]
        runner = max((count for label, count in group.items() if label != best), default=0)
        right += top if top - 1 > runner or len(group) == 1 else 0
    return right / shared if total and shared >= SHARED * total else None


def _spelled(values: Sequence[str | None], labels: Sequence[str | None]) -> float:
    """Return the share of rows whose cell contains the label as a word of three letters or more."""
    pairs = [(v.lower(), w.lower()) for v, w in zip(values, labels, strict=True) if v is not None and w is not None]
    if not pairs:
        return 0.0
    return sum(len(label) > 2 and label in value and label != value for value, label in pairs) / len(pairs)
