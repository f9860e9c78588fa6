"""A session on a fitted run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmsdk.errors import RunError
from mmsdk.stream.detecting import detectors_of
from mmsdk.stream.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mmsdk.app.application import App
    from mmsdk.stream.clock import Clock
    from mmsdk.stream.events import Event


def open_session(
    app: App,
    settings: Mapping[str, Any] | None = None,
    *,
    clock: Clock | None = None,
    on_event: Callable[[Event], None] | None = None,
) -> Session:
    """Return a session that listens with a fitted application.

    :param settings: keys of the ``stream`` block that are other than the run's (``{"wait": 2.0, "wake":
        {"argument": "computer"}}``); dotted ones reach further down (``"inputs.voice.hang"``).
    :param clock: the machine's where left out; :class:`mmsdk.VirtualClock` for replays and tests.
    :param on_event: called with each event.
    :raises RunError: the application has no ``stream`` block.
    :raises ConfigError: a setting nobody knows, or a voice detector (``vad``) that cannot be opened.
    """
    from mmsdk.config import load_application

    application = load_application(app.application, dict(_dotted(settings or {}, "stream.")))
    if application.stream is None:
        raise _deaf(app)
    detectors = detectors_of(application)
    return Session(app, application.stream, list(app.tasks), clock=clock, on_event=on_event, detectors=detectors)


def _deaf(app: App) -> RunError:
    """Return the error for a run that was not made to listen."""
    return RunError(
        f"{app.folder} has no stream block, so it does not know what ends a piece of an input; it is no run to listen "
        "with. `mmsdk recipe interact` makes one; or add the block to the application and fit again"
    )


def _dotted(settings: Mapping[str, Any], before: str) -> Iterator[tuple[str, Any]]:
    """Yield the settings under dotted keys."""
    for key, value in settings.items():
        if isinstance(value, dict):
            yield from _dotted(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value
