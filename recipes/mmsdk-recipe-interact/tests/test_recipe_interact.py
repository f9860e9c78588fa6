"""The interact recipe: its sample, live recordings, a stranger's table, a user's own commands, every setting."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mmsdk_recipe_interact import SPEC
from mmsdk_recipe_interact.command import REASONS, _begun
from mmsdk_recipe_interact.recipe import Interact, needs_of
from mmsdk_recipe_interact.sample import ACTIONS, WORDS, spoken, stroke, wav_of

import mmsdk
from mmsdk.app.recipes import plan_recipe
from mmsdk.testing import parametrize_with_checks
from mmsdk.testing.fakes import installed, write_distribution


@parametrize_with_checks("interact")
def test_conforms(check):
    check()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The sample's folder and a quick run of it, made by the command line."""
    folder = tmp_path_factory.mktemp("interact")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMSDK_CACHE_DIR", str(folder / "cache"))
        patch.setattr("mmsdk.app.fitting.RESAMPLES", 20)
        words = ["recipe", "interact", "--out", folder / "run", "--quiet", "--json"]
        assert run(*words) == 0
        (sample,) = (folder / "cache" / "samples").iterdir()
        yield sample, folder / "run"


@pytest.fixture(autouse=True)
def _own_cache(made, monkeypatch):
    monkeypatch.setenv("MMSDK_CACHE_DIR", str(made[1].parent / "cache"))


@pytest.fixture
def scribe(tmp_path):
    """Install an audio encoder that writes down how long a sound is."""
    source = """
        from mmsdk import EncoderSpec, Transcript, hookimpl

        class Scribe:
            dim = 1

            def transcribe(self, batch, *, language=None):
                told = [f"{language or 'told'}: {one.seconds:.1f} s" for one in batch]
                return [Transcript(((0.0, 1.0, text),)) for text in told]

        @hookimpl
        def mmsdk_encoders():
            yield EncoderSpec(name="scribe", modalities=("audio",), dim=1, target="mmsdk_scribe:Scribe")
    """
    write_distribution(tmp_path / "site", "mmsdk-scribe", modules={"mmsdk_scribe": source})
    with installed(tmp_path / "site"):
        yield


def run(*words):
    from mmsdk.cli import main

    with pytest.raises(SystemExit) as left:
        main([*map(str, words)])
    return left.value.code


def test_the_sample_is_the_same_bytes_in_every_process(tmp_path, made):
    code = "import sys; from pathlib import Path; from mmsdk_recipe_interact.recipe import Interact as R"
    code += "; R().sample(Path(sys.argv[1]), 0)"
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, env={**os.environ, "PYTHONHASHSEED": "7"})
    for name in ("commands.csv", "voice/0003.wav", "live/voice.wav", "live/motion.csv"):
        assert (tmp_path / name).read_bytes() == (made[0] / name).read_bytes()


def test_files_of_the_sample_do_not_tell_the_answer(made):
    rows = read(made[0] / "commands.csv")
    names = "".join(row["voice"] for row in rows)
    assert not any(word in names for word in WORDS)
    assert {row["action"] for row in rows} == {*ACTIONS, "none", ""}


