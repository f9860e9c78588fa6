"""A run's confidence: fitted, saved, loaded, asked by any subset; every key of the block acts."""

from __future__ import annotations

import copy
import dataclasses
import functools
import json
import threading
from types import SimpleNamespace

import jsonschema
import numpy as np
import pyarrow.parquet as pa_parquet
import pytest

import mmsdk
from mmsdk.app import confiding, fitting
from mmsdk.app.application import App
from mmsdk.app.predictions import prediction_table
from mmsdk.cli.figures import print_metrics
from mmsdk.config.confidence import ConfidenceConfig
from mmsdk.config.inputs import SplitConfig
from mmsdk.evaluate import Scoring, metrics_schema
from mmsdk.model import infer
from mmsdk.report.confidence import confidence_panel
from mmsdk.train.settling import settled_numbers

N = 420
KINDS = ("a", "b", "c")


def table(rows: int = N, seed: int = 0) -> list[dict]:
    """Return rows where two vectors tell the kind by and by, and the site decides how well."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(2, 3, 4))
    found = []
    for number in range(rows):
        kind, site = int(random.integers(3)), ("north", "south")[number % 2]
        noise = 0.6 if site == "north" else 2.0
        left, right = (centres[side, kind] + noise * random.normal(size=4) for side in range(2))
        found.append(
            {
                "id": f"r{number}",
                "left": left.tolist(),
                "right": None if number % 10 == 0 else right.tolist(),
                "kind": KINDS[kind],
                "tags": "|".join({KINDS[kind], KINDS[int(random.integers(3))]}),
                "size": kind * 3 + float(random.normal()) * noise,
                "site": site,
                "person": f"p{number // 6}",
            }
        )
    return found


def application(**confidence) -> dict:
    return {
        "id": "id",
        "inputs": {name: {"column": name, "modality": "vector"} for name in ("left", "right")},
        "tasks": {
            "kind": {"column": "kind", "type": "classification"},
            "tags": {"column": "tags", "type": "multilabel"},
            "size": {"column": "size", "type": "regression"},
        },
        "split": {"validation": 0.3, "test": 0.3},
        "fusion": {"dim": 16},
        "training": {"epochs": 5, "learning_rate": 0.01},
        "confidence": {"source": "validation", **confidence},
    }


class Run:
    """A fitted application, its draft, and what came of them with one block of confidence."""

    def __init__(self, app, draft):
        self.app, self.draft, self.out = app, draft, app.folder

    @functools.cached_property
    def answers(self):
        return self.app.predict(asked())

    @functools.cached_property
    def metrics(self):
        self.draft.confidence = self.app.confidence
        return json.loads(json.dumps(fitting._metrics(self.draft)))

    def with_block(self, **block) -> Run:
        """Calibrate the same network by another block."""
        application = self.draft.application.model_copy(update={"confidence": ConfidenceConfig(**block)})
        pipeline, app = copy.copy(self.app.pipeline), self.app
        pipeline.application = application
        draft = dataclasses.replace(self.draft, application=application, pipeline=pipeline)
        return Run(App(app.folder, app.document, pipeline, app.tasks, None, fitting.confide(draft)), draft)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a function that gives the run with a block: fitted once, calibrated as often as there are blocks."""
    folder = tmp_path_factory.mktemp("confidence")
    known: dict[str, Run] = {}
    drafts = []
    confide = fitting.confide

    def noted(draft):
        drafts.append(draft)
        return confide(draft)

    def fit(changed: dict | None = None, **block) -> Run:
        key = json.dumps([changed, block], sort_keys=True)
        if key in known:
            return known[key]
        if changed is None and block:
            known[key] = fit().with_block(**{"source": "validation", **block})
            return known[key]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(fitting, "confide", noted)
            out = folder / str(len(known))
            app = mmsdk.fit({**application(**block), **(changed or {})}, table(), out, quiet=True)
        known[key] = Run(app, drafts[-1])
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMSDK_CACHE_DIR", str(folder / "cache"))
        patch.setattr("mmsdk.app.fitting.RESAMPLES", 20)
        patch.setattr(fitting, "Scoring", functools.partial(Scoring, resamples_beside=5, baselines=False))
        patch.setattr(fitting, "render_report", lambda data: data.title)
        yield fit
        for one in known.values():
            one.app.close()


