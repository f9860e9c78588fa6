"""``mmsdk interact``: listen to a recording as if it came live; learn a user's own commands."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mmsdk import (
    ConfigError,
    DataError,
    Media,
    Sound,
    VirtualClock,
    load,
    open_modality,
    open_session,
    open_transcriber,
    play_recordings,
    teach,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mmsdk import Event, Transcript

MAX_BYTES = 1 << 28
SHOWN = ("final", "woke", "slept")
REASONS = {
    "incomplete": "a slot was not answered, or not surely enough",
    "barge-in": "another piece began before the command was whole",
    "went on": "the voice went on",
    "repeated": "it came too soon after another",
}
Hidden = tuple[str, tuple[str, ...]]  # of an event that was not printed: its reason, and the slots that were answered


class Listening(click.Group):
    """``learn`` and ``listen``; a run in the place of the command is listened with."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve as click does; what is no command is a run."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["listen", *args]
        return super().resolve_command(ctx, args)


@click.group(cls=Listening)
def interact() -> None:
    """Listen to a recording with RUN as if it came live; learn a user's own commands."""


@interact.command()
@click.argument("run", metavar="RUN")
@click.option("--audio", metavar="FILE", help="What was said: a sound file.")
@click.option("--landmarks", metavar="FILE", help="What was shown: CSV, JSON, NPY or NPZ; a column `time` in seconds.")
@click.option(
    "--set", "settings", metavar="KEY=VALUE", multiple=True, help="A key of the stream block, such as wait=2."
)
@click.option("--transcribe", metavar="NAME", help="Write down what was said: whisper-base, transformers:DIR ...")
@click.option("--language", metavar="CODE", help="Of --transcribe: en, zh ...; told by itself where left out.")
@click.option("--all", "every", is_flag=True, help="Print provisional and cancelled events too.")
def listen(
    *,
    run: str,
    audio: str | None,
    landmarks: str | None,
    settings: tuple[str, ...],
    transcribe: str | None,
    language: str | None,
    every: bool,
) -> None:
    """Print the events of a recording, a line of JSON each, in the order in which they would have come."""
    if audio is None and landmarks is None:
        raise ConfigError("interact: nothing to listen to; give --audio FILE, --landmarks FILE, or both")
    if language is not None and transcribe is None:
        raise ConfigError("interact: --language is that of --transcribe, which says what writes the words down")
    write_down = open_transcriber(transcribe, language=language) if transcribe else None
    with closing(load(run, quiet=True)) as app:
        session = open_session(app, dict(map(_setting, settings)), clock=VirtualClock())
        recordings: dict[str, Any] = {}
        for segment, file in (("voice", audio), ("motion", landmarks)):
            if file is not None:
                recordings[_input(session, segment)] = _recorded(segment, Path(file))
        hidden: list[Hidden] = []
        shown = False
        for event in play_recordings(session, recordings):
            if every or event.kind in SHOWN:
                shown = True
                said = {"said": _said(event, write_down)} if write_down else {}
                click.echo(json.dumps(event.as_json() | said, ensure_ascii=False))
            else:
                hidden.append((event.reason, tuple(event.slots)))
        slots = tuple(session.settings.slots)
    if not shown:
        click.echo(f"no command was understood{_begun(hidden, slots)}", err=True)


@interact.command()
@click.argument("run", metavar="RUN")
@click.argument("examples", metavar="EXAMPLES", type=click.Path(exists=True, dir_okay=False))
@click.option("--out", metavar="RUN2", required=True, help="The new run.")
@click.option("--label", default="command", show_default=True, help="The column that names the command.")
@click.option("--no-idle", is_flag=True, help="Do not learn from RUN's own table what is no command.")
@click.option("--overwrite", is_flag=True, help="Replace RUN2 where there is one.")
def learn(*, run: str, examples: str, out: str, label: str, no_idle: bool, overwrite: bool) -> None:
    """Learn the commands of EXAMPLES, a table of about ten rows a command, with the encoders of RUN."""
    with closing(load(run, quiet=True)) as app:
        taught = teach(app, examples, out, label=label, idle=not no_idle, overwrite=overwrite, quiet=True)
    with closing(taught):
        names = sorted(map(str, taught.tasks[label].state()["labels"]))
    click.echo(f"{out}: {len(names)} labels: {', '.join(names)}")
    click.echo(f"listen: mmsdk interact {out} --audio FILE --landmarks FILE")


def _begun(hidden: Sequence[Hidden], slots: Sequence[str]) -> str:
    """Return what was begun where no command came of it: how often, why it ended, and what was never answered."""
    if not hidden:
        return ""
    reasons = Counter(reason for reason, _ in hidden if reason)
    why = ""
    if reasons:
        ((reason, count),) = reasons.most_common(1)
        why = f", {count} of them as {reason}" + (f" ({REASONS[reason]})" if reason in REASONS else "")
    never = [name for name in slots if not any(name in answered for _, answered in hidden)]
    lacking = f"; never answered: {', '.join(never)}" if never else ""
    events = "1 event was" if len(hidden) == 1 else f"{len(hidden)} events were"
    return f"; {events} provisional or cancelled{why}{lacking}; --all prints them"


def _setting(item: str) -> tuple[str, Any]:
    """Return key and value of a ``--set``.

    :raises ConfigError: no ``KEY=VALUE``.
    """
    key, equals, value = item.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--set {item}: expected KEY=VALUE, as in --set wait=2")
    try:
        found = json.loads(value)
    except ValueError:
        found = value
    return key.strip(), float(found) if isinstance(found, int) and not isinstance(found, bool) else found


def _said(event: Event, write_down: Callable[[list[Sound]], list[Transcript]]) -> str:
    """Return the words of the sounds that an event was understood from; empty where there are none."""
    sounds = [one for one in event.samples.values() if isinstance(one, Sound)]
    return " ".join(one.text for one in write_down(sounds)) if sounds else ""


def _input(session: Any, segment: str) -> str:
    """Return the input of a kind.

    :raises ConfigError: the run listens to none.
    """
    names = [name for name, own in session.settings.inputs.items() if own.segment == segment]
    if not names:
        raise ConfigError(f"interact: this run listens to no {segment}; it has {', '.join(session.settings.inputs)}")
    return str(names[0])


def _recorded(segment: str, file: Path) -> Any:
    """Return what a file holds.

    :raises DataError: it cannot be used.
    """
    if not file.is_file():
        raise DataError(f"interact: there is no file {file}")
    if file.stat().st_size > MAX_BYTES:
        raise DataError(f"interact: {file} is larger than {MAX_BYTES:,} bytes")
    modality = open_modality(
        "audio" if segment == "voice" else "gesture-file", {"max_seconds": 14_400.0} if segment == "voice" else None
    )
    try:
        found = modality.decode(Media(name=str(file), path=file))
    except ValueError as error:
        raise DataError(f"interact: {file} {error}") from None
    if found is None:
        raise DataError(f"interact: {file} holds nothing")
    return found