class TestLive:
    """The recording of the sample, listened to."""

    def events(self, made, capsys, *more):
        live = made[0] / "live"
        words = ["interact", made[1], "--audio", live / "voice.wav", "--landmarks", live / "motion.csv", *more]
        assert run(*words) == 0
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    def asked(self, made):
        return read(made[0] / "live" / "asked.csv")

    def test_what_is_asked_for_is_understood(self, made, capsys):
        events = self.events(made, capsys)
        right = 0
        for row in self.asked(made):
            t = float(row["time"])
            own = [one for one in events if t <= one["emitted"] < t + 2]
            right += [one["slots"] for one in own] == [{name: row[name] for name in ("action", "argument")}]
        assert right >= 6
        assert len(events) <= 11
        assert all(one["emitted"] - one["end"] < 0.15 for one in events)

    def test_it_is_what_to_try_next_as_it_stands(self, made, capsys, monkeypatch):
        app = mmsdk.load(made[1], quiet=True)
        try:
            ((*words,),) = Interact().next_commands(app)
            assert set(words[2::2]) == {"--audio", "--landmarks"}
            monkeypatch.setattr("mmsdk_recipe_interact.sections.LIVE", {"--audio": "", "--landmarks": ""})
            ((*other,),) = Interact().next_commands(app)  # strokes of the rows are no files
            assert other == ["interact", app.folder, "--landmarks", "FILE", "--audio", "FILE"]
        finally:
            app.close()
        assert run(*words) == 0
        assert "final" in capsys.readouterr().out

    def test_a_run_that_was_not_made_to_listen_is_refused(self, made, tmp_path, capsys):
        shutil.copytree(made[1], tmp_path / "deaf")
        document = json.loads((tmp_path / "deaf" / "run.json").read_text(encoding="utf-8"))
        document["application"]["stream"] = None
        (tmp_path / "deaf" / "run.json").write_text(json.dumps(document), encoding="utf-8")
        assert run("interact", tmp_path / "deaf", "--audio", made[0] / "live" / "voice.wav") == 2
        assert "deaf has no stream block" in capsys.readouterr().err

    def test_texts_are_those_of_the_commands(self, made, capsys):
        found = {one["text"] for one in self.events(made, capsys)}
        assert any(
            re.fullmatch(r"(louder|softer) by (one|two|three|five)|\w+ titles on|stop in \w+ minutes", one)
            for one in found
        )

    def test_all_prints_what_was_provisional(self, made, capsys):
        assert {"provisional", "final"} <= {one["event"] for one in self.events(made, capsys, "--all")}

    def test_a_setting_of_the_stream_acts(self, made, capsys):
        assert self.events(made, capsys, "--set", "slots.argument.least=1") == []
        assert run("interact", made[1], "--audio", made[0] / "live" / "voice.wav", "--set", "wait") == 2
        assert run("interact", made[1], "--audio", made[0] / "live" / "voice.wav", "--set", "weit=1") == 2
        assert "Did you mean 'wait'" in capsys.readouterr().err

    def test_what_was_said_is_written_down(self, made, capsys, scribe):
        plain = self.events(made, capsys)
        found = self.events(made, capsys, "--transcribe", "scribe")
        assert [{name: one[name] for name in one if name != "said"} for one in found] == plain
        assert all(re.fullmatch(r"told: 0\.\d s", one["said"]) for one in found)
        assert self.events(made, capsys, "--transcribe", "scribe", "--language", "zh")[0]["said"].startswith("zh: ")

    def test_who_writes_down_has_to_be_able_to(self, made, capsys):
        live = made[0] / "live" / "voice.wav"
        assert run("interact", made[1], "--audio", live, "--transcribe", "mel-stats") == 2
        assert "'mel-stats'" in (error := capsys.readouterr().err)
        assert "writes nothing down" in error
        assert run("interact", made[1], "--audio", live, "--language", "zh") == 2
        assert "--language is that of --transcribe" in capsys.readouterr().err

    def test_a_voice_alone_gives_no_whole_command(self, made, capsys):
        assert run("interact", made[1], "--audio", made[0] / "live" / "voice.wav") == 0
        out, err = capsys.readouterr()
        assert out == ""
        assert re.fullmatch(
            r"no command was understood; \d+ events were provisional or cancelled, \d+ of them as incomplete \(a slot "
            r"was not answered, or not surely enough\); never answered: action; --all prints them\n",
            err,
        )

    def test_why_nothing_came_of_it_is_the_commonest_reason(self):
        hidden = [("", ("a",)), ("barge-in", ("a",)), ("", ("b",)), ("incomplete", ("b",)), ("barge-in", ("a",))]
        assert _begun(hidden, ("a", "b")) == (
            "; 5 events were provisional or cancelled, 2 of them as barge-in (another piece began before the "
            "command was whole); --all prints them"
        )
        assert _begun([("", ("a",))], ("a", "b")) == (
            "; 1 event was provisional or cancelled; never answered: b; --all prints them"
        )
        asked = _begun([("asked", ())], ())
        assert asked == "; 1 event was provisional or cancelled, 1 of them as asked; --all prints them"

    def test_the_reasons_are_those_of_events(self):
        told = re.search(r":param reason: (.*?)\n\s*\"\"\"|:param reason: (.*)", mmsdk.Event.__doc__, re.DOTALL)[0]
        assert set(REASONS) == set(re.findall(r"``([\w -]+)``", told)) - {"cancelled", "confirm", "asked"}

    def test_from_python(self, made):
        """As the README shows it: pushed bit by bit, by the machine's clock or another."""
        app = mmsdk.load(made[1], quiet=True)
        clock = mmsdk.VirtualClock()
        session = mmsdk.open_session(app, clock=clock)
        person, draw = ("S9", 150.0, 1.0), np.random.default_rng(3)
        sound = np.concatenate([np.zeros(8000), spoken("two", person, draw), np.zeros(8000)])
        sound += draw.normal(0, 0.001, len(sound))
        track = np.concatenate([np.zeros((30, 2)), stroke("next", draw), np.zeros((30, 2))]) + 0.5
        events = []
        for n in range(len(sound) // 160):
            t = n * 0.02
            clock.advance(t + 0.02)
            events += session.push_audio(sound[n * 160 : n * 160 + 160].astype(np.float32), t)
            if n % 5 in (0, 2, 3) and round(t * 30) < len(track):
                events += session.push_landmarks(track[round(t * 30)], round(t * 30) / 30)
        (final,) = [event for event in events if event.kind == "final"]
        assert final.slots["argument"] == "two"
        app.close()

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            ([], "nothing to listen to"),
            (["--audio", "nowhere.wav"], "there is no file nowhere.wav"),
            (["--landmarks", __file__], "interact: "),
        ],
    )
    def test_what_cannot_be_listened_to_is_one_sentence(self, made, capsys, words, message):
        assert run("interact", made[1], *words) == 2
        assert message in capsys.readouterr().err

    def test_recordings_want_a_virtual_clock_and_the_right_kind(self, made):
        app = mmsdk.load(made[1], quiet=True)
        sound = mmsdk.Sound(samples=np.zeros(800, np.float32), rate=16_000)
        with pytest.raises(mmsdk.ConfigError, match="virtual clock"):
            list(mmsdk.play_recordings(mmsdk.open_session(app), {"voice": sound}))
        session = mmsdk.open_session(app, clock=mmsdk.VirtualClock())
        with pytest.raises(mmsdk.DataError, match="of segment motion and was given Sound"):
            list(mmsdk.play_recordings(session, {"motion": sound}))
        with pytest.raises(mmsdk.DataError, match="no input named 'hand'"):
            list(mmsdk.play_recordings(session, {"hand": sound}))
        app.close()


