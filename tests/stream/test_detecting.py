"""A live voice told by a detector: in music that never ends, by the right beginning and end, whatever the chunks."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

import mmsdk
from mmsdk.config import load_application
from mmsdk.stream.gate import LATE, Gate
from mmsdk.stream.voice import VoiceTrack

from .listening import RATE, Detector, Stage, settings

APPLICATION = {
    "inputs": {"voice": {"column": "voice", "modality": "vector"}},
    "tasks": {"word": {"column": "word", "type": "classification"}},
}


def heard(stage):
    return [event.slots["argument"] for event in stage.told("provisional")]


def in_music(**words):
    """Return a stage of three words over a hum that comes and goes, as a bass does."""
    stage = Stage(8, **words)
    t = np.arange(len(stage.sound)) / RATE
    stage.sound += (0.2 * np.sin(2 * t) ** 2 * np.sin(2 * np.pi * 150 * t)).astype(np.float32)
    return stage.say("one", 2.0).say("two", 4.0).say("three", 6.0)


def test_words_are_cut_out_of_music():
    assert heard(in_music().play()) != ["one", "two", "three"]
    stage = in_music(detectors={"voice": Detector()}).play()
    assert heard(stage) == ["one", "two", "three"]
    for event, start in zip(stage.told("provisional"), (2.0, 4.0, 6.0), strict=True):
        assert event.t_start == pytest.approx(start, abs=0.07)
        assert event.t_end == pytest.approx(start + 0.3, abs=0.07)
        assert event.t_emitted - event.t_end < 0.2


def test_where_it_is_quiet_a_piece_begins_and_ends_as_without():
    """The level says it first; a detector costs no time there."""
    alone, gated = (Stage(3, detectors=one).say("two", 1.01).play().events[0] for one in (None, {"voice": Detector()}))
    assert gated.t_start == pytest.approx(alone.t_start, abs=0.011)
    assert gated.t_end == pytest.approx(alone.t_end, abs=0.011)
    assert gated.t_emitted == pytest.approx(alone.t_emitted, abs=0.021)


def test_likely():
    for likely, expected in ((0.5, ["two"]), (0.7, [])):
        detectors = {"voice": Detector(sure=0.6)}
        stage = Stage(3, detectors=detectors, inputs={"voice": {"likely": likely}}).say("two", 1.0).play()
        assert heard(stage) == expected


def test_what_is_loud_long_before_the_voice_is_none_of_it():
    for loud_before, lead in ((0.2, 0.2), (1.0, 0.05)):
        stage = Stage(4, detectors={"voice": Detector()}, inputs={"voice": {"longest": 3.0}})
        stage.say("hum", 2.0 - loud_before, loud_before).say("two", 2.0).play()
        assert 2.0 - stage.told("provisional")[0].t_start == pytest.approx(lead, abs=0.045)


def test_above_beside_a_detector():
    """A voice that is little louder than the noise is one, where a detector hears it and nothing else is asked for."""
    for detector, own, expected in ((True, {}, ["two"]), (True, {"above": 12.0}, []), (False, {}, [])):
        detectors = {"voice": Detector(least=0.0005)} if detector else None
        stage = Stage(3, detectors=detectors, inputs={"voice": own})
        stage.sound[RATE : RATE + 2400] += (0.003 * np.sin(2 * np.pi * 800 * np.arange(2400) / RATE)).astype(np.float32)
        assert heard(stage.play()) == expected


def pieces(sound, chunk, skip=()):
    detector = Detector()
    track, found = VoiceTrack("voice", settings(), Counter(), detector), []
    for number, first in enumerate(range(0, len(sound), chunk)):
        if number not in skip:
            t = first / RATE
            found += track.push(sound[first : first + chunk], t, t)
    return [(round(one.start, 6), round(one.end, 6)) for one in found if one.over], detector


def test_the_length_of_chunks_changes_nothing():
    sound = in_music().sound
    cuts = [pieces(sound, chunk)[0] for chunk in (80, 160, 257, 400, 2000)]
    assert len(cuts[0]) == 3
    assert cuts == [cuts[0]] * 5


def test_lost_sound_is_borne_and_a_long_hole_begins_anew():
    sound = in_music().sound
    cuts, detector = pieces(sound, 160, skip=(40, 101, 210, 330))
    assert len(cuts) == 3
    assert detector.begun == 2  # made, and begun with the first chunk
    long = np.concatenate([sound, np.zeros(11 * RATE, np.float32), sound])
    hole = range(len(sound) // 160 + 1, (len(sound) + 11 * RATE) // 160)
    cuts, detector = pieces(long, 160, skip=hole)
    assert len(cuts) == 6
    assert detector.begun == 3


class Said:
    """A detector of given answers, one a sample."""

    step = 0.1

    def restart(self):
        pass

    def hear(self, samples):
        return samples


def test_a_gate_opens_at_once_and_closes_later():
    gate = Gate(Said(), 0.5)
    gate.restart(10.0)
    said = [0.49, 0.5, 0.36, 0.34, 0.49, 1.0]
    gate.hear(np.array(said))
    assert not gate.open(10.2)  # the second step is known a little after its end
    assert [gate.open(10.0 + 0.1 * (n + 1) + LATE) for n in range(6)] == [False, True, True, False, False, True]
    gate.restart(20.0)
    assert not gate.open(20.0)


def test_the_file_is_seen_from_the_application(tmp_path, monkeypatch):
    text = (
        "inputs: {voice: {column: voice, modality: audio}}\nstream: {inputs: {voice: {segment: voice, vad: v.onnx}}}\n"
    )
    (tmp_path / "app.yaml").write_text(text)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert load_application(tmp_path / "app.yaml").stream.inputs["voice"].vad == str(tmp_path / "v.onnx")
    overrides = {"stream.inputs.voice.vad": "w.onnx"}
    loaded = load_application(tmp_path / "app.yaml", overrides)
    assert loaded.stream.inputs["voice"].vad == str(tmp_path / "elsewhere" / "w.onnx")
    monkeypatch.chdir(tmp_path)
    assert load_application(loaded).stream.inputs["voice"].vad == str(tmp_path / "elsewhere" / "w.onnx")


def test_what_has_no_detector_is_one_sentence():
    live = {"segment": "voice", "vad": "v.onnx"}
    with pytest.raises(mmsdk.ConfigError, match="the modality 'vector' has no voice detector"):
        mmsdk.cut_recording(load_application({**APPLICATION, "stream": {"inputs": {"voice": live}}}), "voice", [0.0])
    wrong = {"inputs": {"voice": {**live, "segment": "motion"}}}
    with pytest.raises(mmsdk.ConfigError, match="names `vad`, a voice detector, and is of segment motion"):
        load_application({**APPLICATION, "stream": wrong})
    with pytest.raises(mmsdk.ConfigError, match=r"stream\.inputs\.voice\.vad is set, and no detector is given"):
        Stage(1, inputs={"voice": {"vad": "v.onnx"}})
