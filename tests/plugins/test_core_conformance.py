"""The core's own components keep the promises it asks of plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmsdk.testing import parametrize_with_checks

if TYPE_CHECKING:
    from mmsdk.testing import Check


@parametrize_with_checks("mmsdk")
def test_conformance(check: Check) -> None:
    check()