@pytest.fixture(scope="module")
def never(tmp_path_factory):
    """A detector with the ports of Silero VAD, that hears no voice in anything."""
    onnx = pytest.importorskip("onnx")
    helper, floats = onnx.helper, onnx.TensorProto.FLOAT
    port = helper.make_tensor_value_info
    nodes = [
        helper.make_node("Sub", ["input", "input"], ["nothing"]),
        helper.make_node("ReduceMean", ["nothing"], ["output"], axes=[1], keepdims=1),
        helper.make_node("Identity", ["state"], ["stateN"]),
    ]
    takes = [port("input", floats, [1, None]), port("state", floats, [2, 1, 128])]
    takes.append(port("sr", onnx.TensorProto.INT64, []))
    gives = [port("output", floats, [1, 1]), port("stateN", floats, [2, 1, 128])]
    graph = helper.make_graph(nodes, "never", takes, gives)
    path = tmp_path_factory.mktemp("vad") / "never.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


class TestDetector:
    """A voice detector: of a session, and as a setting of the recipe."""

    def test_of_a_recording(self, made, never, capsys, monkeypatch):
        monkeypatch.chdir(never.parent)
        sound = ("--audio", made[0] / "live" / "voice.wav")
        assert run("interact", made[1], *sound, "--set", "inputs.voice.vad=never.onnx", "--all") == 0
        assert capsys.readouterr() == ("", "no command was understood\n")
        assert run("interact", made[1], *sound, "--set", "inputs.voice.vad=nowhere.onnx") == 2
        assert f"stream.inputs.voice.vad: there is no file {never.parent}/nowhere.onnx" in capsys.readouterr().err

    def test_of_the_recipe(self, made, never, capsys, monkeypatch):
        monkeypatch.chdir(never.parent)
        words = ["recipe", "interact", "--data", made[0] / "commands.csv", "--dry-run", "--json"]
        words += ["--set", "needs=[action=motion, argument=voice]"]
        assert run(*words, "--set", "vad=never.onnx") == 0
        stream = json.loads(capsys.readouterr().out)["application"]["stream"]
        assert stream["inputs"]["voice"]["vad"] == str(never)
        assert run(*words, "--set", "vad=nowhere.onnx") == 2
        assert "recipe interact: vad: there is no file" in capsys.readouterr().err

    def test_a_page_says_it(self, made, never):
        from types import SimpleNamespace

        from mmsdk_recipe_interact.sections import listening

        app = mmsdk.load(made[1], quiet=True)
        assert any("by its level alone" in limit for limit in Interact().card(app).limits)
        document = app.application.model_dump(exclude_unset=True)
        document["stream"]["inputs"]["voice"]["vad"] = str(never)
        other = SimpleNamespace(application=mmsdk.Application.model_validate(document), tasks=app.tasks)
        assert not any("by its level alone" in limit for limit in Interact().card(other).limits)
        assert "voice, told by never.onnx" in dict(listening(other))["How it listens"]
        app.close()