def asked() -> list[dict]:
    """Return new rows, some with one input, some with none."""
    rows = [{name: row[name] for name in ("left", "right", "site")} for row in table(60, 7)]
    return [*rows, *({**row, "left": None} for row in rows[:9]), {"left": None, "right": None, "site": "north"}]


def outputs(run, task="kind"):
    return [one.outputs[task] for one in run.answers]


def test_an_answer_holds_what_the_contract_says(made):
    for answer in made().answers:
        kind, tags, size = (answer.outputs[name] for name in ("kind", "tags", "size"))
        assert kind.value in kind.prediction_set
        assert list(kind.prediction_set) == sorted(kind.prediction_set, key=lambda one: -kind.probabilities[one])
        assert set(tags.value) <= set(tags.prediction_set)
        low, high = size.prediction_set
        assert low < size.value < high
        assert size.confidence is None
        assert kind.confidence == kind.probabilities[kind.value]
        assert 0.0 <= kind.novelty <= 1.0
        assert not kind.abstained


def test_a_loaded_run_answers_the_same(made):
    run = made()
    again = mmsdk.load(run.out, quiet=True)
    assert again.predict(asked()) == run.answers
    again.close()


def test_threads_share_it(made):
    run, found = made(), {}

    def ask(number):
        found[number] = run.app.predict(asked())

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(found[number] == run.answers for number in range(4))


def test_each_subset_has_a_judge_that_knows_less(made):
    run = made()
    judges = run.app.confidence.tasks["kind"].judges
    assert set(judges) == {(), ("left",), ("right",), ("left", "right")}
    assert judges["left", "right"].rows < judges["left",].rows  # some rows lack the right one
    whole, alone, nothing = run.answers[0:60], run.answers[60:69], run.answers[69]
    size = [np.mean([len(one.outputs["kind"].prediction_set) for one in part]) for part in (whole, alone)]
    assert size[0] < size[1]
    assert len(nothing.outputs["kind"].prediction_set) == 3


def test_the_figures_are_those_of_calibrated_answers_and_keep_to_the_schema(made):
    run = made(calibration="temperature")
    jsonschema.Draft202012Validator(metrics_schema()).validate(run.metrics)
    found = run.metrics["kind"]["confidence"]
    assert found["method"] == "temperature"
    assert found["raw"]["log_loss"]["value"] != run.metrics["kind"]["test"]["log_loss"]["value"]
    plain = made(calibration="none").metrics["kind"]
    assert plain["test"]["log_loss"] == found["raw"]["log_loss"]
    assert plain["confidence"]["raw"]["brier"] == plain["test"]["brier"]
    assert found["sets"]["coverage"]["value"] >= found["sets"]["strict"]["value"]
    assert set(found["subsets"]) == {"left", "right", "left+right"}
    assert sum(one["n"] for one in found["reliability"]["calibrated"]) == run.metrics["kind"]["test"]["accuracy"]["n"]
    assert found["risk"]["curve"][-1] == [1.0, pytest.approx(1 - run.metrics["kind"]["test"]["accuracy"]["value"])]


def test_slices_are_those_of_calibrated_answers(made):
    run = made(calibration="isotonic")
    draft = run.draft
    lacks = ~np.asarray(draft.embeddings.present["right"], dtype=bool)
    missing = next(one for one in run.metrics["kind"]["slices"] if one["value"] == "missing")
    target = draft.targets["kind"]
    rows = target.labelled_rows((draft.samples.split == "test") & lacks)
    logits = infer(draft.pipeline.net, draft.embeddings.values, draft.embeddings.present, rows=rows)[1]["kind"]
    right = run.app.confidence.calibrated("kind", logits, [("left",)] * len(rows))
    score = target.task.scores(right, target.values[rows])[target.task.metric]
    assert missing["score"]["value"] == pytest.approx(score(np.arange(len(rows))))


