"""Every key of the application file is live: changing it changes what comes out. A new key needs an entry here."""

from __future__ import annotations

import ast
import copy
import hashlib
import json
import re
import shutil
from pathlib import Path

import pyarrow.parquet as pa_parquet
import pytest
import torch
from safetensors.numpy import load_file
from shop_data import application, orders, recommender, rows, write_csv

import mmsdk
from mmsdk.config import keys

TEXT = {"column": "title", "modality": "text", "encoder": "ngrams"}
PRICE = {"column": "price", "modality": "number"}
BASKETS = {"file": "baskets.csv", "user": "customer", "item": "sku", "separator": ";"}

DAY = {"column": "added", "modality": "date"}
ALIGN = {"align.type": "cca", "align.dim": 1, "inputs.day": DAY}

# key -> dotted changes to the application below
OF_TASKS = {
    "data": {"data": "fewer.csv"},
    "id": {"id": None},
    "inputs": {"inputs": {"text": TEXT}},
    "inputs.NAME.column": {"inputs.text.column": "description"},
    "inputs.NAME.modality": {"inputs.price": {"column": "price", "modality": "category"}},
    "inputs.NAME.encoder": {"inputs.text.encoder": "minilm"},
    "inputs.NAME.options": {"inputs.price.options": {"bins": 3}},
    "tasks": {"tasks": {"made": {"column": "material", "type": "classification"}}},
    "tasks.NAME.column": {"tasks.made.column": "kind"},
    "tasks.NAME.type": {"tasks.made.type": "multilabel"},
    "tasks.NAME.weight": {"tasks.made.weight": 5.0},
    "tasks.NAME.separator": {"tasks.tags.separator": ";"},
    "split": {"split": {"column": "part"}},
    "split.column": {"split.column": "part"},
    "split.group": {"split.group": "line"},
    "split.time": {"split.time": "added"},
    "split.validation": {"split.validation": 0.3},
    "split.test": {"split.test": 0.4},
    "split.seed": {"split.seed": 8},
    "fusion": {"fusion": {"type": "concat", "dim": 12}},
    "fusion.type": {"fusion.type": "concat"},
    "fusion.dim": {"fusion.dim": 13},
    "fusion.members": {"fusion.members": 1},
    "fusion.modality_dropout": {"fusion.modality_dropout": 0.6},
    "fusion.options": {"fusion.options": {"gate_dim": 3}},
    "head": {"head": {"type": "ensemble"}},
    "head.type": {"head.type": "ensemble"},
    "head.options": {"head": {"type": "ensemble", "options": {"members": 3}}},
    "training": {"training": {"epochs": 3}},
    "training.epochs": {"training.epochs": 3},
    "training.batch_size": {"training.batch_size": 2},
    "training.learning_rate": {"training.learning_rate": 0.05},
    "training.weight_decay": {"training.weight_decay": 0.5},
    "training.dropout": {"training.dropout": 0.1},
    "training.label_smoothing": {"training.label_smoothing": 0.4},
    "training.patience": {"training.patience": 1, "training.epochs": 25, "training.learning_rate": 0.05},
    "training.imbalance": {"training.imbalance": "logit_adjustment"},
    "training.focal_gamma": {"training.imbalance": "focal", "training.focal_gamma": 0.5},
    "training.mixup": {"training.mixup": 0.5},
    "training.unimodal": {"training.unimodal": {"text": 0.5}},
    "training.balance": {"training.balance": "pcgrad"},
    "align": {"align": {"type": "cca", "dim": 1}},
    "align.type": {**ALIGN, "align.type": "contrastive"},
    "align.inputs": {**ALIGN, "align.inputs": ["text", "day"]},
    "align.target": {"align.type": "procrustes", "align.target": "price"},
    "align.dim": {**ALIGN, "align.dim": 2},
    "align.options": {**ALIGN, "align.options": {"power": 0}},
    "training.match_loss": {"training.match_loss": "sigmoid", "training.match": 2.0},
    "training.match": {"training.match": 2.0},
    "training.refit": {"training.refit": True, "confidence": {"folds": 2}},
    "training.seed": {"training.seed": 8},
    "precision": {"precision": "fp32"},
}
AGAINST = {
    "training.refit": {"confidence": {"folds": 2}},
    "head.options": {"head.type": "ensemble"},
    "training.match_loss": {"training.match": 2.0},
    "align.target": {"align.type": "procrustes"},
    **dict.fromkeys(("align.type", "align.inputs", "align.dim", "align.options"), ALIGN),
    "interactions.weight": {"interactions.file": "loved.csv"},
    "training.focal_gamma": {"training.imbalance": "focal"},
    "training.patience": {"training.patience": 25, "training.epochs": 25, "training.learning_rate": 0.05},
}
OF_RANKING = {
    "interactions": {"interactions": None},
    "interactions.file": {"interactions.file": "fewer_orders.csv"},
    "interactions.user": {"interactions.user": "household"},
    "interactions.item": {"interactions.item": "other"},
    "interactions.time": {"interactions.time": "at"},
    "interactions.weight": {"interactions.file": "loved.csv", "interactions.weight": "love"},
    "interactions.split": {"interactions.split": "part"},
    "interactions.said": {"interactions.said": "said"},
    "interactions.refit": {"interactions.refit": False},
}
OTHERWISE = {
    "index": "test_the_type_of_the_index",
    "index.type": "test_the_type_of_the_index",
    "interactions.separator": "test_sets_in_a_cell_are_the_pairs_in_them",
    "preset": "test_the_preset_chooses_the_encoder",
    "trust_remote_code": "test_remote_code_is_trusted_only_where_said",
    "training.amp": "test_amp_is_asked_for",
    "training.tensorboard": "test_tensorboard_events_are_written",
}

