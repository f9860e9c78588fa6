"""The recipe: its sample, the inputs it makes of columns, its settings, and a stranger's table from end to end."""

from __future__ import annotations

import csv
import json
import random
import shutil

import numpy as np
import pytest
from mmsdk_recipe_emotion import SPEC
from mmsdk_recipe_emotion.drawing import Look, Person, draw_face
from mmsdk_recipe_emotion.recipe import Emotion
from mmsdk_recipe_emotion.settings import people_of

import mmsdk
from mmsdk.app.recipes import plan_recipe
from mmsdk.testing import parametrize_with_checks


@parametrize_with_checks("emotion")
def test_conforms(check):
    check()


def recipe(*arguments):
    from mmsdk.cli import main

    with pytest.raises(SystemExit) as left:
        main(["recipe", "emotion", *map(str, arguments)])
    return left.value.code


def table(path, columns):
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def application(path, **settings):
    """Return the application that the recipe makes of a table, with the defaults that the core would give it."""
    return Emotion().application(path, SPEC.defaults | settings)


def planned(few, **settings):
    return application(few / "clips.csv", **{"target": "expression", "group": "actor", **settings})


def test_a_detector_takes_a_drawn_face_for_one():
    person = Person(skin=(180, 130, 100), hair=(40, 30, 30), wall=(90, 100, 120))
    pixels = draw_face(person, Look(smile=1, brow=0.5), 120)
    (boxes,) = mmsdk.open_encoder("face-shape", "video").encoder.find(pixels[None])
    assert len(boxes) == 1
    for other in (Look(smile=-1, brow=0.5), Look(smile=1, brow=-0.5), Look(smile=1, brow=0.5, mouth=1)):
        assert not np.array_equal(pixels, draw_face(person, other, 120))


def test_a_sample_of_an_older_version_without_the_interview_is_made_again(few, tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr("mmsdk_recipe_emotion.sample.write_sample", lambda folder, seed: made.append((folder, seed)))
    old = tmp_path / "sample"
    shutil.copytree(few, old)
    Emotion().sample(old, 3)
    assert made == []
    (old / "interview.mp4").unlink()
    Emotion().sample(old, 3)
    assert made == [(old, 3)]


def test_of_a_video_face_and_voice_are_two_inputs(few):
    inputs = planned(few)["inputs"]
    assert set(inputs) == {"video_face", "video_voice"}
    assert inputs["video_face"]["encoder"] == "face-shape"
    assert inputs["video_voice"]["encoder"] == "sound:mel-stats"
    assert inputs["video_face"]["decode"] == inputs["video_voice"]["decode"]  # so that it is decoded once


def test_settings_of_what_reads_a_video(few):
    inputs = planned(few, fps=2, voice="mel-frames", detector="d.onnx", face="onnx:f.onnx#p", pixels="raw")["inputs"]
    assert inputs["video_face"]["decode"]["fps"] == 2
    assert inputs["video_face"]["encoder"] == "faces:d.onnx+onnx:f.onnx#p"
    assert inputs["video_face"]["options"] == {"pixels": "raw"}
    assert inputs["video_voice"]["encoder"] == "sound:mel-frames"
    assert planned(few, face="colour-shape")["inputs"]["video_face"]["encoder"] == "faces:cascade+colour-shape"
    assert planned(few, detector="d.onnx")["inputs"]["video_face"]["encoder"] == "faces:d.onnx"
    seen = planned(few, scene=True, within=True)["inputs"]
    assert seen["video_scene"]["encoder"] == "frames:colour-shape"
    assert {name: entry.get("within") for name, entry in seen.items()} == {
        "video_face": "actor",
        "video_voice": "actor",
        "video_scene": None,
    }
    assert not any("within" in entry for entry in planned(few)["inputs"].values())


def test_who_it_is_groups_the_split_and_is_numbered(few):
    made = planned(few, id="clip", split="actor")
    assert made["split"] == {"group": "actor", "column": "actor"}
    assert made["privacy"] == {"number": ["actor"]}
    assert made["id"] == "clip"


def test_who_it_is_groups_the_split_where_the_table_names_them_and_nobody_says_it(few, capsys):
    made = application(few / "clips.csv", target="expression", within=True)
    assert made["split"] == {"group": "actor"}
    assert made["privacy"] == {"number": ["actor"]}
    assert made["inputs"]["video_face"]["within"] == "actor"
    (line,) = capsys.readouterr().err.splitlines()
    assert "'actor' is taken for who is seen or heard" in line
    assert "--set group=none" in line


@pytest.mark.parametrize(
    ("settings", "split"),
    [({"group": "none"}, {}), ({"group": "clip"}, {"group": "clip"}), ({"split": "clip"}, {"column": "clip"})],
)
def test_who_it_is_is_numbered_where_something_else_is_said_too(few, capsys, settings, split):
    made = application(few / "clips.csv", target="expression", **settings)
    assert made["split"] == split
    assert "actor" in made["privacy"]["number"]
    assert capsys.readouterr().err == ""


def test_people_are_found_beside_a_column_of_parts(tmp_path):
    columns = {"said": [f"so it is {n} of them" for n in range(40)], "mood": ["a", "b"] * 20}
    columns |= {"part": ["train", "train", "val", "test"] * 10, "speaker": [f"S{n % 7}" for n in range(40)]}
    path = table(tmp_path / "t.csv", columns)
    assert application(path, target="mood")["split"] == {"group": "speaker"}
    assert people_of(mmsdk.read_table(path), {"target": "speaker", "split": "part"}) is None  # the answer is no group


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"target": None}, "target is not set; .* Columns: clip, video, actor, expression"),
        ({"target": "mood"}, "target names 'mood', and the table has no such column"),
        ({"pixels": "raw"}, "pixels is of the encoder of faces"),
        ({"within": True, "group": "none"}, "name who is who with --set group=COLUMN"),
    ],
)
def test_what_cannot_be_is_said(few, settings, said):
    with pytest.raises(mmsdk.ConfigError, match=said):
        planned(few, **settings)


