"""A run with ``within`` on a video: each person is measured against their own windows, and the files say so."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from emotion_clips import RATE, buzz
from mmsdk_recipe_emotion.answering import Answering
from mmsdk_recipe_emotion.command import print_done
from mmsdk_recipe_emotion.reading import Reading
from mmsdk_recipe_emotion.recipe import Emotion
from mmsdk_recipe_emotion.running import Plan, read_source, write_timeline
from mmsdk_recipe_emotion.timeline import timeline_of
from mmsdk_recipe_emotion.watching import watch

import mmsdk

WINDOW, HOP = 2.0, 0.5
SOUND = mmsdk.Sound(samples=buzz(2), rate=RATE)


def moments(video):
    modality = mmsdk.open_modality("video", {"sampling": "fps", "fps": 4.0, "size": 240}).component
    return modality.moments(mmsdk.Media(name=video.name, path=video))


def test_a_stream_is_measured_by_what_was_seen_and_a_file_by_all_of_it(own_app, video):
    live = list(watch(own_app, moments(video), window=WINDOW, hop=HOP))
    whole = list(watch(own_app, moments(video), window=WINDOW, hop=HOP, whole=True))
    assert [(one.person, one.start, one.states) for one in live] == [
        (one.person, one.start, one.states) for one in whole
    ]
    first, also = (next(one for one in found if one.person == 1 and one.probabilities) for found in (live, whole))
    assert first.own == {"video_face": 0}  # the first window of somebody: the training rows stand in
    assert also.own["video_face"] > 8
    assert first.probabilities != pytest.approx(also.probabilities, abs=1e-4)
    counts = [one.own["video_face"] for one in live if one.person == 1 and "video_face" in one.own]
    assert counts[:6] == [0, 0, 0, 0, 5, 6]  # four windows that overlap are one row, and one row says nothing
    last, end = ([one for one in found if one.person == 1 and one.own][-1] for found in (live, whole))
    assert last == end  # by then all of it was seen


def test_two_people_are_measured_apart_and_a_voice_of_nobody_by_the_training_rows(own_app, video):
    timeline = read_source(own_app, video, video.name, Plan(window=WINDOW, hop=HOP, fps=4.0), lambda _: None)
    own = {line.person: line.own for line in timeline.lines}
    windows = {line.person: sum("video_face" in point.reading.used for point in line.points) for line in timeline.lines}
    assert own[0] == {"video_voice": 0}
    assert {person: own[person]["video_face"] for person in (1, 2)} == {1: windows[1], 2: windows[2]}
    assert windows[1] != windows[2]


def test_a_plain_run_waits_for_nothing_and_says_nothing_of_it(app, timeline):
    assert all(line.own == {} and line.measured == "" for line in timeline.lines)
    answering = Answering(app, weight=1.0, whole=True, faces=True)
    reading = Reading(person=1, start=0.0, end=2.0, states=(), probabilities={})
    assert answering.take([reading], [{}]) == [reading]
    assert answering.finish() == []


def test_without_faces_a_line_is_measured_against_itself(own_app):
    row = {
        "video_voice": mmsdk.Clip(frames=np.zeros((0, 0, 0, 3), np.uint8), times=np.zeros(0), sound=SOUND, duration=2.0)
    }
    reading = Reading(person=0, start=0.0, end=2.0, states=(), probabilities={})
    for faces, counts in ((True, [0, 0, 0]), (False, [0, 2, 3])):
        answering = Answering(own_app, weight=1.0, whole=False, faces=faces)
        found = [answering.take([reading], [row])[0] for _ in range(3)]
        assert [one.own["video_voice"] for one in found] == counts


def line_of(person, *owns):
    answers = {"happy": 0.7, "sad": 0.3}
    readings = [
        Reading(person=person, start=0.5 * n, end=0.5 * n + 2, states=(), probabilities=answers, own=own)
        for n, own in enumerate(owns)
    ]
    return timeline_of("a.mp4", readings, ("happy", "sad"), {}, window=2.0, hop=0.5)


@pytest.mark.parametrize(
    ("person", "owns", "said"),
    [
        (1, ({"face": 0}, {"face": 7}), "Measured against this person's own windows (face 7)."),
        (1, ({"face": 0},), "face: measured against the training rows (too few of this person's windows)."),
        (
            2,
            ({"face": 9, "voice": 0},),
            "Measured against this person's own windows (face 9); voice: measured against the training rows (too few "
            "of this person's windows).",
        ),
        (0, ({"voice": 9},), "Measured against this line's own windows (voice 9)."),
        (
            0,
            ({"voice": 0},),
            "voice: measured against the training rows (no face says whose windows they are, or they are too few).",
        ),
        (1, ({}, {}), ""),
    ],
)
def test_it_is_said_in_a_sentence(person, owns, said):
    (line,) = line_of(person, *owns).lines
    assert line.measured == said


def test_every_file_says_it(tmp_path, capsys):
    timeline = line_of(1, {"face": 8}, {"face": 8})
    write_timeline(timeline, tmp_path, None)
    print_done([(timeline, tmp_path)], [], as_json=False)
    assert "measured against this person's own windows (face 8)" in capsys.readouterr().out.lower()
    told = json.loads((tmp_path / "timeline.json").read_text(encoding="utf-8"))["lines"][0]
    assert told["own"] == told["points"][0]["own"] == {"face": 8}
    assert told["measured"] == timeline.lines[0].measured
    with (tmp_path / "timeline.csv").open(encoding="utf-8") as stream:
        assert {row["own"] for row in csv.DictReader(stream)} == {"face:8"}
    page = (tmp_path / "timeline.html").read_text(encoding="utf-8")
    assert "own windows (face 8)" in page
    assert "line.measured" in page
    assert "looks more neutral than they are" in page
    write_timeline(line_of(1, {}), tmp_path, None)
    assert "neutral than they are" not in (tmp_path / "timeline.html").read_text(encoding="utf-8")


def test_the_report_says_what_its_scores_are_of(own_app, app):
    (text,) = [text for title, text in Emotion().sections(own_app) if title == "Reading a video"]
    assert "video_face, video_voice: each clip was taken relative to the other clips of the same person" in text
    assert not any("relative to" in text for _, text in Emotion().sections(app))
