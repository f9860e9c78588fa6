"""Frozen encoders run in batches over rows, and the content-addressed cache that makes them run once."""

from __future__ import annotations

from mmsdk.embed.cache import CacheInfo, EmbeddingCache, Found, SpaceInfo
from mmsdk.embed.embedder import Embedder
from mmsdk.embed.encoders import OpenEncoder, OpenModality, open_encoder, open_modality
from mmsdk.embed.keys import content_key
from mmsdk.embed.results import Embeddings, EmbedStats, InputStats
from mmsdk.embed.spaces import Precision, Space
from mmsdk.embed.threads import Threads, choose_threads

__all__ = [
    "CacheInfo",
    "EmbedStats",
    "Embedder",
    "EmbeddingCache",
    "Embeddings",
    "Found",
    "InputStats",
    "OpenEncoder",
    "OpenModality",
    "Precision",
    "Space",
    "SpaceInfo",
    "Threads",
    "choose_threads",
    "content_key",
    "open_encoder",
    "open_modality",
]
