"""Recordings to readings: who is seen, what is heard, states, live pushing, and files that are broken."""

from __future__ import annotations

import io

import numpy as np
import pytest
from emotion_clips import RATE, buzz, frame, write
from mmsdk_recipe_emotion.reading import NO_FACE, NO_SPEECH
from mmsdk_recipe_emotion.running import Plan, read_source
from mmsdk_recipe_emotion.watching import Watcher, watch

import mmsdk

PLAN = Plan(window=2.0, hop=1.0, fps=3.0)


def silent(_):
    return None


def at(timeline, person, time):
    """Return the reading of a person whose window is nearest to a time."""
    points = [point for line in timeline.lines if line.person == person for point in line.points]
    return min(points, key=lambda one: abs(one.time - time)).reading


def test_two_faces_are_two_people_and_the_voice_a_line_of_its_own(timeline):
    assert {one.person for one in timeline.lines} == {0, 1, 2}
    for person in (1, 2):
        reading = at(timeline, person, 1.5)
        assert reading.used == ("video_face",)
        assert sum(reading.probabilities.values()) == pytest.approx(1, abs=1e-4)
        assert "several faces" in reading.tags
    left, right = sorted(at(timeline, person, 1.5).box[0] for person in (1, 2))
    assert left < 0.4 < 0.5 < right
    voice = at(timeline, 0, 1.5)
    assert voice.used == ("video_voice",)
    assert voice.states == ()  # faces are in view, and somebody speaks


def test_a_silent_part_is_no_speech_and_the_face_answers_alone(timeline):
    found = [point.reading for line in timeline.lines for point in line.points]
    (reading,) = [one for one in found if one.start == 3.5 and one.probabilities]
    assert reading.states == (NO_SPEECH,)
    assert reading.used == ("video_face",)
    assert reading.measures["speaking"] == 0


def test_a_black_part_is_no_face_and_the_voice_answers_alone(timeline):
    reading = at(timeline, 0, 8.0)
    assert reading.states == (NO_FACE,)
    assert reading.used == ("video_voice",)
    assert "speaking" in reading.tags


def test_nothing_to_see_and_hear_has_no_answer(app, tmp_path):
    path = write(tmp_path / "black.mp4", [(3, -1)], np.zeros(3 * RATE, np.float32))
    (only,) = read_source(app, path, "black.mp4", PLAN, silent).lines
    assert only.person == 0
    assert {one.emotion for one in only.points} == {""}
    assert all(one.reading.states == (NO_FACE, NO_SPEECH) for one in only.points)
    assert all(one.affect is None and one.band is None for one in only.points)


def test_one_face_and_a_voice_are_one_person(app, tmp_path):
    path = write(tmp_path / "one.mkv", [(3, 1)], buzz(3))
    (only,) = read_source(app, path, "one.mkv", PLAN, silent).lines
    assert only.person == 1
    assert only.points[0].reading.used == ("video_face", "video_voice")


def test_a_file_without_sound(app, tmp_path):
    path = write(tmp_path / "mute.mp4", [(3, 1)], None)
    reading = read_source(app, path, "mute.mp4", PLAN, silent).lines[0].points[0].reading
    assert reading.states == (NO_SPEECH,)
    assert reading.used == ("video_face",)
    assert "loudness" not in reading.measures


