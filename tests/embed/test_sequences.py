"""Sequences become rows: pooled or packed, missing where they have no step, one decode for all encoders of a column."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mmsdk import Sequence, Trainable
from mmsdk.embed import Embedder, open_encoder
from mmsdk.embed.sequences import Layout, Pooling, rows_of
from mmsdk.errors import EncoderError
from mmsdk.trainable import SequenceStem

VALUES = np.array([[1, 5], [3, 1], [8, 0]], np.float32)


def sequence(values=VALUES, times=None):
    values = np.asarray(values, np.float32).reshape(-1, 2)
    return Sequence(values=values, times=np.arange(len(values), dtype=np.float64) if times is None else np.array(times))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("mean", [4, 2]),
        ("max", [8, 5]),
        ("mean-std", [4, 2, np.std([1, 3, 8]), np.std([5, 1, 0])]),
        ("ends", [4, 2, 1, 5, 8, 0]),
    ],
)
def test_pooling(kind, expected):
    rows, there = rows_of([sequence(), sequence([])], Pooling(kind=kind, dim=2))
    assert rows.dtype == np.float32
    assert np.allclose(rows[0], expected)
    assert there.tolist() == [True, False]
    assert not rows[1].any()


def test_packing_keeps_times_and_order():
    (row, empty), there = rows_of([sequence(times=[0.5, 0.75, 9.0]), sequence([])], Layout(steps=4, dim=2))
    assert row.tolist() == [0, 0.25, 8.25, -1, 1, 5, 3, 1, 8, 0, 0, 0]
    assert there.tolist() == [True, False]
    assert not empty.any()


def test_a_long_sequence_is_thinned_out_evenly_with_both_ends():
    long = sequence(np.arange(20).reshape(10, 2))
    (row,), _ = rows_of([long], Layout(steps=4, dim=2))
    assert row[:4].tolist() == [0, 3, 3, 3]
    assert row[4:].reshape(4, 2)[:, 0].tolist() == [0, 6, 12, 18]


def test_sixteen_bits_keep_the_gaps_of_a_long_recording():
    times = 3600 + np.arange(50) * 0.04
    (row,), _ = rows_of([sequence(np.zeros((50, 2)), times)], Layout(steps=64, dim=2))
    kept = row.astype(np.float16).astype(np.float64)[:50].cumsum()
    assert np.abs(kept - (times - 3600)).max() < 1e-3


def test_the_mean_of_packed_rows_counts_only_steps_that_are_there():
    layout = Layout(steps=5, dim=2)
    rows, _ = rows_of([sequence(), sequence([])], layout)
    rows[1, : layout.steps] = -1
    assert np.allclose(layout.means(rows), [[4, 2], [0, 0]])


class Last(Trainable):
    """Sees the last step and when it was."""

    def forward(self, values, times, present):
        last = present.sum(1).clamp_min(1) - 1
        rows = torch.arange(len(values))
        return torch.cat([values[rows, last], times[rows, last, None]], dim=1)


def test_the_stem_unpacks_what_packing_packed():
    layout = Layout(steps=4, dim=2)
    rows = torch.from_numpy(rows_of([sequence(times=[0.5, 0.75, 9.0]), sequence([[2, 2]])], layout)[0])
    stem = SequenceStem(Last(2, 3), 4, 2)
    mean, spread = stem.statistics(rows)
    assert torch.allclose(mean, torch.tensor([3.5, 2.0]))  # of the four steps there are
    assert stem(rows).tolist() == [[8, 0, 8.5], [2, 2, 0]]
    standard = stem.standardise(rows, mean, spread)
    assert torch.allclose(stem(standard)[0, :2], (torch.tensor([8.0, 0.0]) - mean) / spread)
    assert (standard[0, 4 + 6 :] == 0).all()  # no step, no value
    assert stem(stem.absent(rows)).isfinite().all()


def test_a_column_is_decoded_once_for_all_its_encoders(cache, rows, fakes, two_inputs):
    fakes.Blob.decoded = 0
    samples = two_inputs([b"one", b"two!", b"one", b"three"])
    encoders = {"first": open_encoder("count", "blob"), "second": open_encoder("count", "blob", options={"scale": 2.0})}
    result = Embedder(cache, quiet=True).embed(samples, encoders)
    assert fakes.Blob.decoded == 3
    assert np.allclose(result.values["second"], 2 * result.values["first"], atol=1e-2)
    assert [result.stats.inputs[name].encoded for name in encoders] == [3, 3]


def test_only_what_a_new_encoder_lacks_is_decoded_again(cache, fakes, two_inputs):
    samples = two_inputs([b"one", b"two!", b"three"])
    first = {"first": open_encoder("count", "blob")}
    Embedder(cache, quiet=True).embed(samples, first)
    fakes.Blob.decoded = 0
    both = {**first, "second": open_encoder("count", "blob", options={"scale": 2.0})}
    result = Embedder(cache, quiet=True).embed(samples, both)
    assert fakes.Blob.decoded == 3
    assert [result.stats.inputs[name].encoded for name in both] == [0, 3]


def test_a_bad_cell_of_a_shared_column_is_one_problem(cache, two_inputs):
    from mmsdk.data import Policy

    samples = two_inputs([b"one", b"torn"])
    encoders = {"first": open_encoder("count", "blob"), "second": open_encoder("count", "blob", options={"scale": 2.0})}
    result = Embedder(cache, quiet=True).embed(samples, encoders, Policy(on_bad_row="skip"))
    assert [problem.reason for problem in result.stats.problems] == ["is cut short"]
    assert [result.stats.inputs[name].bad for name in encoders] == [1, 1]
    assert [result.present[name].tolist() for name in encoders] == [[True, False]] * 2


def test_a_sequence_encoder_is_pooled_or_packed_and_kept_apart(cache, rows):
    from dataclasses import replace

    samples = rows(["abc", None, "empty", "z"])
    opened = open_encoder("frames", "text")
    assert opened.sequence
    pooled = Embedder(cache, quiet=True).embed(samples, {"title": opened})
    packed = Embedder(cache, quiet=True).embed(samples, {"title": replace(opened, steps=4)})
    assert pooled.values["title"].shape == (4, 2)
    assert packed.values["title"].shape == (4, 12)
    assert pooled.present["title"].tolist() == packed.present["title"].tolist() == [True, False, False, True]
    assert np.allclose(packed.vectors()["title"], pooled.values["title"], atol=1e-2)
    again = Embedder(cache, quiet=True).embed(samples, {"title": replace(opened, steps=4)})
    assert (again.stats.encoded, again.stats.inputs["title"].missing) == (0, 2)
    assert np.array_equal(again.values["title"], packed.values["title"])


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("array", "answered a ndarray for the batch"),
        ("few", "answered 0 sequences for the batch"),
        ("wide", r"answered values \(1, 3\) float32 for input 'title', row 1"),
        ("nan", "answered NaN, infinity or times that go back for input 'title', row 1"),
        ("back", "answered NaN, infinity or times that go back for input 'title', row 1"),
        ("thing", "answered a int for input 'title', row 1"),
    ],
)
def test_wrong_sequences_are_refused_by_name(cache, rows, word, message):
    with pytest.raises(EncoderError, match=message):
        Embedder(cache, quiet=True).embed(rows([word]), {"title": open_encoder("frames", "text")})
