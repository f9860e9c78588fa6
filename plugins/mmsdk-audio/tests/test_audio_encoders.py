"""The classical encoders tell sounds apart, not how loud or how long they are."""

from __future__ import annotations

import numpy as np
import pytest
from mmsdk_audio.mel_frames import MelFrames
from mmsdk_audio.mel_stats import MelStats

import mmsdk
from mmsdk import Sound

RATE = 16_000


def chirp(first, last, seconds=0.6, rate=RATE, loud=0.3):
    """Return a tone that glides from one frequency to another."""
    frequency = np.linspace(first, last, int(seconds * rate))
    return Sound(samples=(loud * np.sin(2 * np.pi * np.cumsum(frequency) / rate)).astype(np.float32), rate=rate)


def near(a, b):
    return float(np.linalg.norm(a - b))


def test_the_way_of_a_glide_is_told_and_its_speed_is_not():
    up, down, slow = chirp(300, 3000), chirp(3000, 300), chirp(300, 3000, seconds=1.1)
    first, other, same = (one[:104] for one in MelStats().encode([up, down, slow], "audio"))
    assert near(first, same) < 0.3 * near(first, other)


def test_loudness_stands_apart_from_the_sound():
    quiet, loud = MelStats().encode([chirp(300, 900, loud=0.05), chirp(300, 900, loud=0.5)], "audio")
    assert np.abs(quiet[:182] - loud[:182]).max() < 0.2
    assert loud[183] - quiet[183] == pytest.approx(2.0, abs=0.2)  # a factor of ten is 20 dB


def test_rates_do_not_matter_much():
    at = [chirp(300, 3000, rate=rate) for rate in (8_000, 16_000, 44_100)]
    one, two, three = MelStats().encode(at, "audio")
    other = MelStats().encode([chirp(3000, 300)], "audio")[0]
    assert near(one[:104], two[:104]) < 0.5 * near(two[:104], other[:104])
    assert near(three[:104], two[:104]) < 0.1 * near(two[:104], other[:104])


@pytest.mark.parametrize(
    "samples", [np.zeros(1), np.zeros(RATE), np.ones(5), np.random.default_rng(0).normal(size=700)]
)
def test_anything_gets_finite_numbers(samples):
    sound = Sound(samples=samples.astype(np.float32), rate=RATE)
    assert np.isfinite(MelStats().encode([sound], "audio")).all()
    (steps,) = MelFrames().encode([sound], "audio")
    assert np.isfinite(steps.values).all()
    assert len(steps.values) >= 1


def test_frames_are_timed_and_centred():
    (steps,) = MelFrames().encode([chirp(300, 3000, seconds=1.0)], "audio")
    assert steps.values.shape == (len(steps.times), 20)
    assert np.allclose(np.diff(steps.times), 0.01)
    assert np.abs(steps.values.mean(0)).max() < 1e-3
    assert steps.times[0] == pytest.approx(0.0125, abs=0.011)


def test_options_of_frames_act():
    quiet = np.zeros(RATE, np.float32)
    sound = Sound(samples=np.concatenate([quiet, chirp(300, 900).samples, quiet]), rate=RATE)
    (plain,) = MelFrames().encode([sound], "audio")
    (sparse,) = MelFrames(hop=0.05).encode([sound], "audio")
    (whole,) = MelFrames(trim=False).encode([sound], "audio")
    assert len(plain.values) > 4 * len(sparse.values)
    assert len(whole.values) > 2 * len(plain.values)
    assert plain.times[0] == pytest.approx(1.0, abs=0.05)
    for options, message in (({"hop": 0}, "hop is 0"), ({"trim": 1}, "trim is 1")):
        with pytest.raises(mmsdk.EncoderError, match=message):
            MelFrames(**options)


def test_a_long_sound_is_framed_in_blocks(monkeypatch):
    from mmsdk_audio import cepstra

    sound = chirp(100, 5000, seconds=2.0)
    whole = MelStats().encode([sound], "audio")
    monkeypatch.setattr(cepstra, "BLOCK", 7)
    assert np.allclose(MelStats().encode([sound], "audio"), whole, atol=1e-4)


@pytest.mark.real
def test_spoken_digits_of_an_unseen_speaker(real):
    """The floor of a linear model on plain spectra is .68."""
    import csv

    import soundfile
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    folder = real / "data" / "voice_gesture_digits"
    with (folder / "manifest.csv").open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["split"] != "test"]
    sounds = []
    for row in rows:
        samples, rate = soundfile.read(folder / row["audio"], dtype="float32")
        sounds.append(Sound(samples=samples, rate=rate))
    features = MelStats().encode(sounds, "audio")
    labels = np.array([row["label"] for row in rows])
    train = np.array([row["split"] == "train" for row in rows])
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=300))
    assert model.fit(features[train], labels[train]).score(features[~train], labels[~train]) > 0.88