CHOOSING = "app/test_choosing.py"
STUDIES = "app/test_studies.py"
SURE = "confidence/test_in_a_run.py"
WITHIN = "app/test_within.py"
SEQUENCES, TUNING = "app/test_sequences.py", "tune/test_tuning.py"
RULES = "rules/test_in_an_application.py"
DOOR = "app/test_privacy.py"
STREAM = "stream/test_session.py"
ELSEWHERE = {
    "privacy": (DOOR, "test_what_is_dropped_is_in_no_file_of_the_run"),
    "privacy.drop": (DOOR, "test_what_is_dropped_is_in_no_file_of_the_run"),
    "privacy.number": (DOOR, "test_rows_of_the_index_are_as_they_came_through_the_door"),
    "privacy.cap": (DOOR, "test_rows_of_the_index_are_as_they_came_through_the_door"),
    "privacy.mask": (DOOR, "test_rows_of_the_index_are_as_they_came_through_the_door"),
    "privacy.own": (DOOR, "test_what_a_row_says_of_a_person_is_covered_in_its_text"),
    "privacy.contacts": (DOOR, "test_contacts_are_covered_and_readings_are_not"),
    "notice": (DOOR, "test_the_notice_stands_on_every_page"),
    "fusion.budget": (CHOOSING, "test_the_budget_ends_the_list"),
    "evaluation": (STUDIES, "test_every_key_of_the_evaluation_block_acts"),
    **{
        f"evaluation.{key}": (STUDIES, "test_every_key_of_the_evaluation_block_acts")
        for key in ("slices", "learning_curve", "robustness", "label_noise")
    },
    "search": ("app/test_searching.py", "test_a_search_takes_what_was_best_and_never_less_than_what_was_written"),
    "search.trials": (
        "app/test_searching.py",
        "test_a_search_takes_what_was_best_and_never_less_than_what_was_written",
    ),
    "inputs.NAME.within": (WITHIN, "test_within_takes_the_person_away"),
    "inputs.NAME.decode": (SEQUENCES, "test_options_of_decoding_act"),
    "inputs.NAME.pool": (SEQUENCES, "test_every_key_about_sequences_acts"),
    "inputs.NAME.trainable": (SEQUENCES, "test_only_a_trainable_sees_the_order"),
    "inputs.NAME.trainable.type": (SEQUENCES, "test_only_a_trainable_sees_the_order"),
    "inputs.NAME.trainable.steps": (SEQUENCES, "test_steps_of_a_trainable_act"),
    "inputs.NAME.trainable.options": (SEQUENCES, "test_every_key_about_sequences_acts"),
    "inputs.NAME.tune": (TUNING, "test_tuning_learns_what_frozen_vectors_do_not_say"),
    "tasks.NAME.options": ("app/test_foreign_tasks.py", "test_an_order_and_options_reach_the_task_and_its_run"),
    "tasks.NAME.order": (RULES, "test_every_key_of_a_rule_acts"),
    "rules": (RULES, "test_every_key_of_a_rule_acts"),
    **{
        f"rules[].{key}": (RULES, "test_every_key_of_a_rule_acts")
        for key in (
            "name",
            "when",
            "task",
            "at_least",
            "at_most",
            "always",
            "never",
            "implies",
            "parent",
            "forbid",
        )
    },
    "training.rules": (RULES, "test_rules_teach"),
    **{
        f"stream.{key}": (STREAM, f"test_{test}")
        for test, keys_ in {
            "the_names_of_a_stream_are_checked": ("inputs",),
            "latest": ("inputs.NAME.segment", "missing"),
            "rate_of_a_voice": ("inputs.NAME.rate",),
            "buffer": ("inputs.NAME.buffer",),
            "hang": ("inputs.NAME.hang",),
            "before": ("inputs.NAME.before",),
            "shortest_and_longest": ("inputs.NAME.shortest", "inputs.NAME.longest"),
            "above": ("inputs.NAME.above",),
            "still": ("inputs.NAME.still",),
            "moved_within": ("inputs.NAME.moved_within",),
            "slots": ("slots",),
            "needs": ("slots.NAME.needs",),
            "idle": ("slots.NAME.idle",),
            "least": ("slots.NAME.least",),
            "novelty": ("slots.NAME.novelty",),
            "commands": ("commands", *(f"commands[].{key}" for key in ("name", "when", "slots", "say"))),
            "gap": ("gap",),
            "wait": ("wait",),
            "repeat": ("repeat",),
            "confirm": ("confirm",),
            "sure": ("sure",),
            "without_jitter_nothing_is_waited_for": ("jitter",),
            "data_that_is_too_late_is_dropped_and_counted": ("late",),
            "wake_and_awake": ("wake", "awake"),
            "running": ("running",),
        }.items()
        for key in keys_
    },
    "stream.inputs.NAME.vad": (
        "stream/test_detecting.py",
        "test_the_file_is_seen_from_the_application",
    ),
    "stream.inputs.NAME.likely": ("stream/test_detecting.py", "test_likely"),
    "stream": ("stream/test_session.py", "test_the_names_of_a_stream_are_checked"),
    "inputs.NAME.tune.mode": (TUNING, "test_auto_tunes_where_it_helps_and_not_where_it_does_not"),
    "confidence": (SURE, "test_calibration_acts"),
    "confidence.calibration": (SURE, "test_calibration_acts"),
    "confidence.coverage": (SURE, "test_coverage_and_sets_act"),
    "confidence.sets": (SURE, "test_coverage_and_sets_act"),
    "confidence.by": (SURE, "test_coverage_is_held_within_each_value_of_by"),
    "confidence.source": (SURE, "test_folds_calibrate_on_rows_that_were_learned_from"),
    "confidence.folds": (SURE, "test_folds_calibrate_on_rows_that_were_learned_from"),
    "confidence.novelty": (SURE, "test_rows_of_another_kind_are_novel_and_may_be_declined"),
    "confidence.abstain": (SURE, "test_declining_below_a_confidence"),
    "confidence.abstain.below": (SURE, "test_declining_below_a_confidence"),
    "confidence.abstain.error": (SURE, "test_declining_for_a_share_and_for_an_error"),
    "confidence.abstain.coverage": (SURE, "test_declining_for_a_share_and_for_an_error"),
    "confidence.abstain.novelty": (SURE, "test_rows_of_another_kind_are_novel_and_may_be_declined"),
    **{
        f"inputs.NAME.tune.{key}": (TUNING, "test_every_key_of_tuning_acts")
        for key in ("layers", "rank", "epochs", "learning_rate", "batch_size")
    },
}


