"""Speech to text: what is written down, when nothing is, what is kept; as an encoder, as a column, as cues."""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pytest
import soundfile
from mmsdk_transformers import speech
from mmsdk_transformers.loader import load
from whisper_taught import RATE, tone

import mmsdk
from mmsdk import DataError, EncoderError, Sound
from mmsdk.cli import main

LOW, HIGH = tone(300), tone(1200)
QUIET = np.zeros(RATE, np.float32)


def sound(samples, rate=RATE):
    return Sound(samples=samples, rate=rate)


def texts(encoder, *sounds, **asked):
    return [one.text for one in encoder.transcribe(sounds, **asked)]


@pytest.fixture
def encoder(taught):
    return load(str(taught), modality="audio")


class TestWriting:
    def test_words_and_their_times(self, encoder):
        (low,) = encoder.transcribe([sound(LOW)])
        assert low.spans == ((0.0, 1.0, "go left"),)
        assert texts(encoder, sound(HIGH), sound(LOW)) == ["stop", "go left"]

    def test_another_rate_is_resampled(self, encoder):
        assert texts(encoder, sound(tone(1200, rate=44_100), 44_100)) == ["stop"]

    def test_a_long_sound_is_heard_to_its_end(self, encoder):
        pause = np.zeros(RATE, np.float32)
        whole = np.concatenate([LOW, pause, HIGH, pause, LOW])  # five seconds of a model that hears two
        (found,) = encoder.transcribe([sound(whole)])
        assert [text for _, _, text in found.spans] == ["go left", "stop", "go left"]
        assert [start for start, _, _ in found.spans] == [0.0, 2.0, 4.0]
        assert found.text == "go left stop go left"

    def test_no_span_reaches_over_the_end(self, encoder):
        (found,) = encoder.transcribe([sound(tone(300, 0.6))])
        assert found.spans == ((0.0, 0.6, "go left"),)

    def test_silence_has_no_words(self, encoder):
        assert texts(encoder, sound(QUIET), sound(LOW)) == ["", "go left"]

    def test_what_is_unlikely_and_no_speech_is_left_out(self, encoder, monkeypatch):
        monkeypatch.setattr(speech, "NO_SPEECH", -1.0)  # everything may be no speech
        monkeypatch.setattr(speech, "LEAST_LIKELY", 0.0)  # and nothing is likely enough
        assert texts(encoder, sound(LOW)) == [""]

    def test_a_batch_of_short_and_long_ones_keeps_its_order(self, encoder):
        long = np.concatenate([HIGH, QUIET, LOW])
        assert texts(encoder, sound(LOW), sound(long), sound(HIGH)) == ["go left", "stop go left", "stop"]


class TestLanguages:
    def test_the_one_asked_for_is_written(self, encoder, monkeypatch):
        asked = []
        whole = speech.Writer(encoder._checkpoint, device="cpu", dtype="auto")
        real = whole._model.generate
        monkeypatch.setattr(whole._model, "generate", lambda **given: asked.append(given["language"]) or real(**given))
        assert [one.text for one in whole.written([sound(LOW)], "zh")] == ["go left"]
        assert asked == ["zh"]

    def test_one_nobody_knows(self, encoder):
        with pytest.raises(EncoderError, match="no language named 'xx'; there are en, zh"):
            encoder.transcribe([sound(LOW)], language="xx")

    def test_an_english_model(self, english):
        encoder = load(str(english), modality="audio")
        assert texts(encoder, sound(HIGH), language="en") == ["stop"]
        with pytest.raises(EncoderError, match="writes English only, not 'zh'"):
            encoder.transcribe([sound(LOW)], language="zh")


