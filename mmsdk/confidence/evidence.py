"""What a model answers for rows it did not learn from, from every subset of their inputs: what calibration rests on."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from mmsdk.confidence.judge import Subset, subsets_given
from mmsdk.confidence.novelty import distances, kept_rows
from mmsdk.model import infer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmsdk.model import JointNet

ALL_UP_TO = 5  # inputs: 32 subsets with the empty one
SEEN_AT_MOST = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Answers for calibration rows.

    :param rows: int64 ``(r,)`` positions in the table.
    :param logits: subset -> task -> ``(r, width)``, each row as if only the subset had been given.
    :param distances: subset -> float32 ``(r,)`` to the rows that were learned from; empty where none are told.
    :param untaught: task -> bool ``(r,)``, rows answered by a head that saw no label of the task; a task that is not
        there has none.
    """

    rows: np.ndarray
    logits: Mapping[Subset, Mapping[str, np.ndarray]]
    distances: Mapping[Subset, np.ndarray]
    untaught: Mapping[str, np.ndarray] = field(default_factory=dict)

    def taught(self, task: str) -> np.ndarray:
        """Return which rows were answered by a head that learned the task, bool ``(r,)``."""
        return ~self.untaught[task] if task in self.untaught else np.ones(len(self.rows), dtype=bool)


def gather_evidence(
    net: JointNet, embeddings: Any, rows: np.ndarray, subsets: Sequence[Subset], *, learned: np.ndarray | None
) -> Evidence:
    """Answer rows from every subset; nothing is encoded anew.

    :param learned: positions of the rows that ``net`` learned from, to tell distances to them; None tells none.
    """
    references = None
    if learned is not None and len(learned):
        references = training_references(net, embeddings, learned)
    logits, far = {}, {}
    for subset in subsets:
        vectors, logits[subset] = infer(net, embeddings.values, embeddings.present, rows=rows, keep=subset)
        if references is not None:
            far[subset] = distances(vectors, references)
    return Evidence(rows=rows, logits=logits, distances=far)


def training_references(net: JointNet, embeddings: Any, learned: np.ndarray) -> np.ndarray:
    """Return the fused vectors of up to 1,000 rows, from all that they have, float32 ``(m, dim)``."""
    return infer(net, embeddings.values, embeddings.present, rows=kept_rows(learned))[0]


def joined(parts: Sequence[Evidence]) -> Evidence:
    """Return the evidence of several folds as one."""
    first = parts[0]
    return Evidence(
        rows=np.concatenate([one.rows for one in parts]),
        logits={
            subset: {name: np.concatenate([one.logits[subset][name] for one in parts]) for name in tasks}
            for subset, tasks in first.logits.items()
        },
        distances={
            subset: np.concatenate([one.distances[subset] for one in parts])
            for subset in first.distances
            if all(subset in one.distances for one in parts)
        },
        untaught={
            name: np.concatenate([~one.taught(name) for one in parts])
            for name in dict.fromkeys(name for one in parts for name in one.untaught)
        },
    )


def subsets_to_calibrate(inputs: Sequence[str], present: Mapping[str, np.ndarray]) -> list[Subset]:
    """Return the subsets of the inputs, none and all among them, each in the order of the inputs.

    All of them for five inputs or fewer; else none, each alone, each left out, all, and those that up to 64 kinds of
    rows have.
    """
    count = len(inputs)
    sizes = range(count + 1) if count <= ALL_UP_TO else (0, 1, count - 1, count)
    found = [subset for size in sizes for subset in combinations(inputs, size)]
    if count > ALL_UP_TO:
        rows = len(next(iter(present.values())))
        seen = dict.fromkeys(subsets_given(inputs, present, rows))
        found += [one for one in seen if one not in set(found)][:SEEN_AT_MOST]
    return found


def rows_with(present: Mapping[str, np.ndarray], rows: np.ndarray, subset: Subset) -> np.ndarray:
    """Return which of the rows have all inputs of a subset, bool ``(r,)``."""
    here = np.ones(len(rows), dtype=bool)
    for name in subset:
        here &= np.asarray(present[name][rows], dtype=bool)
    return here
