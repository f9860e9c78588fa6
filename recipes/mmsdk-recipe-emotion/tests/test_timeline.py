"""Lines made calm, bands, changes, valence and arousal, and the four files."""

from __future__ import annotations

import codecs
import csv
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from mmsdk_recipe_emotion.affect import affect_map, weighed
from mmsdk_recipe_emotion.behaviour import loudness, movement, picture_change, tags_of
from mmsdk_recipe_emotion.changes import change_points
from mmsdk_recipe_emotion.reading import Reading
from mmsdk_recipe_emotion.running import write_timeline
from mmsdk_recipe_emotion.smoothing import bands, smoothed
from mmsdk_recipe_emotion.speech import Loudness
from mmsdk_recipe_emotion.timeline import timeline_of
from mmsdk_recipe_emotion.transcript import read_transcript
from mmsdk_recipe_emotion.writing import write_csv

import mmsdk

LABELS = ("angry", "happy", "neutral")


def rows_of(*runs):
    """Return probabilities ``(n, 3)``: so many windows of a label, each at .8."""
    return np.array([np.where(np.arange(3) == label, 0.8, 0.1) for label, count in runs for _ in range(count)])


# -- calm -------------------------------------------------------------------------------------------------------------


def test_a_lone_window_is_outvoted_and_a_lasting_change_is_not():
    calm = smoothed(rows_of((0, 8), (1, 1), (0, 8)), 0.5, 1.0)
    assert (calm.argmax(1) == 0).all()
    calm = smoothed(rows_of((0, 8), (1, 8)), 0.5, 1.0)
    assert calm.argmax(1).tolist() == [0] * 8 + [1] * 8
    assert np.allclose(calm.sum(1), 1)


def test_forward_backward_is_that_of_the_textbook():
    rows, stay = rows_of((0, 2), (1, 1), (2, 1)), np.exp(-0.5 / 3.0)
    change = stay * np.eye(3) + (1 - stay) / 3
    total = np.zeros((4, 3))
    for path in np.ndindex(3, 3, 3, 3):  # every way there is
        worth = rows[0, path[0]] / 3
        for step in range(1, 4):
            worth *= change[path[step - 1], path[step]] * rows[step, path[step]]
        for step in range(4):
            total[step, path[step]] += worth
    assert np.allclose(smoothed(rows, 0.5, 1.0), total / total.sum(1, keepdims=True))


def test_windows_that_overlap_count_as_one():
    once, often = (smoothed(rows_of((0, 6)), 0.5, overlap) for overlap in (1.0, 4.0))
    assert often[3, 0] < once[3, 0]


def test_how_long_an_expression_lasts_decides_how_calm_it_is():
    rows = rows_of((0, 4), (1, 2), (0, 4))
    assert smoothed(rows, 0.5, 1.0, lasts=0.3)[4].argmax() == 1
    assert smoothed(rows, 0.5, 1.0, lasts=60.0)[4].argmax() == 0


def test_a_window_without_an_answer_is_no_evidence():
    rows = rows_of((0, 5))
    rows[2] = np.nan
    calm = smoothed(rows, 0.5, 1.0)
    assert np.isfinite(calm).all()
    assert calm[2, 0] < calm[1, 0]


def test_a_band_is_what_the_windows_around_say():
    rows = rows_of((0, 3), (1, 3))
    low, high = bands(rows, 4.0)
    assert low[0, 0] == high[0, 0] == 0.8
    assert (low[2, 0], high[2, 0]) == (0.1, 0.8)
    rows[3] = np.nan
    low, high = bands(rows, 4.0)
    assert np.isnan(low[3]).all()
    assert low[2, 0] == 0.8  # what has no answer says nothing


# -- changes ----------------------------------------------------------------------------------------------------------


def test_a_change_is_told_where_it_is():
    noise = np.random.default_rng(0).normal(0, 0.02, (40, 3))
    rows = np.clip(rows_of((0, 20), (1, 20)) + noise, 0.01, 1)
    assert change_points(rows / rows.sum(1, keepdims=True), 0.5) == [20]


def test_noise_alone_and_a_small_change_are_none():
    rows = 1 / 3 + np.random.default_rng(0).normal(0, 0.03, (60, 3))
    assert change_points(rows / rows.sum(1, keepdims=True), 0.5) == []
    small = np.repeat([[0.5, 0.25, 0.25], [0.45, 0.3, 0.25]], 20, axis=0)
    assert change_points(small, 0.5) == []


def test_changes_pass_over_windows_without_an_answer():
    rows = np.concatenate([rows_of((0, 10)), np.full((5, 3), np.nan), rows_of((1, 10))])
    assert change_points(rows, 0.5) == [15]
    assert change_points(np.full((9, 3), np.nan), 0.5) == []