def test_pieces_of_a_recording_are_rows_to_learn_from(made):
    app = mmsdk.load(made[1], quiet=True)
    person, draw = ("S9", 150.0, 1.0), np.random.default_rng(3)
    words = [part for name in ("two", "none", "one") for part in (np.zeros(6000), spoken(name, person, draw))]
    sound = np.concatenate([*words, np.zeros(6000)])
    found = mmsdk.cut_recording(
        app.application, "voice", (sound + draw.normal(0, 0.001, len(sound))).astype(np.float32)
    )
    assert len(found) == 3
    answers = app.predict([{"voice": cell} for _, _, cell in found])
    assert [one.outputs["argument"].value for one in answers][::2] == ["two", "one"]
    track = np.concatenate([np.zeros((20, 2)), stroke("next", draw), np.full((20, 2), [0.2, 0])])[:, None] + 0.5
    ((start, end, cell),) = mmsdk.cut_recording(app.application, "motion", track.astype(np.float32))
    assert 0.5 < start < end < 1.7
    assert app.predict([{"motion": cell}])[0].outputs["action"].value == "next"
    with pytest.raises(mmsdk.ConfigError, match="no input named 'hand'"):
        mmsdk.cut_recording(app.application, "hand", track)
    app.close()


def test_the_report_says_how_it_listens_and_what_whole_commands_are_right(made):
    html = (made[1] / "report.html").read_text(encoding="utf-8")
    both = re.search(r"<td>motion \+ voice</td><td>([\d.]+) \[[\d.]+, [\d.]+\]</td>", html)
    alone = re.search(r"<td>voice</td><td>([\d.]+) \[[\d.]+, [\d.]+\]</td>", html)
    assert float(both[1]) > 0.8 > float(alone[1])
    assert "the most common command, always" in html
    assert "ended by quiet of" in html
    assert "stop in {argument} minutes" in html
    assert "the recipe could not write" not in html
    card = (made[1] / "card.md").read_text(encoding="utf-8")
    assert "Free speech" in card


OWN = {"lights on": ("softer", "five"), "lights off": ("louder", "two"), "music": ("next", "three")}


@pytest.fixture(scope="module")
def taught(made, tmp_path_factory):
    """Thirty recordings of a new user, and the run that learned from them."""
    folder = tmp_path_factory.mktemp("own")
    draw, person = np.random.default_rng(5), ("me", 140.0, 1.03)
    rows = []
    for name, (action, argument) in OWN.items():
        for number in range(10):
            file = f"{len(rows)}.wav"
            (folder / file).write_bytes(wav_of(spoken(argument, person, draw)))
            motion = json.dumps(stroke(action, draw).round(4).tolist()) if number % 3 else ""
            rows.append({"motion": motion, "voice": file, "command": name})
    write(folder / "mine.csv", rows)
    assert run("interact", "learn", made[1], folder / "mine.csv", "--out", folder / "run") == 0
    return folder


