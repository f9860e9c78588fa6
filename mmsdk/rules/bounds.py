"""What one rule leaves of the answers of one task, and what several leave together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

SURE = 1000.0  # a logit so far off that the probability is 0 or 1 to the last bit


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rule:
    """A rule that was read and checked.

    :param when: its condition; empty where it holds for every row.
    :param task: the task it bounds, or of the children.
    :param kind: ``labels`` (classification), ``tags`` (multilabel), ``number`` (regression), ``hierarchy`` and
        ``apart`` (within one multilabel task), ``pair`` (two classification tasks).
    :param mask: of ``labels`` ``(labels,)`` bool, those allowed; of ``tags`` ``(labels,)`` int8, 1 always, -1 never,
        0 as the network says; of ``number`` ``(2,)`` float, lowest and highest, standardised; of ``hierarchy``
        ``(pairs, 2)`` child and parent; of ``apart`` ``(labels,)`` bool, of which one at most; of
        ``pair`` ``(labels, other labels)`` bool, those forbidden.
    :param other: the second task of a ``pair``.
    :param columns: that ``when`` reads.
    """

    name: str
    when: str
    task: str
    kind: str
    mask: np.ndarray = field(repr=False)
    other: str = ""
    columns: tuple[str, ...] = ()

    @property
    def tasks(self) -> tuple[str, ...]:
        """Return the tasks whose answers it may change."""
        return (self.task, self.other) if self.other else (self.task,)

    def breaks(self, truth: np.ndarray) -> np.ndarray:
        """Return bool ``(n,)``: which encoded labels the rule would not allow; none of a ``pair``, which needs two."""
        if self.kind == "labels":
            return np.asarray(~self.mask[truth])
        if self.kind == "hierarchy":
            child, parent = (truth[:, self.mask[:, side]] > 0.5 for side in (0, 1))
            return np.asarray((child & ~parent).any(1))
        if self.kind == "apart":
            return np.asarray((truth[:, self.mask] > 0.5).sum(1) > 1)
        if self.kind == "pair":
            return np.zeros(len(truth), dtype=bool)
        signed = truth - 0.5 if self.kind == "tags" else truth[:, None]
        return _crosses(self.kind, self.mask, signed)


def merged(rules: Sequence[Rule]) -> tuple[np.ndarray, list[Rule]]:
    """Return what rules of one kind leave together, the earlier first, and those left out since nothing would be left.

    :param rules: of one task, kind ``labels``, ``tags`` or ``number``; at least one.
    """
    whole = rules[0].mask
    dropped = []
    for rule in rules[1:]:
        both = _both(rule.kind, whole, rule.mask)
        if both is None:
            dropped.append(rule)
        else:
            whole = both
    return whole, dropped


def _both(kind: str, first: np.ndarray, second: np.ndarray) -> np.ndarray | None:
    """Return what two masks leave together, None where that is nothing."""
    if kind == "labels":
        left: np.ndarray = first & second
        return left if left.any() else None
    if kind == "tags":
        return None if (first * second < 0).any() else np.where(first == 0, second, first)
    low, high = max(first[0], second[0]), min(first[1], second[1])
    return np.array([low, high]) if low <= high else None


def leaves_one(kind: str, mask: np.ndarray) -> bool:
    """Return whether a mask leaves one answer alone."""
    if kind == "number":
        return bool(mask[0] == mask[1])
    return bool(mask.sum() == 1 if kind == "labels" else (mask != 0).all())


def bounded(kind: str, mask: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Return logits ``(n, width)`` inside a mask.

    Forbidden labels lose their probability, which the others share in proportion (a softmax over what is allowed); a
    number is moved to the nearer bound.
    """
    if kind == "labels":
        lowest = logits[:, mask].max(axis=1, keepdims=True) - SURE  # below what is allowed, however unlikely that is
        return np.where(mask, logits, lowest)
    if kind == "tags":
        return np.where(mask == 0, logits, SURE * mask)
    return np.asarray(np.clip(logits, mask[0], mask[1]))


def blamed(rules: Sequence[Rule], logits: np.ndarray) -> np.ndarray:
    """Return bool ``(n, rules)``: which rules of one kind changed the answer to ``logits``.

    A rule did if it forbids what the network says, or if without it the answer would be another.
    """
    kind = rules[0].kind
    if kind != "labels":
        return np.stack([_crosses(kind, rule.mask, logits) for rule in rules], axis=1)
    own, final = logits.argmax(1), bounded(kind, merged(rules)[0], logits).argmax(1)
    found = []
    for rule in rules:
        rest = [one for one in rules if one is not rule]
        without = bounded(kind, merged(rest)[0], logits).argmax(1) if rest else own
        found.append((own != final) & (~rule.mask[own] | (without != final)))
    return np.stack(found, axis=1)


def _crosses(kind: str, mask: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Return which answers a mask of tags or of a number does not leave as they are."""
    if kind == "tags":
        there = logits >= 0
        return np.asarray((((mask > 0) & ~there) | ((mask < 0) & there)).any(1))
    return np.asarray((logits[:, 0] < mask[0]) | (logits[:, 0] > mask[1]))


def raised(trees: Sequence[Rule], logits: np.ndarray) -> np.ndarray:
    """Return logits where no child is likelier than its parent, by all hierarchies together.

    The parent is raised; where a rule says that it never is, the child is never either.

    :param trees: of one task, kind ``hierarchy``; the parent of one may be the child of another.
    """
    if not trees:
        return logits
    pairs = np.concatenate([one.mask for one in trees])
    never = logits <= 1 - SURE  # so low only a rule puts a logit
    _spread(never, pairs[:, ::-1])
    found = np.where(never, -SURE, logits)
    _spread(found, pairs)
    return found


def _spread(values: np.ndarray, pairs: np.ndarray) -> None:
    """Let no second label of a pair be below its first one, however long the chains of pairs are."""
    for _ in pairs:
        before = values.copy()
        for low, high in pairs:
            np.maximum(values[:, low], values[:, high], out=values[:, high])
        if (before == values).all():
            return


def raised_by(trees: Sequence[Rule], logits: np.ndarray) -> np.ndarray:
    """Return bool ``(n, trees)``: which hierarchies changed the answers, alone or where the others do not."""
    own, final = logits >= 0, raised(trees, logits) >= 0
    found = []
    for tree in trees:
        alone = raised([tree], logits) >= 0
        without = raised([one for one in trees if one is not tree], logits) >= 0
        found.append(((alone != own) | (without != final)).any(1) & (own != final).any(1))
    return np.stack(found, axis=1)
