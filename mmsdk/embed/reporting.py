"""What modalities and encoders report of what they were given, such as texts cut short, for one embedding alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Report = Mapping[str, float | tuple[float, float]]


def reported(component: Any) -> dict[str, float | tuple[float, float]]:
    """Return what ``report()`` of a component answers, nothing where it has none."""
    told = getattr(component, "report", None)
    return dict(told()) if callable(told) else {}


def since(now: Report, before: Report) -> dict[str, float | tuple[float, float]]:
    """Return a report without what was counted before; a pair that has not grown is left out.

    Encoders are shared by inputs and by runs of one process as long as somebody holds them, so that a count of their
    own is of everything that they were ever given.
    """
    found: dict[str, float | tuple[float, float]] = {}
    for name, value in now.items():
        if not isinstance(value, tuple):
            found[name] = value
            continue
        earlier = before.get(name, (0, 0))
        count, of = (one - two for one, two in zip(value, earlier, strict=True))  # type: ignore[arg-type]
        if of > 0:
            found[name] = (count, of)
    return found


def told(report: Report) -> list[str]:
    """Return what a person should look at: ``34 of 374 truncated``, ``2 burnt in text``; not what never happened.

    Other values than counts are facts of an encoder, not of the data.
    """
    words = []
    for name, value in report.items():
        what = name.replace("_", " ")
        if isinstance(value, tuple) and value[0]:
            words.append(f"{value[0]:,} of {value[1]:,} {what}")
        elif isinstance(value, int) and value:
            words.append(f"{value:,} {what}")
    return words
