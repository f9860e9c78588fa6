"""Bad input, tried: a sentence that says what, where and what to do; exit code 2; nothing lost or half written."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
import time
import zlib

import pytest
from safetensors.numpy import load_file
from shop_data import application, orders, recommender, rows, write_csv

import mmsdk
from mmsdk.cli.shell import run
from mmsdk.config import write_yaml

NO_PAGES = True  # see tests/conftest.py

QUICK = {"epochs": 2, "batch_size": 32}
PHOTO = {"column": "image", "modality": "image"}
TEXT = {"column": "title", "modality": "text", "encoder": "ngrams"}
KIND = {"column": "kind", "type": "classification"}


@pytest.fixture
def here(shop, tmp_path, monkeypatch):
    """A copy of the shop to spoil, and the working directory."""
    shutil.copytree(shop, tmp_path / "shop")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "shop"


def write_app(here, **changed):
    """Write an application of photo, title and price that tells the kind."""
    whole = application(here, training=QUICK)
    inputs = {"photo": PHOTO, "text": TEXT, "price": {"column": "price", "modality": "number"}}
    app = {**whole, "inputs": inputs, "tasks": {"kind": KIND}, **changed}
    (here / "app.yaml").write_text(write_yaml(app), encoding="utf-8")
    return str(here / "app.yaml")


def spoil(here, number, **cells):
    """Change cells of one row of the items."""
    table = rows()
    table[number].update(cells)
    write_csv(here / "items.csv", table)


def refused(capsys, *arguments, out="run"):
    """Run a command that the user has to mend; return its sentence."""
    capsys.readouterr()
    assert run([*arguments, "--quiet", *(["--out", out] if out else [])]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("Error: ")
    assert "Traceback" not in said.err
    if out:
        assert not os.path.lexists(out)
    return said.err


def says(text, *words):
    for word in words:
        assert word in text, text


def test_an_unknown_key(here, capsys):
    app = write_app(here, inputs={"photo": {"colum": "image", "modality": "image"}})
    says(refused(capsys, "fit", app), "app.yaml", "inputs.photo", "'colum'", "Did you mean 'column'?")


def test_an_unknown_encoder(here, capsys):
    app = write_app(here, inputs={"text": {**TEXT, "encoder": "minilmm"}})
    says(refused(capsys, "fit", app), "no encoder named 'minilmm'", "Did you mean 'minilm'?", "ngrams")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fusion": {"type": "gatedd"}}, ("no fusion named 'gatedd'", "Did you mean 'gated'?")),
        ({"index": {"type": "flatt"}}, ("no index type named 'flatt'", "Did you mean 'flat'?")),
        ({"preset": "builtinn"}, ("no preset named 'builtinn'", "Did you mean 'builtin'?")),
        ({"preset": "builtinn", "inputs": {"text": TEXT}}, ("no preset named 'builtinn'",)),
        (
            {"tasks": {"kind": {"column": "kind", "type": "classify"}}},
            ("no task type named 'classify'", "classification"),
        ),
        ({"inputs": {"photo": {"column": "image", "modality": "picture"}}}, ("no modality named 'picture'", "image")),
        ({"inputs": {"text": {**TEXT, "modality": "txt"}}}, ("no modality named 'txt'", "Did you mean 'text'?")),
        ({"inputs": {"text": {**TEXT, "options": {"dims": 3}}}}, ("ngrams", "dims")),
        ({"fusion": {"type": "gated", "options": {"heads": 3}}}, ("GatedFusion", "heads")),
        ({"inputs": {"text": {**TEXT, "encoder": "transfomers:x"}}}, ("transfomers", "transformers")),
        ({"inputs": {"text": {**TEXT, "encoder": "onnx:/nowhere/a.onnx"}}}, ("/nowhere/a.onnx",)),
        ({"id": "skuu"}, ("skuu", "Did you mean 'sku'?")),
        ({"split": {"column": "sku"}}, ("'sku'", "train")),
        ({"split": {"group": "lines"}}, ("lines", "Did you mean 'line'?")),
        ({"tasks": {"grade": {"column": "description", "type": "regression"}}}, ("description", "number")),
        ({"tasks": {"price": {"column": "price", "type": "regression"}}}, ("answer of task 'price'", "ignore")),
        ({"data": "nowhere.csv"}, ("nowhere.csv", "no such file")),
        ({"interactions": {"file": "nowhere.csv", "user": "a", "item": "b"}}, ("nowhere.csv", "no such file")),
    ],
)
def test_a_word_that_means_nothing_here(here, capsys, change, words):
    says(refused(capsys, "fit", write_app(here, **change)), *words)


def test_missing_files_are_named_all_at_once(here, capsys):
    app = write_app(here)
    for number in (3, 7):
        (here / f"photos/00{number}.png").unlink()
    spoil(here, 11, image="photos/nine.png")
    said = refused(capsys, "fit", app)
    says(said, "items.csv: 3 bad rows", "row 4 (id '003'), column 'image', 'photos/003.png': does not exist")
    says(said, "row 8", "row 12", "'photos/nine.png'", "--on-bad-row skip", "counted without the header")


def test_missing_files_can_be_passed_over_and_are_counted(here, capsys):
    app = write_app(here)
    for number in range(3):
        (here / f"photos/00{number}.png").unlink()
    assert run(["fit", app, "--out", "run", "--on-bad-row", "skip", "--quiet"]) == 0
    found = (here.parent / "run/card.md").read_text(encoding="utf-8").partition("## The data")[2]
    assert "3 " in next(line for line in found.splitlines() if "missing" in line)


def test_cells_that_cannot_be_read_are_told_with_the_files_that_are_not_there(here, capsys):
    app = write_app(here)
    spoil(here, 2, price="3.5万")
    (here / "photos/001.png").unlink()
    said = refused(capsys, "fit", app)
    says(said, "items.csv: 2 bad rows, in price (1), image (1)", "row 2", "does not exist", "row 3", "without '万'")


def test_what_is_passed_over_is_said_of_each_command(here, capsys):
    app = write_app(here)
    (here / "photos/001.png").unlink()
    (here / "photos/002.png").write_bytes(b"no picture")
    spoil(here, 2, price="n/a")
    said = "3 bad cells in 2 rows taken as missing: image (2), price (1)"
    skip, items = ["--on-bad-row", "skip"], str(here / "items.csv")
    for words in (
        ["fit", app, "--out", "run", *skip],
        ["predict", "run", items, "--out", "answers.csv", *skip],
        ["evaluate", "run", items, *skip],
    ):
        capsys.readouterr()
        run(words)
        assert said in capsys.readouterr().err, words[0]
    with mmsdk.load("run", on_bad_row="skip", quiet=True) as loaded:
        loaded.predict([{"price": "n/a"}])
    assert capsys.readouterr().err == ""


def test_a_truncated_jpeg(here, capsys):
    from PIL import Image

    Image.open(here / "photos/002.png").resize((200, 200)).save(here / "photos/002.jpg", quality=95)
    whole = (here / "photos/002.jpg").read_bytes()
    (here / "photos/002.jpg").write_bytes(whole[: len(whole) // 2])
    app = write_app(here)
    spoil(here, 2, image="photos/002.jpg")
    says(
        refused(capsys, "fit", app),
        "row 3 (id '002'), column 'image', 'photos/002.jpg'",
        "truncated",
        "--on-bad-row skip",
    )
    assert run(["fit", app, "--out", "run", "--on-bad-row", "skip", "--quiet"]) == 0


def bomb(path, side=30_000):
    """Write a small PNG that really holds side x side pixels."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    packer = zlib.compressobj(9)
    line = bytes(1 + side // 8)
    body = b"".join(packer.compress(line) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b""))