class TestOwnCommands:
    """A user's own commands from ten examples each."""

    def test_they_are_understood(self, made, taught):
        app = mmsdk.load(taught / "run", quiet=True)
        draw, person = np.random.default_rng(6), ("me", 140.0, 1.03)
        for name, (_, argument) in OWN.items():
            asked = [{"voice": wav_of(spoken(argument, person, draw))} for _ in range(4)]
            assert sum(one.outputs["command"].value == name for one in app.predict(asked)) >= 3
        assert sorted(app.tasks["command"].state()["labels"]) == sorted([*OWN, "none"])
        assert app.application.stream.slots["command"].idle == ["none"]
        assert app.application.stream.commands == []
        app.close()

    def test_without_idle_rows_there_is_no_none(self, made, taught, tmp_path):
        assert run("interact", "learn", made[1], taught / "mine.csv", "--out", tmp_path / "run", "--no-idle") == 0
        app = mmsdk.load(tmp_path / "run", quiet=True)
        assert sorted(app.tasks["command"].state()["labels"]) == sorted(OWN)
        app.close()

    @pytest.mark.parametrize(
        ("rows", "words", "message"),
        [
            ([{"voice": "0.wav", "command": "go"}] * 3, [], "too few of go (3)"),
            ([{"voice": "0.wav", "command": ""}] * 9, [], "row 1 has no label"),
            ([{"voice": "../x.wav", "command": "go"}] * 9, [], "row 1, column 'voice'"),
            ([{"voice": "0.wav", "what": "go"}] * 9, [], "no column 'command'"),
            ([{"sound": "0.wav", "command": "go"}] * 9, [], "no column of the run's inputs"),
        ],
    )
    def test_examples_that_teach_nothing_are_refused(self, made, taught, tmp_path, capsys, rows, words, message):
        write(taught / "bad.csv", rows)
        assert run("interact", "learn", made[1], taught / "bad.csv", "--out", tmp_path / "run", *words) == 2
        assert message in capsys.readouterr().err
        assert not (tmp_path / "run").exists()


def read(file):
    return list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))


def write(file, rows):
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