@pytest.fixture(scope="session")
def field(shop, tmp_path_factory):
    """The shop with a few more tables."""
    folder = tmp_path_factory.mktemp("live") / "shop"
    shutil.copytree(shop, folder)
    write_csv(folder / "fewer.csv", rows()[:50])
    table = [
        {**order, "other": f"{(int(order['sku']) * 7) % 50:03d}", "household": f"h{int(order['customer'][1:]) // 2}"}
        for order in orders()
    ]
    write_csv(folder / "orders.csv", table)
    write_csv(folder / "fewer_orders.csv", table[:90])
    loved = [{"customer": order["customer"], "sku": order["sku"], "love": "60"} for order in orders()]
    stray = [{"customer": f"c{n % 24:02d}", "sku": f"{(n * 11) % 50:03d}", "love": "1"} for n in range(120)]
    pairs = {(row["customer"], row["sku"]): row for row in [*stray, *loved]}
    write_csv(folder / "loved.csv", list(pairs.values()))
    baskets: dict[str, list[str]] = {}
    for order in table:
        baskets.setdefault(order["customer"], []).append(order["sku"])
    write_csv(folder / "baskets.csv", [{"customer": who, "sku": ";".join(ids)} for who, ids in baskets.items()])
    return folder


@pytest.fixture(autouse=True)
def _only_what_is_learned(monkeypatch):
    """Leave out what no key decides here: long intervals and the drawing of the page."""
    monkeypatch.setattr("mmsdk.app.fitting.RESAMPLES", 5)
    monkeypatch.setattr("mmsdk.app.fitting.render_report", lambda data: data.title)


