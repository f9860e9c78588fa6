"""The application as it will be fitted: what the file says, under what the caller says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmsdk.app.unread import check_taught
from mmsdk.config import Application, load_application

if TYPE_CHECKING:
    from collections.abc import Mapping


def resolve_application(
    application: Application | Mapping[str, Any] | str | Path,
    *,
    data: Any = None,
    seed: int | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Application:
    """Return the application with a seed, a table and dotted keys laid over it; a key that is set wins over the seed.

    :raises ConfigError: the file or a key is wrong, or rules would teach what answers nothing.
    """
    seeds = {} if seed is None else {"training.seed": seed, "split.seed": seed}
    resolved = load_application(application, {**seeds, **(overrides or {})})
    check_taught(resolved)
    if isinstance(data, str | Path):
        return resolved.model_copy(update={"data": str(Path(data).resolve())})
    return resolved
