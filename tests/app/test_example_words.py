"""What an example of the report says where the run declined, or the table has no label."""

from __future__ import annotations

from mmsdk.app.gathering import _right, _said


def test_nothing_is_not_called_none():
    assert (_said(None), _said("urgent"), _said(0.12345)) == ("no answer", "urgent", "0.123")
    assert (_right(None), _right("none"), _right(2.0)) == ("no label", "right: none", "right: 2")
