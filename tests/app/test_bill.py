"""The bill: what is fetched, how long, how much, input by input and in all; nothing is fetched or left behind."""

from __future__ import annotations

import csv
import shutil

import pytest
from far_plugin import far
from shop_data import application, write_csv

from mmsdk.app.bill import make_bill
from mmsdk.app.encoders import chosen
from mmsdk.app.probing import Probe, Probed, probe
from mmsdk.app.pulling import pull
from mmsdk.app.resolving import resolve_application
from mmsdk.config import load_application
from mmsdk.errors import DataError, PluginError

__all__ = ["far"]
pytestmark = pytest.mark.usefixtures("far")

ROWS = 60


def app(shop, inputs, **more):
    """Return an application over the shop's table."""
    return load_application({"data": str(shop / "items.csv"), "id": "sku", "inputs": inputs, **more})


def text(encoder, **more):
    return {"column": "title", "modality": "text", "encoder": encoder, **more}


def everything(folder):
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*")}


@pytest.fixture(scope="module")
def bill_of_some(far, shop, tmp_path_factory):
    """Return the bill of four inputs: to fetch twice, here, built in; and what it left in the caches."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("home")
        patch.setenv("MMSDK_CACHE_DIR", str(home))
        pull("far-steps")
        inputs = {
            "far": text("far-words"),
            "again": {"column": "description", "modality": "text", "encoder": "far-words"},
            "steps": text("far:org/steps"),
            "nowhere": text("far:/no/such/folder"),
            "price": {"column": "price", "modality": "number"},
        }
        (home / "models" / "far-steps").rename(home / "models" / "org--steps")
        before = everything(home)
        bill = make_bill(app(shop, inputs), device="cpu")
        return bill, everything(home) == before


@pytest.fixture
def _here(monkeypatch):
    """Probe in this process: that the other one is apart is seen by ``bill_of_some``."""
    monkeypatch.setattr("mmsdk.app.bill.probe_apart", probe)


def test_a_model_that_is_not_here(bill_of_some):
    one = bill_of_some[0].inputs["far"]
    assert (one.encoder, one.plugin, one.licence) == ("far-words", "mmsdk-far 0.1.0", "MIT")
    assert (one.model, one.revision, one.folder) == ("far:org/words@v1", "v1", None)
    assert (one.dim, one.fetch, one.rows, one.timed) == (3, 1_000_000, ROWS, 0)
    assert (one.seconds, one.memory, one.reason) == (None, 1_000_000, "unknown until fetched")
    assert one.cache == ROWS * (3 * 2 + 100)


def test_a_model_that_is_here_is_tried(bill_of_some):
    one = bill_of_some[0].inputs["steps"]
    assert one.fetch == 0
    assert one.folder.name == "org--steps"
    assert (one.revision, one.licence) == ("abc123", "CC-BY-4.0")  # of its manifest
    assert (one.timed, one.rows, one.dim) == (ROWS, ROWS, 3)
    assert one.seconds > 0
    assert one.reason == ""


def test_a_fitted_encoder_is_tried_and_not_cached(bill_of_some):
    one = bill_of_some[0].inputs["price"]
    assert (one.encoder, one.model, one.fetch, one.cache) == ("quantile", "", 0, 0)
    assert one.timed == ROWS
    assert one.dim > 1


def test_in_all(bill_of_some):
    bill, untouched = bill_of_some
    assert untouched
    assert bill.rows == ROWS
    assert bill.device == "cpu"
    assert bill.fetch == 1_000_000  # two inputs share the model
    assert bill.seconds == sum(one.seconds for one in bill.inputs.values() if one.seconds)
    assert bill.cache == 3 * ROWS * (3 * 2 + 100)
    assert bill.memory > 100 * 2**20  # a process with numpy in it
    assert bill.unknown == {"seconds": ("far", "again", "nowhere"), "memory": ("nowhere",), "cache": ("nowhere",)}


def test_without_a_table_rows_and_times_are_unknown(shop):
    bill = make_bill(app(shop, {"far": text("far-words")}).model_copy(update={"data": None}))
    one = bill.inputs["far"]
    assert (bill.rows, one.rows, one.seconds, one.cache) == (None, None, None, None)
    assert one.reason == "no table is named"
    assert bill.fetch == 1_000_000


def test_precision_pool_and_trainable_change_the_disk(shop, monkeypatch):
    counted = Probed(rows=10, device="cpu", memory=1, inputs={"far": Probe(present=10)})
    monkeypatch.setattr("mmsdk.app.bill.probe_apart", lambda *_, **__: counted)

    def cache(precision="fp16", **more):
        return make_bill(app(shop, {"far": text("far-steps", **more)}, precision=precision)).cache

    assert cache() == 10 * (3 * 2 + 100)
    assert cache("fp32") == 10 * (3 * 4 + 100)
    assert cache(pool="mean-std") == 10 * (6 * 2 + 100)
    assert cache(trainable={"type": "tcn", "steps": 4}) > 10 * (4 * 3 * 2 + 100)


def test_a_model_nobody_describes_has_an_unknown_size(shop):
    bill = make_bill(app(shop, {"far": text("far:some/model")}).model_copy(update={"data": None}))
    one = bill.inputs["far"]
    assert (one.fetch, one.licence, one.dim, one.memory) == (None, "", None, None)
    assert bill.unknown["fetch"] == ("far",)


def test_a_folder_that_is_not_there_is_not_to_be_fetched(bill_of_some):
    one = bill_of_some[0].inputs["nowhere"]
    assert (one.fetch, one.seconds, one.timed) == (0, None, 0)
    assert one.reason == "far:/no/such/folder is not here"
    assert bill_of_some[0].refused == {"nowhere": "far:/no/such/folder is not here"}


def test_an_encoder_around_another_costs_what_that_one_costs(shop):
    one = make_bill(app(shop, {"far": text("around:far-words")}).model_copy(update={"data": None})).inputs["far"]
    assert (one.encoder, one.licence, one.fetch) == ("around:far-words", "MIT", 1_000_000)


@pytest.mark.usefixtures("_here")
def test_a_table_that_a_fit_would_refuse_is_refused(shop, tmp_path):
    table = tmp_path / "items.csv"
    shutil.copy(shop / "items.csv", table)  # without its photos
    config = {"data": str(table), "inputs": {"image": {"column": "image", "modality": "image"}}}
    with pytest.raises(DataError, match="does not exist"):
        make_bill(load_application(config))
    bill = make_bill(load_application(config), on_bad_row="skip")
    assert (bill.inputs["image"].rows, bill.seconds, bill.unknown) == (0, 0.0, {})


@pytest.mark.usefixtures("_here")
def test_paths_outside_want_leave(shop, tmp_path):
    table = tmp_path / "items.csv"
    with (shop / "items.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))[:3]
    write_csv(table, [{**row, "image": str(shop / row["image"])} for row in rows])
    config = load_application({"data": str(table), "inputs": {"image": {"column": "image", "modality": "image"}}})
    with pytest.raises(DataError):
        make_bill(config)
    assert make_bill(config, allow_outside=True).inputs["image"].timed == 3


def test_seed_and_table_of_the_command_line(shop, tmp_path):
    other = tmp_path / "other.csv"
    other.write_text("price\n1\n", encoding="utf-8")
    found = resolve_application(application(shop), data=str(other), seed=7)
    assert found.data == str(other)
    assert found.split.seed == found.training.seed == 7
    assert resolve_application(application(shop), seed=7, overrides={"split.seed": 3}).split.seed == 3


def test_a_preset_passes_over_what_is_not_installed_and_nothing_else(shop):
    assert chosen(("nobody", "lacking", "nowhere:at/all", "far-words", "ngrams")) == "far-words"
    assert chosen(("nobody", "lacking")) == "lacking"
    bill = make_bill(app(shop, {"far": text(None)}, preset="far").model_copy(update={"data": None}))
    assert bill.inputs["far"].encoder == "far-words"
    import mmsdk

    with pytest.raises(mmsdk.EncoderError, match="far:org/words@v1 is not here"):
        mmsdk.fit(app(shop, {"far": text(None)}, preset="far"), quiet=True)
    with pytest.raises(PluginError, match="no preset named 'near'"):
        make_bill(app(shop, {"far": text(None)}, preset="near"))


def test_files_that_lie_elsewhere_are_not_fetched_for_a_plan_and_refuse_nothing(shop, tmp_path, monkeypatch):
    monkeypatch.setattr("mmsdk.app.bill.probe_apart", probe)
    path = tmp_path / "far.csv"
    path.write_text("id,photo\n" + "".join(f"{n},https://far.example/{n}.png\n" for n in range(9)), encoding="utf-8")
    given = {"data": str(path), "id": "id", "inputs": {"photo": {"column": "photo", "modality": "image"}}}
    bill = make_bill(load_application({**given, "fusion": {"type": "concat"}}), device="cpu", allow_remote=True)
    assert bill.inputs["photo"].reason == "none of the rows tried could be encoded"
    assert bill.refused == {}