class TestKept:
    """A table's sounds are listened to once; nothing that is heard otherwise is kept."""

    @pytest.fixture
    def heard(self, monkeypatch):
        """Return how many sounds were listened to, a number a time."""
        counts = []
        real = speech.Writer.written
        monkeypatch.setattr(speech.Writer, "written", lambda *given: counts.append(len(given[1])) or real(*given))
        return counts

    @pytest.fixture
    def kept(self, monkeypatch, tmp_path):
        """Return the folder of what is kept."""
        monkeypatch.setenv("MMSDK_CACHE_DIR", str(tmp_path / "cache"))
        return tmp_path / "cache" / "transcripts"

    def transcribed(self, taught, calls, **asked):
        found = mmsdk.transcribe(calls.folder / "good.csv", "call", f"transformers:{taught}", quiet=True, **asked)
        return found.table.column("call_text").to_pylist()

    def test_a_sound_is_heard_once_a_language(self, taught, calls, kept, heard):
        first = self.transcribed(taught, calls)
        assert self.transcribed(taught, calls) == first
        assert heard == [3]
        assert self.transcribed(taught, calls, language="en") == first
        assert heard == [3, 3]
        assert len(list(kept.rglob("*.json"))) == 6

    def test_what_was_cut_off_goes_on(self, taught, calls, kept, heard):
        whole = self.transcribed(taught, calls)
        next(kept.rglob("*.json")).unlink()
        assert self.transcribed(taught, calls) == whole
        assert heard == [3, 1]

    def test_a_damaged_file_is_heard_again(self, taught, calls, kept, heard):
        whole = self.transcribed(taught, calls)
        for file in kept.rglob("*.json"):
            file.write_text("{", "utf-8")
        assert self.transcribed(taught, calls) == whole
        assert heard == [3, 3]
        assert sorted(json.loads(file.read_text("utf-8")) for file in kept.rglob("*.json"))[-1][0][2] == "stop"

    def test_a_cache_that_cannot_be_written_costs_nothing_else(self, taught, calls, monkeypatch, tmp_path):
        (tmp_path / "file").write_text("", "utf-8")
        monkeypatch.setenv("MMSDK_CACHE_DIR", str(tmp_path / "file"))
        assert self.transcribed(taught, calls) == ["go left", "stop", None, None]

    def test_what_is_heard_live_is_not_kept(self, taught, kept):
        assert mmsdk.open_transcriber(f"transformers:{taught}")([sound(LOW)])[0].text == "go left"
        mmsdk.open_encoder(f"transcript:transformers:{taught}", "audio").encoder.encode([sound(LOW)], "audio")
        assert not kept.exists()


class TestRefused:
    def test_a_model_that_writes_nothing(self, wav2vec2):
        with pytest.raises(EncoderError, match="of type wav2vec2 writes nothing down; name a Whisper model"):
            load(str(wav2vec2), modality="audio").transcribe([sound(LOW)])

    def test_a_model_without_words(self, whisper):
        with pytest.raises(EncoderError, match=r"has no tokenizer\.json, so no words can be written"):
            load(str(whisper), modality="audio").transcribe([sound(LOW)])

    def test_one_that_was_saved_without_the_part_that_writes(self, taught, whisper, tmp_path):
        folder = tmp_path / "half"
        shutil.copytree(taught, folder)
        from safetensors.torch import load_file, save_file

        weights = load_file(folder / "model.safetensors")
        kept = {name: one for name, one in weights.items() if "decoder.layers" not in name}
        save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
        with pytest.raises(EncoderError, match=r"lack .* tensors of the part that writes"):
            load(str(folder), modality="audio").transcribe([sound(LOW)])


class TestScheme:
    def test_vectors_are_those_of_the_words(self, taught):
        words = mmsdk.open_encoder(f"transcript:transformers:{taught}", "audio", options={"text": "minilm"})
        found = words.encoder.encode([sound(LOW), sound(QUIET)], "audio")
        (wanted,) = mmsdk.open_encoder("minilm", "text").encoder.encode(["go left"], "text")
        np.testing.assert_allclose(found[0].values, [wanted], atol=1e-6)
        assert found[1].values.shape == (0, words.encoder.dim)
        assert words.encoder.report() == {"without_words": (1, 2)}

    def test_options_change_the_fingerprint(self, taught, bert):
        name = f"transcript:transformers:{taught}"
        kinds = ({}, {"language": "zh"}, {"text": f"transformers:{bert}"})
        kinds += ({"text": f"transformers:{bert}", "text_options": {"max_length": 4}},)
        found = {mmsdk.open_encoder(name, "audio", options=one).fingerprint for one in kinds}
        assert len(found) == len(kinds)

    def test_the_language_is_handed_on(self, taught):
        words = mmsdk.open_encoder(f"transcript:transformers:{taught}", "audio", options={"language": "xx"})
        with pytest.raises(EncoderError, match="no language named 'xx'"):
            words.encoder.encode([sound(LOW)], "audio")

    def test_an_encoder_that_writes_nothing(self):
        with pytest.raises(EncoderError, match="'mel-stats' writes nothing down; name a Whisper model"):
            mmsdk.open_encoder("transcript:mel-stats", "audio")

    def test_a_text_encoder_that_is_fitted(self, taught, monkeypatch):
        from mmsdk_transformers import words

        real = words.open_encoder

        def fitted(name, modality, **given):
            found = real(name, modality, **given)
            found.fitted = modality == "text"
            return found

        monkeypatch.setattr(words, "open_encoder", fitted)
        with pytest.raises(EncoderError, match="is fitted to its rows; name one that is not"):
            mmsdk.open_encoder(f"transcript:transformers:{taught}", "audio")

    def test_it_understands_commands_in_a_run(self, taught, calls, tmp_path, monkeypatch):
        inputs = {"voice": {"column": "wav", "modality": "audio", "encoder": f"transcript:transformers:{taught}"}}
        monkeypatch.chdir(calls.folder)
        rows = [{"wav": cell, "order": word} for cell, word in calls.orders] * 6
        tasks = {"order": {"column": "order", "type": "classification"}}
        app = mmsdk.fit(
            {"inputs": inputs, "tasks": tasks, "head": {"type": "linear"}}, rows, tmp_path / "run", quiet=True
        )
        found = [one.outputs["order"].value for one in app.predict([{"wav": cell} for cell, _ in calls.orders])]
        app.close()
        assert found == [word for _, word in calls.orders]