def test_a_picture_of_nine_hundred_million_pixels(here, capsys):
    bomb(here / "photos/004.png")
    assert (here / "photos/004.png").stat().st_size < 1_000_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    says(refused(capsys, "fit", write_app(here)), "row 5 (id '004')", "'photos/004.png'", "pixels", "make it smaller")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # kB: it was not decoded


@pytest.mark.parametrize("path", ["../../../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "photos/link"])
def test_a_path_that_leaves_the_folder(here, capsys, path):
    (here / "photos/link").symlink_to("/etc/passwd")
    spoil(here, 5, image=path)
    says(refused(capsys, "fit", write_app(here)), "row 6 (id '005')", path, "outside", "--allow-outside")


@pytest.mark.parametrize("path", ["http://127.0.0.1:9/a.png", "s3://bucket/a.png"])
def test_a_remote_address(here, capsys, path):
    spoil(here, 5, image=path)
    says(refused(capsys, "fit", write_app(here)), path, "--allow-remote")


def test_a_label_seen_only_in_test(here, capsys):
    table = rows()
    table[4]["kind"] = "sofa"  # row 5 is of part test
    write_csv(here / "items.csv", table)
    app = write_app(here, split={"column": "part"})
    says(refused(capsys, "fit", app), "row 5", "'sofa'", "train")
    assert run(["fit", app, "--out", "run", "--on-bad-row", "skip", "--quiet"]) == 0


def test_one_class_only(here, capsys):
    write_csv(here / "items.csv", [{**row, "kind": "lamp"} for row in rows()])
    says(refused(capsys, "fit", write_app(here)), "tasks.kind", "'lamp'", "two")


def test_labels_that_are_all_empty(here, capsys):
    write_csv(here / "items.csv", [{**row, "kind": ""} for row in rows()])
    says(refused(capsys, "fit", write_app(here)), "kind", "label")


@pytest.mark.parametrize("text", ["", "sku,image,title,price,kind\n", "\n\n"])
def test_an_empty_table(here, capsys, text):
    (here / "items.csv").write_text(text, encoding="utf-8")
    says(refused(capsys, "fit", write_app(here)), "items.csv", "no rows" if "sku" in text else "empty")


def test_an_empty_application(here, capsys):
    (here / "app.yaml").write_text("", encoding="utf-8")
    says(refused(capsys, "fit", str(here / "app.yaml")), "app.yaml")


def test_no_rows_to_train_on(here, capsys):
    write_csv(here / "items.csv", [{**row, "part": "test"} for row in rows()])
    says(refused(capsys, "fit", write_app(here, split={"column": "part"})), "train")


def test_duplicate_ids(here, capsys):
    spoil(here, 9, sku="003")
    says(refused(capsys, "fit", write_app(here)), "row 10", "'003'", "stands already in row 4", "unique")


@pytest.mark.parametrize("cell", ["nan", "inf", "-Infinity", "1e999", "twelve"])
def test_a_number_that_is_none(here, capsys, cell):
    spoil(here, 1, price=cell)
    said = refused(capsys, "fit", write_app(here))
    says(said, "row 2 (id '001')", "'price'", cell, "number")


def test_a_number_that_is_none_in_use(tasks_app):
    for cell in (float("inf"), "nan", "1e999"):
        with pytest.raises(mmsdk.DataError, match="price"):
            tasks_app.predict([{"price": cell}])
    assert tasks_app.predict([{"price": float("nan")}])[0].modalities_used == ()  # as pandas says that it is missing


def test_a_target_that_is_no_number(here, capsys):
    spoil(here, 1, grade="inf")
    app = write_app(here, tasks={"grade": {"column": "grade", "type": "regression"}})
    says(refused(capsys, "fit", app), "row 2", "grade", "inf")


def test_an_interaction_with_an_unknown_item(here, capsys):
    table = orders()
    table[6]["sku"] = "999"
    write_csv(here / "orders.csv", table)
    app = write_app(here, tasks={}, interactions=recommender(here)["interactions"])
    says(
        refused(capsys, "fit", app),
        "orders.csv: 1 bad row",
        "row 7",
        "'999'",
        "no id of the item table",
        "--on-bad-row skip",
        "counted without the header",
    )


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"customer": ""}, ("row 3", "customer", "is empty")),
        ({"at": "yesterday"}, ("row 3", "'at'", "yesterday")),
        ({"quantity": "-2"}, ("row 3", "quantity", "above 0")),
        ({"quantity": "nan"}, ("row 3", "quantity", "above 0")),
    ],
)
def test_an_interaction_that_cannot_be_read(here, capsys, cells, words):
    table = orders()
    table[2].update(cells)
    write_csv(here / "orders.csv", table)
    block = {**recommender(here)["interactions"], "weight": "quantity"}
    says(refused(capsys, "fit", write_app(here, tasks={}, interactions=block)), *words)


