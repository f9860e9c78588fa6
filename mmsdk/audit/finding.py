"""One line of an audit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["ok", "note", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something a person should know of the data.

    :param severity: ``warning`` can make the figures wrong, ``note`` is worth a look, ``ok`` was not found.
    :param code: a stable word for scripts: ``near-duplicates``, ``label-leak`` ...
    """

    severity: Severity
    code: str
    title: str
    detail: str = ""

    def __str__(self) -> str:
        """Return one line for a terminal."""
        return f"{self.severity}: {self.title}" + (f" ({self.detail})" if self.detail else "")