# -- valence and arousal ----------------------------------------------------------------------------------------------


def test_labels_are_placed_by_rated_words_and_unknown_ones_are_not():
    places = affect_map(("Happy", "anger", "bored"))
    assert places == {"Happy": (0.81, 0.51), "anger": (-0.51, 0.59)}
    assert weighed({"Happy": 0.5, "anger": 0.5}, places) == pytest.approx((0.15, 0.55))
    assert weighed({"Happy": 0.3, "bored": 0.7}, places) is None
    chinese = affect_map(("高兴", "愤怒", "平静", "无聊"))
    assert chinese["高兴"] == places["Happy"]
    assert chinese["愤怒"] == places["anger"]
    assert set(chinese) == {"高兴", "愤怒", "平静"}
    assert affect_map(("bored",), {"bored": [-0.65, -0.62]}) == {"bored": (-0.65, -0.62)}
    with pytest.raises(mmsdk.ConfigError, match="each from -1 to 1"):
        affect_map(("bored",), {"bored": [3, 0]})


# -- behaviour --------------------------------------------------------------------------------------------------------


def sound(level, seconds=1.0):
    wave = level * np.sin(2 * np.pi * 200 * np.arange(int(16_000 * seconds)) / 16_000)
    return mmsdk.Sound(samples=wave.astype(np.float32), rate=16_000)


def test_speech_is_what_is_louder_than_the_quiet_parts():
    ears = Loudness()
    assert ears.share(sound(0.0)) == 0
    assert ears.share(sound(0.1)) == 1
    hum = Loudness()
    assert hum.share(sound(0.004)) == 0  # the same all the time, and not loud
    assert hum.share(sound(0.03)) == 1  # 17 dB over it
    assert Loudness().share(sound(0.00001)) == 0
    assert loudness(sound(1.0)) == pytest.approx(-3.0, abs=0.1)
    assert loudness(None) is None


def test_movement_is_in_widths_of_the_face():
    boxes = np.array([[0, 0, 20, 20], [10, 0, 30, 20], [np.nan] * 4, [30, 0, 50, 20]], float)
    assert movement(boxes, np.array([0.0, 0.5, 1.0, 1.5])) == pytest.approx(1.0)
    assert movement(boxes[:1], np.zeros(1)) == 0
    assert picture_change([np.zeros((16, 16, 3), np.uint8), np.full((16, 16, 3), 255, np.uint8)]) == 1
    assert picture_change([np.zeros((16, 16, 3), np.uint8)]) == 0


@pytest.mark.parametrize(
    ("measures", "word"),
    [
        ({"speaking": 0.6}, "speaking"),
        ({"speaking": 0.6, "loudness": -20.0}, "loud"),
        ({"faces": 2.0}, "several faces"),
        ({"face_share": 0.4}, "turned away or hidden"),
        ({"face_share": 1.0, "movement": 0.8}, "moving"),
        ({"face_share": 1.0, "movement": 0.01}, "still"),
    ],
)
def test_words_for_measures(measures, word):
    assert word in tags_of(measures, usual=-30.0)
    assert word not in tags_of({"speaking": 0.2, "faces": 1.0, "face_share": 1.0, "movement": 0.2}, usual=-30.0)


# -- transcripts ------------------------------------------------------------------------------------------------------


def test_transcripts_of_both_kinds(tmp_path):
    vtt = "WEBVTT\n\nNOTE x\n\n1\n00:01.000 --> 00:02.500 align:start\n<v Ann>It &amp; <b>that</b>\n\n"
    vtt += "00:03.000 --> 00:04.000\nlater\n"
    (tmp_path / "a.vtt").write_text(vtt, encoding="utf-8")
    words = read_transcript(tmp_path / "a.vtt")
    assert words.cues == ((1.0, 2.5, "It & that"), (3.0, 4.0, "later"))
    assert words.between(2.0, 3.5) == "It & that later"
    assert words.between(2.5, 3.0) is None
    (tmp_path / "b.srt").write_bytes(b"1\r\n01:00:01,250 --> 01:00:02,000\r\nhello\r\nthere\r\n")
    assert read_transcript(tmp_path / "b.srt").cues == ((3601.25, 3602.0, "hello there"),)
    (tmp_path / "c.srt").write_text("nothing")
    with pytest.raises(mmsdk.DataError, match="holds no cue"):
        read_transcript(tmp_path / "c.srt")


# -- lines and files --------------------------------------------------------------------------------------------------


def reading(person, start, label, **changes):
    shares = {} if label is None else {one: 0.9 if one == label else 0.05 for one in LABELS}
    return Reading(person=person, start=start, end=start + 2, states=(), probabilities=shares, **changes)


def made(readings):
    return timeline_of("x", readings, LABELS, affect_map(LABELS), window=2.0, hop=0.5)


