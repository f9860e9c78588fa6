"""Forbidden pairs over several tasks: no answer breaks a rule where an answer exists that breaks none."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.special import log_softmax

from mmsdk.rules.book import RuleBook
from mmsdk.rules.bounds import SURE, Rule
from mmsdk.rules.joint import likeliest

TASKS = ("p", "q", "s")
WIDTH = 3


def pair(name: str, task: str, other: str, mask: np.ndarray) -> Rule:
    return Rule(name=name, when="", task=task, other=other, kind="pair", mask=mask)


def broken(rules: list[Rule], labels: dict[str, int]) -> list[str]:
    return [rule.name for rule in rules if rule.mask[labels[rule.task], labels[rule.other]]]


def allowed(rules: list[Rule]) -> list[dict[str, int]]:
    """Return every joint answer that breaks no rule."""
    every = (dict(zip(TASKS, one, strict=True)) for one in itertools.product(range(WIDTH), repeat=len(TASKS)))
    return [one for one in every if not broken(rules, one)]


def drawn(seed: int, share: float) -> tuple[list[Rule], dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    both = (("p", "q"), ("q", "s"), ("p", "s"))
    rules = [pair(f"r{one}", *two, rng.random((WIDTH, WIDTH)) < share) for one, two in enumerate(both)]
    return rules, {task: rng.standard_normal((1, WIDTH)) * 3 for task in TASKS}


@pytest.mark.parametrize("seed", range(60))
def test_the_likeliest_joint_answer_is_the_one_that_trying_all_finds(seed):
    rules, logits = drawn(seed, 0.4)
    found = likeliest({task: one[0] for task, one in logits.items()}, {rule.tasks: rule.mask for rule in rules})
    left = allowed(rules)
    chances = {task: log_softmax(one[0]) for task, one in logits.items()}
    best = max(left, key=lambda one: sum(chances[task][label] for task, label in one.items()), default=None)
    assert found == best


def test_a_label_without_probability_is_not_taken():
    mask = np.array([[True, False], [False, False]])
    shut = {"p": np.array([0.0, -SURE]), "q": np.array([0.0, -SURE])}
    assert likeliest(shut, {("p", "q"): mask}) is None
    assert likeliest({**shut, "q": np.array([5.0, 0.0])}, {("p", "q"): mask}) == {"p": 0, "q": 1}


@pytest.mark.parametrize("seed", range(150))
def test_no_answer_breaks_a_rule_where_one_exists_that_does_not(seed):
    rules, logits = drawn(seed, 0.4)
    book = RuleBook(rules)
    ruled = book.apply(logits, book.fired(None, 1).met)
    final = {task: int(one.argmax()) for task, one in ruled.logits.items()}
    if not allowed(rules):
        assert broken(rules, final)
        return
    assert not broken(rules, final)
    for task in TASKS:
        changed = final[task] != logits[task].argmax()
        assert bool(ruled.names(task, 0)) is bool(changed)


def test_other_rows_and_tasks_that_no_broken_rule_ties_stay_as_they_were():
    shut = np.array([[True, True], [False, False]])
    rules = [
        pair("a", "p", "q", shut & np.array([[True, False]])),  # p0 with q0
        pair("b", "q", "s", np.array([[False, False], [True, True]])),  # q1 with any s
        pair("far", "x", "y", np.array([[True, False], [False, False]])),  # x0 with y0
    ]
    one = np.array([[1.0, 0.9], [0.0, 9.0]])
    q, x = np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([[1.1, 0.9], [0.0, 9.0]])
    logits = {"p": one, "q": q, "s": one, "x": x, "y": one}
    book = RuleBook(rules)
    ruled = book.apply(logits, book.fired(None, 2).met)
    final = {task: one.argmax(1).tolist() for task, one in ruled.logits.items()}
    assert final["p"] == [1, 1]
    assert final["q"] == [0, 0]
    assert final["x"] == [0, 1]
    assert final["y"] == [1, 1]
    assert ruled.names("p", 0) == ("a",)
    assert ruled.names("q", 0) == ()
    assert ruled.names("p", 1) == ()
