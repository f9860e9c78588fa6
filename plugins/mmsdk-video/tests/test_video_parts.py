"""A clip without some of its spans: still where the picture is away, silent where the sound is."""

from __future__ import annotations

import numpy as np
from mmsdk_video.parts import tracks_of, without_tracks

from mmsdk import Clip, Sound


def clip(frames=6, sound=True):
    pixels = np.arange(frames, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)
    heard = Sound(samples=np.ones(3000, np.float32), rate=1000) if sound else None
    return Clip(frames=pixels, times=np.arange(frames) * 0.5, sound=heard, duration=3.0)


def test_tracks_hold_every_frame_and_the_whole_sound():
    parts = tracks_of(clip())
    picture = [part.place for part in parts if part.lane == "picture"]
    assert all(sum(start <= time < end for start, end in picture) == 1 for time in clip().times)
    heard = [part.place for part in parts if part.lane == "sound"]
    assert heard[0][0] == 0
    assert heard[-1][1] == 3.0
    assert {part.lane for part in tracks_of(clip(frames=0))} == {"sound"}


def test_the_nearest_frame_stands_still_and_the_rest_is_as_it_was():
    parts = [part for part in tracks_of(clip()) if part.lane == "picture"]
    left = without_tracks(clip(), parts[2:4])
    assert left.frames[:, 0, 0, 0].tolist() == [0, 1, 1, 4, 4, 5]
    assert left.times.tolist() == clip().times.tolist()
    assert left.sound.samples.all()


def test_a_track_without_anything_left_is_none():
    parts = tracks_of(clip())
    silent = without_tracks(clip(), [part for part in parts if part.lane == "sound"])
    assert silent.sound is None
    assert len(silent.frames) == 6
    blind = without_tracks(clip(), [part for part in parts if part.lane == "picture"])
    assert len(blind.frames) == 0
    half = without_tracks(clip(), [part for part in parts if part.lane == "sound"][:6])
    assert half.sound.samples.mean() == 0.5
    assert without_tracks(clip(), parts) is None
