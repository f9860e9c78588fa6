"""From evidence to judges: what so few rows can bear, groups by their names, and what a number cannot do."""

from __future__ import annotations

import math

import numpy as np
import pytest

import mmsdk
from mmsdk.confidence import Evidence, Rows, fit_confidence, joined
from mmsdk.confidence.calibrate import probabilities
from mmsdk.config.confidence import ConfidenceConfig
from mmsdk.model import Target
from mmsdk.tasks import Classification, Regression

BOTH, LEFT, NONE = ("left", "right"), ("left",), ()


def bent(count, seed=0):
    """Return logits of four classes that a shift would mend, and labels."""
    random = np.random.default_rng(seed)
    logits = 1.5 * random.normal(size=(count, 4))
    truth = np.array([random.choice(4, p=np.exp(one) / np.exp(one).sum()) for one in logits])
    return (logits * [1.0, 2.0, 0.5, 1.0] + [0.0, 1.0, -1.0, 0.5]).astype(np.float32), truth


def fitted(task, logits, truth, *, rare=0, sites=None, untaught=None, **settings):
    """Return the confidence of one task; the input ``right`` is there in the first ``rare`` rows alone."""
    rows = np.arange(len(truth))
    here = {"left": np.ones(len(rows), bool), "right": rows < (rare or len(rows))}
    evidence = Evidence(
        rows=rows,
        logits={one: {"it": logits} for one in (NONE, LEFT, BOTH)},
        distances={},
        untaught={} if untaught is None else {"it": untaught},
    )
    target = Target(task=task, values=truth, labelled=np.ones(len(rows), bool))
    asked = Rows(evidence=evidence, present=here, groups=None, by=sites, source="validation")
    return fit_confidence({"it": target}, asked, ConfidenceConfig(by=sites and "site", **settings))


def test_a_floor_is_on_the_scale_of_the_answers_where_no_fold_can_calibrate():
    logits, truth = bent(11)  # four fifths of them are too few to learn from
    settings = {"calibration": "temperature", "abstain": {"coverage": 0.5}}
    found = fitted(classes(), logits, truth, **settings).tasks["it"].judges[BOTH]
    assert found.calibrator.method == "temperature"
    sure = probabilities("classes", found.calibrator(logits)).max(1)
    assert found.floor == pytest.approx(np.sort(sure)[-6])
    assert found.floor != pytest.approx(np.sort(probabilities("classes", logits).max(1))[-6])


def test_rows_of_a_head_that_learned_no_label_do_not_calibrate():
    logits, truth = bent(200)
    logits[:80] = 0.0  # such a head knows nothing
    found = fitted(classes(), logits, truth, untaught=np.arange(200) < 80)
    alone = fitted(classes(), logits[80:], truth[80:])
    assert found.tasks["it"].judges[BOTH].rows == 120
    assert found.tasks["it"].judges[BOTH].thresholds == alone.tasks["it"].judges[BOTH].thresholds
    assert found.notes == (
        "it: 80 labelled rows do not calibrate: no label lies outside their fold, so the head that answered them had "
        "learned none",
    )
    assert alone.notes == ()


def test_parts_remember_which_rows_no_head_was_taught_for():
    rows = np.arange(3)
    one = Evidence(rows=rows, logits={}, distances={}, untaught={"it": np.array([True, False, True])})
    other = Evidence(rows=rows, logits={}, distances={})
    found = joined([other, one])
    assert found.taught("it").tolist() == [True, True, True, False, True, False]
    assert found.taught("another").all()


def classes():
    task = Classification()
    task.prepare(list("abcd"))
    return task


def test_a_subset_that_few_rows_have_takes_a_method_that_they_can_bear():
    logits, truth = bent(800)
    found = fitted(classes(), logits, truth, rare=30).tasks["it"]
    assert found.method == "vector"
    assert found.judges[LEFT].calibrator.method == "vector"
    assert found.judges[BOTH].calibrator.method == "temperature"  # 30 rows for eight numbers
    asked = fitted(classes(), logits, truth, rare=30, calibration="vector").tasks["it"]
    assert asked.judges[BOTH].calibrator.method == "vector"


def test_a_group_has_one_name_whatever_type_its_cell_has():
    logits, truth = bent(200)
    found = fitted(classes(), logits, truth, sites=[float(row % 2) for row in range(200)])
    limits = found.limits("it", [BOTH] * 4, [1.0, 1, "1", "2"])
    assert np.isfinite(limits[:3]).all()
    assert len(set(limits[:3])) == 1
    assert limits[3] == math.inf


@pytest.mark.parametrize(
    ("right", "said"), [(1.0, "such rows are declined"), (0.0, "every row is declined")], ids=["few rows", "never"]
)
def test_a_note_says_which_calibration_rows_keep_no_error_and_what_is_declined(right, said):
    truth = np.arange(400) % 4
    random = np.random.default_rng(0)
    logits = random.normal(size=(400, 4)).astype(np.float32)
    logits[np.arange(400), truth] += np.where(random.random(400) < right, 9, 0)
    found = fitted(classes(), logits, truth, rare=12, abstain={"error": 0.05})
    kept = "no threshold keeps the error at 0.05 with 90 % certainty on the 12 calibration rows that have every input"
    assert f"it: {kept}: {said}" in found.notes
    floors = {subset: one.floor for subset, one in found.tasks["it"].judges.items()}
    assert floors[BOTH] == math.inf
    assert (floors[LEFT] == math.inf) == (right < 1)


@pytest.mark.parametrize("rule", ["below", "error", "coverage"])
def test_a_number_says_that_it_has_no_confidence_to_decline_by(rule, tmp_path):
    task = Regression()
    task.prepare([0.0, 1.0])
    random = np.random.default_rng(0)
    found = fitted(task, random.normal(size=(50, 1)), random.normal(size=50), abstain={rule: 0.5})
    said = f"abstain.{rule} leaves every row of any input answered"
    assert found.notes == (f"it: a number has no confidence to decline by: {said}",)
    assert not fitted(task, random.normal(size=(50, 1)), random.normal(size=50), abstain={"novelty": 0.5}).notes
    application = {
        "inputs": {"a": {"column": "a", "modality": "number"}},
        "tasks": {"it": {"column": "b", "type": "regression"}},
        "confidence": {"abstain": {rule: 0.5}},
    }
    with pytest.raises(mmsdk.ConfigError, match=rf"confidence\.abstain\.{rule} declines where .* abstain\.novelty"):
        mmsdk.fit(application, [{"a": row, "b": row % 7} for row in range(40)], tmp_path / "run", quiet=True)
