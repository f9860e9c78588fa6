"""Promises of sets and of declining that the scored rows show to be broken, each as a sentence."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mmsdk.quoted import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FEWEST, FEWEST_UNITS = 30, 3  # rows, and groups of them: fewer break a promise by luck
WHY = "these rows are unlike those it was set by: another time or place, or an input that knew those by heart"


def broken_lines(metrics: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each promise that is broken beyond chance: its interval lies on the wrong side.

    Of the sets the limit is judged by itself: with the answer always put in, sets may hold the truth as often as they
    should although the limit means nothing. The promise is one over limits, too: what one limit of ``n`` independent
    rows holds is Beta distributed (Vovk 2012, proposition 2a), and its 2.5 % quantile stands for the target.

    :param metrics: of one task, as metrics.json has them.
    """
    return list(_broken(metrics.get("confidence") or {}))


def _broken(found: Mapping[str, Any]) -> Iterator[str]:
    if found.get("scored", 0) < FEWEST_UNITS:
        return
    sets = found.get("sets", {})
    held = sets.get("strict", sets.get("coverage"))
    if held is not None and held["n"] >= FEWEST and held["high"] < _least(found["target"], found["units"]):
        trust = "neither sets nor confidence" if "strict" in sets else "no interval"
        yield (
            f"the limit set to hold {found['target']:.0%} of the truth held {quoted(held)} of {held['n']} rows; "
            f"{WHY}; rely on {trust}"
        )
    error, asked = found.get("answered", {}).get("error"), found.get("error_asked")
    if error is not None and asked is not None and error["n"] >= FEWEST and error["low"] > asked:
        yield f"answers given were to err {asked:g} of the time at most and did so {quoted(error)}; {WHY}"


def _least(target: float, units: int) -> float:
    """Return what a limit may hold by bad luck of its rows."""
    from scipy.stats import beta

    place = math.ceil((units + 1) * target)
    return float(beta.ppf(0.025, place, units + 1 - place)) if place <= units else 0.0
