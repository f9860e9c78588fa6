"""Show that decoding a video costs no more than PyAV itself, and that its peak memory does not grow with its length.

``python benchmarks/video.py [--seconds 60] [--hours 1 10] [--runs 5]`` makes a clip with PyAV. First every frame of it
is decoded and handed to an encoder that costs nothing, by turns with a bare loop of PyAV over the same frames, once
dropping them and once keeping them in an array as mmsdk does (one thread each; CPU seconds, the best of the runs). Then
the clip is repeated to files of some hours, and each is decoded in a process of its own: 16 frames (sought), 600
seconds of sound with them, and 400 frames (read through). What opening alone takes is said beside: of an MP4 FFmpeg
holds the whole index, about 50 bytes a packet.
"""

from __future__ import annotations

import argparse
import itertools
import json
import resource
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
from mmsdk_video.modality import Video

from mmsdk import Media, Sequence

if TYPE_CHECKING:
    from collections.abc import Callable

RATE, SOUND_RATE = 25, 44_100


class Free:
    """An encoder of frames that costs nothing."""

    dim = 1

    def encode(self, batch: list[Any], modality: str) -> list[Sequence]:
        """Return a number a frame."""
        return [Sequence(values=np.zeros((len(one.times), 1), np.float32), times=one.times) for one in batch]


def make(path: Path, seconds: int, width: int, height: int) -> None:
    """Write a clip of smooth colours that move over noise, and of a tone."""
    noise = np.random.default_rng(0).integers(0, 40, (height, width, 3), np.uint8)
    rows, columns = np.mgrid[:height, :width]
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=RATE, options={"preset": "veryfast", "g": "50"})
        picture.width, picture.height, picture.pix_fmt = width, height, "yuv420p"
        tone = container.add_stream("aac", rate=SOUND_RATE, layout="stereo")
        for number in range(seconds * RATE):
            pixels = noise + ((rows + 3 * number) % 160)[..., None].astype(np.uint8)
            pixels[..., 1] += ((columns + 2 * number) % 50).astype(np.uint8)
            container.mux(picture.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(picture.encode())
        wave = np.sin(np.arange(seconds * SOUND_RATE) / 10).astype(np.float32) / 2
        frame = av.AudioFrame.from_ndarray(np.stack([wave, wave]), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = SOUND_RATE, 0, Fraction(1, SOUND_RATE)
        container.mux(tone.encode(frame))
        container.mux(tone.encode())


def repeat(source: Path, target: Path, times: int) -> None:
    """Write the packets of a file several times one after the other."""
    with av.open(str(source)) as file, av.open(str(target), "w") as container:
        streams = {one.index: container.add_stream_from_template(one) for one in file.streams}
        packets = [packet for packet in file.demux() if packet.size]
        length = {one.index: int((Fraction(file.duration, 1_000_000) + 1) / one.time_base) for one in file.streams}
        kept = [(bytes(one), one.stream.index, one.pts, one.dts, one.time_base, one.is_keyframe) for one in packets]
        for turn in range(times):
            for data, index, pts, dts, base, key in kept:
                packet = av.Packet(data)
                packet.stream, packet.time_base, packet.is_keyframe = streams[index], base, key
                packet.pts, packet.dts = pts + turn * length[index], dts + turn * length[index]
                container.mux(packet)


def bare(path: Path, *, keep: bool = False) -> int:
    """Decode every frame as PyAV's own examples do."""
    with av.open(str(path)) as container:
        container.streams.video[0].codec_context.thread_count = 1
        frames = (frame.to_ndarray(format="rgb24") for frame in container.decode(video=0))
        return len(np.stack(list(frames))) if keep else sum(1 for frame in frames if frame.size)


def ours(path: Path, size: int) -> int:
    """Decode every frame and encode it for free."""
    clip = Video(frames=4096, sampling="fps", fps=240, size=size, sound=False).decode(Media(name="x", path=path))
    return len(Free().encode([clip], "video")[0].times)


def timed(call: Callable[[], int], best: dict[str, float], name: str) -> None:
    """Run once; keep the least CPU seconds a frame."""
    started = time.process_time()
    count = call()
    best[name] = min(best.get(name, 1e9), (time.process_time() - started) / count)


def speed(folder: Path, seconds: int, runs: int) -> None:
    """Print frames a second beside PyAV's own."""
    for width, height in ((320, 240), (1280, 720)):
        path, best = folder / f"{height}.mp4", dict[str, float]()
        make(path, seconds if height < 500 else max(seconds // 6, 2), width, height)
        for _ in range(runs):
            timed(lambda path=path: bare(path), best, "bare")
            timed(lambda path=path: bare(path, keep=True), best, "kept")
            timed(lambda path=path: ours(path, 2048), best, "full")
            timed(lambda path=path: ours(path, 256), best, "small")
        print(
            f"{width} x {height}, every frame: PyAV {1 / best['bare']:.0f}/s dropped, {1 / best['kept']:.0f}/s kept; "
            f"mmsdk {1 / best['full']:.0f}/s ({best['kept'] / best['full']:.2f} x kept), "
            f"reduced to 256 {1 / best['small']:.0f}/s ({best['bare'] / best['small']:.2f} x dropped)"
        )


def measure(path: str, options: dict[str, Any]) -> None:
    """Decode one file and print what it took."""
    with av.open(path):
        opened = peak()
    started = time.process_time()
    clip = Video(**options).decode(Media(name="x", path=Path(path)))
    sound = clip.sound.seconds if clip.sound is not None else 0.0
    spent = time.process_time() - started
    print(
        json.dumps({"frames": len(clip.frames), "sound": sound, "seconds": spent, "opened": opened, "memory": peak()})
    )


def peak() -> float:
    """Return the peak memory of this process in MB; what Linux says in getrusage is also that of the process before."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(one for one in status.read_text(encoding="ascii").splitlines() if one.startswith("VmHWM"))
        return int(line.split()[1]) / 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def memory(folder: Path, hours: list[float]) -> None:
    """Print peak memory by length of the file."""
    for ending, many in itertools.product((".mkv", ".mp4"), hours):
        path = folder / f"{many}{ending}"
        repeat(folder / "240.mp4", path, round(many * 3600 / _seconds(folder / "240.mp4")))
        for options in ({"frames": 16, "sound": False}, {"frames": 16}, {"frames": 400, "sound": False}):
            command = [sys.executable, __file__, "--measure", str(path), "--options", json.dumps(options)]
            found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            print(
                f"{many:g} h {ending} ({path.stat().st_size / 1e6:.0f} MB), {options}: {found['frames']} frames, "
                f"{found['sound']:.0f} s of sound, {found['seconds']:.1f} CPU s, "
                f"peak {found['memory']:.0f} MB ({found['opened']:.0f} once open)"
            )
        path.unlink()


def _seconds(path: Path) -> float:
    """Return the length of a file."""
    with av.open(str(path)) as container:
        return float(container.duration or 0) / 1e6


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--hours", type=float, nargs="*", default=[1, 10])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--measure")
    parser.add_argument("--options", default="{}")
    given = parser.parse_args()
    if given.measure:
        measure(given.measure, json.loads(given.options))
        return
    with tempfile.TemporaryDirectory() as folder:
        speed(Path(folder), given.seconds, given.runs)
        memory(Path(folder), given.hours)


if __name__ == "__main__":
    main()
