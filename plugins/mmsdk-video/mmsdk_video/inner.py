"""What wraps an encoder of a part of a video: the encoder itself answers, and is named in the cache key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class Inner:
    """An encoder inside another.

    :param opened: what ``mmsdk.open_encoder`` answers.
    """

    KIND = ""
    output = "sequence"
    batch_size = 4

    def __init__(self, opened: Any) -> None:
        self._opened = opened

    @property
    def dim(self) -> int:
        """Return the length of a vector."""
        return int(self._opened.step_dim)

    def fingerprint(self) -> str:
        """Return the inner encoder's own, and what it is used for."""
        return f"{self.KIND} {self._opened.fingerprint}"

    def report(self) -> Mapping[str, float | tuple[int, int]]:
        """Return what the inner encoder reports."""
        told = getattr(self._opened.encoder, "report", None)
        return dict(told()) if callable(told) else {}
