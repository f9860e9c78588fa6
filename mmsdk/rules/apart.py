"""Labels of one multilabel task that may not stand together: the likelier stands, the other gives way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmsdk.rules.bounds import SURE, raised

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mmsdk.rules.bounds import Rule


def kept_apart(
    rules: Sequence[Rule], trees: Sequence[Rule], fired: Mapping[str, np.ndarray], logits: np.ndarray
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return logits of which no two labels stand that may not, and which rule changed which answer, bool ``(n,)``.

    The labels that stand are taken from the likeliest down; one that may not stand beside those before it, or whose
    parent may not, loses its probability, and what has it for a parent does too. Two that are certain both stay.

    :param rules: of kind ``apart``, all of one task.
    :param trees: the hierarchies of that task.
    :param fired: rule name -> bool ``(n,)``.
    :param logits: ``(n, labels)``, bounds and hierarchies applied.
    """
    found = logits.copy()
    standing = logits >= 0
    broken = [fired[rule.name] & (standing[:, rule.mask].sum(1) > 1) for rule in rules]
    blame = {rule.name: np.zeros(len(logits), dtype=bool) for rule in rules}
    for row in np.flatnonzero(np.any(broken, axis=0)):
        acting = [rule for rule in rules if fired[rule.name][row]]
        above = [tree for tree in trees if fired[tree.name][row]]
        for label, against in _giving_way(logits[row], acting, [tree.mask for tree in above]):
            found[row, label] = -SURE
            for rule in against:
                blame[rule.name][row] = True
        found[row] = raised(above, found[row][None])[0]
    return found, blame


def _giving_way(
    scores: np.ndarray, rules: Sequence[Rule], pairs: Sequence[np.ndarray]
) -> Iterator[tuple[int, list[Rule]]]:
    """Yield the standing labels of a row that may not, each with the rules against it."""
    kept = np.zeros(len(scores), dtype=bool)
    for label in np.argsort(-scores, kind="stable")[: int((scores >= 0).sum())]:
        beside = np.zeros_like(kept)
        beside[[label, *_ancestors(int(label), pairs)]] = True
        against = [rule for rule in rules if (beside & ~kept)[rule.mask].any() and (beside | kept)[rule.mask].sum() > 1]
        if against and scores[label] < SURE:
            yield int(label), against
        else:
            kept |= beside


def _ancestors(label: int, pairs: Sequence[np.ndarray]) -> set[int]:
    """Return the labels that one implies, by pairs of child and parent."""
    found, asked = set[int](), {label}
    while asked:
        parents = {int(parent) for one in pairs for parent in one[np.isin(one[:, 0], list(asked)), 1]}
        asked = parents - found
        found |= parents
    return found
