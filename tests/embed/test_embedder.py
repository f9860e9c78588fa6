"""Every input goes through its encoder once; what cannot be used is told together; nothing is lost to an interrupt."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mmsdk.embed import Embedder, EmbeddingCache, Space, open_encoder, vectors
from mmsdk.embed.keys import signature
from mmsdk.errors import DataError, EncoderError, StoreError


def vector_of(text, scale=1.0):
    return (np.array([len(text), ord(text[0]), 4, np.float16(0.1)]) * scale).astype(np.float32)


def test_embeds_texts_with_a_mask(cache, rows):
    opened = open_encoder("count", "text")
    result = Embedder(cache, quiet=True).embed(rows(["abc", None, "  ", "zz"]), {"title": opened})
    values, present = result.values["title"], result.present["title"]
    assert present.tolist() == [True, False, False, True]
    assert values.dtype == np.float32
    assert np.array_equal(values, [vector_of("abc"), np.zeros(4), np.zeros(4), vector_of("zz")])
    stats = result.stats.inputs["title"]
    assert (stats.rows, stats.missing, stats.encoded, stats.cached, stats.duplicates) == (4, 2, 2, 0, 0)


def test_identical_inputs_are_encoded_once(cache, rows):
    opened = open_encoder("count", "text")
    result = Embedder(cache, quiet=True).embed(rows(["a", "b", "a", "a"]), {"title": opened})
    assert sorted(sample for batch in opened.encoder.batches for sample in batch) == ["a", "b"]
    assert np.array_equal(result.values["title"][[0, 2, 3]], [vector_of("a")] * 3)
    assert (result.stats.encoded, result.stats.duplicates) == (2, 2)


def test_identical_inputs_far_apart_are_encoded_once_too(cache, rows, monkeypatch):
    monkeypatch.setattr("mmsdk.embed.column.CHUNK_ROWS", (3, 3))
    opened = open_encoder("count", "text")
    result = Embedder(cache, quiet=True).embed(rows("abcabcad"), {"title": opened})
    assert (result.stats.encoded, result.stats.duplicates, result.stats.cached) == (4, 4, 0)
    assert np.array_equal(result.values["title"], [vector_of(letter) for letter in "abcabcad"])


def test_a_second_run_decodes_and_encodes_nothing(cache, rows, fakes):
    encoders = {"title": open_encoder("count", "text"), "photo": open_encoder("count", "blob")}
    samples = rows(["a", "b", None, " "], [b"one", b"two!", b"one", b"three"])
    first = Embedder(cache, quiet=True).embed(samples, encoders)
    fakes.Words.decoded = fakes.Blob.decoded = 0
    encoders["title"].encoder.batches.clear()
    second = Embedder(cache, quiet=True).embed(samples, encoders)
    assert (fakes.Words.decoded, fakes.Blob.decoded, encoders["title"].encoder.batches) == (0, 0, [])
    assert (second.stats.encoded, second.stats.cached) == (0, 6)
    assert second.stats.inputs["title"].missing == 2
    for name in encoders:
        assert np.array_equal(first.values[name], second.values[name])
        assert np.array_equal(first.present[name], second.present[name])


def test_precision_reaches_the_cache(tmp_path, rows):
    for precision, exact in (("fp16", False), ("fp32", True)):
        cache = EmbeddingCache(tmp_path / precision)
        embedder = Embedder(cache, precision=precision, quiet=True)
        runs = [embedder.embed(rows(["a"]), {"title": open_encoder("count", "text")}) for _ in range(2)]
        assert (runs[0].values["title"][0, 3] == np.float32(0.1)) == exact
        assert np.array_equal(runs[0].values["title"], runs[1].values["title"])
        assert [encoder.precision for encoder in cache.info().encoders] == [precision]
        cache.close()


def test_options_and_versions_have_vectors_of_their_own(cache, rows, another_version):
    embedder = Embedder(cache, quiet=True)
    embedder.embed(rows(["a"]), {"title": open_encoder("count", "text")})
    louder = embedder.embed(rows(["a"]), {"title": open_encoder("count", "text", options={"scale": 2.0})})
    assert louder.stats.cached == 0
    assert louder.values["title"][0, 0] == 2
    another_version("2.0")
    assert embedder.embed(rows(["a"]), {"title": open_encoder("count", "text")}).stats.cached == 0


def test_without_a_cache_everything_is_encoded_again(rows):
    opened = open_encoder("count", "text")
    embedder = Embedder(quiet=True)
    first, second = (embedder.embed(rows(["a", "a"]), {"title": opened}) for _ in range(2))
    assert np.array_equal(first.values["title"], second.values["title"])
    assert second.stats.encoded == 1
    assert first.values["title"][0, 3] == np.float16(0.1)  # as the cache would have kept it


def test_texts_of_similar_length_share_a_batch(cache, rows):
    opened = open_encoder("lengthy", "text")
    cells = ["a", "b" * 50, "c" * 2, "d" * 51, "e" * 3, "f" * 52]
    result = Embedder(cache, quiet=True).embed(rows(cells), {"title": opened})
    assert [[len(text) for text in batch] for batch in opened.encoder.batches] == [[52, 51], [50, 3], [2, 1]]
    assert np.array_equal(result.values["title"], [vector_of(cell) for cell in cells])
    assert result.stats.inputs["title"].report == {"truncated": (2, 6), "speedup": 1.5}


def test_what_an_encoder_counts_is_told_of_each_embedding_by_itself(cache, rows):
    opened = open_encoder("lengthy", "text")
    assert opened.encoder is open_encoder("lengthy", "text").encoder  # one for all inputs and runs of a process
    embedder = Embedder(cache, quiet=True)
    for cells, counted in ((["a", "b" * 51], (1, 2)), (["c", "dd", "ddd"], (0, 3)), (["e" * 99], (1, 1))):
        assert embedder.embed(rows(cells), {"title": opened}).stats.inputs["title"].report["truncated"] == counted
    assert embedder.embed(rows(["a"]), {"title": opened}).stats.inputs["title"].report == {}  # nothing was encoded


def test_batch_size_is_the_callers_then_the_encoders(cache, rows):
    opened = open_encoder("lengthy", "text")
    Embedder(cache, batch_size=3, quiet=True).embed(rows(["a", "bb", "ccc", "dddd"]), {"title": opened})
    assert [len(batch) for batch in opened.encoder.batches] == [3, 1]


def test_files_are_decoded_ahead_by_other_threads(cache, rows, fakes, monkeypatch):
    """While the encoder works on one batch the next files are decoded: the first batch waits until it has seen that."""
    names, ahead = set(), threading.Event()
    plain = fakes.Blob.decode

    def decode(self, cell):
        names.add(threading.current_thread().name.rsplit("_", 1)[0])
        if cell.name == "30.bin":
            ahead.set()
        return plain(self, cell)

    monkeypatch.setattr(fakes.Blob, "decode", decode)
    opened = open_encoder("count", "blob")
    encode = opened.encoder.encode
    opened.encoder.encode = lambda batch, modality: (ahead.wait(20), encode(batch, modality))[1]
    samples = rows(photo=[b"%03d" % i for i in range(60)])
    result = Embedder(cache, threads=1, batch_size=20, quiet=True).embed(samples, {"photo": opened})
    assert ahead.is_set()
    assert names == {"mmsdk-decode"}
    assert [len(batch) for batch in opened.encoder.batches] == [20, 20, 20]
    assert result.present["photo"].all()


def test_moved_and_renamed_files_are_known_by_their_content(cache, rows, tmp_path):
    opened = open_encoder("count", "blob")
    Embedder(cache, quiet=True).embed(rows(photo=[b"one", b"two"]), {"photo": opened})
    (tmp_path / "0.bin").rename(tmp_path / "moved.bin")
    moved = rows(photo=["moved.bin", "data:;base64,dHdv"])
    assert Embedder(cache, quiet=True).embed(moved, {"photo": opened}).stats.cached == 2


def test_a_file_written_to_while_it_is_embedded_is_not_kept(cache, rows, fakes, monkeypatch, tmp_path):
    plain = fakes.Blob.decode

    def decode(self, cell):
        (tmp_path / "0.bin").write_bytes(b"new content")  # after its key was taken
        return plain(self, cell)

    monkeypatch.setattr(fakes.Blob, "decode", decode)
    result = Embedder(cache, quiet=True).embed(rows(photo=[b"old", b"two"]), {"photo": open_encoder("count", "blob")})
    assert result.values["photo"][0, 0] == len(b"new content")
    assert cache.info().entries == 1


def test_every_bad_cell_is_told_at_once_and_the_rest_is_kept(cache, rows, tmp_path):
    samples = rows(["good", "bad", None, "bad"], [b"fine", b"torn", b"odd", b"gone"])
    (tmp_path / "3.bin").unlink()  # after the table was read
    encoders = {"title": open_encoder("count", "text"), "photo": open_encoder("count", "blob")}
    with pytest.raises(DataError) as caught:
        Embedder(cache, quiet=True).embed(samples, encoders)
    told = [(p.row, p.id, p.column, p.value, p.reason) for p in caught.value.problems]
    assert told == [
        (2, "id1", "image", "1.bin", "is cut short"),
        (2, "id1", "words", "bad", "is bad"),
        (3, "id2", "image", "2.bin", "does not decode as blob (KeyError: 'chunk')"),
        (4, "id3", "image", "3.bin", "does not exist"),
        (4, "id3", "words", "bad", "is bad"),
    ]
    assert "3 bad rows, in image (3), words (2); mend them, or use --on-bad-row skip" in str(caught.value)
    assert cache.info().entries == 2


def test_bad_cells_may_be_skipped(cache, rows, skip):
    result = Embedder(cache, quiet=True).embed(rows(["good", "bad"]), {"title": open_encoder("count", "text")}, skip)
    assert result.present["title"].tolist() == [True, False]
    assert [problem.row for problem in result.stats.problems] == [2]
    assert result.stats.inputs["title"].bad == 1


def test_what_one_encoder_refuses_is_a_bad_cell_for_it_alone(cache, rows, skip):
    samples = rows(["good", "too long", "fine"])
    samples = replace(samples, inputs={**samples.inputs, "again": replace(samples.inputs["title"], name="again")})
    encoders = {"title": open_encoder("lengthy", "text"), "again": open_encoder("count", "text")}
    encoders["title"].encoder.refuses = lambda text: "is too long" if len(text) > 4 else ""
    with pytest.raises(DataError) as caught:
        Embedder(cache, quiet=True).embed(samples, encoders)
    told = [(p.row, p.id, p.column, p.value, p.reason) for p in caught.value.problems]
    assert told == [(2, "id1", "words", "too long", "is too long")]
    result = Embedder(cache, quiet=True).embed(samples, encoders, skip)
    assert result.present["title"].tolist() == [True, False, True]
    assert result.present["again"].all()
    assert [result.stats.inputs[name].bad for name in encoders] == [1, 0]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            "nan",
            r"encoder 'wrong' \(plugin fakes \(mmsdk-fakes 1.0\)\) answered NaN or infinity for input 'title', row 2",
        ),
        ("raise", r"failed on input 'title', row 2 \(id 'id1'\): RuntimeError: no such word"),
        ("float64", r"answered \(2, 2\) float64 .* expected \(2, 2\) float32"),
        ("short", r"answered \(1, 2\) float32 .* expected \(2, 2\) float32"),
        ("list", r"answered a list .* expected a numpy array \(2, 2\)"),
        ("huge", r"answered 1e\+06 for input 'title', row 2 .* Set precision: fp32"),
    ],
)
def test_wrong_answers_name_the_encoder_and_the_row(cache, rows, answer, message):
    opened = open_encoder("wrong", "text", options={"answer": answer})
    with pytest.raises(EncoderError, match=message):
        Embedder(cache, quiet=True).embed(rows(["right", "wrong"]), {"title": opened})


def test_numbers_beyond_16_bits_are_kept_in_32(cache, rows):
    opened = open_encoder("wrong", "text", options={"answer": "huge"})
    result = Embedder(cache, precision="fp32", quiet=True).embed(rows(["wrong"]), {"title": opened})
    assert result.values["title"].max() == 1e6


def test_ctrl_c_keeps_what_was_encoded_and_a_second_run_goes_on(cache, rows):
    opened = open_encoder("wrong", "text", options={"answer": "interrupt"})
    embedder = Embedder(cache, batch_size=1, quiet=True)
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        embedder.embed(rows(["one", "two", "wrong", "three"]), {"title": opened})
    assert threading.active_count() == before
    assert cache.info().entries == 2
    opened.encoder.answer = "fine"
    assert embedder.embed(rows(["one", "two", "wrong", "three"]), {"title": opened}).stats.encoded == 2


def test_vectors_are_committed_every_few_seconds(cache, rows, monkeypatch):
    monkeypatch.setattr("mmsdk.embed.branch.FLUSH_SECONDS", 0.0)
    seen = []
    opened = open_encoder("count", "text")
    encode = opened.encoder.encode
    opened.encoder.encode = lambda batch, modality: (seen.append(cache.info().entries), encode(batch, modality))[1]
    Embedder(cache, batch_size=1, quiet=True).embed(rows(["a", "b", "c"]), {"title": opened})
    assert seen == [0, 1, 2]


def test_a_fitted_encoder_learns_from_the_training_rows_and_is_not_kept(cache, rows):
    opened = open_encoder("scales", "text")
    samples = rows(["1", "3", None, "100"], split=["train", "train", "train", "test"])
    result = Embedder(cache, quiet=True).embed(samples, {"title": opened})
    assert opened.encoder.fitted_on == ["1", "3"]
    assert result.values["title"][:, 0].tolist() == [-1, 1, 0, 98]
    assert result.present["title"].tolist() == [True, True, False, True]
    assert cache.info().entries == 0
    assert result.stats.encoded == 0
    again = open_encoder("scales", "text")
    again.load_state(opened.state())
    restored = Embedder(cache, quiet=True).embed(rows(["5"]), {"title": again})
    assert restored.values["title"][0, 0] == 3


def test_a_fitted_encoder_takes_all_rows_where_no_split_says_otherwise(cache, rows):
    opened = open_encoder("scales", "text")
    Embedder(cache, quiet=True).embed(rows(["1", "3"]), {"title": opened})
    assert opened.encoder.mean == 2


def test_nothing_to_learn_from_is_said(cache, rows):
    samples = rows([None, "4"], split=["train", "test"])
    with pytest.raises(DataError, match="column 'words': no training row holds a text"):
        Embedder(cache, quiet=True).embed(samples, {"title": open_encoder("scales", "text")})


def test_cells_of_which_none_can_be_read_are_not_called_empty(cache, rows, skip):
    samples = rows(["bad", "bad"], split=["train", "train"])
    with pytest.raises(DataError) as caught:
        Embedder(cache, quiet=True).embed(samples, {"title": open_encoder("scales", "text")}, skip)
    assert str(caught.value).splitlines() == [
        "an input has nothing to learn from:",
        "  column 'words': no training row holds a text that can be used, and 'scales' learns from them "
        "('bad': is bad): mend the column, or leave this input out",
    ]


def test_large_results_lie_in_a_file_without_a_name(cache, rows, monkeypatch):
    monkeypatch.setattr("mmsdk.embed.column.CHUNK_ROWS", (7, 7))
    samples = rows(map(str, range(50)))
    opened = open_encoder("count", "text")
    small = Embedder(cache, quiet=True).embed(samples, {"title": opened}).values["title"]
    large = Embedder(cache, quiet=True, in_memory=100).embed(samples, {"title": opened}).values["title"]
    assert isinstance(large, np.memmap)
    assert not isinstance(small, np.memmap)
    assert np.array_equal(small, large)
    large[0] = 5  # private: torch wants writable memory, and nobody else sees it
    assert {path.suffix for path in cache.folder.iterdir() if path.is_file()} <= {
        ".sqlite",
        ".sqlite-wal",
        ".sqlite-shm",
        ".vectors",
    }


def test_no_room_for_large_results_is_one_sentence(cache, rows, monkeypatch):
    monkeypatch.setattr(vectors.tempfile, "TemporaryFile", lambda **_: Path("/dev/full").open("wb"))  # noqa: SIM115
    with pytest.raises(StoreError, match=r"vectors of dim 4 do not fit in .*Make room or set MMSDK_CACHE_DIR"):
        Embedder(cache, quiet=True, in_memory=0).embed(
            rows(map(str, range(5000))), {"title": open_encoder("count", "text")}
        )


def test_says_how_many_threads(cache, rows, capsys):
    cells = [str(number) for number in range(40)]
    Embedder(cache, threads=1).embed(rows(cells), {"title": open_encoder("count", "text")})
    assert "embedding: 1 thread for encoders, 1 for decoding (as asked)" in capsys.readouterr().err
    result = Embedder(cache, threads=1).embed(rows(cells), {"title": open_encoder("count", "text")})
    assert capsys.readouterr().err == ""
    assert result.stats.threads == ""


def test_quiet_is_quiet(cache, rows, capsys):
    Embedder(cache, threads=1, quiet=True).embed(rows(map(str, range(40))), {"title": open_encoder("count", "text")})
    assert capsys.readouterr().err == ""


def test_unchanged_files_are_not_read_again(cache, rows):
    samples = rows(photo=[b"%05d" % i for i in range(400)])
    opened = open_encoder("count", "blob")
    Embedder(cache, quiet=True, threads=1).embed(samples, {"photo": opened})
    known = [
        (str(cell.path), signature(cell.path), b"%032d" % i) for i, cell in enumerate(samples.inputs["photo"].cells)
    ]
    cache.remember_files(known)
    cache.put_many(_space_of(cache), [digest for _, _, digest in known], np.full((400, 4), 7, np.float32))
    result = Embedder(cache, quiet=True).embed(samples, {"photo": opened})
    assert (result.values["photo"] == 7).all()  # by the remembered hash: the files were not read


def _space_of(cache):
    (one,) = cache.info().encoders
    return Space(fingerprint=one.fingerprint, dim=one.dim, precision=one.precision)
