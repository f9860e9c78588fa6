"""Two models on the same rows: against scipy, scikit-learn and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score, log_loss

from mmsdk.errors import DataError
from mmsdk.evaluate.bootstrap import Interval
from mmsdk.evaluate.differences import (
    Answers,
    compare_answers,
    mcnemar,
    row_errors,
    rows_needed,
    sign_test,
    verdict,
    wilcoxon_test,
)
from mmsdk.evaluate.spaces import in_space, joined_task, truth_in_space
from mmsdk.tasks import Classification, Multilabel, Regression


def classes(labels):
    task = Classification()
    task.prepare(labels)
    return task


def numbers(values):
    task = Regression()
    task.prepare(values)
    return task


def answers(truth, right, width=3, seed=0):
    """Logits that are right on a share of the rows."""
    random = np.random.default_rng(seed)
    guess = np.where(random.random(len(truth)) < right, truth, (truth + 1) % width)
    return (3 * np.eye(width)[guess] + random.normal(0, 0.1, (len(truth), width))).astype(np.float32)


def surely(rows, groups=None):
    """Compare two models the second of which is nearer on every row, by as much."""
    truth = np.zeros(rows, np.float32)
    sides = [Answers(name=name, logits=[np.full((rows, 1), off, np.float32)]) for name, off in (("A", 2.0), ("B", 1.0))]
    return compare_answers(numbers([-1.0, 1.0]), truth, *sides, groups=groups, resamples=50)


@pytest.mark.parametrize(
    ("rows", "groups", "said"),
    [
        (1, None, "1 row is too few to tell A and B apart: expected 6 or more"),
        (5, None, "5 rows are too few to tell A and B apart: expected 6 or more"),
        (40, np.arange(40) % 5, "5 groups are too few to tell A and B apart: expected 6 or more"),
        (40, np.zeros(40), "1 group is too few to tell A and B apart: expected 6 or more"),
        (6, None, "B is better by 1 [1, 1] of mae"),
        (40, np.arange(40) % 6, "B is better by 1 [1, 1] of mae"),
    ],
)
def test_few_rows_or_groups_tell_nothing_however_sure_they_look(rows, groups, said):
    """Two models that are equally good are on five rows one ahead of the other on all of them once in 16 times."""
    found = surely(rows, groups)
    assert found["verdict"] == said
    assert found["rows_needed"] is None


def test_the_difference_is_that_of_scikit_learn_and_its_interval_that_of_the_normal_law():
    truth = np.random.default_rng(1).integers(0, 3, 2000)
    task = classes([str(one) for one in (0, 1, 2)])
    a, b = answers(truth, 0.6), answers(truth, 0.7, seed=1)
    found = compare_answers(task, truth, Answers(name="A", logits=[a]), Answers(name="B", logits=[b]), resamples=800)
    row = found["metrics"]["accuracy"]
    assert row["a"] == pytest.approx(accuracy_score(truth, a.argmax(1)))
    assert found["metrics"]["log_loss"]["b"] == pytest.approx(log_loss(truth, np.exp(b) / np.exp(b).sum(1)[:, None]))
    gain = (b.argmax(1) == truth).astype(float) - (a.argmax(1) == truth)
    low, high = stats.norm.interval(0.95, gain.mean(), gain.std() / np.sqrt(len(gain)))
    assert row["difference"]["low"] == pytest.approx(low, abs=0.005)
    assert row["difference"]["high"] == pytest.approx(high, abs=0.005)
    assert found["rows_needed"] is None
    assert found["verdict"].startswith("B is better by ")
    assert "points" in found["verdict"]


def test_paired_answers_are_told_apart_where_separate_intervals_overlap():
    truth = np.zeros(400, dtype=np.int64)
    a = answers(truth, 0.7)
    b = a.copy()
    b[np.flatnonzero(a.argmax(1) != 0)[:20]] = [9, 0, 0]  # the same answers, and twenty more right
    task = classes(["0", "1", "2"])
    found = compare_answers(task, truth, Answers(name="A", logits=[a]), Answers(name="B", logits=[b]), resamples=300)
    assert found["metrics"]["accuracy"]["difference"]["low"] > 0.02
    assert found["tests"]["mcnemar"] == {"a_only": 0, "b_only": 20, "p": pytest.approx(2 * 0.5**20)}


def test_groups_widen_the_interval():
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(12), 40)
    truth = np.zeros(480, dtype=np.int64)
    harm = np.repeat(random.random(12) < 0.5, 40)  # B fails on whole groups
    a, b = np.tile([1.0, 0, 0], (480, 1)), np.tile([1.0, 0, 0], (480, 1))
    b[harm] = [0, 1, 0]
    sides = Answers(name="A", logits=[a]), Answers(name="B", logits=[b])
    task = classes(["0", "1", "2"])
    wide = compare_answers(task, truth, *sides, groups=groups, resamples=300)["metrics"]["accuracy"]["difference"]
    narrow = compare_answers(task, truth, *sides, resamples=300)["metrics"]["accuracy"]["difference"]
    assert wide["high"] - wide["low"] > 3 * (narrow["high"] - narrow["low"])


def test_the_row_tests_equal_scipy():
    random = np.random.default_rng(3)
    a, b = random.random(60) < 0.6, random.random(60) < 0.8
    found = mcnemar(a, b)
    assert found["p"] == stats.binomtest(int((a & ~b).sum()), int((a != b).sum())).pvalue
    first, second = random.gamma(2, 1, 80), random.gamma(2, 1.3, 80)
    assert wilcoxon_test(first, second)["p"] == stats.wilcoxon(first, second).pvalue
    assert sign_test(first, second)["p"] == stats.binomtest(int((first < second).sum()), 80).pvalue
    assert mcnemar(a, a)["p"] == sign_test(first, first)["p"] == wilcoxon_test(first, first)["p"] == 1.0


def test_the_errors_of_a_row_are_in_the_unit_of_the_task():
    task = numbers([0.0, 10.0])
    truth, _, _ = task.encode([3.0, 8.0])
    logits, _, _ = task.encode([5.0, 8.0])
    assert row_errors(task, logits[:, None], truth) == pytest.approx([2, 0])
    several = Multilabel()
    several.prepare(["a|b", "c"])
    assert row_errors(several, np.array([[1.0, -1, 1]]), np.array([[1.0, 0, 0]])) == pytest.approx([1 / 3])
    assert row_errors(object(), logits, truth) is None


def test_the_rows_that_would_be_needed_do_show_the_difference():
    """Two coins of .70 and .75: the textbook size, by simulation."""
    spread = np.sqrt(0.7 * 0.3 + 0.75 * 0.25)
    seen = Interval(value=0.05, low=0.05 - 1.96 * spread / 10, high=0.05 + 1.96 * spread / 10, n=100)
    needed = rows_needed(seen)
    random = np.random.default_rng(0)
    gains = (random.random((400, needed)) < 0.75).astype(float) - (random.random((400, needed)) < 0.7)
    shown = np.abs(gains.mean(1)) > 1.96 * gains.std(1) / np.sqrt(needed)
    assert shown.mean() == pytest.approx(0.8, abs=0.06)
    assert rows_needed(Interval(value=0.0, low=-0.1, high=0.1, n=9)) is None


SHARE = {"higher_is_better": True, "points": True}


def test_the_verdict_says_which_way():
    better = Interval(value=0.021, low=0.004, high=0.039, n=500)
    assert verdict("accuracy", better, "A", "B", **SHARE) == ("B is better by 2.1 points [0.4, 3.9] of accuracy")
    assert verdict("mae", better, "A", "B", higher_is_better=False, points=False).startswith(
        "A is better by 0.021 [0.004, 0.039]"
    )
    unsure = Interval(value=0.004, low=-0.01, high=0.018, n=437)
    said = verdict("accuracy", unsure, "A", "B", **SHARE)
    assert "these 437 rows cannot tell A and B apart" in said
    assert "rows would be needed" in said
    alike = Interval(value=0.0, low=0.0, high=0.0, n=5)
    assert verdict("accuracy", alike, "A", "B", **SHARE).endswith("they answer alike")
    level = Interval(value=0.0, low=-0.1, high=0.1, n=20)  # as many rows right, and others
    assert verdict("accuracy", level, "A", "B", **SHARE).endswith("(0.0 points [-10.0, 10.0])")


class Pinball(Regression):
    """A task of a plugin, whose metric the core does not know by name."""

    metric = "pinball"

    def scores(self, logits, targets):
        return {"pinball": super().scores(logits, targets)["mae"]}


def test_a_metric_of_a_plugin_reads_as_points_where_it_is_a_share():
    truth = np.linspace(-1, 1, 40).astype(np.float32)
    sides = [Answers(name=name, logits=[truth[:, None] + off]) for name, off in (("A", 2.0), ("B", 0.1))]
    task = Pinball()
    task.prepare([0, 10])
    said = compare_answers(task, truth, *sides, resamples=20)["verdict"]
    assert said.startswith("B is better by 9.5 [")
    assert "points" not in said


def test_label_sets_are_made_one():
    a, b = classes(["x", "y", "y"]), classes(["y", "z"])
    whole = joined_task([a, b])
    assert whole.labels == ("x", "y", "z")
    assert whole.counts == (1, 3, 1)
    with pytest.raises(DataError, match="a label that the other's table does not have"):
        in_space(np.zeros((1, 2), np.float32), b, a)
    wide = in_space(np.array([[0.0, 2.0]], np.float32), b, whole)
    assert wide[0, 1:] == pytest.approx([0.0, 2.0])
    chances = np.exp(wide[0]) / np.exp(wide[0]).sum()
    assert chances[0] == pytest.approx(np.exp(-16.0), rel=1e-3)  # of what the known labels sum to
    assert a.labels == ("x", "y")


def test_scales_are_made_one():
    a, b = numbers([0.0, 10.0]), numbers([100.0, 300.0])
    logits, _, _ = b.encode([250.0])
    assert a.outputs(in_space(logits[:, None], b, joined_task([a, b])))[0].value == pytest.approx(250.0, rel=1e-5)


@pytest.mark.parametrize(
    ("kind", "ours", "theirs"),
    [
        (Classification, ["a", "c"], ["b", "c", "d"]),
        (Multilabel, ["a|c", "c"], ["b|c", "d"]),
        (Regression, ["1", "3"], ["3", "10"]),
    ],
)
def test_truths_keep_their_meaning_in_the_space_of_both(kind, ours, theirs):
    a, b = kind(), kind()
    a.prepare(ours)
    b.prepare(theirs)
    whole = joined_task([a, b])
    for task, cells in ((a, ours), (b, theirs)):
        moved = truth_in_space(task.encode(cells)[0], task, whole)
        assert moved == pytest.approx(whole.encode(cells)[0], abs=1e-5)
    assert truth_in_space(a.encode(ours)[0], a, a) == pytest.approx(a.encode(ours)[0])
