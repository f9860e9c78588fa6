"""Cues of WebVTT hold text, whatever is said."""

from __future__ import annotations

import pytest

import mmsdk


@pytest.mark.parametrize(
    ("cue", "wanted"),
    [
        ((0.0, 3723.0456, "hello"), "00:00:00.000 --> 01:02:03.046\nhello"),
        ((-0.5, 1.0, "a <b> & c"), "00:00:00.000 --> 00:00:01.000\na &lt;b&gt; &amp; c"),
        ((1.0, 2.0, "one\n\n00:00:03.000 --> 00:00:04.000\ntwo"), "one 00:00:03.000 --&gt; 00:00:04.000 two"),
    ],
)
def test_times_and_text(cue, wanted):
    found = mmsdk.vtt_cue(*cue)
    assert found.endswith(wanted)
    assert found.count("\n") == 1


def test_who_says_it():
    assert mmsdk.vtt_cue(0.0, 1.0, "yes", voice="<Ann>").splitlines()[1] == "<v &lt;Ann&gt;>yes"