# -- a stranger's table ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def strange(tmp_path_factory):
    """Other names, 3 % broken files, a fifth of the inputs missing, a semicolon of a speaker's own."""
    folder = tmp_path_factory.mktemp("their data")
    (folder / "ton").mkdir()
    draw = np.random.default_rng(0)
    rows = []
    for number in range(100):
        action, argument = list(ACTIONS)[number % 4], list(WORDS)[(number // 4) % 4]
        person = (f"p{number % 5}", 110.0 + 25 * (number % 5), 1.0)
        file = f"ton/{number}.wav"
        data = wav_of(spoken(argument, person, draw))
        (folder / file).write_bytes(data if number not in {3, 41, 77} else data[:30])
        rows.append(
            {
                "Nr": f"k{number}",
                "Bewegung": "" if number % 5 == 1 else json.dumps(stroke(action, draw).round(4).tolist()),
                "Aufnahme": "" if number % 5 == 4 else file,
                "Tat": action,
                "Wert": argument,
                "Sprecherin": person[0],
            }
        )
    write(folder / "befehle.csv", rows)
    (folder / "befehle.yaml").write_text(
        "- {name: leise, when: {Tat: softer}, slots: [Wert], say: 'leiser um {Wert}'}\n"
        "- {name: halt, when: {Tat: stop}}\n",
        encoding="utf-8",
    )
    return folder


SETTINGS = ["--set", "slots=[Tat, Wert]", "--set", "needs=[Tat=Bewegung, Wert=Aufnahme]", "--set", "group=Sprecherin"]


def test_a_strangers_table_goes_through(strange, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(strange)
    monkeypatch.setattr("mmsdk.app.fitting.RESAMPLES", 20)
    words = ["recipe", "interact", "--data", "befehle.csv", "--out", tmp_path / "run", "--quiet", *SETTINGS]
    words += ["--set", "rate=8000", "--set", "fps=25", "--set", "still=0.4", "--set", "commands=befehle.yaml"]
    words += ["--set", "training.epochs=12", "--set", "confidence.source=validation", "--set", "idle=[stop]"]
    assert run(*words) == 2
    assert "ton/41.wav" in capsys.readouterr().err
    assert run(*words, "--on-bad-row", "skip", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["metrics"]["Tat"]["test"]["balanced_accuracy"]["value"] > 0.6
    app = mmsdk.load(tmp_path / "run", quiet=True)
    stream = app.application.stream
    assert (stream.inputs["Aufnahme"].rate, stream.inputs["Bewegung"].rate, stream.inputs["Bewegung"].still) == (
        8000,
        25,
        0.4,
    )
    assert stream.slots["Wert"].idle == ["stop"]
    assert [one.name for one in stream.commands] == ["leise", "halt"]
    assert app.application.split.group == "Sprecherin"
    assert "Sprecherin" not in app.application.inputs
    app.close()
    assert "leiser um {Wert}" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ([], "no column is named action or argument"),
        (["--set", "slots=[Tat, Wort]"], "slots names 'Wort'"),
        (["--set", "slots=[Tat, Wert]"], "say which input answers which slot"),
        ([*SETTINGS[:2], "--set", "needs=Tat"], "expected SLOT=INPUT"),
        ([*SETTINGS, "--set", "commands=nowhere.yaml"], "nowhere.yaml: cannot be read"),
        ([*SETTINGS, "--set", "splitt=x"], "Did you mean 'split'"),
        ([*SETTINGS, "--set", "rate=fast"], "rate is 'fast', expected a number"),
        ([*SETTINGS, "--set", "fps=[25]"], "fps is [25], expected a number"),
        ([*SETTINGS, "--set", "still=true"], "still is True, expected a number"),
        ([*SETTINGS, "--set", "fps=0"], "fps is 0, expected a number, above 0"),
        ([*SETTINGS, "--set", "still=-1"], "still is -1, expected a number, 0 or more"),
        ([*SETTINGS, "--set", "vad=true"], "vad is True, expected the name of a file"),
        (
            [*SETTINGS, "--set", "commands=5"],
            "commands is 5, expected the name of a file, or the list that it would hold",
        ),
        ([*SETTINGS, "--set", "split=[Tat]"], "split is ['Tat'], expected the name of a column"),
        ([*SETTINGS[:2], "--set", "needs=1.5"], "needs holds '1.5', expected SLOT=INPUT"),
        (
            [*SETTINGS, "--set", "idle=[stop, nichts]"],
            "idle names 'nichts', which is no label of Tat, Wert; they have five, louder, ",
        ),
    ],
)
def test_what_is_not_said_is_asked_for(strange, capsys, monkeypatch, settings, message):
    monkeypatch.chdir(strange)
    assert run("recipe", "interact", "--data", "befehle.csv", "--dry-run", *settings) == 2
    assert message in capsys.readouterr().err


def test_that_nothing_is_idle_is_said_once_and_stands_on_the_card(strange, made, capsys, monkeypatch):
    from types import SimpleNamespace

    monkeypatch.chdir(strange)
    words = ["recipe", "interact", "--data", "befehle.csv", "--on-bad-row", "skip", "--dry-run", *SETTINGS]
    assert run(*words) == 0
    (line,) = [one for one in capsys.readouterr().err.splitlines() if "idle" in one]
    assert "no row of Tat, Wert is labelled none, idle, nichts, leer, 无, 空闲" in line
    assert "--set 'idle=[LABEL]'. Labels: five, louder, " in line
    for idle in ("[stop]", "[]"):  # said: there is one, there is none
        assert run(*words, "--set", f"idle={idle}") == 0
        assert "idle talk" not in capsys.readouterr().err
    app = mmsdk.load(made[1], quiet=True)
    assert not any("idle hands" in limit for limit in Interact().card(app).limits)
    restless = SimpleNamespace(
        application=app.application,
        tasks={name: SimpleNamespace(state=lambda: {"labels": ["up", "down"]}) for name in app.tasks},
    )
    assert any("idle talk and idle hands" in limit for limit in Interact().card(restless).limits)
    app.close()


def test_a_table_without_anything_live_is_refused(tmp_path, capsys):
    write(tmp_path / "t.csv", [{"action": "a", "price": str(n)} for n in range(20)])
    assert run("recipe", "interact", "--data", tmp_path / "t.csv", "--dry-run") == 2
    assert "holds sounds or landmarks" in capsys.readouterr().err


def test_the_plan_says_what_it_understood(strange, capsys, monkeypatch):
    monkeypatch.chdir(strange)
    assert run("recipe", "interact", "--data", "befehle.csv", "--dry-run", *SETTINGS) == 0
    assert "Sprecherin" in capsys.readouterr().out
    assert Interact().unread(Path("befehle.csv"), {"group": "Sprecherin"}) == {"Sprecherin": "who speaks"}


def test_a_split_that_is_made_is_taken(strange):
    settings = {**SPEC.defaults, "slots": ["Tat"], "split": "Nr"}
    assert Interact().application(strange / "befehle.csv", settings)["split"] == {"column": "Nr"}


def test_who_speaks_groups_the_split_where_the_table_names_them_and_nobody_says_it(strange, capsys):
    rows = read(strange / "befehle.csv")
    for number, row in enumerate(rows):
        row |= {"speaker": row.pop("Sprecherin"), "Teil": ["train", "val", "test"][number % 3]}
    write(strange / "english.csv", rows)
    settings = {**SPEC.defaults, "slots": ["Tat"], "idle": []}
    assert Interact().application(strange / "english.csv", settings)["split"] == {"group": "speaker"}
    (line,) = capsys.readouterr().err.splitlines()
    assert "'speaker' is taken for who speaks" in line
    assert "--set group=none" in line
    for more, split in (
        ({"group": "none"}, {}),
        ({"group": "Nr"}, {"group": "Nr"}),
        ({"split": "Teil"}, {"column": "Teil"}),
    ):
        assert Interact().application(strange / "english.csv", {**settings, **more})["split"] == split
    assert capsys.readouterr().err == ""


def test_inputs_that_say_the_same_stand_both():
    assert needs_of(["digit=sign", "digit=word"], {"sign": {}, "word": {}}, ["digit"]) == {"digit": ["sign", "word"]}
    assert needs_of(None, {"sign": {}, "word": {}}, ["digit"]) == {"digit": []}


# -- the pages -------------------------------------------------------------------------------------------------------

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_the_settings_of_the_readme_are_those_of_the_spec(page):
    from mmsdk_recipe_interact import mmsdk_recipes

    (spec,) = mmsdk_recipes()
    text = (Path(__file__).parents[1] / page).read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE) == list(spec.settings)


def test_the_page_of_streaming_runs(made, tmp_path, monkeypatch):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "interact").symlink_to(made[1])
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "streaming.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    names: dict = {}
    exec(compile(code, "streaming.md", "exec"), names)
    assert names["session"].tracks["voice"].last > 0
    assert names["session"].tracks["motion"].last >= 0