def test_folds_align_anew_without_the_rows_they_answer(monkeypatch, tmp_path):
    seen = []
    real = confiding.gather_evidence
    monkeypatch.setattr(confiding, "gather_evidence", lambda *words, **more: seen.append(words) or real(*words, **more))
    monkeypatch.setattr(fitting, "_write", lambda draft, *rest: seen.append(draft))
    monkeypatch.setattr(fitting, "load", lambda *words, **more: None)
    more = {"align": {"type": "cca", "dim": 3}, "tasks": {"kind": application()["tasks"]["kind"]}}
    described = {**application(source="folds", folds=3), **more, "training": {"epochs": 1}}
    mmsdk.fit(described, table(120), tmp_path / "run", quiet=True)
    *folds, _validated, draft = seen
    own = draft.embeddings.values["left"]
    assert len(folds) == 3
    for net, embeddings, held, _ in folds:
        assert net is not draft.pipeline.net
        assert not np.allclose(embeddings.values["left"][held], own[held])
    np.testing.assert_array_equal(draft.pipeline.aligned(draft.alignment.before).values["left"], own)


@pytest.mark.parametrize("how", ["aps", "raps"])
def test_sets_that_only_a_classification_has_are_refused_where_there_is_none(tmp_path, how):
    described = application(sets=how)
    described["tasks"] = {name: described["tasks"][name] for name in ("tags", "size")}
    with pytest.raises(mmsdk.ConfigError, match=f"confidence.sets is {how}: .* no task is one; .* leave the key out"):
        mmsdk.fit(described, table(60), tmp_path / "run", quiet=True)


def test_a_task_that_one_group_alone_labels_is_not_calibrated_by_heads_that_never_met_it(tmp_path):
    rows = [{**row, "size": row["size"] if row["person"] == "p1" else None} for row in table(120)]
    described = {**application(source="folds", folds=3), "split": {"group": "person", "validation": 0, "test": 0}}
    with mmsdk.fit({**described, "training": {"epochs": 1}}, rows, tmp_path / "run", quiet=True) as app:
        told = [one for one in app.confidence.notes if "do not calibrate" in one]
        answer = app.predict(asked()[:1])[0].outputs["size"]
    assert told == [
        "size: 6 labelled rows do not calibrate: no label lies outside their fold, so the head that answered them had "
        "learned none"
    ]
    assert answer.prediction_set == (-np.inf, np.inf)


def test_folds_of_a_refitted_late_fusion_have_the_numbers_that_it_was_settled_to(monkeypatch, tmp_path):
    seen = []
    real = confiding.gather_evidence
    monkeypatch.setattr(confiding, "gather_evidence", lambda *words, **more: seen.append(words) or real(*words, **more))
    monkeypatch.setattr(fitting, "_write", lambda draft, *rest: seen.append(draft))
    monkeypatch.setattr(fitting, "load", lambda *words, **more: None)
    described = {
        **application(source="folds", folds=2),
        "tasks": {"kind": application()["tasks"]["kind"]},
        "fusion": {"type": "late", "dim": 16},
        "training": {"epochs": 2, "refit": True},
    }
    mmsdk.fit(described, table(120), tmp_path / "run", quiet=True)
    *folds, draft = seen
    own = settled_numbers(draft.pipeline.net)
    assert any(one.any() for one in own.values())
    for words in folds:
        found = settled_numbers(words[0])
        assert all(found[name].equal(one) for name, one in own.items())


def test_evaluate_scores_calibrated_answers(made):
    run = made(calibration="temperature")
    rows = table()
    found = mmsdk.evaluate(run.app, rows)
    for metric in ("log_loss", "brier", "ece", "accuracy"):
        expected = run.metrics["kind"]["test"][metric]["value"]
        assert found["kind"]["test"][metric]["value"] == pytest.approx(expected, abs=1e-6)


