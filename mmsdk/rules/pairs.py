"""Answers of two classification tasks that may not stand together: the surer one stands, the other gives way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import softmax

from mmsdk.rules.bounds import SURE, bounded, merged
from mmsdk.rules.joint import likeliest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmsdk.rules.bounds import Rule

Blame = dict[tuple[str, str], np.ndarray]
"""(task, rule) -> bool ``(n,)``: the rows where the rule changed the answer of the task."""


def settled(
    rules: Sequence[Rule], fired: Mapping[str, np.ndarray], logits: Mapping[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], Blame]:
    """Return logits whose answers stand together, and which rule changed which.

    Where the likeliest answers of two tasks are forbidden together, that of the higher probability stands, and in the
    other task every label that is forbidden beside it loses its probability to the rest. Where that would leave
    nothing, it is the other way round. Where a row still breaks a rule after that, its tasks take the likeliest answers
    that may all stand together; where none may, they stay as they are.

    :param rules: of kind ``pair``.
    :param fired: rule name -> bool ``(n,)``.
    :param logits: task -> ``(n, width)``, their bounds applied.
    """
    found = {task: one.copy() for task, one in logits.items()}
    blame: Blame = {}
    for _ in range(len(rules) + 1):  # one that gives way may meet the next rule
        if not any(_settle(pair, rules, fired, found, blame) for pair in dict.fromkeys(rule.tasks for rule in rules)):
            break
    answers = {task: found[task].argmax(1) for rule in rules for task in rule.tasks}
    broken = [fired[rule.name] & rule.mask[answers[rule.task], answers[rule.other]] for rule in rules]
    for row in np.flatnonzero(np.any(broken, axis=0)) if rules else ():
        acting = [rule for rule in rules if fired[rule.name][row]]
        torn = {task for rule, rows in zip(rules, broken, strict=True) if rows[row] for task in rule.tasks}
        _settle_together(int(row), _linked(torn, acting), logits, found, blame)
    return found, blame


def _linked(torn: set[str], rules: Sequence[Rule]) -> list[Rule]:
    """Return the rules that tie some tasks to others, and those to further ones."""
    tied: list[Rule] = []
    while more := [rule for rule in rules if rule not in tied and torn & set(rule.tasks)]:
        tied += more
        torn = torn.union(*(rule.tasks for rule in more))
    return tied


def _settle_together(
    row: int,
    rules: Sequence[Rule],
    logits: Mapping[str, np.ndarray],
    found: dict[str, np.ndarray],
    blame: Blame,
) -> None:
    """Give the tasks of some rules the likeliest answers that may all stand, if there are any."""
    own = {task: logits[task][row] for rule in rules for task in rule.tasks}
    final = likeliest(own, _forbidden(rules))
    if final is None:
        return
    for task, scores in own.items():
        beside = np.zeros(len(scores), dtype=bool)
        for rule in rules:
            if task not in rule.tasks:
                continue
            hidden = rule.mask[:, final[rule.other]] if rule.task == task else rule.mask[final[rule.task]]
            beside |= hidden
            changed = bool(hidden[scores.argmax()])
            blame.setdefault((task, rule.name), np.zeros(len(logits[task]), dtype=bool))[row] = changed
        beside |= scores >= scores[final[task]]  # of equals too, the one that was found to fit the others
        beside[final[task]] = False
        found[task][row] = np.where(beside, scores[final[task]] - SURE, scores)


def _settle(
    pair: tuple[str, ...],
    rules: Sequence[Rule],
    fired: Mapping[str, np.ndarray],
    logits: dict[str, np.ndarray],
    blame: Blame,
) -> bool:
    """Settle the rows of one pair of tasks; return whether an answer changed."""
    first, second = pair
    ours = [rule for rule in rules if rule.tasks == pair]
    answers = logits[first].argmax(1), logits[second].argmax(1)
    broken = np.stack([fired[rule.name] & rule.mask[answers] for rule in ours])
    changed = False
    for row in np.flatnonzero(broken.any(0)):
        forbidden = np.any([rule.mask for rule in ours if fired[rule.name][row]], axis=0)
        gave = _give_way(int(row), pair, forbidden, logits)
        if gave is None:
            continue
        changed = True
        for place in np.flatnonzero(broken[:, row]):
            blame.setdefault((gave, ours[place].name), np.zeros(len(answers[0]), dtype=bool))[row] = True
    return changed


def _give_way(row: int, pair: tuple[str, ...], forbidden: np.ndarray, logits: dict[str, np.ndarray]) -> str | None:
    """Take the probability of what may not stand beside the surer answer; return the task that gave way, if one can."""
    chances = [softmax(logits[task][row]) for task in pair]
    sides = (0, 1) if chances[0].max() >= chances[1].max() else (1, 0)
    for stands in sides:
        other = 1 - stands
        beside = np.take(forbidden, int(chances[stands].argmax()), axis=stands)
        if (chances[other][~beside] > 0).any():
            scores = logits[pair[other]]
            scores[row] = np.where(beside, scores[row].max() - SURE, scores[row])
            return pair[other]
    return None


def _forbidden(rules: Sequence[Rule]) -> dict[tuple[str, str], np.ndarray]:
    """Return what rules forbid together: two tasks -> ``(labels, other labels)`` bool."""
    found: dict[tuple[str, str], np.ndarray] = {}
    for rule in rules:
        both = (rule.task, rule.other)
        found[both] = found.get(both, np.zeros_like(rule.mask)) | rule.mask
    return found


def impossible(rules: Sequence[Rule]) -> list[Rule]:
    """Return rules that leave no answers which may all stand, the last one being one too many; none where some may.

    :param rules: of kind ``labels`` or ``pair``.
    """
    bounds, pairs = ([one for one in rules if one.kind == kind] for kind in ("labels", "pair"))
    for place, last in enumerate(pairs):
        scores = {}
        for rule in pairs[: place + 1]:
            for task, width in zip(rule.tasks, rule.mask.shape, strict=True):
                of = [one for one in bounds if one.task == task]
                free = np.zeros((1, width))
                scores[task] = (bounded("labels", merged(of)[0], free) if of else free)[0]
        if likeliest(scores, _forbidden(pairs[: place + 1])) is None:
            tied = _linked(set(last.tasks), pairs[:place])
            tasks = {task for one in (*tied, last) for task in one.tasks}
            return [*(one for one in bounds if one.task in tasks), *tied, last]
    return []
