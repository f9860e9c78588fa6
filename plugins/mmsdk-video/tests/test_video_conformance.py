"""The conformance kit on this plugin."""

from mmsdk.testing import parametrize_with_checks


@parametrize_with_checks("video")
def test_conformance(check):
    check()