def test_evaluate_measures_the_promises_on_other_rows(made, capsys):
    """On the rows that the run held out they are those of metrics.json; on new ones, of these."""
    run = made(abstain={"below": 0.6}, by="site")
    found = mmsdk.evaluate(run.app, table())
    jsonschema.Draft202012Validator(metrics_schema()).validate(found)
    for task in ("kind", "tags", "size"):
        ours, theirs = found[task]["confidence"], run.metrics[task]["confidence"]
        assert set(ours) == set(theirs)
        for part in ("sets", "answered", "risk"):
            for metric, one in theirs.get(part, {}).items():
                if metric != "curve":
                    assert ours[part][metric]["value"] == pytest.approx(one["value"], abs=1e-6), (task, part, metric)
        assert set(ours["groups"]) == {"north", "south"}
    new = [{**row, "id": f"new {row['id']}"} for row in table(90, 5)]
    fresh = mmsdk.evaluate(run.app, new)["kind"]["confidence"]
    assert fresh["sets"]["coverage"]["n"] == 90
    assert 0 < fresh["answered"]["share"]["value"] < 1
    unsaid = mmsdk.evaluate(run.app, [{k: v for k, v in row.items() if k != "site"} for row in new])
    assert unsaid["kind"]["confidence"]["sets"]["size"]["value"] == 3  # of no site: everything
    print_metrics({"kind": {"test": {}, "confidence": fresh}}, {"kind": "accuracy"})
    said = capsys.readouterr().out
    assert f"sets hold the truth {fresh['sets']['coverage']['value']:.3f} [" in said
    assert "0.9 was promised" in said
    assert f"answered {fresh['answered']['share']['value']:.3f} [" in said


@pytest.mark.parametrize("method", ["temperature", "vector", "isotonic"])
def test_calibration_acts(made, method):
    assert made(calibration=method).app.confidence.tasks["kind"].method == method
    assert outputs(made(calibration=method)) != outputs(made(calibration="none"))
    assert outputs(made(calibration=method), "size") == outputs(made(calibration="none"), "size")


def test_coverage_and_sets_act(made):
    def size(**changed):
        return np.mean([len(one.prediction_set) for one in outputs(made(**changed))])

    assert size(coverage=0.6) < size(coverage=0.9) < size(coverage=0.99)
    assert size(sets="aps") != size(sets="lac")
    assert size(sets="raps") != size(sets="lac")
    assert {one.prediction_set for one in outputs(made(sets="none"))} == {()}
    narrow, wide = (outputs(made(coverage=one), "size")[0].prediction_set for one in (0.6, 0.9))
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_too_few_rows_for_the_level_leave_everything_in_and_say_so(made):
    run = made(coverage=0.999)
    assert {len(one.prediction_set) for one in outputs(run)} == {3}
    assert outputs(run, "size")[0].prediction_set == (-np.inf, np.inf)
    assert "needs 999 calibration rows" in run.metrics["kind"]["confidence"]["notes"][0]


def test_coverage_is_held_within_each_value_of_by(made):
    run = made(by="site")
    sizes = {
        site: np.mean(
            [len(one.prediction_set) for one, row in zip(outputs(run), asked(), strict=True) if row["site"] == site]
        )
        for site in ("north", "south")
    }
    assert sizes["south"] > sizes["north"] + 0.3
    assert set(run.metrics["kind"]["confidence"]["groups"]) == {"north", "south"}
    stranger = run.app.predict([{**asked()[0], "site": "east"}])[0].outputs["kind"]
    assert len(stranger.prediction_set) == 3
    assert len(run.app.predict([{"left": asked()[0]["left"]}])[0].outputs["kind"].prediction_set) == 3


def test_a_column_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(mmsdk.ConfigError, match="the table has no column 'city'"):
        mmsdk.fit(application(by="city"), table(60), tmp_path / "run", quiet=True)