def test_labels_are_looked_at_before_anything_is_embedded(here, capsys, monkeypatch):
    def embed(*_):
        raise AssertionError("embedded before the labels were read")

    monkeypatch.setattr("mmsdk.app.pipeline.Pipeline.embed", embed)
    spoil(here, 3, price="many")
    app = write_app(here, tasks={"cost": {"column": "price", "type": "regression"}}, inputs={"photo": PHOTO})
    says(refused(capsys, "fit", app), "003", "price", "many")


@pytest.mark.parametrize("words", [("fit",), ("fit", "--dry-run")])
@pytest.mark.parametrize(
    ("block", "said"), [({"file": "nowhere.csv"}, "nowhere.csv"), ({"user": "custmer"}, "Did you mean 'customer'?")]
)
def test_interactions_are_looked_at_before_anything_is_embedded(here, capsys, monkeypatch, words, block, said):
    def embed(*_):
        raise AssertionError("embedded before the interactions were read")

    monkeypatch.setattr("mmsdk.app.pipeline.Pipeline.embed", embed)
    app = write_app(here, tasks={}, interactions={**recommender(here)["interactions"], **block})
    says(refused(capsys, *words, app), said)


def test_no_interaction_at_all(here, capsys):
    (here / "orders.csv").write_text("customer,sku,at\n", encoding="utf-8")
    app = write_app(here, tasks={}, interactions=recommender(here)["interactions"])
    says(refused(capsys, "fit", app), "orders.csv")


