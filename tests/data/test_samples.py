"""From a table to samples: presence, ids, and every problem at once."""

from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pyarrow as pa
import pytest

from mmsdk.config import load_application
from mmsdk.data import Policy, read_samples, read_table, require_training
from mmsdk.data.media import SKIP_BAD_ROWS
from mmsdk.errors import ConfigError, DataError, PluginError

SKIP = Policy(on_bad_row="skip")


def app(**blocks):
    inputs = blocks.pop("inputs", {"photo": {"column": "image", "modality": "image"}})
    return load_application({"id": "sku", "inputs": inputs, **blocks})


def problems_of(*arguments, **named) -> tuple[str, ...]:
    with pytest.raises(DataError) as caught:
        read_samples(*arguments, **named)
    return tuple(map(str, caught.value.problems))


def test_rows_become_samples_with_what_is_missing(shop, modalities):
    application = app(
        inputs={
            "photo": {"column": "image", "modality": "image"},
            "words": {"column": ["title", "kind"], "modality": "text"},
            "price": {"column": "price", "modality": "number"},
        }
    )
    samples, skipped = read_samples(read_table(shop / "products.csv"), application, modalities=modalities)
    assert skipped == []
    assert samples.ids == ("007", "008", "009", "010")
    assert list(samples.inputs) == ["photo", "words", "price"]
    photo = samples.inputs["photo"]
    assert photo.present.tolist() == [True, True, False, True]
    assert photo.cells[0].path == shop / "images" / "a.jpg"
    assert photo.cells[2] is None
    assert list(samples.inputs["words"].cells) == [
        ("red lamp", "lamp"), (None, "chair"), ("blue\nlamp", "lamp"), ("green chair", "chair"),
    ]  # fmt: skip
    assert samples.inputs["price"].cells[1:3] == [("3",), None]
    assert samples.inputs["price"].cells[-1] == ("4",)
    assert samples.rows.tolist() == [1, 2, 3, 4]
    assert len(samples) == len(samples.split) == 4


def test_every_bad_cell_is_named_with_row_id_column_and_value(shop, modalities):
    rows = [
        {"sku": "a", "image": "images/a.jpg", "mask": "images/none.png"},
        {"sku": "b", "image": "../secret", "mask": "images"},
        {"sku": "a", "image": "images/none.jpg", "mask": None},
        {"sku": "", "image": None, "mask": None},
    ]
    application = app(inputs={name: {"column": name, "modality": "image"} for name in ("image", "mask")})
    found = problems_of(read_table(rows, root=shop), application, modalities=modalities)
    assert found == (
        "row 3, column 'sku', 'a': stands already in row 1; ids must be unique",
        "row 4, column 'sku': is empty, but every row needs an id",
        "row 2 (id 'b'), column 'image', '../secret': lies outside the data folder; move it there, or allow it with "
        "--allow-outside (in Python allow_outside=True of load, fit, worth, cross_validate and transcribe)",
        "row 3 (id 'a'), column 'image', 'images/none.jpg': does not exist",
        "row 1 (id 'a'), column 'mask', 'images/none.png': does not exist",
        "row 2 (id 'b'), column 'mask', 'images': is a folder, expected a file",
    )


def test_skipping_makes_bad_cells_missing_and_leaves_repeated_ids_out(shop, modalities):
    rows = [
        {"sku": "a", "image": "images/a.jpg"},
        {"sku": "a", "image": "images/b.jpg"},
        {"sku": "b", "image": "images/none.jpg"},
    ]
    samples, skipped = read_samples(read_table(rows, root=shop), app(), SKIP, modalities=modalities)
    assert samples.ids == ("a", "b")
    assert samples.rows.tolist() == [1, 3]
    assert samples.table.cells("image") == ["images/a.jpg", "images/none.jpg"]
    assert samples.inputs["photo"].cells[1] is None
    assert [(problem.row, problem.id, problem.drops_row) for problem in skipped] == [(2, None, True), (3, "b", False)]


