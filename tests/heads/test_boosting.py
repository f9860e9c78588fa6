"""Boosters on gaps: LightGBM's own answers, every task type, any input missing, and the library not installed."""

from __future__ import annotations

import copy
import re
import sys

import lightgbm
import numpy as np
import pytest
import torch

from mmsdk.errors import ConfigError
from mmsdk.heads import Lesson, fit_boosting, read_options, require_boosting, restore_head
from mmsdk.heads.boosting import gapped
from mmsdk.heads.subsets import hidden_copies
from mmsdk.model import net_arrays
from mmsdk.tasks import Classification, Multilabel, Regression

SIZES = {"photo": 80, "title": 4}


def lesson_of(task, cells, seed=0):
    """Return rows whose two inputs both tell the number of a cell, ``len(cells)`` rows."""
    random = np.random.default_rng(seed)
    number = np.array([sum(map(ord, str(cell))) % 7 for cell in cells], dtype=np.float32)[:, None]
    vectors = {
        name: torch.from_numpy((number * np.ones(size) + random.normal(size=(len(cells), size))).astype(np.float32))
        for name, size in SIZES.items()
    }
    task.prepare(cells)
    targets, _, _ = task.encode(cells)
    present = torch.ones(len(cells), 2, dtype=torch.bool)
    return Lesson(vectors=vectors, present=present, task=task, targets=torch.from_numpy(targets))


TASKS = {
    "many": (Classification, ["a", "b", "c"]),
    "two": (Classification, ["a", "b"]),
    "sets": (Multilabel, ["a|b", "b", "b|c"]),
    "numbers": (Regression, [1.0, 2.0, 3.0]),
}


def answers(head, lesson, hidden=()):
    masks = {
        name: torch.zeros(len(lesson), dtype=torch.bool) if name in hidden else lesson.present[:, place]
        for place, name in enumerate(SIZES)
    }
    return head(lesson.vectors, masks, torch.empty(0))


@pytest.mark.parametrize("name", TASKS)
def test_every_task_is_learned_with_any_input_missing(name):
    kind, cells = TASKS[name]
    lesson, judge = (lesson_of(kind(), cells * 40, seed=seed) for seed in (0, 1))
    head = fit_boosting(lesson, judge, read_options("boosting", {"rounds": 40, "learning_rate": 0.2}))
    blind = float(judge.loss(torch.from_numpy(judge.task.baseline(len(judge)))))
    for hidden in ((), ("photo",), ("title",)):
        found = answers(head, judge, hidden)
        assert found.shape == judge.task.baseline(len(judge)).shape
        assert float(judge.loss(found)) < 0.7 * blind
    assert torch.isfinite(answers(head, judge, SIZES)).all()
    arrays = {key.removeprefix("h."): one for key, one in net_arrays(head, "h").items()}
    again = restore_head(head.document(), arrays, head.texts)
    assert torch.equal(answers(again, judge), answers(head, judge))


def test_it_answers_as_lightgbm_does_from_the_saved_text():
    kind, cells = TASKS["many"]
    lesson = lesson_of(kind(), cells * 30)
    head = fit_boosting(lesson, lesson, read_options("boosting", {"rounds": 5, "rank": 10}))
    rows = gapped(head.reduced, lesson.vectors, lesson.present)
    assert rows.shape == (90, 14)
    chances = lightgbm.Booster(model_str=head.texts[0]).predict(rows)
    assert np.allclose(answers(head, lesson).softmax(1).numpy(), chances, atol=1e-6)


def thresholds(columns, seed=0):
    """Return rows of eighty numbers: whether the first is above zero is the answer."""
    numbers = torch.from_numpy(np.random.default_rng(seed).normal(size=(600, 80)).astype(np.float32))
    task, cells = Classification(), ["above" if one > 0 else "below" for one in numbers[:, 0].tolist()]
    task.prepare(cells)
    targets = torch.from_numpy(task.encode(cells)[0])
    present = torch.ones(600, 1, dtype=torch.bool)
    return Lesson(vectors={"row": numbers}, present=present, task=task, targets=targets, columns=frozenset(columns))


def test_trees_see_the_numbers_of_columns_and_not_their_components(monkeypatch):
    options, judge = read_options("boosting", {"rank": 40, "rounds": 60}), thresholds((), seed=1)
    right = {}
    for columns in ((), ("row",)):
        head = fit_boosting(thresholds(columns), judge, options)
        arrays = {key.removeprefix("h."): one for key, one in net_arrays(head, "h").items()}
        again = restore_head(head.document(), arrays, head.texts)
        found, same = (one(judge.vectors, {"row": judge.present[:, 0]}, torch.empty(0)) for one in (head, again))
        assert torch.equal(found, same)
        right[columns] = float((found.argmax(1) == judge.targets).float().mean())
    assert right["row",] > right[()] + 0.1
    monkeypatch.setattr("mmsdk.heads.reduced.MOST_WHOLE", 79)
    assert fit_boosting(thresholds(("row",)), judge, options).reduced.widths == [40]