def test_interactions_of_one_user_with_one_item_each(here, capsys):
    write_csv(here / "orders.csv", [{"customer": f"c{n}", "sku": f"{n:03d}", "at": "2026-01-01"} for n in range(9)])
    app = write_app(here, tasks={}, interactions=recommender(here)["interactions"])
    said = refused(capsys, "fit", app)
    says(said, "user")


def test_files_that_are_no_tables(here, capsys):
    (here / "items.csv").write_bytes((here / "photos/000.png").read_bytes())
    says(refused(capsys, "fit", write_app(here)), "items.csv")
    shutil.copy(here / "photos/000.png", here / "items.parquet")
    says(refused(capsys, "fit", write_app(here, data="items.parquet")), "items.parquet")
    says(refused(capsys, "fit", write_app(here, data="photos")), "photos")


def test_a_place_that_cannot_be_written(here, capsys):
    (here.parent / "file").write_text("x", encoding="utf-8")
    said = refused(capsys, "fit", write_app(here), out="file/run")
    says(said, "file")


# -- what stops a fit half way ---------------------------------------------------------------------------------------

FIT = """
import os, resource, signal, sys, threading
from mmsdk.app import fitting
from mmsdk.cli.shell import main
fitting.RESAMPLES = 20
limit = int(os.environ.get("FILE_LIMIT", 0))
if limit:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
main(sys.argv[1:])
"""
SLOW = {"epochs": 60, "batch_size": 8, "patience": 60, "learning_rate": 0.0005}