def test_folds_calibrate_on_rows_that_were_learned_from(made):
    run = made(source="folds", folds=3)
    judge = run.app.confidence.tasks["kind"].judges["left",]
    assert judge.rows == pytest.approx(0.7 * N, abs=2)
    assert run.metrics["kind"]["confidence"]["source"] == "folds"
    assert outputs(run) != outputs(made(source="folds", folds=4))
    assert [one.value for one in outputs(run, "size")] == [one.value for one in outputs(made(), "size")]
    assert 0.8 < run.metrics["kind"]["confidence"]["sets"]["strict"]["value"] <= 1.0


@pytest.mark.parametrize("refit", [False, True])
def test_a_fit_says_which_rows_calibrate(made, monkeypatch, refit):
    said = []
    monkeypatch.setattr(confiding, "note", lambda text, quiet: said.append(text))
    training = {**application()["training"], "epochs": 1, "refit": refit}
    run = made({"training": training}, source="folds", folds=2)
    count = run.app.confidence.tasks["kind"].judges["left",].rows
    held = sum(run.draft.samples.split == "val")
    by = "training rows by 2 heads that did not learn from them"
    wanted = (
        f"calibrating on {count} {by}"
        if refit
        else f"calibrating on {count - held} {by}, and on {held} validation rows"
    )
    assert wanted in said


def test_auto_takes_folds_where_validation_is_small_or_learned_from(made):
    assert made(source="auto", folds=2).app.confidence.source == "folds"
    refit = made({"training": {**application()["training"], "epochs": 2, "refit": True}}, source="auto", folds=2)
    assert refit.app.confidence.source == "folds"
    assert refit.app.confidence.tasks["kind"].judges["left",].rows == pytest.approx(0.7 * N, abs=2)


def test_auto_takes_validation_rows_where_there_are_many(made, monkeypatch):
    monkeypatch.setattr("mmsdk.app.confiding.FEW_ROWS", 50)
    assert made(source="auto", folds=4).app.confidence.source == "validation"
    split = SplitConfig(validation=0.3, test=0.3, group="person")
    draft = made().draft
    grouped = dataclasses.replace(draft, application=draft.application.model_copy(update={"split": split}))
    assert fitting.confide(grouped).source == "validation"
    monkeypatch.setattr("mmsdk.app.confiding.FEW_GROUPS", 1000)
    block = ConfidenceConfig(folds=2)
    few = grouped.application.model_copy(update={"confidence": block})
    assert fitting.confide(dataclasses.replace(grouped, application=few)).source == "folds"


def by_time(made, *, refit=False, **block):
    """Return the draft of the run as if it were split by time."""
    draft = made({"training": {**application()["training"], "epochs": 2, "refit": refit}}, source="auto", folds=2).draft
    changed = {"split": SplitConfig(validation=0.3, test=0.3, time="id"), "confidence": ConfidenceConfig(**block)}
    return dataclasses.replace(draft, application=draft.application.model_copy(update=changed))


def test_by_time_no_head_learns_from_rows_newer_than_those_it_answers(made, monkeypatch):
    """Few validation rows calibrate all the same; those that a refit learned from do by a head without them."""
    heads = []
    plain = confiding._head_without
    monkeypatch.setattr(confiding, "_head_without", lambda draft, held: heads.append(held) or plain(draft, held))
    held = int(sum(made().draft.samples.split == "val"))
    draft = by_time(made)
    heads.clear()
    found = fitting.confide(draft)
    assert (found.source, found.tasks["kind"].judges["left",].rows) == ("validation", held)
    assert not heads
    draft = by_time(made, refit=True)
    heads.clear()
    found = fitting.confide(draft)
    assert (found.source, found.tasks["kind"].judges["left",].rows) == ("folds", held)
    assert [set(draft.samples.split[one]) for one in heads] == [{"val"}]


def test_by_time_folds_are_refused_and_no_message_names_them(made):
    with pytest.raises(
        mmsdk.ConfigError, match=r"rows newer than those they calibrate on.*leave confidence\.source out"
    ):
        confiding.check_confidence(by_time(made, source="folds"))
    with pytest.raises(mmsdk.ConfigError, match=r"they cannot calibrate; leave confidence\.source out"):
        confiding.check_confidence(by_time(made, refit=True, source="validation"))
    none = by_time(made)
    split = np.where(none.samples.split == "val", "test", none.samples.split)
    assert fitting.confide(dataclasses.replace(none, samples=dataclasses.replace(none.samples, split=split))) is None