def test_shuffled_leaves_answer_at_random_with_the_same_numbers():
    kind, cells = TASKS["many"]
    lesson = lesson_of(kind(), cells * 40)
    head = fit_boosting(lesson, lesson, read_options("boosting", {"rounds": 20, "learning_rate": 0.2}))
    other = copy.deepcopy(head)
    other.shuffle_leaves(torch.Generator().manual_seed(0))
    right, shuffled = (answers(one, lesson) for one in (head, other))
    assert float((right.argmax(1) == lesson.targets).float().mean()) > 0.9
    assert float((shuffled.argmax(1) == lesson.targets).float().mean()) < 0.6
    assert np.allclose(_leaves(head), _leaves(other))
    assert torch.equal(answers(head, lesson), right)  # the copy alone is shuffled


def _leaves(head):
    words = re.findall(r"leaf_value=(.*)", "".join(one.model_to_string() for one in head.boosters))
    return sorted(float(one) for line in words for one in line.split())


def test_a_label_that_is_always_there_needs_no_trees():
    kind, cells = TASKS["sets"]
    lesson = lesson_of(kind(), cells * 20)
    head = fit_boosting(lesson, lesson, read_options("boosting", {"rounds": 3}))
    assert [bool(one) for one in head.texts] == [True, False, True]
    assert answers(head, lesson)[:, 1].tolist() == [10.0] * 60


def test_rows_that_judge_end_the_growth_and_a_refit_takes_more():
    kind, cells = TASKS["many"]
    lesson, judge = (lesson_of(kind(), cells * 20, seed=seed) for seed in (0, 1))
    options = read_options("boosting", {"rounds": 300, "learning_rate": 0.5})
    stopped = fit_boosting(lesson, judge, options)
    assert lightgbm.Booster(model_str=stopped.texts[0]).current_iteration() < 300
    again = fit_boosting(lesson, judge, options, refit=lesson_of(kind(), cells * 40, seed=2))
    assert again.texts != stopped.texts
    count = [lightgbm.Booster(model_str=one.texts[0]).current_iteration() for one in (stopped, again)]
    assert count[0] == count[1]


@pytest.mark.parametrize("option", [{"rounds": 4}, {"learning_rate": 0.3}, {"leaves": 4}, {"rank": 5}])
def test_every_option_acts(option):
    kind, cells = TASKS["many"]
    lesson = lesson_of(kind(), cells * 20)
    base = {"rounds": 6, "learning_rate": 0.1, "leaves": 8, "rank": 20}
    heads = [fit_boosting(lesson, lesson, read_options("boosting", base | one)) for one in ({}, option)]
    assert not torch.allclose(answers(heads[0], lesson), answers(heads[1], lesson))


def test_copies_hide_some_inputs_and_never_all():
    kind, cells = TASKS["many"]
    lesson = lesson_of(kind(), cells * 20)
    copies = hidden_copies(lesson, 3)
    assert len(copies) == 180
    assert copies.present[:60].all()
    assert copies.present.any(1).all()
    assert not copies.present[60:].all()
    assert copies.groups[0] == copies.groups[60] == copies.groups[120]


def test_without_the_library_it_is_said_what_to_install(monkeypatch):
    kind, cells = TASKS["many"]
    lesson = lesson_of(kind(), cells * 5)
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(ConfigError, match=r"pip install 'mmsdk\[boosting\]'"):
        fit_boosting(lesson, lesson, read_options("boosting", {}))
    require_boosting("plain")
    with pytest.raises(ConfigError, match="not installed"):
        require_boosting("boosting")


def test_a_task_that_boosters_do_not_know_is_refused():
    class Other(Regression):
        pass

    class Strange:
        def baseline(self, n):
            return np.zeros((n, 1), np.float32)

    lesson = lesson_of(Other(), TASKS["numbers"][1] * 5)
    strange = Lesson(vectors=lesson.vectors, present=lesson.present, task=Strange(), targets=lesson.targets)
    with pytest.raises(ConfigError, match="knows classification, multilabel and regression, and no Strange"):
        fit_boosting(strange, strange, read_options("boosting", {}))
