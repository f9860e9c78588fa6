"""``mmsdk emotion``: read a video, a folder of them or a stream with a fitted run."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from mmsdk_recipe_emotion.running import Plan
    from mmsdk_recipe_emotion.timeline import Timeline

FILE = "timeline.json"


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("source")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the timelines.")
@click.option("--window", type=float, default=2.0, show_default=True, help="Seconds that are read together.")
@click.option("--hop", type=float, default=0.5, show_default=True, help="Seconds from one window to the next.")
@click.option(
    "--fps", type=click.FloatRange(0.2, 60), default=5.0, show_default=True, help="Frames a second that are looked at."
)
@click.option("--transcript", type=click.Path(path_type=Path), help="What was said: a WebVTT or SubRip file.")
@click.option("--vad", type=click.Path(path_type=Path), help="Silero VAD (.onnx); speech is told by loudness without.")
@click.option("--affect", type=click.Path(path_type=Path), help="JSON: label to [valence, arousal], each -1 to 1.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option("--overwrite", is_flag=True, help="Write over timelines that are there.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def emotion(
    run: Path,
    source: str,
    *,
    out: Path,
    window: float,
    hop: float,
    fps: float,
    transcript: Path | None,
    vad: Path | None,
    affect: Path | None,
    device: str,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Read SOURCE with RUN, a run of the recipe emotion.

    SOURCE is a video file, a folder of them, or - for a video on standard input (Matroska or MPEG-TS). Written are
    timeline.html, which one scrubs beside the video, timeline.csv, timeline.vtt and timeline.json; of a folder a folder
    each.

    Labels are of expressions, not feelings. In the EU, systems that infer emotions of people at work or in education
    are prohibited, save for medical or safety reasons.
    """
    import mmsdk

    plan = _plan(window, hop, fps, transcript, vad, affect)
    targets = _targets(source, out)
    for _, folder, _ in targets:
        if (folder / FILE).exists() and not overwrite:
            raise mmsdk.DataError(f"{folder} holds a timeline already; name another folder or give --overwrite")
    app = mmsdk.load(run, device=device, quiet=True)
    try:
        done, refused = _read_all(app, targets, plan, quiet=quiet)
    finally:
        app.close()
    if refused and not done:
        raise refused[0]
    print_done(done, refused, as_json=as_json)
    if refused:
        sys.exit(1)


def print_done(done: list[tuple[Timeline, Path]], refused: list[Any], *, as_json: bool) -> None:
    """Print what was written."""
    from mmsdk_recipe_emotion.writing import caption

    if as_json:
        document = {
            "timelines": [_summary(timeline, folder) for timeline, folder in done],
            "refused": [str(error) for error in refused],
        }
        click.echo(json.dumps(document, ensure_ascii=False))
        return
    for timeline, folder in done:
        click.echo(f"{timeline.source}: {timeline.seconds:.1f} s -> {folder / 'timeline.html'}")
        if timeline.trouble:
            click.echo(f"  {timeline.trouble}: read as far as it goes")
        for line in timeline.lines:
            told = max(line.spans, key=lambda span: span.end - span.start)
            click.echo(
                f"  {line.name}: {len(line.changes)} changes; longest: {caption(told) or 'nothing to answer from'}"
            )
            if line.measured:
                click.echo(f"    {line.measured}")
    for error in refused:
        click.echo(f"refused: {error}", err=True)


def _summary(timeline: Timeline, folder: Path) -> dict[str, Any]:
    """Return a timeline in a few plain values."""
    return {
        "source": timeline.source,
        "folder": str(folder),
        "seconds": round(timeline.seconds, 3),
        "trouble": timeline.trouble,
        "lines": [
            {"person": line.person, "windows": len(line.points), "changes": len(line.changes)}
            for line in timeline.lines
        ],
    }


def _read_all(
    app: Any, targets: list[tuple[Any, Path, str]], plan: Plan, *, quiet: bool
) -> tuple[list[tuple[Timeline, Path]], list[Any]]:
    """Read and write each source; one that cannot be read does not keep the others."""
    from mmsdk import DataError
    from mmsdk_recipe_emotion.running import read_source, write_timeline

    done, refused = [], []
    for source, folder, name in targets:
        try:
            timeline = read_source(app, source, name, plan, _teller(name, quiet=quiet))
        except DataError as error:
            refused.append(error)
            continue
        write_timeline(timeline, folder, source if isinstance(source, Path) else None)
        done.append((timeline, folder))
    return done, refused


def _teller(name: str, *, quiet: bool) -> Callable[[float], None]:
    """Return what says how far a recording is read."""

    def tell(seconds: float) -> None:
        if not quiet and sys.stderr.isatty():
            click.echo(f"\r{name}: {seconds:.0f} s read", nl=False, err=True)

    return tell


def _targets(source: str, out: Path) -> list[tuple[Any, Path, str]]:
    """Return what is read, the folder each goes to, and its name.

    :raises DataError: there is no such file.
    """
    from mmsdk import DataError
    from mmsdk_recipe_emotion.running import videos_in

    if source == "-":
        return [(sys.stdin.buffer, out, "standard input")]
    path = Path(source)
    if path.is_dir():
        return [(video, out / video.name, video.name) for video in videos_in(path)]
    if not path.is_file():
        raise DataError(f"there is no file {source}; name a video, a folder of them, or - for standard input")
    return [(path, out, path.name)]


def _plan(
    window: float, hop: float, fps: float, transcript: Path | None, vad: Path | None, affect: Path | None
) -> Plan:
    """Return how recordings are read; files that are named are read now.

    :raises ConfigError: window and hop do not fit.
    """
    from mmsdk import ConfigError
    from mmsdk_recipe_emotion.running import Plan
    from mmsdk_recipe_emotion.speech import Silero
    from mmsdk_recipe_emotion.transcript import read_transcript

    if not 0 < hop <= window <= 60:
        raise ConfigError(f"--window {window:g} --hop {hop:g}: expected 0 < hop <= window <= 60 seconds")
    speech = Silero(vad) if vad else None  # opened once, and now: a wrong file is said before any work
    return Plan(
        window=window,
        hop=hop,
        fps=fps,
        speech=(lambda: speech) if speech else None,
        words=read_transcript(transcript) if transcript else None,
        affect=_own_map(affect) if affect else None,
    )


def _own_map(path: Path) -> dict[str, object]:
    """Return the user's own places of labels.

    :raises ConfigError: the file is no such map.
    """
    from mmsdk import ConfigError
    from mmsdk_recipe_emotion.affect import affect_map

    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f'--affect {path}: cannot be read as JSON ({error}); write {{"happy": [0.8, 0.5]}}') from None
    if not isinstance(found, dict):
        raise ConfigError(f'--affect {path}: expected {{"happy": [0.8, 0.5]}}, a label to valence and arousal')
    affect_map(tuple(found), found)
    return found
