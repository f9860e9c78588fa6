"""Every kind of rule teaches: what a network answers to new rows, before rules are applied, breaks them less."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import mmsdk
from mmsdk.app.fitting import learn, open_pipeline, prepare, prepare_tasks
from mmsdk.app.ruling import teach_rules
from mmsdk.data import Policy

PLACES = 4
RULES = [
    {"name": "floor", "when": "place = 1", "task": "grade", "at_least": "high"},
    {"name": "always", "when": "place = 2", "task": "tags", "always": "sofa"},
    {"name": "tree", "task": "tags", "implies": {"lamp": "lighting"}},
    {"name": "apart", "when": "place = 1", "forbid": {"tags": ["lighting", "sofa"]}},
    {"name": "forbidden", "forbid": {"urgency": "routine", "unit": "icu"}},
    {"name": "parent", "task": "urgency", "parent": "unit", "implies": {"urgent": "icu"}},
    {"name": "number", "when": "place = 3", "task": "stay", "at_most": 2},
]


def rows(count=480):
    """Where a row lies says everything; labels that the rules would need are not there, or contradict them."""
    random = np.random.default_rng(0)
    found = []
    for row in range(count):
        place, odd = row % PLACES, row // PLACES % 2 == 1
        urgency, unit = (("routine", "icu"), ("urgent", "icu"), ("routine", "ward"), ("urgent", "ward"))[place]
        found.append(
            {
                "at": (np.eye(PLACES)[place] + 0.3 * random.normal(size=PLACES)).tolist(),
                "place": place,
                "grade": "" if place == 1 else ("low", "high")[place == 3],
                "tags": ("lamp", "lamp|lighting|sofa", "", "rug")[place],
                "urgency": "" if odd and place in (0, 3) else urgency,  # in these places one half lacks the one label
                "unit": "" if not odd and place in (0, 3) else unit,  # and the other half the other
                "stay": (0, 4, 8, "")[place],
                "part": "train" if row < count // 2 else "test",
            }
        )
    return found


def drafted(weight, rules=RULES, *, quiet=True):
    """Return what training begins with at a weight of ``training.rules``."""
    described = {
        "inputs": {"at": {"column": "at", "modality": "vector"}},
        "tasks": {
            "grade": {"column": "grade", "type": "classification", "order": ["low", "high"]},
            "tags": {"column": "tags", "type": "multilabel"},
            "urgency": {"column": "urgency", "type": "classification"},
            "unit": {"column": "unit", "type": "classification"},
            "stay": {"column": "stay", "type": "regression"},
        },
        "rules": rules,
        "fusion": {"dim": 16, "members": 2},
        "split": {"column": "part"},
        "training": {"epochs": 25, "learning_rate": 0.01, "imbalance": "none", "rules": weight},
    }
    return prepare(open_pipeline(mmsdk.config.load_application(described), "cpu", Policy(), quiet=quiet), rows())


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """Return weight -> rule -> the share of test rows whose answer breaks it before rules are applied."""
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMSDK_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        for weight in (0.0, 3.0):
            draft = drafted(weight)
            learn(draft, tmp_path_factory.mktemp("run"))
            logits = draft.pipeline.fuse(draft.embeddings)[1]
            logits["stay"] -= 0.1  # a tenth of a deviation: a hinge ends at the bound, on either side of it
            book, test = draft.pipeline.rules, draft.samples.split == "test"
            ruled = book.apply(logits, book.fired(draft.samples.table, len(test)).met)
            found[weight] = {name: ruled.changed(name)[rows & test].mean() for name, rows in ruled.fired.items()}
            draft.pipeline.close()
    return found


@pytest.mark.parametrize("rule", [rule["name"] for rule in RULES])
def test_a_network_that_was_taught_breaks_a_rule_less(broken, rule):
    assert broken[0.0][rule] > 0.2
    assert broken[3.0][rule] < 0.3 * broken[0.0][rule]


def test_a_rule_that_no_training_row_meets_is_named(capsys):
    never = {"name": "never met", "when": "place = 9", "task": "grade", "at_least": "high"}
    for weight, told in ((0.0, 0), (1.0, 1)):
        drafted(weight, [*RULES, never], quiet=False).pipeline.close()
        err = capsys.readouterr().err
        assert err.count("training.rules: nothing is taught by 'never met', which no training row meets") == told
        assert "'floor'" not in err


def test_a_fold_learns_of_clashes_and_bounds_what_its_own_labels_and_scale_say():
    """The rules are written in the labels of the whole table; a fold lacks some, and its deviation is another."""
    draft = drafted(1.0)
    whole = {name: one.task for name, one in draft.targets.items()}
    place = np.array([one["place"] for one in rows()])
    split = np.where((place == 1) | (draft.samples.split == "test"), "", "train")  # no lighting, no sofa, another mean
    fewer = replace(draft.samples, split=split.astype(object))
    draft.targets, _ = prepare_tasks(draft.application, fewer, Policy(on_bad_row="skip"))
    teach_rules(draft, whole)
    found = draft.targets
    assert found["tags"].task.labels == ("lamp", "rug")
    assert found["tags"].clashes == ()
    assert not found["tags"].allowed.any()
    assert found["unit"].task.labels == ("icu", "ward")
    stay = found["stay"].task
    assert (stay.mean, stay.scale) != (whole["stay"].mean, whole["stay"].scale)
    highest = found["stay"].allowed[:, 1]
    assert highest[place == 3] * stay.scale + stay.mean == pytest.approx(2.0)
    assert np.isinf(highest[place != 3]).all()
    forbidden, parent = found["urgency"].clashes
    assert forbidden.mask.tolist() == [[True, False], [False, False]]  # routine, urgent beside icu, ward
    assert parent.mask.tolist() == [[False, False], [False, True]]
    draft.pipeline.close()
