"""A sentence of advice for each input, from what it adds to the others and what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmsdk.evaluate.bootstrap import Interval
    from mmsdk.protocols import Task

UNSURE = 0.02  # half an interval, as a share: so wide, and the rows cannot tell whether the input matters
EVEN = 0.1  # how far the middle of an interval may lie from its value, in halves of it, to be told as value ± half


def advise(
    adds: Mapping[str, Interval],
    seconds: Mapping[str, float | None],
    together: Interval,
    task: Task,
    *,
    points: bool,
) -> dict[str, str]:
    """Return input -> a sentence.

    :param adds: what each input adds to all the others; positive where it helps.
    :param seconds: what 1,000 rows of it cost, None where nobody knows.
    :param together: the score of all inputs, which says how large a difference is.
    :param points: the metric of the task reads as points of a hundred.
    """
    return {
        name: _sentence(name, one, _share(name, seconds), together, task, points=points) for name, one in adds.items()
    }


def _share(name: str, seconds: Mapping[str, float | None]) -> float | None:
    """Return the share of the embedding time that leaving an input out saves."""
    total = sum(one for one in seconds.values() if one)
    own = seconds.get(name)
    return None if own is None or total <= 0 else own / total


def _sentence(name: str, added: Interval, share: float | None, together: Interval, task: Task, *, points: bool) -> str:
    """Return what to do about one input: of its interval as it is printed, so that both say the same."""
    value, low, high = (round(100 * one, 1) if points else one for one in (added.value, added.low, added.high))
    better = "raises" if task.higher_is_better else "lowers"
    does = "adds" if points and task.higher_is_better else f"{better} {task.metric} by"
    what = f"{name} {does} {_points(value, low, high) if points else _bare(value, low, high)}"
    saves = "" if share is None else f" and save {_percent(share)} of the time"
    if low > 0:
        costs = "" if share is None else f"; it takes {_percent(share)} of the time"
        return f"{what}: keep it{costs}"
    if high < 0:
        return f"{what}: leave it out{saves}"
    unit = 100.0 if points else max(abs(together.value), 1e-12)
    if (high - low) / 2 > UNSURE * unit:
        return f"{what}: these rows cannot tell; more labelled rows would"
    return f"{what}: leave it out{saves}"


def _points(value: float, low: float, high: float) -> str:
    """Return ``0.3 ± 0.5 points``, of a lopsided interval ``5.7 points [0.2, 16.4]``."""
    half = (high - low) / 2
    if _even(value, low, high):
        return f"{value:.1f} ± {half:.1f} points"
    return f"{value:.1f} points [{low:.1f}, {high:.1f}]"


def _bare(value: float, low: float, high: float) -> str:
    """Return ``0.3 ± 0.5``, of a lopsided interval ``0.3 [0.01, 1.1]``."""
    half = (high - low) / 2
    if _even(value, low, high):
        return f"{value:.3g} ± {half:.2g}"
    return f"{value:.3g} [{low:.3g}, {high:.3g}]"


def _even(value: float, low: float, high: float) -> bool:
    """Return whether ``value ± half`` tells the interval: both ends within a tenth of it, on their side of zero."""
    half = (high - low) / 2
    near = abs((low + high) / 2 - value) <= EVEN * half + 1e-9
    return near and (value - half > 0) == (low > 0) and (value + half < 0) == (high < 0)


def _percent(share: float) -> str:
    """Return a share in words of two characters or so."""
    return "hardly any" if share < 0.005 else f"{100 * share:.0f} %"