def test_validation_rows_that_are_learned_from_or_absent_cannot_calibrate(tmp_path, monkeypatch):
    monkeypatch.setattr(fitting, "learn", None)  # it is said before anything is learned
    refit = {**application(), "training": {"refit": True}}
    with pytest.raises(mmsdk.ConfigError, match="learns from the validation rows"):
        mmsdk.fit(refit, table(60), tmp_path / "run", quiet=True)
    none = {**application(), "split": {"validation": 0.0, "test": 0.3}}
    with pytest.raises(mmsdk.ConfigError, match="no validation row has a label"):
        mmsdk.fit(none, table(60), tmp_path / "run", quiet=True)


def test_one_group_alone_is_not_calibrated(tmp_path, capsys):
    rows = [{**row, "person": "p"} for row in table(60)]
    app = mmsdk.fit(
        {**application(source="auto"), "split": {"group": "person", "validation": 0.0, "test": 0.0}},
        rows,
        tmp_path / "run",
    )
    assert app.confidence is None
    assert app.predict(asked())[0].outputs["kind"].prediction_set == ()
    assert "no rows to calibrate on" in capsys.readouterr().err
    app.close()


def test_declining_below_a_confidence(made):
    plain, declining = made(), made(abstain={"below": 0.6})
    for before, after in zip(outputs(plain), outputs(declining), strict=True):
        assert after.abstained is (before.confidence < 0.6)
        assert after.value == (None if after.abstained else before.value)
        assert (after.confidence, after.probabilities, after.prediction_set) == (
            before.confidence,
            before.probabilities,
            before.prediction_set,
        )
    assert any(one.abstained for one in outputs(declining))
    assert all(one.outputs["size"].abstained is (not one.modalities_used) for one in declining.answers)
    found = declining.metrics["kind"]["confidence"]["answered"]
    assert found["share"]["value"] < 1
    assert found["error"]["value"] < 1 - plain.metrics["kind"]["test"]["accuracy"]["value"]


@pytest.mark.parametrize("rule", [{"below": 0.01}, {"coverage": 0.99}, {"novelty": 0.9999}])
def test_a_row_that_holds_nothing_is_declined_where_anything_is(made, rule):
    declining = made(abstain=rule)
    blind = [one for one in declining.answers if not one.modalities_used]
    assert len(blind) == 2
    for answer in blind:
        assert all(one.abstained and one.value is None for one in answer.outputs.values())
        assert answer.outputs["kind"].probabilities
        assert answer.outputs["kind"].prediction_set
    assert not all(one.abstained for one in outputs(declining))
    assert not any(one.abstained for one in outputs(made()))


def test_rows_that_hold_nothing_count_as_declined_among_the_test_rows(made):
    run, rows = made(abstain={"below": 0.01}), table()
    held = dict(zip((row["id"] for row in rows), run.draft.samples.split, strict=True))
    blank = [row["id"] for row in rows if held[row["id"]] == "test"][:9]
    hidden = np.isin(run.draft.samples.ids, blank)
    present = {name: here & ~hidden for name, here in run.draft.embeddings.present.items()}
    embeddings = dataclasses.replace(run.draft.embeddings, present=present)
    draft = dataclasses.replace(run.draft, embeddings=embeddings, confidence=run.app.confidence)
    found = fitting.measure_confidence(draft, Scoring(resamples=20))["kind"]["answered"]["share"]
    assert found["value"] == pytest.approx(1 - 9 / sum(draft.samples.split == "test"))


