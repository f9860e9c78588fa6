"""The page and the card hold what they are given, and nothing of it becomes markup."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest

from mmsdk.audit import Finding
from mmsdk.report import Example, MapPoints, Picture, ReportData, render_card, render_report
from mmsdk.report.charts import curves
from mmsdk.report.intervals import intervals

NASTY = "<script>alert(1)</script> | $\\foo$ _x"


def score(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.05, "high": value + 0.05, "n": 40}


def data(**changes) -> ReportData:
    rng = np.random.default_rng(0)
    metrics = {
        "label": {
            "test": {"accuracy": score(0.8)},
            "val": {"accuracy": score(0.7)},
            "baselines": {"majority": {"accuracy": score(0.5)}, NASTY: {"accuracy": score(0.6)}},
            "subsets": {"photo": {"accuracy": score(0.6)}, "photo+text": {"accuracy": score(0.8)}},
            "paired": {"majority": {"accuracy": score(0.3)}, NASTY: {"accuracy": score(0.2)}},
        }
    }
    given = {
        "title": NASTY,
        "synthetic": False,
        "command": "mmsdk fit app.yaml",
        "run": {},
        "metrics": metrics,
        "headline": {"label": "accuracy"},
        "history": [{"epoch": epoch, "loss": 1 / epoch, "val/score": 0.1 * epoch} for epoch in (1, 2, 3)],
        "facts": {"rows": NASTY},
        "points": MapPoints(xy=rng.normal(size=(30, 2)), labels=[NASTY, "_hidden", "c"] * 10, explained=0.5),
        "examples": [Example(title=NASTY, asked=[Picture(title=NASTY)], answers=[Picture(title="b", note=NASTY)])],
        "findings": [Finding(severity="warning", code="x", title=NASTY, detail=NASTY)],
    }
    return ReportData(**{**given, **changes})


@pytest.mark.parametrize("render", [render_report, render_card])
def test_what_users_wrote_is_never_markup(render):
    assert "<script>" not in render(data())


@pytest.mark.parametrize(
    ("value", "word", "by", "sure"),
    [
        (0.2, "Ahead of", "0.200 [0.150, 0.250]", "more than chance"),
        (-0.2, "Behind", "0.200 [0.150, 0.250]", "more than chance"),
        (-0.02, "Behind", "0.020 [-0.030, 0.070]", "these rows cannot tell the two apart"),
    ],
)
def test_a_run_behind_its_best_baseline_is_said_to_be_behind(value, word, by, sure):
    scored = {"test": {"accuracy": score(0.8)}, "baselines": {"majority": {"accuracy": score(0.5)}}}
    given = data(metrics={"label": {**scored, "paired": {"majority": {"accuracy": score(value)}}}})
    page = f"{word} the best baseline (majority) by <strong>{by}</strong> on the same rows: {sure}."
    assert page in render_report(given)
    assert f"{word} the best baseline (majority) by {by} on the same rows." in render_card(given)


def test_labels_are_drawn_as_they_stand():
    page = render_report(data())
    assert "_hidden" in page
    assert "$\\foo$" in page


def test_labels_of_any_script_are_drawn():
    metrics = {"label": {"test": {"accuracy": score(0.8)}, "baselines": {"列 𝌆": {"accuracy": score(0.5)}}}}
    assert render_report(data(metrics=metrics)).count("列 𝌆") >= 2  # in the table and in the chart


def test_intervals_are_laid_out_by_the_page_and_never_scroll():
    drawn = intervals({"ours": score(0.8), "列 <b>": score(0.5), "alone": {"value": 0.7}}, "accuracy", "ours")
    assert drawn.count('class="ours"') == 1
    assert '<div class="ours"><span>ours</span>' in drawn
    assert "列 &lt;b&gt;</span>" in drawn
    assert "<svg" not in drawn, "an SVG keeps its width, and this run would lie beyond the edge of a telephone"
    dots = [float(place) for place in re.findall(r'<em style="left:([\d.]+)%"', drawn)]
    assert dots[0] > dots[2] > dots[1]
    (low, high) = re.findall(r'<u style="left:([\d.]+)%;right:calc\(100% - ([\d.]+)%\)"', drawn)[0]
    assert float(low) < dots[0] < float(high) < 100
    ticks = [float(tick) for tick in re.findall(r"<b [^>]*>([\d.]+)</b>", drawn)]
    assert len(ticks) > 2
    assert min(ticks) >= 0.4
    assert max(ticks) <= 0.9
    assert '<div class="wide"><div class="intervals"' not in render_report(data())


def test_every_drawing_scrolls_by_itself_and_never_moves_the_page():
    one = {"confidence": 0.5, "value": 0.5, "low": 0.4, "high": 0.6, "n": 9}
    sure = {
        "method": "temperature",
        "rows": 9,
        "source": "folds",
        "notes": [],
        "reliability": {"raw": [one], "calibrated": [one]},
        "risk": {"curve": [[0.5, 0.1], [1.0, 0.2]], "aurc": score(0.1)},
    }
    metrics = {"label": {"test": {"accuracy": score(0.8)}, "baselines": {}, "confidence": sure}}
    page = render_report(data(metrics=metrics))
    assert "risk against coverage, of label" in page
    assert page.count("<svg") == page.count('<div class="wide"><svg') == 3


def test_the_three_scores_of_a_ranking_say_what_they_are_of():
    one = {
        "test": {"recall@20": score(0.3)},
        "baselines": {},
        "subsets": {"a": {"recall@20": score(0.2)}, "a+b": {"recall@20": score(0.3)}},
    }
    names = ("recommend", "recommend_over_time", "recommend_next")
    page = render_report(data(metrics=dict.fromkeys(names, one), headline=dict.fromkeys(names, "recall@20")))
    for words in ("of each user are held out", "after one moment is hidden", "last item of each user is hidden"):
        assert page.count(words) == 1
    assert "these inputs of the items; who took what it always knows." in page
    plain = render_report(data(metrics={"recommend": data().metrics["label"]}, headline={"recommend": "accuracy"}))
    assert "held out" not in plain, "a task of that name that ranks nothing"
    assert "given only these inputs.</p>" in plain


def test_a_table_of_the_card_ends_where_a_sentence_begins():
    lines = render_card(data()).splitlines()
    after = [one for before, one in pairwise(lines) if before.startswith("|")]
    assert after
    assert not [one for one in after if one and not one.startswith("|")]
    recall = {"recall@20": score(0.3)}
    one = {"test": recall, "baselines": {}, "subsets": {"a": recall, "a+b": recall}}
    card = render_card(data(metrics={"recommend_next": one}, headline={"recommend_next": "recall@20"}))
    assert "The last item of each user is hidden" in card
    assert "of the items; who took what it always knows (`recall@20`):" in card


def of_inputs(count: int) -> dict[str, object]:
    """Return the metrics of a task with every subset of so many inputs."""
    names = "abcdefgh"[:count]
    subsets = ["+".join(one) for size in range(1, count + 1) for one in combinations(names, size)]
    scored = {"accuracy": score(0.8)}
    added = {one: {"+".join(names.replace(one, "")): {"accuracy": score(0.1)}} for one in names}
    return {"label": {"test": scored, "baselines": {}, "subsets": dict.fromkeys(subsets, scored), "added": added}}


def test_of_many_inputs_the_subsets_that_say_most_are_drawn_and_the_others_folded():
    page, card = render_report(data(metrics=of_inputs(5))), render_card(data(metrics=of_inputs(5)))
    drawn, folded = page.split("<details>")
    folded = folded.split("</details>")[0]
    for name in ("c", "all but c", "all together"):
        assert f"<span>{name}</span>" in drawn
        assert f"<span>{name}</span>" not in folded
        assert f"| {name} |" in card
    assert '<div class="ours"><span>all together</span>' in drawn
    assert "<summary>20 other subsets</summary>" in folded
    assert "<span>a+b+d</span>" in folded
    assert "a+b+d" not in card
    assert "20 other subsets: report.html" in card
    assert "<td>all others</td>" in page


def test_of_few_inputs_every_subset_is_drawn():
    page, card = render_report(data(metrics=of_inputs(4))), render_card(data(metrics=of_inputs(4)))
    assert "<details>" not in page
    assert '<div class="ours"><span>a+b+c+d</span>' in page
    assert "<span>a+b+d</span>" in page
    assert "| a+b+d |" in card
    assert "other subsets" not in card
    assert "<td>b+c+d</td>" in page


def test_the_data_stands_before_the_figures_where_it_holds_a_warning():
    fine = Finding(severity="ok", code="x", title="all is well")
    warned = render_report(data(findings=[fine, Finding(severity="warning", code="y", title="a leak")]))
    assert warned.index("a leak") < warned.index("all is well") < warned.index("What each input is worth")
    calm = render_report(data(findings=[fine]))
    assert calm.index("all is well") > calm.index("What each input is worth")
    assert calm.count("<h2>The data</h2>") == warned.count("<h2>The data</h2>") == 1


def test_examples_say_whether_they_are_recommended_or_near():
    example = data().examples[0]
    near, recommended = (render_report(data(examples=[replace(example, recommended=one)])) for one in (False, True))
    assert "↓ nearest" in near
    assert "↓ recommended" in recommended


def test_the_learning_rate_is_no_curve_beside_the_scores():
    history = [{"epoch": n, "loss": 1 / n, "val/score": 0.1 * n, "learning_rate": 0.001} for n in (1, 2, 3)]
    drawn = curves(history)
    assert "val/score" in drawn
    assert "learning_rate" not in drawn


def test_one_score_without_an_interval_has_a_scale():
    assert 'style="left:50.00%"' in intervals({"a": {"value": 0.5}}, "accuracy", "a")


def test_the_page_needs_no_network():
    page = render_report(data())
    for word in ("http://", "https://", 'src="//', "@import", "url("):
        found = page.replace("http://www.w3.org/", "")
        assert word not in found.replace("url(#", "(#"), word


def test_figures_stand_with_their_intervals_and_the_hardest_baseline():
    page, card = render_report(data()), render_card(data())
    for text in (page, card):
        assert "0.800 [0.750, 0.850]" in text
        assert "0.200 [0.150, 0.250]" in text
        assert "0.300 [0.250, 0.350]" not in text


def test_synthetic_data_is_said_to_be():
    for render in (render_report, render_card):
        assert "synthetic" in render(data(synthetic=True))
        assert "synthetic" not in render(data())


def test_the_same_figures_give_the_same_bytes():
    assert render_report(data()) == render_report(data())
