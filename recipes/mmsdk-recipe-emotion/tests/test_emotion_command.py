"""``mmsdk emotion``: a file, a folder, and words that cannot be."""

from __future__ import annotations

import json
from types import SimpleNamespace

import av
import numpy as np
import pytest
from emotion_clips import write
from mmsdk_recipe_emotion.recipe import Emotion
from mmsdk_recipe_emotion.running import videos_in

import mmsdk


def emotion(*arguments):
    from mmsdk.cli import main

    with pytest.raises(SystemExit) as left:
        main(["emotion", *map(str, arguments)])
    return left.value.code or 0


def test_a_folder_is_read_video_by_video_and_a_bad_one_does_not_stop_it(run, tmp_path, capsys):
    folder = tmp_path / "videos"
    folder.mkdir()
    write(folder / "good.mp4", [(1.5, 1)], None, rate=4)
    (folder / "bad.mp4").write_bytes(b"no video")
    (folder / "notes.txt").write_text("no video either")
    (tmp_path / "outside.mp4").write_bytes(b"x")
    (folder / "away.mp4").symlink_to(tmp_path / "outside.mp4")
    assert [one.name for one in videos_in(folder)] == ["bad.mp4", "good.mp4"]
    assert emotion(run, folder, "--out", tmp_path / "out", "--json", "--fps", "2") == 1
    told = json.loads(capsys.readouterr().out)
    assert [one["source"] for one in told["timelines"]] == ["good.mp4"]
    assert "bad.mp4 is no video" in told["refused"][0]
    there = sorted(one.name for one in (tmp_path / "out" / "good.mp4").iterdir())
    assert there == ["timeline.csv", "timeline.html", "timeline.json", "timeline.vtt"]
    words = (run, folder / "good.mp4", "--out", tmp_path / "out" / "good.mp4", "--fps", "2")
    assert emotion(*words) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert emotion(*words, "--overwrite") == 0
    assert "good.mp4: 1." in capsys.readouterr().out


def test_what_to_try_next_reads_the_interview_or_the_first_video_that_is_there(app, few, rows, tmp_path, monkeypatch):
    assert list(Emotion().next_commands(app)) == [
        ("emotion", app.folder, few / "interview.mp4", "--out", "interview"),
    ]
    monkeypatch.setattr("mmsdk_recipe_emotion.sample.INTERVIEW", "gone.mp4")
    ((*_, video, _, out),) = Emotion().next_commands(app)
    assert (video, out) == (few / rows[0]["video"], video.stem)


@pytest.mark.parametrize(
    ("modality", "encoder", "words"),
    [
        ("audio", "mel-stats", ["VIDEO", "--out", "timeline"]),
        ("image", "face-shape", ["VIDEO", "--out", "timeline"]),
        ("text", "minilm", ["VIDEO", "--out", "timeline", "--transcript", "FILE"]),
        ("vector", "quantiles", None),
    ],
)
def test_what_to_try_next_is_a_video_of_ones_own_where_the_table_has_none(few, tmp_path, modality, encoder, words):
    inputs = {"shown": SimpleNamespace(column="video", modality=modality, encoder=encoder)}
    app = SimpleNamespace(application=SimpleNamespace(data=str(few / "clips.csv"), inputs=inputs), folder=tmp_path)
    assert list(Emotion().next_commands(app)) == ([("emotion", tmp_path, *words)] if words else [])


def test_the_interview_has_two_people_and_no_face_twice(few):
    with av.open(str(few / "interview.mp4")) as file:
        frames = np.stack([frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)])
        assert file.streams.audio
    assert len(frames) == 90
    found = mmsdk.open_encoder("face-shape", "video").encoder.find(frames[50:80])  # two boxes of one face without care
    assert [len(boxes) for boxes in found] == [1] * 20 + [2] * 10


def test_a_map_of_the_users_own_takes_the_place_of_the_cited_one(run, tmp_path):
    write(tmp_path / "good.mp4", [(1.5, 1)], None, rate=4)
    places = {"angry": [-1, 1], "happy": [-1, 1], "neutral": [-1, 1], "surprised": [-1, 1]}
    (tmp_path / "map.json").write_text(json.dumps(places))
    words = (run, tmp_path / "good.mp4", "--out", tmp_path / "out", "--affect", tmp_path / "map.json", "--fps", "2")
    assert emotion(*words) == 0
    told = json.loads((tmp_path / "out" / "timeline.json").read_text(encoding="utf-8"))
    assert {(one["valence"], one["arousal"]) for one in told["lines"][0]["points"]} == {(-1, 1)}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere.mp4",), "there is no file nowhere.mp4"),
        ((".",), "holds no video"),
        (("nowhere.mp4", "--hop", "3"), "expected 0 < hop <= window"),
        (("nowhere.mp4", "--transcript", "no.vtt"), "no.vtt cannot be read"),
        (("nowhere.mp4", "--affect", "no.json"), "cannot be read as JSON"),
        (("nowhere.mp4", "--affect", "bad.json"), "happy is [2, 0], expected [valence, arousal]"),
        (("nowhere.mp4", "--vad", "no.onnx"), "no.onnx"),
    ],
)
def test_bad_words_are_one_sentence(run, tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.json").write_text('{"happy": [2, 0]}')
    assert emotion(run, *arguments, "--out", "out") == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