def test_a_person_who_was_away_begins_anew():
    readings = [reading(1, at * 0.5, "happy") for at in range(6)] + [
        reading(1, 10 + at * 0.5, "angry") for at in range(6)
    ]
    (line,) = made(readings).lines
    assert [(round(one.start, 2), one.emotion) for one in line.spans] == [(0, "happy"), (10.75, "angry")]
    assert [one.end for one in line.spans] == [3.75, 14.5]  # the last one lasts as long as its window
    assert line.points[6].probabilities["angry"] > 0.8  # what was said before the gap does not weigh on it


def test_a_run_that_declines_is_unsure_and_nothing_is_empty():
    (line,) = made([reading(1, 0, "happy", abstained=True), reading(1, 0.5, None)]).lines
    assert [one.emotion for one in line.points] == ["unsure", ""]
    assert line.points[1].probabilities == {}
    assert [one.confidence is None for one in line.spans] == [False, True]


def test_the_last_window_is_cut_short_and_overlaps_nothing():
    said = [({"happy": 0.9, "sad": 0.1}, 2.0)] * 12 + [({"happy": 0.01, "sad": 0.99}, 1.5)] * 1
    readings = [
        Reading(person=1, start=0.5 * n, end=0.5 * n + long, states=("no speech",) * (long < 2), probabilities=one)
        for n, (one, long) in enumerate(said)
    ]
    first, last = timeline_of("a.mp4", readings, ("happy", "sad"), {}, window=2.0, hop=0.5).lines[0].spans
    assert (first.end, last.start, last.end) == (6.625, 6.625, 7.5)


def test_a_table_with_chinese_labels_is_marked_for_excel(timeline, tmp_path):
    for labels, marked in ((timeline.labels, False), (("高兴", *timeline.labels[1:]), True)):
        write_csv(replace(timeline, labels=labels, lines=()), tmp_path / "t.csv")
        assert (tmp_path / "t.csv").read_bytes().startswith(codecs.BOM_UTF8) == marked


def test_the_files_say_the_same_and_escape_what_they_are_given(timeline, video, tmp_path):
    hostile = "</script><b>&--> x"
    shown = replace(timeline, source=hostile)
    folder = tmp_path / "out"
    write_timeline(shown, folder, video)
    document = json.loads((folder / "timeline.json").read_text(encoding="utf-8"))
    assert document["source"] == hostile
    with (folder / "timeline.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    points = [(line["person"], point) for line in document["lines"] for point in line["points"]]
    assert len(rows) == len(points)
    for row, (person, point) in zip(rows, points, strict=True):
        assert int(row["person"]) == person
        assert row["emotion"] == point["emotion"]
        assert row["states"] == "|".join(point["states"])
        if point["emotion"]:
            low, high = point["band"]
            assert low <= float(row["confidence"]) <= high
            assert float(row["p_happy"]) == pytest.approx(point["probabilities"]["happy"], abs=1e-3)
            assert -1 <= float(row["valence"]) <= 1
    html = (folder / "timeline.html").read_text(encoding="utf-8")
    assert hostile not in html
    assert "&lt;/script&gt;&lt;b&gt;&amp;--&gt; x" in html
    inside = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    assert json.loads(inside[1]) == document
    assert not re.search(r'(src|href)="https?:', html)
    assert 'src="../' in html
    assert "a%20%26%20b.mp4" in html
    for name in ("timeline.html", "timeline.vtt", "timeline.json"):
        page = (folder / name).read_text(encoding="utf-8")
        assert "Article 5(1)(f)" in page
        assert "标签说的是表情，不是感受" in page


def test_a_stream_has_a_page_without_a_video(timeline, tmp_path):
    write_timeline(timeline, tmp_path, None)
    assert "<video" not in (tmp_path / "timeline.html").read_text(encoding="utf-8")


def test_captions_are_webvtt(timeline, tmp_path):
    write_timeline(timeline, tmp_path, None)
    text = (tmp_path / "timeline.vtt").read_text(encoding="utf-8")
    assert text.startswith("WEBVTT\n\n")
    cues = re.findall(r"^(\d\d:\d\d:\d\d\.\d{3}) --> (\d\d:\d\d:\d\d\.\d{3})\n<v ([^>]+)>(.+)$", text, re.MULTILINE)
    assert len(cues) == sum(len(line.spans) for line in timeline.lines) == text.count(" --> ")
    assert [cue[0] for cue in cues] == sorted(cue[0] for cue in cues)
    assert all(start < end for start, end, _, _ in cues)
    assert {name for _, _, name, _ in cues} == {line.name for line in timeline.lines}
    assert any("no speech" in words for *_, words in cues)
    assert any("no face" in words for *_, words in cues)
    read = read_transcript(tmp_path / "timeline.vtt")
    assert len(read.cues) == len(cues)
