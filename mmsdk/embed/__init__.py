"""Frozen encoders run in batches over rows, and the content-addressed cache that makes them run once."""

from __future__ import annotations

from mmsdk.embed.cache import CacheInfo, EmbeddingCache, Found, SpaceInfo
from mmsdk.embed.spaces import Space

__all__ = ["CacheInfo", "EmbeddingCache", "Found", "Space", "SpaceInfo"]
