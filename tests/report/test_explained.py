"""The page of an explanation: every kind of part is drawn in its place, and text stays text."""

from __future__ import annotations

import re

import pytest

from mmsdk.explain import Attention, Deletion, Evidence, Explanation, Piece, Share
from mmsdk.report import Picture, render_explanation
from mmsdk.report.explained import number


def piece(kind, place, value, name="part", lane=""):
    return Piece(name=name, kind=kind, place=place, value=value, lane=lane)


def evidence(name, *pieces, **more):
    return Evidence(input=name, modality="any", method="occlusion", unit="probability", pieces=pieces, **more)


TWO = (Share(input="words", modality="text", value=0.6), Share(input="photo", modality="image", value=-0.1))
THREE = (*TWO, Share(input="price", modality="number", value=0.0))


def page(**changed):
    found = {
        "id": "<7>",
        "task": "kind",
        "answer": "lamp",
        "label": "lamp",
        "unit": "probability",
        "score": 0.75,
        "base": 0.25,
        "exact": True,
        "shares": TWO,
        "output": {"probabilities": {"lamp": 0.75, "<rug>": 0.2}, "abstained": False},
        **changed,
    }
    shown = {
        one.input: Picture(title=one.input, image="data:image/png;base64,AA==")
        for one in (*found["shares"], *found.get("evidence", ()))
    }
    card = Picture(title="12", caption="a <b>lamp</b>", note="lamp, cosine 0.90")
    return render_explanation(Explanation(**found), title="shop <&>", shown=shown, neighbours=[card], prototypes=[card])


def test_shares_point_to_their_side_and_are_as_long_as_they_are_worth():
    bars = re.findall(r'class="track (for|against)"><i class="b" style="width: ([\d.]+)%"', page())
    assert bars == [("for", "50.0"), ("against", "8.3")]


def test_nothing_of_the_data_becomes_markup():
    html = page(evidence=(evidence("words", piece("words", (3, 9), 1.0, name="<script>"), text="ab <x&y>z end"),))
    assert "<script" not in html
    assert "ab <mark" in html
    assert "&lt;x&amp;y&gt;" in html
    assert "row &lt;7&gt;" in html
    assert "a &lt;b&gt;lamp" in html
    assert html.count("http") == 0  # no network


def test_words_keep_what_stands_between_them():
    pieces = (piece("words", (0, 3), 0.5), piece("words", (5, 8), -0.25))
    html = page(evidence=(evidence("words", *pieces, text="red, oak."),))
    (text,) = re.findall(r'<div class="text">(.*?)</div>', html)
    assert re.sub("<[^>]*>", "", text) == "red, oak."
    assert re.findall(r"var\(--(for|against)\) (\d+)%, transparent\)\"", text) == [("for", "70"), ("against", "35")]


def test_patches_and_spans_lie_where_they_are():
    box = piece("box", (0.25, 0.5, 0.5, 1.0), 0.5)
    spans = (piece("seconds", (0.0, 1.0), 0.5, lane="picture"), piece("seconds", (1.0, 4.0), -0.5, lane="sound"))
    html = page(evidence=(evidence("photo", box), evidence("clip", *spans, seconds=4.0)))
    assert "left: 25.00%; top: 50.00%; width: 25.00%; height: 50.00%" in html
    assert "left: 0.00%; width: 25.00%; height: 50.0%; bottom: 50%; background: var(--for)" in html
    assert "left: 25.00%; width: 75.00%; height: 50.0%; top: 50%; background: var(--against)" in html
    assert "4.00 s" in html


def test_many_columns_are_cut_at_those_that_matter():
    pieces = [piece("column", (n, n + 1), n / 100, name=f"column {n}") for n in range(30)]
    html = page(evidence=(evidence("record", *pieces),))
    assert "column 29" in html
    assert "column 2<" not in html
    assert "and 6 that matter less" in html


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"deleted": Deletion(pieces=1, named=0.5, random=0.1)}, "falls by 0.500, where another does by 0.100"),
        ({"randomised": 0.125, "shares": THREE}, "the ranking would be like this one to 0.12"),
        ({"exact": False}, "Sampled Shapley values"),
        ({"output": {"abstained": True, "probabilities": {}}}, "declined to answer"),
        ({"output": {"rules": ["spo2"], "probabilities": {}, "abstained": False}}, "A rule changed the answer to lamp"),
        ({"output": {"novelty": 0.97, "probabilities": {}, "abstained": False}}, "novelty"),
        ({"output": {"prediction_set": ["a", "b"], "probabilities": {}, "abstained": False}}, "a, b"),
        ({"attention": (Attention(name="gate", weights={"photo": 0.75}),)}, "It is no evidence"),
        ({"label": None, "unit": "number", "score": 1234.5}, "kind: 1234"),
    ],
)
def test_what_an_explanation_says_stands_on_the_page(changed, said):
    assert said in page(**changed)
    assert said not in page()


def test_of_two_inputs_one_row_does_not_say_whether_random_weights_agree():
    """Each network ranks two inputs alike or not: 1.00 would be said of every eighth row of a good explanation."""
    assert "the ranking would be like this one" not in page(randomised=1.0)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"answer": ("a", "b"), "label": "a"}, "A rule changed the answer to a, b: first."),
        ({"answer": (), "label": "a"}, "A rule changed the answer to nothing: first."),
        ({"answer": None, "label": "rug"}, "A rule changed the answer to rug: first."),
        ({"answer": 12.34567, "label": None, "unit": "number"}, "A rule changed the answer to 12.35: first."),
        ({"output": {"rules": ("first", "<other>")}}, "Rules changed the answer to lamp: first, &lt;other&gt;."),
    ],
)
def test_a_ruled_answer_of_any_kind_is_in_words(changed, said):
    assert said in page(**{"output": {"rules": ("first",)}, **changed})


def test_numbers_have_three_figures():
    assert [number(one) for one in (0.75, 0.0012, 0.0, 12345.6)] == ["0.750", "0.0012", "0.000", "1.235e+04"]
    assert number(0.5, signed=True) == "+0.500"
