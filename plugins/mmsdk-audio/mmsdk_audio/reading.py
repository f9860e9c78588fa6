"""A file of any kind as blocks of samples: by soundfile where it can, else by PyAV, chosen by what the file holds."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, cast

from mmsdk_audio.chunks import missing_bytes

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator

    import numpy as np

BLOCK = 1 << 19  # numbers of a block, over all channels: two megabytes
MAX_CHANNELS = 64
MIN_RATE, MAX_RATE = 1_000, 768_000
MICROSECONDS = 1_000_000  # a second, as FFmpeg counts the length of a container
WHOLE = 0.99  # a file that holds less than this of what its header promises is truncated
MALFORMED = 3  # libsndfile's number for a container that it knows, with something wrong inside
DAMAGED = "is truncated or damaged"
UNKNOWN = "is no sound that is read (WAV, FLAC, MP3, Ogg, Opus, M4A, AAC, AIFF), or its header is damaged"

# FFmpeg also reads playlists, which name other files and addresses: only what holds its own sound is let in.
CONTAINERS = "mov,mp3,aac,matroska,asf,ogg,flac,wav,w64,aiff,caf,amr,avi,mpegts,mpeg,flv,ac3,eac3,ape,wv,tta"
SOUNDFILE = {b"RIFF": b"WAVE", b"RF64": b"WAVE", b"RIFX": b"WAVE", b"FORM": b"AIF", b"fLaC": b"", b"OggS": b""}
SOUNDFILE |= {b".snd": b"", b"caff": b"", b"riff": b""}
PROMISED = ("mov", "matroska", "asf")  # their header says how long the sound is; others are estimated from the size


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """An open file.

    :param rate: samples a second.
    :param channels: how many.
    :param blocks: float32 ``(n, channels)`` each, read as they are asked for; ``ValueError`` where the file is damaged.
    """

    rate: int
    channels: int
    blocks: Iterator[np.ndarray]


@contextlib.contextmanager
def open_track(stream: io.BufferedIOBase) -> Iterator[Track]:
    """Open the sound of a file.

    :raises ValueError: empty, no sound, truncated, or of an extent that is not read.
    """
    head = stream.read(4096)
    if not head:
        raise ValueError("is an empty file")
    with contextlib.ExitStack() as stack:
        track = _by_soundfile(stream, head, stack) or _by_av(stream, head, stack)
        if not 1 <= track.channels <= MAX_CHANNELS:
            raise ValueError(f"has {track.channels} channels, where 1 to {MAX_CHANNELS} are read")
        if not MIN_RATE <= track.rate <= MAX_RATE:
            raise ValueError(f"has {track.rate:,} samples a second, where {MIN_RATE:,} to {MAX_RATE:,} are read")
        yield track


def _by_soundfile(stream: io.BufferedIOBase, head: bytes, stack: contextlib.ExitStack) -> Track | None:
    """Return the track by libsndfile, ``None`` where it does not know the container or the codec.

    MP3 is left to PyAV: libsndfile's decoder writes to the terminal about each damaged file.
    """
    import soundfile

    kind = SOUNDFILE.get(head[:4])
    if kind is None or not head[8:].startswith(kind):
        return None
    missing, promised = missing_bytes(stream, head[:4])
    if missing > (1 - WHOLE) * promised:
        raise ValueError(f"{DAMAGED}: {missing:,} of {promised:,} bytes are not there")
    stream.seek(0)
    try:
        file = stack.enter_context(soundfile.SoundFile(stream))
    except soundfile.LibsndfileError as error:
        if error.code == MALFORMED:  # FFmpeg would read what is left of it
            raise ValueError(DAMAGED) from None
        return None
    return Track(rate=file.samplerate, channels=file.channels, blocks=_soundfile_blocks(file))


def _soundfile_blocks(file: Any) -> Iterator[np.ndarray]:
    """Yield blocks; libsndfile knows how many frames there must be."""
    import soundfile

    size, left = max(BLOCK // file.channels, 1), file.frames
    while left > 0:
        try:
            block = file.read(size, dtype="float32", always_2d=True)
        except (soundfile.SoundFileError, RuntimeError) as error:
            raise ValueError(DAMAGED) from error
        left -= len(block)
        if len(block) < size and left > (1 - WHOLE) * file.frames:
            raise ValueError(f"{DAMAGED}: {left:,} of {file.frames:,} samples are not there")
        if not len(block):
            return
        yield block


def _by_av(stream: io.BufferedIOBase, head: bytes, stack: contextlib.ExitStack) -> Track:
    """Return the track by FFmpeg."""
    import av

    stream.seek(0)
    try:
        container = stack.enter_context(av.open(cast("IO[bytes]", stream), options={"format_whitelist": CONTAINERS}))
    except (av.FFmpegError, ValueError, OSError):
        known = head[:4] in SOUNDFILE or head[4:8] == b"ftyp" or head[:3] == b"ID3"
        raise ValueError(DAMAGED if known else UNKNOWN) from None
    sounds = [one for one in container.streams.audio if one.codec_context is not None]
    if not sounds:
        raise ValueError("holds no sound" if len(container.streams) else UNKNOWN)
    sound = sounds[0]
    if not sound.rate:
        raise ValueError(DAMAGED)
    return Track(rate=int(sound.rate), channels=int(sound.channels or 0), blocks=_av_blocks(container, sound, head))


def _av_blocks(container: Any, sound: Any, head: bytes) -> Iterator[np.ndarray]:
    """Yield the frames that FFmpeg decodes, without the encoder's padding where the container tells of it."""
    import av

    promised = _promised(container, sound, head)
    to_float = av.AudioResampler(format="flt", layout=sound.layout, rate=sound.rate)
    done = 0
    try:
        for frame in container.decode(sound):
            for part in to_float.resample(frame):
                block = part.to_ndarray().reshape(-1, sound.channels)
                block = block if promised is None else block[: max(promised - done, 0)]
                done += len(block)
                yield block
    except (av.FFmpegError, ValueError) as error:
        raise ValueError(DAMAGED) from error
    if promised is not None and done < WHOLE * promised - sound.rate // 10:
        raise ValueError(f"{DAMAGED}: {promised - done:,} of {promised:,} samples are not there")


def _promised(container: Any, sound: Any, head: bytes) -> int | None:
    """Return how many samples the header promises, ``None`` where it does not say.

    An MP3 says so in a frame named Xing or Info; the length of one without is guessed from its size.
    """
    kinds = container.format.name.split(",")
    if not (set(kinds) & set(PROMISED) or ("mp3" in kinds and (b"Xing" in head or b"Info" in head))):
        return None
    seconds = None if container.duration is None else container.duration / MICROSECONDS
    if sound.duration is not None:
        seconds = float(sound.duration * sound.time_base)
    return None if seconds is None else round(seconds * sound.rate)