def changed(app, changes, folder):
    """Return an application with dotted changes."""
    whole = copy.deepcopy(app)
    for key, value in copy.deepcopy(changes).items():
        place = whole
        *parents, last = key.split(".")
        for part in parents:
            place = place.setdefault(part, {})
        place[last] = str(folder / value) if isinstance(value, str) and value.endswith(".csv") else value
    if whole.get("interactions") and not whole["interactions"]["file"].startswith("/"):
        whole["interactions"]["file"] = str(folder / whole["interactions"]["file"])
    return whole


def outcome(app, out):
    """Return a digest of all that was learned, and of how the rows were split and named."""
    mmsdk.fit(app, out=out, quiet=True, overwrite=True).close()
    digest = hashlib.blake2b()
    for name, array in sorted(load_file(out / "model.safetensors").items()):
        digest.update(name.encode() + array.tobytes())
    digest.update(json.dumps(pa_parquet.read_table(out / "splits.parquet").to_pydict()).encode())
    digest.update(json.dumps(json.loads((out / "run.json").read_text(encoding="utf-8"))["training"]["epochs"]).encode())
    return digest.hexdigest()


def of_tasks(folder, changes):
    whole = application(folder)
    tasks = {"made": {"column": "material", "type": "classification"}, "tags": whole["tasks"]["tags"]}
    base = {**whole, "inputs": {"text": TEXT, "price": PRICE}, "tasks": tasks, "training": {"epochs": 2}}
    return changed({**base, "fusion": {"dim": 16}}, changes, folder)


def of_ranking(folder, changes):
    block = {"file": str(folder / "orders.csv"), "user": "customer", "item": "sku"}
    base = recommender(folder, interactions=block, inputs={"text": TEXT, "price": PRICE}, training={"epochs": 1})
    return changed({**base, "fusion": {"dim": 16}}, changes, folder)


@pytest.fixture(scope="session")
def known(tmp_path_factory):
    """Outcomes of the applications that nothing was changed in."""
    return {"folder": tmp_path_factory.mktemp("known")}


def test_every_key_has_its_entry():
    entries = [*OF_TASKS, *OF_RANKING, *OTHERWISE, *ELSEWHERE]
    assert sorted(entries) == sorted(key for key, _ in keys())
    assert all(name in globals() for name in OTHERWISE.values())
    for key, (file, test) in ELSEWHERE.items():
        assert names(source_of(file, test), key), key
    assert not names(source_of(SURE, "test_calibration_acts"), "confidence.by")


def source_of(file, test):
    """Return the source of a test and of the fixtures, functions and values of its file that it uses."""
    tree = ast.parse((Path(__file__).parent / file).read_text(encoding="utf-8"))
    inner = [part for one in tree.body if isinstance(one, ast.ClassDef) for part in one.body]
    parts = {}
    for one in [*tree.body, *inner]:
        if isinstance(one, ast.FunctionDef):
            parts[one.name] = one
        elif isinstance(one, ast.Assign):
            parts |= {target.id: one for target in one.targets if isinstance(target, ast.Name)}
    found, asked = {}, [test]
    while asked:
        name = asked.pop()
        if name in parts and name not in found:
            found[name] = ast.unparse(parts[name])
            asked += [getattr(one, "id", getattr(one, "arg", None)) for one in ast.walk(parts[name])]
    return "\n".join(found.values())