@pytest.fixture(scope="session")
def calls(tmp_path_factory):
    """Return a folder of calls and a table of them: two with words, a silent one, a broken one, none."""
    folder = tmp_path_factory.mktemp("calls")
    for name, samples in (("low", LOW), ("high", HIGH), ("quiet", QUIET)):
        soundfile.write(folder / f"{name}.wav", samples, RATE)
    (folder / "broken.wav").write_bytes(b"RIFF" + bytes(60))
    lines = ["id,call", *(f"{name},{name}.wav" for name in ("low", "high", "quiet")), "none,"]
    (folder / "good.csv").write_text("\n".join(lines) + "\n", "utf-8")
    (folder / "bad.csv").write_text("\n".join([*lines, "broken,broken.wav"]) + "\n", "utf-8")

    class Calls:
        orders = (("low.wav", "left"), ("high.wav", "halt"))

    Calls.folder = folder
    return Calls


def save_clip(path, samples):
    """Write a video of three seconds with a sound."""
    import av

    with av.open(path, "w") as file:
        picture, voice = file.add_stream("mpeg4", rate=10), file.add_stream("aac", rate=RATE)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        for shade in range(30):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 8 * shade, np.uint8), format="rgb24")
            file.mux(picture.encode(frame))
        for start in range(0, len(samples), 1024):
            block = av.AudioFrame.from_ndarray(samples[None, start : start + 1024], format="fltp", layout="mono")
            block.sample_rate, block.pts = RATE, start
            file.mux(voice.encode(block))
        for stream in (picture, voice):
            file.mux(stream.encode(None))


def read(path):
    with path.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def command(capsys):
    """Return a function that runs ``mmsdk transcribe`` and answers its exit code, stdout and stderr."""

    def run(*words):
        with pytest.raises(SystemExit) as left:
            main(["transcribe", *map(str, words)])
        return left.value.code, *capsys.readouterr()

    return run


