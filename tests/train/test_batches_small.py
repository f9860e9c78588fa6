"""Few rows still make an epoch of many steps."""

from __future__ import annotations

import pytest

from mmsdk.train.batches import count_steps


@pytest.mark.parametrize(
    ("rows", "size", "steps"), [(84, 64, 16), (10, 64, 2), (2000, 64, 31), (640, 64, 16), (1, 64, 1)]
)
def test_an_epoch_has_sixteen_steps_where_rows_allow(rows, size, steps):
    assert count_steps(rows, size) == steps
