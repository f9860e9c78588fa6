"""A sentence of advice for each input, from what it adds to the others and what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmsdk.evaluate.bootstrap import Interval
    from mmsdk.protocols import Task

UNSURE = 0.02  # half an interval, as a share: so wide, and the rows cannot tell whether the input matters


def advise(
    adds: Mapping[str, Interval], seconds: Mapping[str, float | None], together: Interval, task: Task
) -> dict[str, str]:
    """Return input -> a sentence.

    :param adds: what each input adds to all the others; positive where it helps.
    :param seconds: what 1,000 rows of it cost, None where nobody knows.
    :param together: the score of all inputs, which says how large a difference is.
    """
    return {name: _sentence(name, one, _share(name, seconds), together, task) for name, one in adds.items()}


def _share(name: str, seconds: Mapping[str, float | None]) -> float | None:
    """Return the share of the embedding time that leaving an input out saves."""
    total = sum(one for one in seconds.values() if one)
    own = seconds.get(name)
    return None if own is None or total <= 0 else own / total


def _sentence(name: str, added: Interval, share: float | None, together: Interval, task: Task) -> str:
    """Return what to do about one input."""
    half = (added.high - added.low) / 2
    what = f"{name} {_amount(added.value, half, task)}"
    saves = "" if share is None else f" and save {_percent(share)} of the time"
    if added.low > 0:
        costs = "" if share is None else f"; it takes {_percent(share)} of the time"
        return f"{what}: keep it{costs}"
    if added.high < 0:
        return f"{what}: leave it out{saves}"
    unit = 1.0 if task.higher_is_better else max(abs(together.value), 1e-12)
    if half > UNSURE * unit:
        return f"{what}: these rows cannot tell; more labelled rows would"
    return f"{what}: leave it out{saves}"


def _amount(value: float, half: float, task: Task) -> str:
    """Return ``adds 0.3 ± 0.5 points``, or of an error ``lowers mae by 0.3 ± 0.5``."""
    if task.higher_is_better:
        return f"adds {100 * value:.1f} ± {100 * half:.1f} points"
    return f"lowers {task.metric} by {value:.3g} ± {half:.2g}"


def _percent(share: float) -> str:
    """Return a share in words of two characters or so."""
    return "hardly any" if share < 0.005 else f"{100 * share:.0f} %"