def test_a_cut_file_is_read_as_far_as_it_goes(app, tmp_path):
    data = write(tmp_path / "whole.mkv", [(4, 1), (4, 0)], buzz(8)).read_bytes()
    path = tmp_path / "cut.mkv"
    path.write_bytes(data[: len(data) // 2])
    timeline = read_source(app, path, "cut.mkv", PLAN, silent)
    assert "truncated" in timeline.trouble
    assert 0.5 < timeline.seconds < 7
    path.write_bytes(data[:200])
    with pytest.raises(mmsdk.DataError, match=r"cut\.mkv .*nothing was written"):
        read_source(app, path, "cut.mkv", PLAN, silent)


def test_a_pipe_gives_what_the_file_gives(app, tmp_path):
    path = write(tmp_path / "one.mkv", [(3, 1)], buzz(3))
    by_file = read_source(app, path, "one.mkv", PLAN, silent)
    by_pipe = read_source(app, io.BytesIO(path.read_bytes()), "a pipe", PLAN, silent)
    assert [one.reading for one in by_pipe.lines[0].points] == [one.reading for one in by_file.lines[0].points]


def test_a_pipe_that_cannot_be_read_says_what_can(app, tmp_path):
    data = write(tmp_path / "one.mp4", [(1, 1)], None).read_bytes()
    with pytest.raises(mmsdk.DataError, match="an MP4 cannot be read from a pipe: send it as Matroska"):
        read_source(app, io.BytesIO(data), "standard input", PLAN, silent)
    (tmp_path / "cut.mp4").write_bytes(data[:300])
    with pytest.raises(mmsdk.DataError, match=r"nothing was written for it$"):
        read_source(app, tmp_path / "cut.mp4", "cut.mp4", PLAN, silent)


# -- live -------------------------------------------------------------------------------------------------------------


def test_pushed_frames_and_sound_answer_as_they_come(app):
    watcher = Watcher(app, window=1.0, hop=0.5)
    picture, voice, came = frame(1), buzz(3), []
    for step in range(15):  # five frames and five blocks a second
        time = step * 0.2
        came.append(len(watcher.push_frame(picture, time)))
        came[-1] += len(watcher.push_sound(voice[round(time * RATE) : round((time + 0.2) * RATE)], RATE, time))
    assert sum(came[:5]) == 0  # nothing is said before a window is full
    assert sum(came) == 4  # from 0, 0.5, 1 and 1.5 seconds
    assert max(came) == 1
    assert [(one.start, one.end) for one in watcher.finish()] == [(2.0, pytest.approx(3.0))]


def test_a_reading_does_not_wait_for_a_sound_that_stopped(app):
    watcher = Watcher(app, window=1.0, hop=1.0)
    watcher.push_sound(buzz(0.5), RATE, 0.0)
    came = [one for step in range(12) for one in watcher.push_frame(frame(1), step * 0.2)]
    assert [one.start for one in came] == [0.0]


def test_a_generator_of_moments_is_read_as_it_runs(app):
    moments = (mmsdk.Moment(time=step * 0.25, frame=frame(1)) for step in range(10))
    found = list(watch(app, moments, window=1.0, hop=1.0))
    assert [one.start for one in found] == [0.0, 1.0, 2.0]
    assert {one.person for one in found} == {1}


def test_window_and_hop_decide_what_is_read_together(app):
    moments = [mmsdk.Moment(time=step * 0.25, frame=frame(0)) for step in range(9)]
    found = list(watch(app, moments, window=0.5, hop=0.25))
    assert [(one.start, one.end) for one in found][:3] == [(0, 0.5), (0.25, 0.75), (0.5, 1.0)]
    with pytest.raises(mmsdk.ConfigError, match="0 < hop <= window"):
        Watcher(app, window=1.0, hop=2.0)


QUICK = {"training": {"epochs": 1}, "confidence": {"source": "validation"}, "fusion": {"dim": 16}}
TASK = {"emotion": {"column": "mood", "type": "classification"}}


def test_words_are_read_when_they_were_said(tmp_path, monkeypatch):
    from mmsdk_recipe_emotion.transcript import Words

    monkeypatch.setattr("mmsdk.app.fitting.RESAMPLES", 20)
    table = [{"said": f"{mood} words {n}", "mood": mood} for n in range(10) for mood in ("glad", "cross")]
    inputs = {"said": {"column": "said", "modality": "text", "encoder": "ngrams"}}
    app = mmsdk.fit({"inputs": inputs, "tasks": TASK, **QUICK}, table, tmp_path / "run", quiet=True)
    words = Words(((1.0, 1.9, "glad words"),))
    moments = [mmsdk.Moment(time=step * 0.5, frame=frame(0)) for step in range(7)]
    found = list(watch(app, moments, window=1.0, hop=1.0, words=words))
    assert [one.used for one in found] == [(), ("said",), ()]
    app.close()


def test_whole_frames_and_pictures_of_a_face_are_read_too(tmp_path, monkeypatch):
    monkeypatch.setattr("mmsdk.app.fitting.RESAMPLES", 20)
    from PIL import Image

    rows = []
    for number in range(12):
        Image.fromarray(np.roll(frame(1), number, axis=1)).save(tmp_path / f"{number}.png")
        rows.append({"picture": f"{number}.png", "mood": "ab"[number % 2]})
    table = mmsdk.read_table(rows, root=tmp_path)
    picture = {"column": "picture", "modality": "image"}
    for encoder, faces, used in (("face-shape", 1, ("seen",)), ("face-shape", 0, ()), ("colour-shape", 0, ("seen",))):
        run = tmp_path / f"{encoder}{faces}"
        inputs = {"seen": {**picture, "encoder": encoder}}
        app = mmsdk.fit({"inputs": inputs, "tasks": TASK, **QUICK}, table, run, quiet=True)
        moments = [mmsdk.Moment(time=step * 0.5, frame=frame(faces)) for step in range(4)]
        found = list(watch(app, moments, window=1.0, hop=1.0))
        assert {one.used for one in found} == {used}, encoder
        app.close()


def test_a_run_that_reads_nothing_of_a_video_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("mmsdk.app.fitting.RESAMPLES", 20)
    rows = [{"AU": [n % 3 / 3, n % 2], "mood": "ab"[n % 2]} for n in range(24)]
    inputs = {"units": {"column": "AU", "modality": "vector"}}
    app = mmsdk.fit({"inputs": inputs, "tasks": TASK, **QUICK}, rows, tmp_path / "run", quiet=True)
    with pytest.raises(mmsdk.ConfigError, match="reads units, none of which is in a video"):
        Watcher(app)
    app.close()


@pytest.mark.real
def test_real_voices_over_two_photographs(real, app, tmp_path):
    files = sorted((real / "data" / "ravdess_av_emotion" / "audio").glob("*.wav"))[:2]
    voices = [mmsdk.open_modality("audio").decode(mmsdk.Media(name=one.name, path=one)) for one in files]
    assert {one.rate for one in voices} == {RATE}
    sound = np.concatenate([voices[0].samples, np.zeros(3 * RATE, np.float32), voices[1].samples])
    path = write(tmp_path / "said.mp4", [(len(sound) / RATE, 2)], sound)
    timeline = read_source(app, path, "said.mp4", Plan(window=1.0, hop=1.0, fps=2.0), silent)
    quiet = len(voices[0].samples) / RATE
    assert {one.person for one in timeline.lines} == {0, 1, 2}
    assert at(timeline, 0, quiet / 2).used == ("video_voice",)
    assert at(timeline, 1, quiet + 1.5).states == (NO_SPEECH,)


@pytest.mark.real
def test_silero_hears_no_voice_in_a_tone_and_one_in_speech(real):
    from mmsdk_recipe_emotion.speech import Loudness, Silero

    ears = Silero(real / "models" / "silero-vad-onnx" / "silero_vad.onnx")
    wave = 0.3 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE)
    tone = mmsdk.Sound(samples=wave.astype(np.float32), rate=RATE)
    file = next((real / "data" / "ravdess_av_emotion" / "audio").glob("*.wav"))
    said = mmsdk.open_modality("audio").decode(mmsdk.Media(name="said", path=file))
    assert ears.share(tone) == 0
    assert Loudness().share(tone) == 1
    assert ears.share(said) > 0.5
