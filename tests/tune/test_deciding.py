"""What `tune: auto` decides by does not hang on the unit in which a number is written."""

from __future__ import annotations

import numpy as np
import pytest

from mmsdk.evaluate import paired
from mmsdk.evaluate.out_of_fold import mean_score
from mmsdk.model import Target
from mmsdk.tasks import Classification, Regression
from mmsdk.tune.deciding import _score

COUNT = 300


def two_tasks(unit):
    """Return a kind and a price in some unit, and answers: of kinds tuned is far better, of prices a trifle worse."""
    random = np.random.default_rng(0)
    kind, price = Classification(), Regression()
    kind.prepare(["a", "b"])
    price.prepare([0.0, unit])
    kinds, prices = random.integers(0, 2, COUNT), random.normal(size=COUNT).astype(np.float32)
    every = np.ones(COUNT, dtype=bool)
    targets = {
        "kind": Target(task=kind, values=kinds, labelled=every),
        "price": Target(task=price, values=prices, labelled=every),
    }

    def answers(share, more):
        right = np.where(random.random(COUNT) < share, kinds, 1 - kinds)
        far = 0.5 * np.sign(np.random.default_rng(1).normal(size=COUNT)) * (1 + more)
        return {"kind": np.eye(2)[right] * 5, "price": (prices + far)[:, None].astype(np.float32)}

    return targets, answers(0.95, 0.004), answers(0.6, 0.0)


@pytest.mark.parametrize("unit", [1.0, 200_000.0])
def test_a_trifle_of_a_price_does_not_outweigh_another_task(unit):
    targets, tuned, frozen = two_tasks(unit)
    rows = np.arange(COUNT)
    first, second = (_score(targets, one, rows) for one in (tuned, frozen))
    gain = paired(first, second, COUNT, level=0.8)
    assert gain.low > 0.1
    assert gain.value == pytest.approx(mean_score(targets, rows, tuned) - mean_score(targets, rows, frozen))


def test_a_task_without_labelled_rows_decides_nothing():
    targets, tuned, _ = two_tasks(1.0)
    rows = np.arange(COUNT)
    whole = _score({"kind": targets["kind"]}, tuned, rows)(rows)
    targets["price"] = Target(
        task=targets["price"].task, values=targets["price"].values, labelled=np.zeros(COUNT, dtype=bool)
    )
    assert _score(targets, tuned, rows)(rows) == whole
