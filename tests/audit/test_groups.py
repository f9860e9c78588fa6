"""Rows that are scored on a few groups are said to be, and their intervals are not of no width."""

from __future__ import annotations

import numpy as np
import pytest
from shop_data import application

import mmsdk
from mmsdk.audit import audit_groups
from mmsdk.evaluate.bootstrap import bootstrap


@pytest.mark.parametrize(("speakers", "warned"), [(1, True), (4, True), (5, False)])
def test_few_groups_among_the_scored_rows_are_said(speakers, warned):
    split = np.array(["train", "val", "test"] * 20, dtype=object)
    groups = np.array(
        [f"s{place % speakers if split[place] == 'test' else place}" for place in range(60)], dtype=object
    )
    found = list(audit_groups(split, groups, "speaker"))
    assert bool(found) == warned
    if warned:
        assert found[0].title.startswith(f"the test rows are of {speakers} speaker only")
    assert not list(audit_groups(np.where(split == "test", "", split), groups, "speaker"))  # 20 groups validate


def test_a_run_says_so(shop, tmp_path):
    described = application(shop)
    described["tasks"] = {"kind": described["tasks"]["kind"]}
    described["inputs"] = {"price": described["inputs"]["price"]}
    described |= {
        "split": {"column": "part", "group": "part"},
        "training": {"epochs": 1},
        "confidence": {"source": "validation"},
    }
    mmsdk.fit(described, out=tmp_path / "run", quiet=True).close()
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "the test rows are of 1 part only" in page


@pytest.mark.parametrize("speakers", [6, 60])
def test_inspect_says_so_before_anything_is_fitted(speakers):
    rows = [
        {"id": f"r{n}", "price": n * 37 % 90, "label": "ab"[n % 2], "speaker": f"s{n % speakers}"} for n in range(120)
    ]
    found = mmsdk.inspect(rows, quiet=True)
    assert found.application["split"] == {"group": "speaker"}
    told = [one.title for one in found.findings if one.code == "few-groups"]
    assert len(told) == (speakers == 6)
    assert all("speaker only: their figures say little of the next one" in one for one in told)


def test_rows_are_drawn_where_all_are_of_one_group():
    values = np.arange(40) % 2
    statistics = {"mean": lambda rows: float(values[rows].mean())}
    alone, none = (bootstrap(statistics, 40, groups=groups, resamples=200)["mean"] for groups in (["a"] * 40, None))
    assert (alone.low, alone.high) == (none.low, none.high)
    assert alone.low < alone.value < alone.high
    two = bootstrap(statistics, 40, groups=[f"g{one}" for one in values], resamples=200)["mean"]
    assert (two.low, two.high) == (0.0, 1.0)
