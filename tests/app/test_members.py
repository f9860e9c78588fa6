"""A member of few values learns next to nothing, so there are no more members than the fused vector has room for."""

from __future__ import annotations

import pytest

import mmsdk
from mmsdk.app.members import with_room
from mmsdk.app.searching import changed
from mmsdk.config import load_application

ROWS = [{"sign": [number % 2 * 2 - 1.0, 0.1 * (number % 7)], "kind": "ab"[number % 2]} for number in range(60)]


def of_width(dim, members=4):
    return load_application(
        {
            "inputs": {"sign": {"column": "sign", "modality": "vector"}},
            "tasks": {"kind": {"column": "kind", "type": "classification"}},
            "fusion": {"dim": dim, "members": members},
            "training": {"epochs": 20, "learning_rate": 0.01},
            "confidence": {"source": "validation"},
        }
    )


@pytest.mark.parametrize(
    ("dim", "members", "left"),
    [
        (2, 4, 1),
        (4, 4, 1),
        (8, 4, 1),
        (12, 4, 1),
        (16, 4, 2),
        (24, 4, 3),
        (24, 3, 3),
        (25, 5, 1),
        (32, 4, 4),
        (36, 6, 4),
    ],
)
def test_members_are_lowered_until_each_has_eight_values(capfd, dim, members, left):
    assert with_room(of_width(dim, members), quiet=False).fusion.members == left
    said = f"fusion.members: {left} of {dim // left} values" if left != members else ""
    assert said in capfd.readouterr().err if said else not capfd.readouterr().err


def test_members_that_do_not_divide_the_width_are_still_lowered_to_what_they_share(capfd):
    assert with_room(of_width(30, 4), quiet=False).fusion.members == 4  # the network makes two of it
    assert with_room(of_width(9, 2), quiet=False).fusion.members == 2  # and one here
    assert not capfd.readouterr().err


def test_a_narrow_network_learns(tmp_path):
    with mmsdk.fit(of_width(4), ROWS, out=tmp_path / "run", quiet=True) as app:
        assert app.application.fusion.members == 1
        found = app.predict([{"sign": [-1.0, 0.3]}, {"sign": [1.0, 0.3]}])
    assert [one.outputs["kind"].value for one in found] == ["a", "b"]


def test_a_vector_of_one_value_is_refused(tmp_path):
    with pytest.raises(mmsdk.ConfigError, match=r"fusion\.dim is 1: a vector of one value, normalised, is 0"):
        mmsdk.fit(of_width(1), ROWS, out=tmp_path / "run", quiet=True)


def test_a_search_draws_no_more_members_than_there_is_room_for():
    assert changed(of_width(64), {"fusion.dim": 32, "fusion.members": 8}).fusion.members == 4