def test_a_table_that_shows_nothing_is_refused(tmp_path):
    path = table(tmp_path / "t.csv", {"age": [20, 30, 40], "mood": ["a", "b", "a"]})
    with pytest.raises(mmsdk.ConfigError, match=r"no column of .*t\.csv holds videos, pictures, sounds"):
        application(path, target="mood")


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("fps", "abc", "a number, above 0"),
        ("fps", 0, "a number, above 0"),
        ("scene", "yes", "true or false"),
        ("within", "actor", "true or false"),
        ("detector", 5, "the name of a file"),
        ("face", True, "text"),
        ("voice", ["mel-stats"], "text"),
        ("pixels", "big", "one of unit, signed, raw"),
    ],
)
def test_a_setting_of_the_wrong_kind_is_refused_where_no_column_uses_it_too(tmp_path, key, value, expected):
    path = table(tmp_path / "t.csv", {"AU01_r": [n / 40 for n in range(40)], "mood": ["a", "b"] * 20})
    with pytest.raises(mmsdk.ConfigError, match=f"^recipe emotion: {key} is .*, expected {expected}$"):
        plan_recipe("emotion", data=str(path), settings={"target": "mood", key: value})


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ([n / 40 for n in range(40)], "holds numbers;"),
        (["a|b", "b|c", "a", "a|c"] * 10, "holds several labels a cell;"),
        ([f"mood {n}" for n in range(40)], "holds 40 different values in 40 rows;"),
        (["a"] * 40, "holds 1 different values in 40 rows;"),
    ],
)
def test_an_answer_that_is_no_label_is_refused_with_a_way_out(tmp_path, capsys, cells, said):
    path = table(tmp_path / "t.csv", {"AU01_r": [n * n % 37 / 40 for n in range(40)], "mood": cells})
    assert recipe("--data", path, "--set", "target=mood", "--dry-run") == 2
    error = capsys.readouterr().err
    assert f"target 'mood' of {path} {said} expected a few labels with several rows each" in error
    assert "mmsdk inspect" in error


def test_labels_that_are_a_few_whole_numbers_are_labels(tmp_path):
    path = table(tmp_path / "t.csv", {"AU01_r": [n / 40 for n in range(40)], "mood": [n % 8 for n in range(40)]})
    assert application(path, target="mood")["tasks"]["emotion"]["type"] == "classification"


def test_action_units_of_two_extractions_are_two_inputs(tmp_path):
    names = ["AU01_r", "AU12_c", "static_AU01_r", "static_AU12_c", "AU01_r_x", "au12", "beau1", "AUC"]
    columns = {name: [n / 40 for n in range(40)] for name in names} | {"mood": ["a", "b"] * 20}
    inputs = application(table(tmp_path / "t.csv", columns), target="mood")["inputs"]
    assert {name: one["column"] for name, one in inputs.items()} == {
        "units": ["AU01_r", "AU12_c", "au12"],
        "units_static": ["static_AU01_r", "static_AU12_c"],
        "units_x": ["AU01_r_x"],
    }


