"""How long the vectors of an encoder are, remembered by fingerprint: some must read their whole model to say it."""

from __future__ import annotations

import contextlib
import inspect
import json
import threading
from typing import Any

from mmsdk.files import atomic_write, cache_home

FILE = "dims.json"
_lock = threading.Lock()


def dim_of(encoder: Any, fingerprint: str) -> Any:
    """Return an encoder's ``dim``; where that is computed, from an earlier process that asked.

    The fingerprint covers weights and preprocessing, so what has it has this dim. A run that finds every vector in the
    cache reads no model for it. The file only saves time: one that cannot be read or written is done without.
    """
    if not hasattr(inspect.getattr_static(type(encoder), "dim", None), "__get__"):
        return getattr(encoder, "dim", None)
    known = _read().get(fingerprint)
    if isinstance(known, int) and not isinstance(known, bool) and known > 0:
        return known
    dim = getattr(encoder, "dim", None)
    if isinstance(dim, int) and not isinstance(dim, bool) and dim > 0:
        _remember(fingerprint, dim)
    return dim


def _read() -> dict[str, Any]:
    """Return what is remembered."""
    try:
        found = json.loads((cache_home() / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _remember(fingerprint: str, dim: int) -> None:
    """Add one; two processes at once may lose the other's, which then asks again."""
    with _lock, contextlib.suppress(OSError), atomic_write(cache_home() / FILE) as path:
        path.write_text(json.dumps({**_read(), fingerprint: dim}), encoding="utf-8")