def test_the_example_of_settings_is_taken(made, capsys):
    import shutil

    folder = made[1].parent / "own table"
    folder.mkdir()
    for name in ("commands.csv",):
        shutil.copy(made[0] / name, folder)
    (folder / "voice").symlink_to(made[0] / "voice")
    shutil.copy(Path(__file__).parents[1] / "recipe.yaml", folder)
    words = ["recipe", "interact", "--data", folder / "commands.csv", "--dry-run", "--json", "--allow-outside"]
    assert run(*words) == 0
    stream = json.loads(capsys.readouterr().out)["application"]["stream"]
    assert stream["slots"]["argument"]["needs"] == ["voice"]


@pytest.mark.parametrize(
    "setting", [{"rate": "fast"}, {"rate": float("inf")}, {"vad": 1}, {"commands": True}, {"fps": "x"}, {"still": True}]
)
def test_a_setting_of_the_wrong_kind_is_refused_where_no_column_uses_it_too(tmp_path, setting):
    strokes = not {"fps", "still"} & set(setting)  # what sounds use is tried on a table of strokes, and the reverse
    rows = []
    for number in range(20):
        (tmp_path / f"{number}.wav").write_bytes(wav_of(np.zeros(1600)))
        track = json.dumps([[0.1 * step, number / 20] for step in range(12)])
        rows.append({"shown": track if strokes else f"{number}.wav", "action": ["up", "none"][number % 2]})
    write(tmp_path / "t.csv", rows)
    plan_recipe("interact", data=str(tmp_path / "t.csv"), settings=dict.fromkeys(setting))
    with pytest.raises(mmsdk.ConfigError, match=f"recipe interact: {next(iter(setting))} is .*, expected "):
        plan_recipe("interact", data=str(tmp_path / "t.csv"), settings=setting)


def test_commands_may_stand_in_the_recipes_own_file(strange):
    settings = {**SPEC.defaults, "slots": ["Tat"], "commands": [{"name": "halt", "when": {"Tat": "stop"}}]}
    made = Interact().application(strange / "befehle.csv", settings)
    assert made["stream"]["commands"] == settings["commands"]


def test_chinese_columns_and_the_chinese_word_for_nothing(tmp_path):
    track = json.dumps([[0.1 * step, 0.1] for step in range(12)])
    rows = [
        {"编号": f"a{n}", "手势": track.replace("0.1]", f"0.{n}]"), "动作": ["调高", "调低", "无"][n % 3]}
        for n in range(30)
    ]
    write(tmp_path / "命令 表.csv", rows)
    made = Interact().application(tmp_path / "命令 表.csv", {**SPEC.defaults, "slots": ["动作"]})
    assert set(made["inputs"]) == {"手势"}
    assert "无" in made["stream"]["slots"]["动作"]["idle"]
