"""Whether the rows that are scored come from groups enough to say anything of the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmsdk.audit.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

FEW = 5  # groups below which an interval knows little of other groups


def audit_groups(split: np.ndarray, groups: np.ndarray, column: str) -> Iterator[Finding]:
    """Yield a warning where the scored rows are of a few groups only.

    :param split: ``(n,)`` the part of each row; scored are those of ``test``, else of ``val``.
    :param groups: ``(n,)`` the group of each row.
    :param column: the column of the groups.
    """
    part = "test" if (split == "test").any() else "val"
    scored = sorted({str(one) for one in groups[split == part]})
    if 0 < len(scored) < FEW:
        yield Finding(
            severity="warning",
            code="few-groups",
            title=f"the {part} rows are of {len(scored)} {column} only: their figures say little of the next one",
            detail=", ".join(scored),
        )