def test_the_policy_reaches_the_files(shop, modalities, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "x.jpg"
    outside.write_bytes(b"picture")
    table = read_table([{"sku": "a", "image": str(outside)}], root=shop)
    assert "lies outside" in problems_of(table, app(), modalities=modalities)[0]
    samples, _ = read_samples(table, app(), Policy(allow_outside=True), modalities=modalities)
    assert samples.inputs["photo"].cells[0].path == outside
    assert "larger than" in problems_of(table, app(), Policy(allow_outside=True, max_bytes=1), modalities=modalities)[0]


def test_all_missing_columns_are_named_at_once(shop, modalities):
    application = app(
        inputs={"photo": {"column": "imag", "modality": "image"}},
        tasks={"t": {"column": "kinds", "type": "classification"}},
        split={"column": "part"},
    )
    found = problems_of(read_table(shop / "products.csv"), application, modalities=modalities)
    assert found == (
        "column 'part': no such column.",
        "column 'imag': no such column. Did you mean 'image'?",
        "column 'kinds': no such column. Did you mean 'kind'?",
    )


def test_ids_of_typed_tables_are_text(modalities):
    application = load_application({"id": "n", "inputs": {"t": {"column": "t", "modality": "text"}}})
    for values, ids in (
        ([7.0, 8.0], ("7", "8")),
        ([7, 8], ("7", "8")),
        (["007", "7"], ("007", "7")),
        ([1.5, 2], ("1.5", "2")),
    ):
        rows = [{"n": value, "t": "x"} for value in values]
        assert read_samples(read_table(rows), application, modalities=modalities)[0].ids == ids


def test_rows_are_numbered_where_there_is_no_id(modalities):
    application = load_application({"inputs": {"t": {"column": "t", "modality": "text"}}})
    samples, _ = read_samples(read_table([{"t": "x"}, {"t": "y"}]), application, modalities=modalities)
    assert samples.ids == ("1", "2")


def test_a_pattern_of_columns_is_one_vector(modalities):
    application = load_application({"inputs": {"v": {"column": "x*", "modality": "vector"}}})
    rows = [{"x1": 1.0, "y": 5.0, "x2": 2.0}, {"x1": None, "y": 5.0, "x2": None}]
    samples, _ = read_samples(read_table(rows), application, modalities=modalities)
    assert samples.inputs["v"].columns == ("x1", "x2")
    assert list(samples.inputs["v"].cells) == [(1.0, 2.0), None]


def test_an_input_of_files_takes_one_column(shop, modalities):
    application = app(inputs={"photo": {"column": ["image", "title"], "modality": "image"}})
    with pytest.raises(ConfigError, match=r"inputs.photo: image takes one column, not image, title"):
        read_samples(read_table(shop / "products.csv"), application, modalities=modalities)


def test_an_unknown_modality_is_named(shop, modalities):
    application = app(inputs={"photo": {"column": "image", "modality": "imag"}})
    with pytest.raises(ConfigError, match=r"inputs.photo: no modality named 'imag'. Did you mean 'image'"):
        read_samples(read_table(shop / "products.csv"), application, modalities=modalities)
    with pytest.raises(PluginError, match="no modality named 'imag'"):
        read_samples(read_table(shop / "products.csv"), application)


def test_rows_in_use_need_no_labels_no_split_no_id_and_no_input_but_one(shop, modalities):
    application = app(
        inputs={
            "photo": {"column": "image", "modality": "image"},
            "title": {"column": "title", "modality": "text"},
        },
        tasks={"t": {"column": "kind", "type": "classification"}},
        split={"group": "maker"},
    )
    rows = [{"title": "a"}, {"title": None}]
    samples, _ = read_samples(read_table(rows, root=shop), application, modalities=modalities, partial=True)
    assert samples.ids == ("1", "2")
    assert list(samples.inputs["photo"].cells) == [None, None]
    assert samples.inputs["title"].present.tolist() == [True, False]
    assert samples.split.tolist() == ["", ""]
    twice, _ = read_samples(
        read_table([{"sku": "a", "title": "x"}] * 2, root=shop), application, modalities=modalities, partial=True
    )
    assert twice.ids == ("a", "a")
    found = problems_of(read_table([{"other": 1}]), application, modalities=modalities, partial=True)
    assert len(found) == 2


@pytest.mark.parametrize("policy", [Policy(), SKIP])
def test_rows_without_an_id_are_numbered_where_nobody_asks_for_one(shop, modalities, policy):
    application = app(inputs={"title": {"column": "title", "modality": "text"}})
    table = read_table([{"sku": "a", "title": "x"}, {"title": "y"}, {"sku": " ", "title": "z"}], root=shop)
    samples, problems = read_samples(table, application, policy, modalities=modalities, partial=True, nameless=True)
    assert samples.ids == ("a", "2", "3")
    assert problems == []
    found = problems_of(table, application, modalities=modalities, partial=True)
    assert found == tuple(f"row {row}, column 'sku': is empty, but every row needs an id" for row in (2, 3))


def test_a_file_that_goes_away_after_the_check_is_a_reason_not_a_crash(shop, modalities):
    samples, _ = read_samples(read_table(shop / "products.csv"), app(), modalities=modalities)
    (shop / "images" / "a.jpg").unlink()
    with pytest.raises(ValueError, match="does not exist"):
        samples.inputs["photo"].cells[0]


def test_a_table_without_a_usable_id_is_refused_even_when_skipping(shop, modalities):
    with pytest.raises(DataError, match="no row with a usable id"):
        read_samples(read_table([{"sku": "", "image": "x"}]), app(), SKIP, modalities=modalities)


def test_training_needs_rows_to_train_on(modalities):
    application = load_application({"inputs": {"t": {"column": "t", "modality": "text"}}, "split": {"column": "part"}})
    samples, _ = read_samples(read_table([{"t": "x", "part": "test"}]), application, modalities=modalities)
    with pytest.raises(DataError, match="leaves no rows to train on: its rows are in test"):
        require_training(samples)
    samples, _ = read_samples(read_table([{"t": "x", "part": "train"}]), application, modalities=modalities)
    require_training(samples)


def test_a_bad_word_in_the_split_column_is_a_bad_row(modalities):
    application = load_application({"inputs": {"t": {"column": "t", "modality": "text"}}, "split": {"column": "part"}})
    table = read_table([{"t": "x", "part": "train"}, {"t": "y", "part": "dev"}])
    assert (
        "row 2, column 'part', 'dev': is no part of a split"
        in problems_of(table, application, modalities=modalities)[0]
    )
    samples, skipped = read_samples(table, application, SKIP, modalities=modalities)
    assert samples.split.tolist() == ["train", ""]
    assert len(skipped) == 1


def test_cells_of_a_large_table_are_made_when_asked_for(shop, modalities):
    count = 100_000
    application = load_application(
        {
            "inputs": {
                "v": {"column": ["a", "b"], "modality": "vector"},
                "photo": {"column": "image", "modality": "image"},
            },
            "split": {"column": "part"},
        }
    )
    columns = {"a": np.arange(count, dtype=np.float64), "b": np.ones(count)}
    columns |= {"image": ["images/a.jpg"] * count, "part": ["train"] * count}
    table = read_table(pa.table(columns), root=shop)
    tracemalloc.start()
    samples, _ = read_samples(table, application, modalities=modalities)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert samples.inputs["v"].cells[99_999] == (99_999.0, 1.0)
    assert samples.inputs["photo"].cells[99_999].path == shop / "images" / "a.jpg"
    assert kept < 150 * count  # an id a row; a Media a row alone would be more


def test_a_listed_problem_prints_in_full(shop, modalities):
    rows = [{"sku": str(n), "image": f"{n}.jpg"} for n in range(25)]
    with pytest.raises(DataError) as caught:
        read_samples(read_table(rows, root=shop), app(), modalities=modalities)
    assert len(caught.value.problems) == 25
    assert f"25 bad rows, in image (25); mend them, or use {SKIP_BAD_ROWS} to take bad cells as missing" in str(
        caught.value
    )
    assert str(caught.value).splitlines()[1:] == [
        "  row 1 (id '0'), column 'image', '0.jpg': does not exist (24 more like it)"
    ]
    assert json.dumps(caught.value.problems[0].value) == '"0.jpg"'
