"""What every plugin promises, checked by the public kit."""

from __future__ import annotations

from mmsdk.testing import parametrize_with_checks


@parametrize_with_checks("face")
def test_conformance(check):
    check()