class TestCommand:
    def test_a_column_of_text(self, command, taught, calls, tmp_path):
        out = tmp_path / "said.csv"
        words = ("--column", "call", "--encoder", f"transformers:{taught}", "--out", out)
        code, told, error = command(calls.folder / "good.csv", *words)
        assert code == 0
        assert "lies in another folder" in error
        assert [row["call_text"] for row in read(out)] == ["go left", "stop", "", ""]
        assert [row["call"] for row in read(out)] == ["low.wav", "high.wav", "quiet.wav", ""]
        assert "rows 4" in told
        assert "with speech 2" in told

    def test_its_name_and_json(self, command, taught, calls, tmp_path):
        out = tmp_path / "said.jsonl"
        words = ("--column", "call", "--to", "words", "--encoder", f"transformers:{taught}", "--out", out, "--json")
        _, told, _ = command(calls.folder / "good.csv", *words)
        assert json.loads(told) == {
            "out": str(out),
            "rows": 4,
            "column": "words",
            "with_speech": 2,
            "unread": 0,
        }
        assert json.loads(out.read_text("utf-8").splitlines()[0])["words"] == "go left"

    def test_broken_files(self, command, taught, calls, tmp_path):
        out = tmp_path / "said.csv"
        words = ("--column", "call", "--encoder", f"transformers:{taught}", "--out", out)
        code, _, error = command(calls.folder / "bad.csv", *words)
        assert code == 2
        assert "1 bad row, in call (1)" in error
        assert not out.exists()
        code, told, error = command(calls.folder / "bad.csv", *words, "--on-bad-row", "skip")
        assert code == 0
        assert "unread 1" in told
        assert "row 5" in error
        assert [row["call_text"] for row in read(out)] == ["go left", "stop", "", "", ""]

    def test_cues_of_a_recording(self, command, taught, tmp_path):
        voice = tmp_path / "voice.wav"
        soundfile.write(voice, np.concatenate([LOW, QUIET, HIGH]), RATE)
        out = tmp_path / "voice.vtt"
        code, *_ = command(voice, "--encoder", f"transformers:{taught}", "--out", out, "--language", "en")
        assert code == 0
        wanted = "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\ngo left\n\n00:00:02.000 --> 00:00:03.000\nstop\n"
        assert out.read_text("utf-8") == wanted
        command(voice, "--encoder", f"transformers:{taught}", "--out", tmp_path / "voice.txt")
        assert (tmp_path / "voice.txt").read_text("utf-8") == "go left\nstop\n"

    def test_the_sound_of_a_video(self, command, taught, tmp_path):
        pytest.importorskip("mmsdk_video")
        save_clip(tmp_path / "clip.mp4", np.concatenate([LOW, QUIET, HIGH]))
        (tmp_path / "clips.csv").write_text("clip\nclip.mp4\n", "utf-8")
        words = ("--encoder", f"transformers:{taught}", "--out")
        assert command(tmp_path / "clip.mp4", *words, tmp_path / "clip.txt")[0] == 0
        assert (tmp_path / "clip.txt").read_text("utf-8") == "go left\nstop\n"
        assert command(tmp_path / "clips.csv", "--column", "clip", *words, tmp_path / "said.csv")[0] == 0
        assert [row["clip_text"] for row in read(tmp_path / "said.csv")] == ["go left stop"]

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (("low.wav", "--encoder", "mel-stats", "--out", "a.vtt"), "writes nothing down; expected one that does"),
            (("low.wav", "--encoder", "mel-stats", "--out", "a.srt"), "cannot write '.srt'; expected .vtt, .txt"),
            (("good.csv", "--encoder", "mel-stats", "--out", "a.vtt"), "expected a sound or a video"),
            (
                ("good.csv", "--column", "id", "--encoder", "mel-stats", "--out", "a.csv"),
                "holds no paths of sounds or videos",
            ),
            (("good.csv", "--column", "x", "--encoder", "mel-stats", "--out", "a.csv"), "no such column"),
            (
                ("good.csv", "--column", "call", "--to", "id", "--encoder", "mel-stats", "--out", "a.csv"),
                "a column 'id'",
            ),
            (("good.csv", "--column", "call", "--encoder", "mel-stats", "--out", "a.pdf"), "cannot write '.pdf'"),
            (("low.wav", "--to", "t", "--encoder", "mel-stats", "--out", "a.vtt"), "no new column without --column"),
            (("good.csv", "--column", "call", "--encoder", "mel-stats", "--out", "good.csv"), "which would be lost"),
        ],
    )
    def test_refused(self, words, said, command, calls, monkeypatch):
        monkeypatch.chdir(calls.folder)
        code, _, error = command(*words)
        assert code == 2
        assert said in " ".join(error.split())
        assert not any(calls.folder.glob("a.*"))

    def test_the_file_is_no_sound(self, command, taught, calls, tmp_path):
        words = ("--encoder", f"transformers:{taught}", "--out", tmp_path / "a.vtt")
        code, _, error = command(calls.folder / "broken.wav", *words)
        assert code == 2
        assert "broken.wav" in error


def test_from_python(taught, calls):
    found = mmsdk.transcribe(calls.folder / "good.csv", "call", f"transformers:{taught}", quiet=True)
    assert (found.column, found.said, found.problems) == ("call_text", 2, [])
    assert found.table.column("call_text").to_pylist() == ["go left", "stop", None, None]
    with pytest.raises(DataError, match="name another one with --to"):
        mmsdk.transcribe(calls.folder / "good.csv", "call", f"transformers:{taught}", to="id")
