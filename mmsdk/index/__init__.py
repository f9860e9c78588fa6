"""The index: ids, rows and vectors in a durable store, and a FAISS snapshot that makes searching them fast."""

from __future__ import annotations

from mmsdk.index.foreign import try_index
from mmsdk.index.hits import Hit
from mmsdk.index.joint import JointIndex

__all__ = ["Hit", "JointIndex", "try_index"]
