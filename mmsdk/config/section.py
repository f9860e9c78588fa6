"""What every block of the application file has in common: frozen, strict, no unknown keys, a described key each."""

from __future__ import annotations

import os
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints
from pydantic_core import PydanticCustomError


class Section(BaseModel):
    """One block of the application file.

    ``shorthand`` is the key that ``--set BLOCK=VALUE`` means where VALUE is no mapping (``--set fusion=concat``).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    shorthand: ClassVar[str | None] = None


def _file(value: Any) -> Any:
    """Accept a ``pathlib.Path`` where a file name stands."""
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _columns(value: Any) -> Any:
    """Refuse what is neither a column name nor a list of them, in one sentence instead of one per alternative."""
    names = list(value) if isinstance(value, list | tuple) else [value]
    if not names or not all(isinstance(name, str) and name for name in names):
        raise PydanticCustomError("columns", "should be a column name or a list of column names")
    if len(set(names)) < len(names):
        raise PydanticCustomError("columns", "names a column twice")
    return list(value) if isinstance(value, tuple) else value


Name = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^\w[\w \-]*$")]
Text = Annotated[str, StringConstraints(min_length=1)]
File = Annotated[str, StringConstraints(min_length=1), BeforeValidator(_file)]
Columns = Annotated[str | list[str], BeforeValidator(_columns)]