def test_declining_for_a_share_and_for_an_error(made):
    share = made(abstain={"coverage": 0.5}).metrics["kind"]["confidence"]["answered"]["share"]
    assert share["value"] == pytest.approx(0.5, abs=0.13)
    error = 1 - made().metrics["kind"]["test"]["accuracy"]["value"]
    judges = [made(abstain={"error": one * error}).app.confidence.tasks["kind"].judges for one in (1.6, 0.8)]
    assert judges[0]["left", "right"].floor < judges[1]["left", "right"].floor
    never = made(abstain={"error": 0.001})
    assert all(one.abstained for one in outputs(never))
    assert any("no threshold keeps the error" in one for one in never.metrics["kind"]["confidence"]["notes"])


def test_rows_of_another_kind_are_novel_and_may_be_declined(made):
    run, declining = made(), made(abstain={"novelty": 0.97})
    random = np.random.default_rng(3)
    strange = [
        {"left": (40 * random.normal(size=4)).tolist(), "right": (-40 * random.normal(size=4)).tolist()}
        for _ in range(60)
    ]
    novelty = np.array([one.outputs["kind"].novelty for one in run.app.predict(strange)])
    usual = np.array([one.novelty for one in outputs(run)[:60]])
    assert np.mean(usual[:, None] < novelty[None, :]) > 0.65
    for one in declining.app.predict(strange):
        assert one.outputs["size"].abstained is (one.outputs["size"].novelty > 0.97)
    assert any(one.outputs["kind"].abstained for one in declining.app.predict(strange))
    assert {one.novelty for one in outputs(made(novelty=False))} == {None}


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ({"below": 0.5, "error": 0.1}, "one of `below`, `error` and `coverage`"),
        ({}, "should set `below`"),
    ],
)
def test_contradictions_are_refused(block, said):
    with pytest.raises(mmsdk.ConfigError, match=said):
        mmsdk.config.load_application(application(abstain=block))


def test_predictions_are_written_with_their_sets(made):
    written = pa_parquet.read_table(made().out / "predictions.parquet")
    assert {"kind_set", "tags_set", "size_set"} <= set(written.column_names)
    first = written.to_pylist()[0]
    assert first["kind"] in first["kind_set"].split("|")
    bare = prediction_table(["a"], made(sets="none").answers[:1], "id")
    assert "kind_set" not in bare.column_names


def test_predictions_tell_what_a_row_was_answered_from_and_how_novel_it_is(made):
    app = made().app
    whole, left = app.predict([table(2)[1], {"id": "r", "left": [1.0] * 4}])
    written = prediction_table(["a", "b"], [whole, left], "id")
    assert written.column_names[-2:] == ["inputs", "novelty"]
    assert written["inputs"].to_pylist() == ["left|right", "left"]
    assert written["novelty"].to_pylist() == [one.outputs["kind"].novelty for one in (whole, left)]
    assert written["novelty"].null_count == 0


def test_their_names_take_no_other_column(made):
    names = ("inputs", "novelty", "novelty_")
    answer = mmsdk.Prediction(
        outputs={name: mmsdk.Output(value=f"of {name}") for name in names}, modalities_used=("x",)
    )
    (row,) = prediction_table(["a"], [answer], "id").to_pylist()
    assert [row[name] for name in names] == ["of inputs", "of novelty", "of novelty_"]
    assert list(row)[-2:] == ["inputs_", "novelty__"]
    assert (row["inputs_"], row["novelty__"]) == ("x", None)


def test_the_page_shows_what_the_promises_came_to(made):
    run = made(calibration="temperature")
    data = SimpleNamespace(metrics=run.metrics)
    html = confidence_panel(data, "kind")
    found = run.metrics["kind"]["confidence"]
    for one in (
        found["raw"]["ece"],
        found["sets"]["coverage"],
        found["subsets"]["left"]["size"],
        found["risk"]["aurc"],
    ):
        assert f"{one['value']:.3f} [{one['low']:.3f}, {one['high']:.3f}]" in html
    assert html.count("<svg") == 1
    assert "<svg" not in confidence_panel(data, "size")
    assert confidence_panel(SimpleNamespace(metrics={"kind": {}}), "kind") == ""
    hostile = {**found, "notes": ["<b>"]}
    assert "<b>" not in confidence_panel(SimpleNamespace(metrics={"kind": {"confidence": hostile}}), "kind")