def test_action_units_and_tracks_are_read_as_what_they_are(tmp_path):
    count = 40
    numbers = np.random.default_rng(0).normal(size=(count, 120)).round(3)
    columns = {"AU01_r": numbers[:, 0], "AU12_c": numbers[:, 1], "age": [20 + n * 7 % 31 for n in range(count)]}
    columns["track"] = [json.dumps(list(one)) for one in numbers]
    columns["pose"] = [json.dumps(list(one[:5])) for one in numbers]
    columns["mood"] = ["a", "b"] * (count // 2)
    path = table(tmp_path / "t.csv", columns)
    inputs = application(path, target="mood")["inputs"]
    assert inputs["units"] == {"column": ["AU01_r", "AU12_c"], "modality": "vector", "encoder": "quantiles"}
    assert inputs["track"]["encoder"] == "series"
    assert inputs["pose"]["encoder"] == "quantiles"
    assert "age" not in inputs
    assert Emotion().unread(path, {**SPEC.defaults, "target": "mood"}) == {
        "age": "number: shows and says nothing of a person"
    }


def test_why_a_column_is_not_read_is_not_hidden(tmp_path, capsys):
    for n in range(40):
        (tmp_path / f"frames/{n}").mkdir(parents=True)
    columns = {
        "AU01_r": [n * n % 37 / 40 for n in range(40)],
        "mood": ["a", "b"] * 20,
        "frames": [f"frames/{n}" for n in range(40)],
    }
    columns["video"] = [f"clips/{n}.mp4" for n in range(40)]
    columns["age"] = [20 + n * 7 % 31 for n in range(40)]
    assert recipe("--data", table(tmp_path / "t.csv", columns), "--set", "target=mood", "--dry-run") == 0
    said = capsys.readouterr().err.partition("not learned from; kept in the index and in hits: ")[2]
    assert "video (names files (.mp4) that are not there)" in said
    assert "frames (names folders, which nothing reads: " in said
    assert "age (number: shows and says nothing of a person)" in said


# -- a stranger's table -----------------------------------------------------------------------------------------------


@pytest.fixture
def strange(few, rows, tmp_path):
    """Other names, words beside the videos, a fifth of the videos missing, one broken."""
    draw = random.Random(0)
    folder = tmp_path / "ihre Daten"
    (folder / "filme").mkdir(parents=True)
    labels = {"happy": "froh", "angry": "böse", "neutral": "ruhig", "surprised": "erstaunt"}
    made = []
    for number, row in enumerate(rows * 2):
        name = f"filme/{number}.mp4"
        shutil.copy(few / row["video"], folder / name)
        made.append(
            {
                "Nr": f"00{number}",
                "Film": "" if number % 5 == 4 else name,
                "Gesagt": f"{draw.choice(['ach ja', 'oh nein wirklich', 'na gut dann'])} {draw.choice('xyz')} {number}",
                "Wer": row["actor"],
                "Ausdruck": labels[row["expression"]],
            }
        )
    broken = folder / "filme/7.mp4"
    broken.write_bytes(broken.read_bytes()[:400])
    with (folder / "liste.tsv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(made[0]), delimiter="\t")
        writer.writeheader()
        writer.writerows(made)
    return folder


def test_a_strangers_table_goes_through(strange, tmp_path, capsys, monkeypatch, video):
    monkeypatch.chdir(strange)
    monkeypatch.setattr("mmsdk.app.fitting.RESAMPLES", 60)
    settings = {"target": "Ausdruck", "group": "Wer", "training.epochs": 2, "encoders.text": "ngrams", "fps": 2}
    settings |= {"confidence.source": "validation", "split.validation": 0.25, "split.test": 0.25}
    words = ["--data", "liste.tsv", "--out", tmp_path / "run", "--quiet"]
    words += [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    assert recipe(*words) == 2
    said = capsys.readouterr().err
    assert "filme/7.mp4" in said
    assert "--on-bad-row skip" in said
    assert recipe(*words, "--on-bad-row", "skip", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["synthetic"] is False
    assert 0 <= answer["metrics"]["emotion"]["test"]["accuracy"]["value"] <= 1
    card = (tmp_path / "run" / "card.md").read_text(encoding="utf-8")
    assert "Article 5(1)(f)" in card
    html = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "Article 5(1)(f)" in html
    assert "not rated" in html  # German labels have no valence
    from mmsdk.cli import main

    with pytest.raises(SystemExit) as left:
        main(["emotion", str(tmp_path / "run"), str(video), "--out", str(tmp_path / "out"), "--fps", "2", "--json"])
    assert left.value.code in (0, None)
    told = json.loads((tmp_path / "out" / "timeline.json").read_text(encoding="utf-8"))
    assert set(told["labels"]) == {"froh", "böse", "ruhig", "erstaunt"}
    assert all(point["valence"] is None for line in told["lines"] for point in line["points"])