def start(here, *arguments, **environment):
    """Start a command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", FIT, *arguments],
        cwd=here.parent,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def stopped_while_training(here, how, *arguments):
    """Start a fit and stop it after its first checkpoint; return its exit code and stderr."""
    process = start(here, *arguments)
    checkpoint = here.parent / "run.partial/checkpoint/checkpoint.safetensors"
    deadline = time.monotonic() + 120
    while not checkpoint.is_file() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert checkpoint.is_file(), process.communicate()[1]
    process.send_signal(how)
    code = process.wait(60)
    said = process.communicate()[1]
    return code, said


def arrays(run):
    return {name: array.tobytes() for name, array in load_file(run / "model.safetensors").items()}


def whole_run(run):
    """Return what two runs of the same words share to the byte."""
    return arrays(run), (run / "metrics.json").read_bytes()


@pytest.fixture(scope="module")
def never_stopped():
    """The run of the slow application that nobody stopped, once it is there."""
    return []


def slow_app(here):
    return write_app(here, inputs={"text": TEXT, "price": {"column": "price", "modality": "number"}}, training=SLOW)


@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_a_fit_that_is_stopped_goes_on_and_ends_the_same(here, capsys, never_stopped, how, code):
    app = slow_app(here)
    found, said = stopped_while_training(here, how, "fit", app, "--out", "run")
    assert found == code
    assert not (here.parent / "run").exists()
    if how == signal.SIGINT:
        says(said, "Interrupted. The same command resumes")
        assert "Traceback" not in said
    assert run(["fit", app, "--out", "run"]) == 0
    said = capsys.readouterr().err
    assert "resum" in said or "going on" in said, said
    assert not (here.parent / "run.partial").exists()
    if not never_stopped:
        assert run(["fit", app, "--out", "whole", "--quiet"]) == 0
        never_stopped.append(whole_run(here.parent / "whole"))
    assert whole_run(here.parent / "run") == never_stopped[0]
    assert not (here.parent / "run/checkpoint").exists()


def test_what_a_stopped_fit_left_is_not_taken_for_another(here, capsys):
    app = slow_app(here)
    stopped_while_training(here, signal.SIGKILL, "fit", app, "--out", "run")
    other = write_app(here, inputs={"price": {"column": "price", "modality": "number"}})
    assert run(["fit", other, "--out", "run", "--quiet"]) == 0
    assert run(["fit", other, "--out", "clean", "--quiet"]) == 0
    assert arrays(here.parent / "run") == arrays(here.parent / "clean")


def test_a_stopped_overwrite_leaves_the_old_run_whole(here):
    assert run(["fit", write_app(here), "--out", "run", "--quiet"]) == 0
    before = arrays(here.parent / "run")
    stopped_while_training(here, signal.SIGKILL, "fit", slow_app(here), "--out", "run", "--overwrite")
    assert arrays(here.parent / "run") == before
    mmsdk.load(here.parent / "run", quiet=True).close()


@pytest.mark.parametrize("limit", [2_000, 60_000])
def test_a_disk_that_fills(here, limit):
    """Writing fails wherever the limit bites first: the cache, a checkpoint, the model, the index."""
    app = write_app(here)
    process = start(here, "fit", app, "--out", "run", "--quiet", FILE_LIMIT=str(limit))
    out, said = process.communicate(timeout=120)
    assert process.returncode == 2, said
    assert out == ""
    assert said.startswith("Error: ")
    assert "Traceback" not in said
    assert len(said.strip().splitlines()) == 1
    assert not (here.parent / "run").exists()
    assert run(["fit", app, "--out", "run", "--quiet"]) == 0  # with room again, it goes on


def test_an_overwrite_on_a_full_disk_leaves_the_old_run_whole(here):
    app = write_app(here)
    assert run(["fit", app, "--out", "run", "--quiet"]) == 0
    before = arrays(here.parent / "run")
    process = start(here, "fit", app, "--out", "run", "--overwrite", "--quiet", "--seed", "9", FILE_LIMIT="30000")
    assert process.wait(120) == 2
    process.communicate()
    assert arrays(here.parent / "run") == before
    app_again = mmsdk.load(here.parent / "run", quiet=True)
    assert app_again.search({"text": "lamp"}, k=1)
    app_again.close()


def test_errors_carry_every_problem_to_python(here):
    for number in range(5):
        (here / f"photos/00{number}.png").unlink()
    with pytest.raises(mmsdk.DataError) as caught:
        mmsdk.fit(write_app(here), out=here.parent / "run", quiet=True)
    assert [problem.row for problem in caught.value.problems] == [1, 2, 3, 4, 5]
    assert all(problem.column == "image" and problem.id for problem in caught.value.problems)
    assert json.dumps([str(problem) for problem in caught.value.problems])


def test_a_vector_of_another_length_is_a_bad_row_and_no_end_of_the_batch(tmp_path):
    table = [{"sku": f"v{n}", "pose": [n % 2, 1.0, 0.5 * n], "kind": "ab"[n % 2]} for n in range(40)]
    table[0]["pose"] = [1.0, 2.0]  # the first row says nothing about the length of the others
    app = {"id": "sku", "inputs": {"pose": {"column": "pose", "modality": "vector"}}, "tasks": {"kind": KIND}}
    app |= {"training": QUICK}
    with pytest.raises(mmsdk.DataError) as caught:
        mmsdk.fit(app, table, tmp_path / "run", quiet=True)
    assert [(one.row, one.id, one.reason) for one in caught.value.problems] == [
        (1, "v0", "holds 2 numbers, where 3 are expected")
    ]
    mmsdk.fit(app, table, tmp_path / "run", quiet=True, on_bad_row="skip").close()
    asked = [{"pose": [1, 1, 3]}, {"pose": [1, 1, 3, 4]}]
    with mmsdk.load(tmp_path / "run", quiet=True, on_bad_row="skip") as loaded:
        assert [one.modalities_used for one in loaded.predict(asked)] == [("pose",), ()]
    with mmsdk.load(tmp_path / "run", quiet=True) as loaded, pytest.raises(mmsdk.DataError, match="1 bad row, in pose"):
        loaded.predict(asked)
