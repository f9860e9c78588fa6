"""An encoder with what tuning learned: the open one, with weights of its own once it has to encode."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mmsdk.embed.encoders import digest
from mmsdk.errors import EncoderError
from mmsdk.tune.lora import Adapter, fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from mmsdk.embed import OpenEncoder


class TunedEncoder:
    """Encodes as ``base`` with an adapter folded in; what it does not know itself, ``base`` answers."""

    def __init__(self, base: Any, adapter: Adapter) -> None:
        self._base = base
        self._adapter = adapter
        self._twin: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._base, name)

    def encode(self, batch: Sequence[Any], modality: str) -> np.ndarray:
        """Return ``(n, dim)`` float32."""
        if self._twin is None:
            twin = self._base.private(dtype="float32")
            fold(twin.module(), self._adapter)
            self._twin = twin
        vectors: np.ndarray = self._twin.encode(batch, modality)
        return vectors

    def report(self) -> dict[str, float | tuple[int, int]]:
        """Return what the encoder reports of the texts it was given."""
        told = getattr(self._twin, "report", None)
        return dict(told()) if callable(told) else {}


def tuned(opened: OpenEncoder, adapter: Adapter) -> OpenEncoder:
    """Return an open encoder with what tuning learned; its vectors are kept apart from those of the untuned one."""
    return replace(
        opened,
        encoder=TunedEncoder(opened.encoder, adapter),
        fingerprint=digest([opened.fingerprint, "lora", adapter.fingerprint()]),
    )


def require_tunable(opened: OpenEncoder, name: str) -> None:
    """Refuse an encoder that has no weights to tune.

    :raises EncoderError: it answers sequences, is fitted, or gives no private copy with gradients.
    """
    able = all(callable(getattr(opened.encoder, member, None)) for member in ("private", "vectors", "module"))
    if not able or opened.sequence or opened.fitted:
        raise EncoderError(
            f"inputs.{name}.tune: encoder {opened.name!r} (plugin {opened.origin}) cannot be tuned; name a text or "
            "image model of the scheme transformers:, or leave tune out"
        )
