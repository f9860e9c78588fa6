"""The recipe: its sample, the application it builds from a table, its sections of the report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmsdk import ConfigError, EncoderError, guess_application, note, open_modality, read_table, read_yaml
from mmsdk_recipe_interact import SPEC
from mmsdk_recipe_interact.settings import IDLE, SLOTS, check_idle, group_of, slots_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mmsdk import Card

VOICES, MOTIONS = ("audio",), ("gesture", "gesture-file")
VOICE = {"segment": "voice", "before": 0.25, "shortest": 0.1, "longest": 1.2}
MOTION = {"segment": "motion", "shortest": 0.2, "longest": 2.0}
LEAST = 0.6


class Interact:
    """Understand commands out of live voice and gestures."""

    def sample(self, folder: Path, seed: int) -> Mapping[str, Any]:
        """Write the synthetic commands, and a recording to listen to; return their application."""
        from mmsdk_recipe_interact.sample import COMMANDS, RATE, write_sample

        if not (folder / "commands.csv").is_file():  # the last file written
            write_sample(folder, seed)
        inputs = {
            "motion": {"column": "motion", "modality": "gesture"},
            "voice": {"column": "voice", "modality": "audio"},
        }
        own = {"needs": ["action=motion", "argument=voice"], "idle": ["none"], "rate": RATE}
        stream = stream_of(inputs, SLOTS, SPEC.defaults | own)
        return {
            "data": str(folder / "commands.csv"),
            "id": "id",
            "inputs": inputs,
            "tasks": {name: {"column": name, "type": "classification"} for name in SLOTS},
            "split": {"group": "speaker", "test": 0.25, "validation": 0.25},
            "confidence": {"source": "validation"},
            "stream": {**stream, "commands": COMMANDS},
        }

    def application(self, data: Path, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """Build the application: inputs as ``mmsdk inspect`` would guess them, slots and stream from the settings.

        :raises ConfigError: no slot, no input that can be listened to, or several slots and nothing said of who answers
            which.
        """
        table = read_table(data)
        slots = slots_of(table.names, settings.get("slots"))
        guessed = dict(guess_application(table, tasks=False))
        group = group_of(table, settings, slots)
        aside = {*slots, group, settings.get("split"), guessed.get("id")}
        live = {*VOICES, *MOTIONS}
        inputs = {
            name: entry
            for name, entry in guessed.get("inputs", {}).items()
            if entry["column"] not in aside and entry["modality"] in live
        }
        if not inputs:
            raise ConfigError(
                f"recipe interact: no column of {data.name} holds sounds or landmarks; expected paths "
                "of sound files, relative to the table, or landmarks as JSON or as paths of files"
            )
        if group is not None and settings.get("group") is None:
            note(
                f"recipe interact: {group!r} is taken for who speaks, and nobody is on both sides of the split; say "
                "another column with --set group=COLUMN, or that there is none with --set group=none"
            )
        check_idle(table, slots, settings.get("idle"))
        split = {"group": group, "column": settings.get("split")}
        made: dict[str, Any] = {
            "data": str(data),
            "inputs": inputs,
            "tasks": {name: {"column": name, "type": "classification"} for name in slots},
            "split": {key: column for key, column in split.items() if column is not None},
            "stream": stream_of(inputs, slots, settings),
        }
        return made | ({"id": guessed["id"]} if "id" in guessed else {})

    def next_commands(self, app: Any) -> Iterator[tuple[str | Path, ...]]:
        """Yield a listening to the sample's recording, or to the first row whose pieces are all files, else to FILE."""
        from mmsdk_recipe_interact.sections import options, recordings

        files: Mapping[str, str | Path] = next(recordings(app), dict.fromkeys(options(app).values(), "FILE"))
        yield "interact", app.folder, *(word for pair in files.items() for word in pair)

    def card(self, app: Any) -> Card:
        """Return what it is for, and what not."""
        from mmsdk_recipe_interact.card import card_of

        return card_of(app)

    def unread(self, data: Path, settings: Mapping[str, Any]) -> Mapping[str, str]:
        """Return which columns are no inputs, and why."""
        names = read_table(data).names
        found = {
            settings[key]: what for key, what in (("group", "who speaks"), ("split", "the part")) if key in settings
        }
        return {name: why for name, why in found.items() if name in names}

    def sections(self, app: Any) -> Iterator[tuple[str, str]]:
        """Yield how the run listens, and how often whole commands are right."""
        from mmsdk_recipe_interact.sections import commands, listening

        yield from commands(app)
        yield from listening(app)


def stream_of(inputs: Mapping[str, Any], slots: Sequence[str], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stream block: how each input arrives, who answers what, the commands."""
    tracks: dict[str, Any] = {}
    for name, entry in inputs.items():
        if entry["modality"] in VOICES:
            tracks[name] = {**VOICE, "rate": float(settings["rate"])}
            if "vad" in settings:
                tracks[name]["vad"] = detector_of(settings["vad"], entry["modality"])
        elif entry["modality"] in MOTIONS:
            tracks[name] = {
                **MOTION,
                "rate": float(settings["fps"]),
                "still": float(settings["still"]),
            }
    needs = needs_of(settings.get("needs"), tracks, slots)
    idle = list(settings.get("idle", IDLE))
    stream: dict[str, Any] = {
        "inputs": tracks,
        "slots": {name: {"needs": needs[name], "idle": idle, "least": LEAST} for name in slots},
    }
    if "commands" in settings:
        said = settings["commands"]
        stream["commands"] = said if isinstance(said, list) else commands_of(Path(said))
    return stream


def detector_of(file: str, modality: str) -> str:
    """Return the file of a voice detector, which is opened now: a wrong one is said before anything is learned.

    :raises ConfigError: it cannot be opened.
    """
    component: Any = open_modality(modality).component
    try:
        component.voice_detector(file, 16_000)
    except EncoderError as error:
        raise ConfigError(f"recipe interact: vad: {error}") from None
    return file


def commands_of(file: Path) -> list[Any]:
    """Return the commands of a file.

    :raises ConfigError: it is not there, or holds no list.
    """
    try:
        found = read_yaml(file.read_text(encoding="utf-8"), str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"recipe interact: commands {file}: cannot be read ({type(error).__name__})") from None
    if not isinstance(found, list):
        raise ConfigError(f"recipe interact: commands {file}: expected a list of commands, as in docs/streaming.md")
    return found


def needs_of(said: Sequence[str] | None, tracks: Mapping[str, Any], slots: Sequence[str]) -> dict[str, list[str]]:
    """Return the inputs that may answer each slot.

    :raises ConfigError: not ``slot=input``, or left out where it cannot be guessed.
    """
    found: dict[str, list[str]] = {name: [] for name in slots}
    if said is None:
        if len(slots) > 1 and len(tracks) > 1:
            pair = ", ".join(f"{slot}={name}" for slot, name in zip(slots, tracks, strict=False))
            raise ConfigError(
                f"recipe interact: slots {', '.join(slots)} and inputs {', '.join(tracks)}: say which input answers "
                f"which slot with --set 'needs=[{pair}]'; two inputs that say the same stand there both"
            )
        return found
    for one in said:
        slot, equals, name = one.partition("=")
        if not equals or slot.strip() not in found or name.strip() not in tracks:
            raise ConfigError(
                f"recipe interact: needs holds {one!r}, expected SLOT=INPUT of the slots {', '.join(slots)} and the "
                f"inputs {', '.join(tracks)}"
            )
        found[slot.strip()].append(name.strip())
    return found