def names(source, key):
    """Return whether the last word of a key stands in a source as a key does: ``'word'``, ``word=``, ``word:``."""
    word = key.rpartition(".")[2]
    return re.search(rf"""["'.]{word}\b|\b{word}[=:]""", source) is not None


def test_a_fit_repeats(field, tmp_path):
    """Without this, a difference would prove nothing."""
    app = of_tasks(field, {})
    assert outcome(app, tmp_path / "a") == outcome(app, tmp_path / "b")


@pytest.mark.parametrize("key", OF_TASKS)
def test_a_key_of_learning_is_live(field, tmp_path, known, key):
    against = json.dumps(AGAINST.get(key, {}))
    if against not in known:
        known[against] = outcome(of_tasks(field, AGAINST.get(key, {})), tmp_path / "base")
    assert outcome(of_tasks(field, OF_TASKS[key]), tmp_path / "run") != known[against]


@pytest.mark.parametrize("key", OF_RANKING)
def test_a_key_of_interactions_is_live(field, tmp_path, known, key):
    against = AGAINST.get(key, {})
    name = f"ranking {against}"
    if name not in known:
        known[name] = outcome(of_ranking(field, against), tmp_path / "base")
    assert outcome(of_ranking(field, OF_RANKING[key]), tmp_path / "run") != known[name]


def test_sets_in_a_cell_are_the_pairs_in_them(field, tmp_path):
    pairs = outcome(of_ranking(field, {}), tmp_path / "pairs")
    assert outcome(of_ranking(field, {"interactions": BASKETS}), tmp_path / "sets") == pairs
    unread = {name: value for name, value in BASKETS.items() if name != "separator"}
    with pytest.raises(mmsdk.DataError, match="no id of the item table"):
        mmsdk.fit(of_ranking(field, {"interactions": unread}), out=tmp_path / "unread", quiet=True)


def test_the_type_of_the_index(field, tmp_path):
    for type_ in ("auto", "hnsw"):
        app = mmsdk.fit(of_tasks(field, {"index": {"type": type_}}), out=tmp_path / type_, quiet=True)
        assert app.index.info()["fused"]["type"] == {"auto": "flat", "hnsw": "hnsw"}[type_]
        app.close()


def test_the_preset_chooses_the_encoder(field, tmp_path):
    with pytest.raises(mmsdk.PluginError, match="no preset named 'nosuch'"):
        mmsdk.fit(of_tasks(field, {"preset": "nosuch"}), out=tmp_path / "run", quiet=True)


@pytest.mark.parametrize("trusted", [False, True])
def test_remote_code_is_trusted_only_where_said(field, tmp_path, monkeypatch, trusted):
    heard = []

    def opened(name, modality, **words):
        heard.append(words["trust_remote_code"])
        raise mmsdk.EncoderError("heard enough")

    monkeypatch.setattr("mmsdk.app.encoders.open_encoder", opened)
    with pytest.raises(mmsdk.EncoderError, match="heard enough"):
        mmsdk.fit(of_tasks(field, {"trust_remote_code": trusted}), out=tmp_path / "run", quiet=True)
    assert heard == [trusted]


@pytest.mark.parametrize("asked", [False, True])
def test_amp_is_asked_for(field, tmp_path, monkeypatch, asked):
    """A CPU never computes in half, whatever is asked; a CUDA device does as asked."""
    heard = []
    real = torch.autocast

    def autocast(device, *words, enabled=True, **more):
        heard.append(enabled)
        return real(device, *words, enabled=enabled, **more)

    monkeypatch.setattr(torch, "autocast", autocast)
    mmsdk.fit(of_tasks(field, {"training.amp": asked}), out=tmp_path / "run", quiet=True).close()
    assert heard
    assert all(one is (asked and torch.cuda.is_available()) for one in heard)


def test_tensorboard_events_are_written(field, tmp_path):
    pytest.importorskip("tensorboard")
    for asked in (False, True):
        run = tmp_path / str(asked)
        mmsdk.fit(of_tasks(field, {"training.tensorboard": asked}), out=run, quiet=True).close()
        assert any(run.rglob("events.out.tfevents.*")) is asked
